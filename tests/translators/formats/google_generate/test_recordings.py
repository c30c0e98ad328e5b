"""Every recorded answer of Google's says the same after it went through the format, however its bytes are split.

What it says is read in `recorded`, without the code under test: once in canonical form, once as each client dialect has it.
"""

import itertools
import json
from typing import Any

import pytest
from openai.types.responses import ResponseCodeInterpreterToolCall, ResponseFunctionWebSearch

from translators.canonical import (
    Finish,
    HostedItem,
    Media,
    Message,
    Reason,
    Reasoning,
    Request,
    Response,
    Text,
    ToolCall,
    UpstreamError,
    fold,
    unfold,
)
from translators.formats import RenderContext, openai_chat, openai_responses
from translators.formats.google_generate import PROVIDER

from . import recorded
from .recorded import ANSWERS, EXCHANGES, by_id

FAILED = {
    "vertex-gen-multimodal-tool-return-matrix-direct-binary-audio-go-0-82a10": "tool_use_failed",
    "vertex-gen-unary-failure-empty-content-0-84898": "bad_shape",
}
"""Answers of status 200 that are failures: a call that Google itself does not understand, and one without an end."""

SAID = [exchange for exchange in ANSWERS if exchange["id"] not in FAILED]
WHOLE = by_id([exchange for exchange in SAID if not exchange["stream"]])
STREAMS = by_id([exchange for exchange in SAID if exchange["stream"]])
ONE_END = by_id(
    [
        exchange
        for exchange in SAID
        if exchange["stream"] and sum("finishReason" in each for each in recorded.candidates(exchange)) == 1
    ]
)
REFUSALS = by_id([exchange for exchange in EXCHANGES if exchange["response"]["status"] != 200])

FINISHES = {
    "STOP": Finish.STOP,
    1: Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    2: Finish.LENGTH,
    "SAFETY": Finish.CONTENT_FILTER,
    "RECITATION": Finish.CONTENT_FILTER,
    "MODEL_ARMOR": Finish.CONTENT_FILTER,
    "OTHER": Finish.CONTENT_FILTER,  # in the recordings nothing is said before it
}
PLACES = {
    "call_signature": "functionCall",
    "text_signature": "text",
    "media_signature": "inlineData",
    "thought_signature": "empty",
}


def whole(exchange: dict) -> Response:
    return PROVIDER.parse_response(recorded.documents(exchange)[0], "google:m")


def streamed(data: bytes, step: int) -> list:
    parser = PROVIDER.stream_parser("google:m")
    chunks = [chunk for at in range(0, len(data), step) for chunk in parser.feed(data[at : at + step])]
    return chunks + parser.close()


def assert_says_the_same(response: Response, exchange: dict) -> None:
    blocks = response.choices[0].message.blocks
    said = recorded.parts(exchange)
    assert "".join(block.text for block in blocks if isinstance(block, Text)) == recorded.text(said)
    assert "".join("".join(b.summary) for b in blocks if isinstance(b, Reasoning)) == recorded.thoughts(said)
    made = [block for block in blocks if isinstance(block, ToolCall)]
    assert [(call.name, json.loads(call.arguments)) for call in made] == recorded.calls(said)
    assert len({call.id for call in made}) == len(made)
    given = [part["functionCall"]["id"] for part in said if "id" in part.get("functionCall", {})]
    assert [call.id for call in made if not call.id.startswith("call_")] == [
        id for id in given if not id.startswith("call_")
    ]
    assert_blobs_are_in_their_places(blocks, said)
    pictures = [(block.mime, block.data) for block in blocks if isinstance(block, Media)]
    assert pictures == recorded.media(said)
    assert_cites_the_same(blocks, exchange)
    assert_ends_the_same(response, exchange, called=bool(made))
    assert_counts_the_same(response, exchange)
    first = recorded.documents(exchange)[0]
    assert (response.id, response.model) == (first.get("responseId", ""), first.get("modelVersion", ""))


