"""The glance takes plain answers alone, and says of them exactly what the parser says."""

import copy
from typing import Any

import pytest

from translators.canonical import UpstreamError
from translators.exchange import observe_whole
from translators.formats import Tally
from translators.formats.openai_chat import CLIENT, PROVIDER
from translators.formats.openai_chat.glance import glance

from .recorded import recordings

PLAIN: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hi", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 3,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
    },
}


def parsed(body: dict[str, Any]) -> Tally:
    tally = Tally()
    observe_whole(tally, PROVIDER.parse_response(body, "openai"))
    return tally


def changed(path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(PLAIN)
    *parents, last = path.split(".")
    node: Any = body
    for part in parents:
        node = node[int(part)] if part.isdigit() else node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return body


def test_a_plain_answer_is_taken_and_noted_as_the_parser_would() -> None:
    tally = Tally()
    assert glance(PLAIN, tally)
    assert tally == parsed(PLAIN)
    assert tally.usage is not None
    assert (tally.usage.cached, tally.usage.reasoning) == (4, 2)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("error", {"message": "x"}),
        ("object", "text_completion"),
        ("object", ...),
        ("id", None),
        ("model", ...),
        ("choices", []),
        ("choices", None),
        ("choices.0.index", ...),
        ("choices.0.finish_reason", "tool_calls"),
        ("choices.0.finish_reason", "eos"),
        ("choices.0.finish_reason", None),
        ("choices.0.finish_details", {"type": "stop"}),
        ("choices.0.message", None),
        ("choices.0.message.role", ...),
        ("choices.0.message.content", None),
        ("choices.0.message.content", [{"type": "text", "text": "x"}]),
        ("choices.0.message.refusal", "no"),
        ("choices.0.message.refusal", ...),
        ("choices.0.message.tool_calls", []),
        ("choices.0.message.reasoning_content", "hm"),
        ("usage", None),
        ("usage", ...),
        ("usage.prompt_tokens", -1),
        ("usage.prompt_tokens", None),
        ("usage.total_tokens", None),
        ("usage.prompt_tokens_details", None),
        ("usage.prompt_tokens_details", {"cached_tokens": None}),
    ],
)
def test_anything_else_is_left_to_the_parser_with_nothing_noted(path: str, value: Any) -> None:
    tally = Tally()
    assert not glance(changed(path, value), tally)
    assert tally == Tally()


def test_over_every_recording_it_agrees_with_the_parser_and_with_mending() -> None:
    taken = 0
    for recording in recordings():
        if recording.is_stream or recording.is_error:
            continue
        tally = Tally()
        if not glance(recording.whole, tally):
            continue
        taken += 1
        try:
            assert tally == parsed(recording.whole), recording.name
        except UpstreamError as error:
            raise AssertionError(f"{recording.name} was taken, but the parser says {error}") from error
        assert CLIENT.mend(recording.whole) is None, f"{recording.name} was taken, but needs mending"
    assert taken > 0
