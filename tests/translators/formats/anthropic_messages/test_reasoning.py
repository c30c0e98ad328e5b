import json
from typing import Any

import pytest

from translators.canonical import (
    Message,
    Opaque,
    Reasoning,
    ReasoningSpec,
    Request,
    Sampling,
    Source,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from translators.formats.anthropic_messages.request import render_request

USER = Message("user", (Text("hi"),))
THOUGHT = {"type": "thinking", "thinking": "", "signature": "SIG"}
SEALED = Reasoning(opaque=(Opaque("anthropic:claude", "thinking", json.dumps(THOUGHT)),))


def rendered(*messages: Message, **members: Any) -> tuple[dict, list[tuple[str, str]]]:
    request = Request(messages=messages or (USER,), **members)
    result = render_request(request, "claude")
    return result.body, [(each.field, each.action) for each in result.transforms]


def asked(**members: Any) -> tuple[dict, list[tuple[str, str]]]:
    return rendered(reasoning=ReasoningSpec(**members))


def from_responses() -> Source:
    return Source(format="openai_responses", body={}, raw=b"{}")


def loop(*first: Any) -> tuple[Message, ...]:
    return (
        USER,
        Message("assistant", (*first, ToolCall("1", "f", "{}"))),
        Message("tool", (ToolResult("1", (Text("x"),)),)),
    )


def test_unset_is_unsaid():
    body, _ = rendered()
    assert "thinking" not in body
    assert "output_config" not in body


@pytest.mark.parametrize(
    ("effort", "said", "listed"),
    [
        ("minimal", "low", [("reasoning.effort", "mapped")]),
        ("low", "low", []),
        ("medium", "medium", []),
        ("high", "high", []),
        ("xhigh", "xhigh", []),
        ("max", "max", []),
    ],
)
def test_an_effort_is_adaptive_thinking(effort, said, listed):
    body, found = asked(effort=effort)
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert body["output_config"] == {"effort": said}
    assert found == listed


def test_none_turns_it_off():
    body, listed = asked(effort="none")
    assert body["thinking"] == {"type": "disabled"}
    assert "output_config" not in body
    assert listed == []
    assert asked(effort="none", summary="auto")[1] == [("reasoning.summary", "dropped")]


def test_a_summary_alone_is_thinking_that_is_shown():
    body, _ = asked(summary="auto")
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert asked(summary="detailed")[1] == [("reasoning.summary", "mapped")]


def test_the_responses_api_asks_for_a_summary_or_gets_none():
    body, _ = rendered(reasoning=ReasoningSpec(effort="high"), source=from_responses())
    assert body["thinking"] == {"type": "adaptive", "display": "omitted"}
    body, _ = rendered(reasoning=ReasoningSpec(effort="high", summary="auto"), source=from_responses())
    assert body["thinking"]["display"] == "summarized"


def test_a_budget_is_thinking_by_hand():
    body, listed = asked(budget_tokens=4000)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 4000, "display": "summarized"}
    assert body["max_tokens"] == 16_000 + 4000, "the answer has as much room as without thinking"
    assert listed == []


@pytest.mark.parametrize(
    ("budget", "limit", "fitting"),
    [(4000, 4001, 4000), (4000, 4000, 2000), (9000, 1100, 1024), (100, None, 1024)],
)
def test_a_budget_fits_the_clients_limit(budget, limit, fitting):
    body, listed = rendered(reasoning=ReasoningSpec(budget_tokens=budget), sampling=Sampling(max_output_tokens=limit))
    assert body["thinking"]["budget_tokens"] == fitting < body["max_tokens"]
    assert listed == ([] if fitting == budget else [("reasoning.budget_tokens", "mapped")])


def test_a_limit_without_room_has_no_thinking():
    body, listed = rendered(reasoning=ReasoningSpec(budget_tokens=4000), sampling=Sampling(max_output_tokens=1024))
    assert "thinking" not in body
    assert body["max_tokens"] == 1024
    assert listed == [("reasoning", "dropped")]


@pytest.mark.parametrize("choice", [ToolChoice(mode="required"), ToolChoice(mode="named", names=("f",))])
def test_a_demanded_call_has_no_thinking_by_hand(choice):
    body, listed = rendered(reasoning=ReasoningSpec(budget_tokens=4000), tools=(Tool(name="f"),), tool_choice=choice)
    assert "thinking" not in body
    assert listed == [("reasoning", "dropped")]


def test_a_tool_loop_goes_on_thinking_by_hand_only_with_its_thought():
    spec = ReasoningSpec(budget_tokens=4000)
    assert "thinking" in rendered(*loop(SEALED), reasoning=spec, tools=(Tool(name="f"),))[0]
    body, listed = rendered(*loop(), reasoning=spec, tools=(Tool(name="f"),))
    assert "thinking" not in body
    assert listed == [("reasoning", "dropped")]


def test_later_steps_of_a_loop_may_be_without_thought():
    """As recorded: without interleaved thinking the model thinks once, at the beginning."""
    second = (
        Message("assistant", (ToolCall("2", "f", "{}"),)),
        Message("tool", (ToolResult("2", (Text("y"),)),)),
    )
    body, _ = rendered(*loop(SEALED), *second, reasoning=ReasoningSpec(budget_tokens=4000), tools=(Tool(name="f"),))
    assert body["thinking"]["type"] == "enabled"


def test_a_loop_that_is_over_needs_no_thought():
    body, _ = rendered(
        *loop(), Message("assistant", (Text("done"),)), USER, reasoning=ReasoningSpec(budget_tokens=4000)
    )
    assert body["thinking"]["type"] == "enabled"


def test_adaptive_thinking_goes_without_its_thought():
    assert rendered(*loop(), reasoning=ReasoningSpec(effort="high"), tools=(Tool(name="f"),))[0]["thinking"]


def test_other_wishes_are_listed():
    assert asked(effort="high", raw={"mode": "pro"})[1] == [("reasoning.raw", "dropped")]
    assert asked(effort="high", budget_tokens=2000)[1] == [("reasoning.effort", "mapped")]