def assert_blobs_are_in_their_places(blocks: tuple, said: list[dict]) -> None:
    """Each signature on the kind of part it came with, beside the block it belongs to; Google's own parts word for word."""
    found: list[tuple[str, str]] = []
    parts: list[dict] = []
    for position, block in enumerate(blocks):
        if not isinstance(block, Reasoning):
            continue
        for index, blob in enumerate(block.opaque):
            assert blob.issuer == "google:m"
            if blob.kind == "thought":
                assert block.summary
                assert len(block.opaque) == 1
                continue
            if blob.kind == "part":
                parts.append(json.loads(blob.data))
                if "thoughtSignature" in parts[-1]:
                    found.append((recorded.kind(parts[-1]), parts[-1]["thoughtSignature"]))
                continue
            of_thought = blob.kind == "thought_signature" and block.summary and index == 0
            found.append(("thought" if of_thought else PLACES[blob.kind], blob.data))
            if blob.kind == "call_signature":
                assert isinstance(blocks[position + 1], ToolCall)
            if blob.kind == "text_signature":
                assert isinstance(blocks[position - 1], Text)
            if blob.kind == "media_signature":
                assert isinstance(blocks[position - 1], Media)
    assert found == recorded.signatures(said)
    assert parts == recorded.native(said)


def assert_cites_the_same(blocks: tuple, exchange: dict) -> None:
    cited = [
        (citation["url"], block.text[citation["start_index"] : citation["end_index"]])
        for block in blocks
        if isinstance(block, Text)
        for citation in block.annotations
    ]
    if not any("citationMetadata" in candidate for candidate in recorded.candidates(exchange)):
        assert cited == recorded.citations(exchange)
    searches = [block.raw["action"] for block in blocks if isinstance(block, HostedItem) and block.tool == "web_search"]
    asked = [query for action in searches if action["type"] == "search" for query in action["queries"]]
    assert asked == recorded.queries(exchange)


def assert_ends_the_same(response: Response, exchange: dict, *, called: bool) -> None:
    if (reason := recorded.blocked(exchange)) is not None:
        assert (response.choices[0].finish, response.choices[0].finish_raw) == (Finish.CONTENT_FILTER, reason)
        return
    for choice in response.choices:
        expected = FINISHES[recorded.last_reason(exchange, choice.index)]
        assert choice.finish is (Finish.TOOL_CALLS if called and expected is Finish.STOP else expected)


def assert_counts_the_same(response: Response, exchange: dict) -> None:
    expected = recorded.usage(exchange)
    usage = response.usage
    assert usage.is_sane()
    if expected is None:
        assert usage.source == "none"
        return
    assert {name: getattr(usage, name) for name in ("input", "output", "cached", "reasoning")} == {
        name: count for name, count in expected.items() if name != "total"
    }
    if not exchange["id"].startswith("google-gen-generate-text-with-a-prompt-with"):  # two whose figures were made up
        assert usage.total == (expected["total"] or usage.total)


@pytest.mark.parametrize("exchange", WHOLE)
def test_a_whole_answer_says_the_same(exchange):
    response = whole(exchange)
    assert_says_the_same(response, exchange)
    assert fold(unfold(response)) == response


@pytest.mark.parametrize("exchange", STREAMS)
def test_a_stream_says_the_same_however_it_is_split(exchange):
    data = recorded.raw(exchange)
    folded = [fold(streamed(data, step)) for step in (len(data), 1, 7, 1000)]
    assert_says_the_same(folded[0], exchange)
    assert folded == [folded[0]] * len(folded)


@pytest.mark.parametrize("exchange", ONE_END)
def test_a_stream_without_its_last_event_has_failed(exchange):
    data = recorded.raw(exchange).strip()
    last = max(data.rfind(b"\r\n\r\n"), data.rfind(b"\n\n"), data.rfind(b"\n,\r\n"), 0)
    with pytest.raises(UpstreamError) as caught:
        streamed(data[:last], 1000)
    assert (caught.value.reason, caught.value.billed_risk) == (Reason.STREAM_CUT, True)


@pytest.mark.parametrize("exchange", by_id([each for each in ANSWERS if each["id"] in FAILED]))
def test_an_answer_that_google_itself_cannot_read_has_failed(exchange):
    with pytest.raises(UpstreamError) as caught:
        whole(exchange)
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, FAILED[exchange["id"]])
    assert caught.value.falls_forward


