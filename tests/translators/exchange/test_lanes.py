"""Which lane a request takes, and what each lane leaves alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from translators import exchange
from translators.canonical import REMOVED, Patch, Reason, Request, UpstreamError, edited
from translators.formats import RenderContext, Tally, Wire, ollama_chat, openai_chat, openai_responses

CHAT, RESPONSES = openai_chat.CLIENT, openai_responses.CLIENT
BODY = (
    b'{ "model" : "gpt-4o", "messages": [{"role":"user","content":"say \\"model\\": x"}], "vendor": {"k": [1, 2.50]} }'
)


def parsed(raw: bytes = BODY) -> Request:
    return CHAT.parse_request(json.loads(raw), raw)


def unamended(wire: Wire) -> Wire:
    return wire


def rendered(request: Request, model: str = "gpt-4o", *, ask_usage: bool = True, amend: Any = unamended) -> bytes:
    chosen = exchange.choose(CHAT, openai_chat.PROVIDER, request, "openai")
    return chosen.render_request(request, model, amend, ask_usage=ask_usage).data


def context(request: Request, **fields: Any) -> RenderContext:
    return RenderContext(request=request, new_id=lambda prefix: f"{prefix}1", created=7, **fields)


def test_the_lane_follows_the_formats_and_the_edits() -> None:
    request = parsed()
    changed = edited(request, Patch("/temperature", 0.5))
    lanes = [
        exchange.choose(CHAT, openai_chat.PROVIDER, request, "openai").lane,
        exchange.choose(CHAT, openai_chat.PROVIDER, changed, "openai").lane,
        exchange.choose(CHAT, openai_responses.PROVIDER, request, "openai").lane,
        exchange.choose(CHAT, ollama_chat.PROVIDER, request, "ollama").lane,
        exchange.choose(CHAT, openai_chat.PROVIDER, Request(messages=()), "openai").lane,
    ]
    assert lanes == ["verbatim", "patched", "translated", "translated", "translated"]


def test_an_untouched_request_keeps_every_byte() -> None:
    assert rendered(parsed()) == BODY


def test_only_the_models_name_is_spliced_in() -> None:
    assert rendered(parsed(), "mini") == BODY.replace(b'"gpt-4o"', b'"mini"')


def test_a_models_name_that_cannot_be_found_safely_is_set_in_the_parsed_body() -> None:
    raw = b'{"metadata":{"model":"gpt-4o"},"messages":[{"role":"user","content":"x"}],"model":"gpt-4o"}'
    sent = json.loads(rendered(parsed(raw), "mini"))
    assert (sent["model"], sent["metadata"]) == ("mini", {"model": "gpt-4o"})


def test_a_name_with_escapes_is_not_cut_in_the_middle() -> None:
    raw = b'{"model":"a\\u0062","messages":[{"role":"user","content":"x"}]}'
    assert json.loads(rendered(parsed(raw), "mini"))["model"] == "mini"


def test_a_stream_asks_for_usage_and_changes_nothing_else() -> None:
    raw = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"x"}]}  '
    assert rendered(parsed(raw)) == raw.rstrip()[:-1] + b',"stream_options":{"include_usage":true}}'
    assert rendered(parsed(raw), ask_usage=False) == raw


def test_stream_options_of_the_client_are_kept_beside_the_usage_option() -> None:
    raw = b'{"model":"m","stream":true,"stream_options":{"x":1},"messages":[{"role":"user","content":"x"}]}'
    assert json.loads(rendered(parsed(raw)))["stream_options"] == {"x": 1, "include_usage": True}


def test_a_providers_amendment_reaches_the_wire() -> None:
    sent = rendered(parsed(), amend=lambda wire: {**wire, "top_k": 1})
    assert json.loads(sent)["top_k"] == 1


def test_patches_change_their_members_and_nothing_unknown_is_lost() -> None:
    request = edited(parsed(), Patch("/messages/0/content", "[redacted]"))
    request = edited(request, Patch("/reasoning/effort", "low"))
    sent = json.loads(rendered(edited(request, Patch("/vendor/k", REMOVED))))
    assert sent["messages"] == [{"role": "user", "content": "[redacted]"}]
    assert sent["reasoning"] == {"effort": "low"}
    assert sent["vendor"] == {}


def test_patches_leave_the_source_as_it_was() -> None:
    body = {"a": {"b": [1, {"c": 2}]}, "x/y": 1, "m~n": 2}
    before = json.dumps(body)
    changed = exchange.apply_patches(
        body, [Patch("/a/b/1/c", 3), Patch("/a/b/0", REMOVED), Patch("/x~1y", 9), Patch("/m~0n", REMOVED)]
    )
    assert changed == {"a": {"b": [{"c": 3}]}, "x/y": 9}
    assert json.dumps(body) == before


ANSWER = b'{"id":"chatcmpl-1", "object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"vendor":1}'


def test_a_same_format_answer_passes_byte_for_byte_and_is_counted() -> None:
    request, tally = parsed(), Tally()
    chosen = exchange.choose(CHAT, openai_chat.PROVIDER, request, "openai")
    assert chosen.render_response(ANSWER, context(request), tally) == ANSWER
    assert tally.usage is not None
    assert (tally.usage.input, tally.usage.output, tally.finishes, tally.response_model) == (3, 2, ["stop"], "m")


@pytest.mark.parametrize(
    ("raw", "failure"),
    [
        (b"<html>", "bad_json"),
        (b"", "bad_json"),
        (b"[]", "bad_shape"),
        (b"{}", "bad_shape"),
        (b'{"a":"\xff"}', "bad_utf8"),
    ],
)
def test_an_answer_that_is_none_is_named_precisely(raw: bytes, failure: str) -> None:
    request = parsed()
    for provider in (openai_chat.PROVIDER, openai_responses.PROVIDER, ollama_chat.PROVIDER):
        chosen = exchange.choose(CHAT, provider, request, "p")
        with pytest.raises(UpstreamError) as refused:
            chosen.render_response(raw, context(request), Tally())
        assert refused.value.failure == failure


def test_a_whole_answer_to_a_stream_becomes_one_valid_stream() -> None:
    request = parsed(b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}')
    tally = Tally()
    response = openai_chat.PROVIDER.parse_response(json.loads(ANSWER), "openai")
    stream = exchange.render_whole_as_stream(CHAT, response, context(request), tally)
    assert stream.endswith(b"data: [DONE]\n\n")
    again = exchange.fold_stream(openai_chat.PROVIDER, "openai", stream)
    assert again.choices[0].message.blocks[0].text == "hi"
    assert tally.content


def test_missing_usage_is_estimated_for_the_client_that_asked() -> None:
    from translators.canonical import Usage

    request = RESPONSES.parse_request({"model": "m", "input": "x", "stream": True}, b"")
    figures = context(request, estimate=lambda tally: Usage(input=9, output=tally.output_chars, source="estimated"))
    relay = exchange.choose(RESPONSES, openai_chat.PROVIDER, request, "p").open_stream(figures)
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    for delta, finish in (({"role": "assistant", "content": "four"}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        relay.feed(b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n")
    out = relay.feed(b"data: [DONE]\n\n") + relay.close()
    assert b'"input_tokens":9' in out
    assert b'"output_tokens":4' in out
    assert relay.tally.usage is not None
    assert relay.tally.usage.source == "estimated"


def test_a_whole_answer_is_noted_as_the_stream_it_would_be() -> None:
    from translators.canonical import unfold

    calls = json.loads(ANSWER)
    function = {"name": "f", "arguments": '{"a":1}'}
    calls["choices"][0]["message"]["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    calls["choices"][0]["finish_reason"] = "tool_calls"
    response = openai_chat.PROVIDER.parse_response(calls, "openai")
    whole, streamed = Tally(), Tally()
    exchange.observe_whole(whole, response)
    exchange.observe(streamed, unfold(response))
    streamed.chunks = 0
    assert whole == streamed
    assert (whole.tool_calls, whole.output_chars) == (1, len("hi") + len('{"a":1}'))


@pytest.mark.parametrize("lane", ["verbatim", "patched", "translated"])
def test_a_body_nested_too_deeply_to_be_written_is_refused_in_plain_words(lane: str) -> None:
    deep: dict[str, object] = {}
    for _ in range(300):
        deep = {"a": deep}
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    request = CHAT.parse_request(body, json.dumps(body).encode())
    if lane == "patched":
        request = edited(request, Patch("/user", "u"))
    provider = ollama_chat.PROVIDER if lane == "translated" else openai_chat.PROVIDER
    chosen = exchange.choose(CHAT, provider, request, "p")
    assert chosen.lane == lane
    with pytest.raises(UpstreamError, match="nested too deeply") as refused:
        chosen.render_request(request, "m", lambda wire: {**wire, "deep": deep}, ask_usage=False)
    assert refused.value.reason is Reason.UNSUPPORTED
