"""The document of an answer, held against the schema of the events reference."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.canonical import NO_USAGE, Block, Choice, Finish, Message, Reasoning, Refusal, Text, ToolCall, Usage
from translators.formats import Tally
from translators.formats.joch_native import completed
from translators.formats.joch_native.response import (
    finish_of,
    order_of,
    render_brief,
    render_response,
    render_usage,
    status_of,
)

from .documents import BLOCKS, TOLD, answer, blocks, check_answer, context

CALL = ToolCall("c", "f", "{}")


def document(response: Any, **fields: Any) -> Any:
    return json.loads(completed(json.dumps(render_response(response, context(**fields))).encode(), TOLD))


@given(st.lists(blocks(), max_size=5), st.sampled_from(Finish))
def test_every_answer_is_as_the_schema_says(turn: list[Block], finish: Finish) -> None:
    check_answer(document(answer(*turn, finish=finish)))
    brief = render_brief(answer(*turn, finish=finish), context())
    check_answer(json.loads(completed(json.dumps(brief).encode(), TOLD)))


def test_the_example_of_the_design() -> None:
    usage = Usage(input=1204, output=312, reasoning=96)
    shown = document(answer(Text("Offer B is cheaper."), usage=usage))
    assert shown == {
        "id": "mc_01",
        "object": "joch.model.response",
        "createdAt": "2026-11-22T10:15:33.951Z",
        "status": "completed",
        "text": "Offer B is cheaper.",
        "choices": [
            {
                "index": 0,
                "finishReason": "stop",
                "message": {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "Offer B is cheaper."}],
                    "toolCalls": [],
                    "vendorMetadata": {"google": {"responseId": "r-1"}},
                },
            }
        ],
        "usage": {
            "inputTokens": 1204,
            "cachedInputTokens": 0,
            "cacheWriteTokens": 0,
            "outputTokens": 312,
            "reasoningTokens": 96,
            "totalTokens": 1516,
            "source": "provider",
        },
        "cost": {"usd": 0.006152, "known": True, "priceSource": "model"},
        "routing": {
            "route": "research-default",
            "servedBy": "google:gemini-pro",
            "responseModel": "gemini-3-pro",
            "region": "eu",
            "fallbackIndex": 2,
            "attempts": 3,
            "executionId": "exec-123",
            "executionCostUsd": 1.846152,
        },
        "decision": "allow",
        "warnings": [],
    }


def test_text_is_all_that_the_first_choice_says() -> None:
    first = Choice(index=0, message=Message("assistant", (Text("a"), CALL, Text("b"))), finish=Finish.STOP)
    second = Choice(index=1, message=Message("assistant", (Text("c"),)), finish=Finish.LENGTH)
    shown = document(answer(choices=(first, second)))
    assert shown["text"] == "ab"
    assert [choice["finishReason"] for choice in shown["choices"]] == ["tool_calls", "length"]


@pytest.mark.parametrize(
    ("turn", "finish", "status", "reason"),
    [
        ((Text("x"),), Finish.STOP, "completed", "stop"),
        ((Text("x"),), Finish.LENGTH, "incomplete", "length"),
        ((CALL,), Finish.LENGTH, "incomplete", "length"),
        ((Text("x"),), Finish.CONTENT_FILTER, "incomplete", "content_filter"),
        ((Refusal("no"),), Finish.REFUSAL, "completed", "refusal"),
        ((), Finish.REFUSAL, "incomplete", "refusal"),
        ((CALL,), Finish.TOOL_CALLS, "requires_tool", "tool_calls"),
        ((CALL,), Finish.STOP, "requires_tool", "tool_calls"),
        ((Text("x"),), Finish.ERROR, "failed", "error"),
        ((Text("x"),), Finish.OTHER, "completed", "stop"),
        ((Text("x"),), Finish.PAUSE, "completed", "stop"),
    ],
)
def test_status_and_reason_of_each_end(turn: tuple[Block, ...], finish: Finish, status: str, reason: str) -> None:
    choice = Choice(index=0, message=Message("assistant", turn), finish=finish)
    assert (status_of(choice), finish_of(choice)) == (status, reason)


def test_an_answer_without_choices_is_an_answer() -> None:
    assert status_of(None) == "completed"
    check_answer(document(answer(choices=())))


def test_a_word_of_the_providers_own_stands_beside_the_reason() -> None:
    choice = Choice(
        index=0, message=Message("assistant", ()), finish=Finish.OTHER, finish_raw="odd", stop_sequence="END"
    )
    shown = document(answer(choices=(choice,)))["choices"][0]
    assert (shown["finishReason"], shown["finishRaw"], shown["stopSequence"]) == ("stop", "odd", "END")


@pytest.mark.parametrize(
    ("turn", "order"),
    [
        ((), None),
        ((Text("a"), CALL), None),
        ((CALL, CALL), None),
        ((CALL, Text("a")), ["t0", "c0"]),
        ((Text("a"), CALL, Text("b"), CALL), ["c0", "t0", "c1", "t1"]),
    ],
)
def test_order_is_told_when_a_call_does_not_stand_behind_everything(
    turn: tuple[Block, ...], order: list[str] | None
) -> None:
    assert order_of(turn) == order
    assert document(answer(*turn))["choices"][0]["message"].get("contentOrder") == order


def test_usage_is_inclusive() -> None:
    assert render_usage(Usage(input=10, output=5, cached=4, cache_write=2, reasoning=3)) == {
        "inputTokens": 10,
        "cachedInputTokens": 4,
        "cacheWriteTokens": 2,
        "outputTokens": 5,
        "reasoningTokens": 3,
        "totalTokens": 15,
        "source": "provider",
    }


def test_an_answer_without_usage_is_estimated_by_what_it_says() -> None:
    def estimate(tally: Tally) -> Usage:
        return Usage(output=tally.output_chars, source="estimated")

    turn = (Text("abc"), CALL, Reasoning(("de",), "f"), Refusal("g"), BLOCKS["picture"])
    shown = document(answer(*turn, usage=NO_USAGE), estimate=estimate)["usage"]
    assert (shown["outputTokens"], shown["source"]) == (9, "estimated")
    assert document(answer(*turn, usage=NO_USAGE))["usage"]["source"] == "none"


def test_a_brief_answer_says_what_blocks_there_are_and_not_what_is_in_them() -> None:
    shown = render_brief(answer(*BLOCKS.values()), context())
    written = json.dumps(shown)
    assert "text" not in shown
    for hidden in ("hello", "let me see", "QUJD", "blob", '{\\"x', "https://"):
        assert hidden not in written
    assert [block["type"] for block in shown["choices"][0]["message"]["content"]][:3] == ["text", "text", "refusal"]
    assert {"id": "call_a", "name": "f"} in shown["choices"][0]["message"]["toolCalls"]


@pytest.mark.parametrize(
    ("issuer", "provider"), [("anthropic:claude", "anthropic"), ("microsoft@host", "microsoft"), ("openai", "openai")]
)
def test_what_a_provider_said_of_its_answer_stands_under_its_name(issuer: str, provider: str) -> None:
    told = answer(Text("x"), service_tier="flex", fingerprint="fp")
    message = document(told, issuer=issuer)["choices"][0]["message"]
    assert message["vendorMetadata"] == {provider: {"responseId": "r-1", "serviceTier": "flex", "fingerprint": "fp"}}
    assert document(told, issuer="")["choices"][0]["message"]["vendorMetadata"] == {}