def refused(exchange: dict) -> UpstreamError:
    return PROVIDER.parse_error(exchange["response"]["status"], {}, recorded.raw(exchange))


@pytest.mark.parametrize("exchange", REFUSALS)
def test_a_refusal_means_what_the_table_says(exchange):
    error = refused(exchange)
    status, told = exchange["response"]["status"], recorded.documents(exchange)[0]["error"]
    assert (error.http_status, error.upstream_code) == (status, told["status"])
    if "API key not valid" in told["message"] or status in (401, 403):
        assert error.reason is Reason.AUTH
        assert "API key" not in error.body.message
    elif status == 429:
        assert (error.reason, error.retry_after) == (Reason.RATE_LIMITED, 48.0)
    elif status == 404 and "cache" not in told["message"]:
        assert error.reason is Reason.NOT_FOUND
        assert error.falls_forward
    else:
        assert error.reason is Reason.INVALID_REQUEST
        assert error.body.code == "invalid_value"
        assert not error.falls_forward
    assert "http" not in error.body.message


# --- as the clients see it --------------------------------------------------------------------------------------------

DIALECTS = {
    "openai_chat": (openai_chat.CLIENT, openai_chat.PROVIDER),
    "openai_responses": (openai_responses.CLIENT, openai_responses.PROVIDER),
}


def context(*, stream: bool) -> RenderContext:
    numbers = itertools.count(1)
    asked = Request(messages=(Message("user", (Text("hi"),)),), stream=stream, include_usage=True)
    return RenderContext(request=asked, new_id=lambda prefix: f"{prefix}{next(numbers)}", created=1790000000)


def told(response: Response) -> dict[str, Any]:
    """What the first choice says to a reader, however it was cut into blocks."""
    choice, usage = response.choices[0], response.usage
    blocks = choice.message.blocks
    shown = [block.text or "\n\n".join(block.summary) for block in blocks if isinstance(block, Reasoning)]
    return {
        "text": "".join(block.text for block in blocks if isinstance(block, Text)),
        "thoughts": "\n\n".join(text for text in shown if text),
        "calls": [(block.id, block.name, block.arguments) for block in blocks if isinstance(block, ToolCall)],
        "citations": [
            (note["url"], note["title"], note["start_index"], note["end_index"])
            for block in blocks
            if isinstance(block, Text)
            for note in block.annotations
        ],
        "pictures": [block.data for block in blocks if isinstance(block, Media) and block.kind == "image"],
        "finish": choice.finish,
        "usage": (usage.input, usage.output, usage.cached, usage.reasoning),
    }


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("exchange", by_id(SAID))
def test_each_dialect_says_the_same(exchange, dialect):
    client, reader = DIALECTS[dialect]
    stream = exchange["stream"]
    if stream:
        chunks = streamed(recorded.raw(exchange), 1000)
        response = fold(chunks)
        parser = reader.stream_parser("joch")
        seen = fold([*parser.feed(client.stream_renderer(context(stream=True)).render(chunks)), *parser.close()])
    else:
        response = whole(exchange)
        body = client.render_response(response, context(stream=False))
        seen = reader.parse_response(json.loads(json.dumps(body)), "joch")
    expected, got = told(response), told(seen)
    if dialect == "openai_responses":
        expected["pictures"] = got["pictures"] = None  # an item of its own there
    elif any(isinstance(block, HostedItem) for block in response.choices[0].message.blocks):
        expected["text"], got["text"] = (
            expected["text"].split(),
            got["text"].split(),
        )  # paragraphs around a tool at work
    assert got == expected


HOSTED = {"web_search": ResponseFunctionWebSearch, "code_interpreter": ResponseCodeInterpreterToolCall}


@pytest.mark.parametrize("exchange", by_id(SAID))
def test_what_google_ran_is_shown_as_openai_shows_it(exchange):
    response = fold(streamed(recorded.raw(exchange), 1000)) if exchange["stream"] else whole(exchange)
    for block in response.choices[0].message.blocks:
        if isinstance(block, HostedItem):
            assert HOSTED[block.tool].model_validate(block.raw).model_dump(exclude_unset=True) == block.raw
