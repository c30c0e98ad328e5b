"""What is noted of an answer must not depend on the way it takes: the price hangs on the tier that served it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from translators import exchange
from translators.formats import ClientFormat, RenderContext, Tally, openai_chat, openai_responses

CHAT, RESPONSES = openai_chat.CLIENT, openai_responses.CLIENT
TIERS: dict[str, Any] = {"flex": "flex", "absent": None}

ASKED = {
    "openai_chat": b'{"model":"m","messages":[{"role":"user","content":"x"}]}',
    "openai_responses": b'{"model":"m","input":"x"}',
}


def chat_whole(tier: str | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": "hi", "refusal": None}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
    return {**head, "choices": [choice], "usage": usage, **({"service_tier": tier} if tier else {})}


def chat_stream(tier: str | None) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    head |= {"service_tier": tier} if tier else {}
    steps = [({"role": "assistant", "content": ""}, None), ({"content": "hi"}, None), ({}, "stop")]
    events = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": end}]} for delta, end in steps]
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"


def responses_whole(tier: str | None, status: str = "completed") -> dict[str, Any]:
    text = {"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}
    message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [text]}
    usage = {
        "input_tokens": 3,
        "output_tokens": 2,
        "total_tokens": 5,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    done = status == "completed"
    body = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status}
    body |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    body |= {"output": [message] if done else [], "usage": usage if done else None}
    return {**body, **({"service_tier": tier} if tier else {})}


def responses_stream(tier: str | None) -> bytes:
    """The opening event repeats what was asked for; only the last one knows the tier."""
    first = responses_whole("auto" if tier else None, "in_progress")
    item = responses_whole(tier)["output"][0]
    part = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": first},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "content": [], "status": "in_progress"},
        },
        {"type": "response.content_part.added", **part, "part": empty},
        {"type": "response.output_text.delta", **part, "delta": "hi", "logprobs": []},
        {"type": "response.output_text.done", **part, "text": "hi", "logprobs": []},
        {"type": "response.content_part.done", **part, "part": item["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": responses_whole(tier)},
    ]
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in numbered)


def ways() -> list[Any]:
    providers = {
        "chat": (openai_chat.PROVIDER, chat_whole, chat_stream),
        "responses": (openai_responses.PROVIDER, responses_whole, responses_stream),
    }
    return [
        pytest.param(client, *provider, id=f"{client.name} from {name}")
        for client in (CHAT, RESPONSES)
        for name, provider in providers.items()
    ]


def crossing(client: ClientFormat, provider: Any) -> tuple[exchange.Exchange, RenderContext]:
    raw = ASKED[client.name]
    request = client.parse_request(json.loads(raw), raw)
    context = RenderContext(request=request, new_id=lambda prefix: f"{prefix}1", created=7)
    return exchange.choose(client, provider, request, "openai"), context


@pytest.mark.parametrize("tier", TIERS.values(), ids=TIERS)
@pytest.mark.parametrize(("client", "provider", "whole", "stream"), ways())
def test_the_tier_that_served_is_noted_whole_and_streamed(
    client: ClientFormat, provider: Any, whole: Any, stream: Any, tier: str | None
) -> None:
    crossed, context = crossing(client, provider)
    tally = Tally()
    crossed.render_response(json.dumps(whole(tier)).encode(), context, tally)
    assert tally.service_tier == tier
    relay = crossed.open_stream(context)
    relay.feed(stream(tier))
    relay.close()
    assert relay.tally.service_tier == tier
