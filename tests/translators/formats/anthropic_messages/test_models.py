import copy
import json
from typing import Any

import pytest

from translators.canonical import (
    Message,
    Opaque,
    OutputSpec,
    Reasoning,
    ReasoningSpec,
    Request,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from translators.formats.anthropic_messages import models
from translators.formats.anthropic_messages.request import render_request

OLD, BOTH, OPUS, NEW = "claude-haiku-4-5", "claude-opus-4-6", "claude-opus-5", "claude-opus-5-5"
USER = Message("user", (Text("hi"),))
SEALED = Reasoning(("hm",), opaque=(Opaque("anthropic:claude", "thinking", '{"type":"thinking"}'),))


def adapted(model: str, max_output: int | None = None, **members: Any) -> tuple[Request, list[tuple[str, str]]]:
    request = Request(**{"messages": (USER,), **members})
    before = copy.deepcopy(request)
    once, transforms = models.adapt(request, model, max_output)
    assert request == before
    assert models.adapt(once, model, max_output) == (once, ()), "a second time changes nothing more"
    assert (once is request) is (transforms == ())
    return once, [(each.field, each.action) for each in transforms]


def reasoned(model: str, **members: Any) -> tuple[ReasoningSpec | None, list[tuple[str, str]]]:
    request, listed = adapted(model, reasoning=ReasoningSpec(**members))
    return request.reasoning, listed


# --- reasoning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "effort", "adapted_to"),
    [
        (OPUS, "none", "none"),
        ("claude-sonnet-5-5", "none", "none"),
        (NEW, "none", "low"),
        ("claude-fable-5", "none", "low"),
        (OPUS, "minimal", "minimal"),
        (OPUS, "xhigh", "xhigh"),
        (OPUS, "max", "max"),
        (BOTH, "xhigh", "high"),
        (BOTH, "max", "max"),
        ("claude-sonnet-5-5", "xhigh", "high"),
        ("claude-sonnet-5-5", "max", "high"),
        (OPUS, "tomorrows", "tomorrows"),
    ],
)
def test_an_effort_the_model_does_not_know_becomes_the_nearest(model, effort, adapted_to):
    spec, listed = reasoned(model, effort=effort)
    assert spec == ReasoningSpec(effort=adapted_to)
    assert listed == ([] if effort == adapted_to else [("reasoning.effort", "mapped")])


@pytest.mark.parametrize(
    ("effort", "budget"),
    [("minimal", 1024), ("low", 2048), ("medium", 8192), ("high", 16_384), ("xhigh", 24_576), ("max", 32_000)],
)
def test_a_model_that_thinks_by_hand_gets_a_budget(effort, budget):
    spec, listed = reasoned(OLD, effort=effort)
    assert spec == ReasoningSpec(budget_tokens=budget)
    assert listed == [("reasoning.effort", "mapped")]


def test_a_budget_leaves_room_for_the_answer():
    request, _ = adapted("claude-opus-4-1", reasoning=ReasoningSpec(effort="max"))
    assert request.reasoning == ReasoningSpec(budget_tokens=24_000)
    request, _ = adapted(OLD, 2000, reasoning=ReasoningSpec(effort="max"))
    assert request.reasoning == ReasoningSpec(budget_tokens=1500)


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (5000, "medium"), (20_000, "high"), (50_000, "xhigh")])
def test_a_budget_becomes_an_effort_where_there_are_none(budget, effort):
    spec, listed = reasoned(OPUS, budget_tokens=budget)
    assert spec == ReasoningSpec(effort=effort)
    assert listed == [("reasoning.budget_tokens", "mapped")]
    assert reasoned(OPUS, budget_tokens=budget, effort="low")[0] == ReasoningSpec(effort="low")


def test_a_model_that_takes_both_keeps_a_budget():
    assert reasoned(BOTH, budget_tokens=5000) == (ReasoningSpec(budget_tokens=5000), [])
    assert reasoned(BOTH, budget_tokens=100)[0] == ReasoningSpec(budget_tokens=1024)
    assert reasoned(BOTH, effort="high") == (ReasoningSpec(effort="high"), [])


def test_a_wish_to_see_the_thinking_makes_a_model_think_that_does_not_by_itself():
    assert reasoned(OLD, summary="auto")[0] == ReasoningSpec(summary="auto", budget_tokens=8192)
    assert reasoned(OPUS, summary="auto") == (ReasoningSpec(summary="auto"), [])


def test_a_model_that_cannot_think_does_not():
    assert reasoned("claude-3-5-haiku-latest", effort="high") == (None, [("reasoning", "dropped")])
    assert reasoned("claude-3-5-haiku-latest", effort="none") == (None, [("reasoning.effort", "mapped")])


@pytest.mark.parametrize(
    ("told", "spec"),
    [
        ({"type": "enabled", "budget_tokens": 5000}, ReasoningSpec(effort="medium", summary="auto")),
        (
            {"type": "enabled", "budget_tokens": 5000, "display": "omitted"},
            ReasoningSpec(effort="medium", raw={"display": "omitted"}),
        ),
        ({"type": "adaptive"}, ReasoningSpec(summary="auto")),
        ({"type": "disabled"}, ReasoningSpec(effort="none")),
    ],
)
def test_anthropics_own_way_to_ask_for_thinking_is_understood(told, spec):
    request, listed = adapted(OPUS, extensions={"thinking": told, "inference_geo": "us"})
    assert request.reasoning == spec
    assert request.extensions == {"inference_geo": "us"}
    assert listed[0] == ("extensions.thinking", "mapped")


@pytest.mark.parametrize("model", [BOTH, "claude-opus-4-8", OPUS, NEW])
def test_thinking_that_shall_not_be_shown_is_thinking_all_the_same(model):
    told = {"type": "adaptive", "display": "omitted"}
    request, _ = adapted(model, extensions={"thinking": told})
    rendered = render_request(request, model)
    assert rendered.body["thinking"] == told
    assert [each.field for each in rendered.transforms] == []


def test_hidden_thinking_stays_hidden_beside_an_effort_and_beside_other_words():
    spec = ReasoningSpec(effort="high", summary="auto", raw={"context": "x"})
    request, _ = adapted(OPUS, reasoning=spec, extensions={"thinking": {"type": "adaptive", "display": "omitted"}})
    rendered = render_request(request, OPUS)
    assert rendered.body["thinking"]["display"] == "omitted"
    assert [each.field for each in rendered.transforms] == ["reasoning.raw"]


def test_one_models_word_for_no_thinking_is_no_thinking():
    told = {"thinking": {"type": "between_tools"}}
    assert adapted("claude-sonnet-5-5", extensions=told)[0].reasoning == ReasoningSpec(effort="none")
    request = adapted("claude-sonnet-5-5", extensions=told)[0]
    body = models.amend(render_request(request, "claude-sonnet-5-5").body, "claude-sonnet-5-5")
    assert body["thinking"] == {"type": "between_tools"}


@pytest.mark.parametrize("model", [OLD, OPUS, NEW])
def test_a_budget_says_that_there_is_thinking_whatever_the_effort(model):
    """Two members that contradict each other never turn thinking off where it cannot be."""
    told = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    for members in (
        {"reasoning": ReasoningSpec(effort="none", budget_tokens=2000)},
        {"reasoning": ReasoningSpec(effort="none"), "extensions": told},
    ):
        request, _ = adapted(model, **members)
        assert render_request(request, model).body["thinking"]["type"] in ("adaptive", "enabled")


@pytest.mark.parametrize("told", ["on", ["adaptive"], 5, True])
def test_thinking_that_is_no_object_is_the_apis_to_refuse(told):
    body = render_request(adapted(OPUS, extensions={"thinking": told})[0], OPUS).body
    assert models.with_loose_binding(models.amend(body, OPUS), OPUS)["thinking"] == told
    assert models.betas(body) == ()


def test_models_without_schemas_have_no_strict_tools():
    tools = (Tool(name="f", strict=True), Tool(name="g"), Tool(name="h", strict=False))
    request, listed = adapted("claude-sonnet-4-0", tools=tools)
    assert not any(tool.strict for tool in request.tools)
    assert listed == [("tools[0].strict", "dropped")]
    assert adapted(OLD, tools=tools)[1] == []


def test_a_late_instruction_that_says_nothing_is_no_turn():
    messages = (USER, Message("assistant", (Text("a"),)), Message("system", (Text(" "),)), USER)
    request, listed = adapted(OLD, messages=messages)
    assert listed == []
    assert [turn["role"] for turn in render_request(request, OLD).body["messages"]] == ["user", "assistant", "user"]


def test_a_search_that_must_be_made_is_asked_for_where_no_call_can_be_demanded():
    request, listed = adapted(NEW, web_search={}, tool_choice=ToolChoice(mode="required"))
    assert request.tool_choice == ToolChoice(mode="auto")
    assert listed == [("tool_choice", "emulated")]


def test_the_preview_of_mythos_follows_its_own_generation():
    """It refuses demanded calls as the newest do, but has neither their late instructions nor their efforts."""
    preview = "claude-mythos-preview"
    request, _ = adapted(
        preview,
        reasoning=ReasoningSpec(effort="xhigh"),
        tools=(Tool(name="f"),),
        tool_choice=ToolChoice(mode="required"),
    )
    assert request.reasoning == ReasoningSpec(effort="high")
    assert [turn["role"] for turn in render_request(request, preview).body["messages"]] == ["user"]


def test_thoughts_stay_at_home_where_nothing_is_thought():
    """A model that checks them against the conversation would do so though it does not think."""
    messages = (USER, Message("assistant", (SEALED, Text("a"))), USER)
    request, listed = adapted(OPUS, messages=messages, reasoning=ReasoningSpec(effort="none"))
    assert request.messages[1].blocks == (Text("a"),)
    assert listed == [("messages.reasoning", "dropped")]
    record = Opaque("anthropic:claude", "block", "{}")
    both = Reasoning(opaque=(*SEALED.opaque, record))
    request, _ = adapted(
        OPUS, messages=(USER, Message("assistant", (both,)), USER), reasoning=ReasoningSpec(effort="none")
    )
    assert request.messages[1].blocks == (Reasoning(opaque=(record,)),)
    assert adapted(BOTH, messages=messages, reasoning=ReasoningSpec(effort="none"))[1] == []
    assert adapted(OPUS, messages=messages)[1] == []


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_a_limit_is_the_models_at_most():
    request, listed = adapted(OLD, sampling=Sampling(max_output_tokens=100_000))
    assert request.sampling.max_output_tokens == 64_000
    assert listed == [("sampling.max_output_tokens", "mapped")]
    assert adapted(OLD, 200_000, sampling=Sampling(max_output_tokens=100_000))[1] == []
    assert adapted(OLD, 10, sampling=Sampling(max_output_tokens=11))[0].sampling.max_output_tokens == 10


def test_newer_models_are_not_told_how_to_sample():
    request, listed = adapted(OPUS, sampling=Sampling(temperature=0.2, top_p=0.5, top_k=3, stop=("x",)))
    assert request.sampling == Sampling(stop=("x",))
    assert listed == [(f"sampling.{name}", "dropped") for name in ("temperature", "top_p", "top_k")]
    assert adapted(OPUS, sampling=Sampling(temperature=1))[1] == []


def test_older_models_take_one_of_two():
    request, listed = adapted(OLD, sampling=Sampling(temperature=0.2, top_p=0.5, top_k=3))
    assert request.sampling == Sampling(temperature=0.2, top_k=3)
    assert listed == [("sampling.top_p", "dropped")]
    assert adapted(OLD, sampling=Sampling(top_p=0.5))[1] == []


def test_late_instructions_are_notes_for_models_without_the_role():
    messages = (Message("system", (Text("s"),)), USER, Message("developer", (Text("t"), Text(" "))))
    request, listed = adapted(OLD, messages=messages)
    assert request.messages[:2] == messages[:2]
    assert request.messages[2] == Message("user", (Text("<system>\nt\n</system>"), Text(" ")))
    assert listed == [("messages[2]", "reshaped")]
    assert adapted("claude-opus-4-8", messages=messages)[1] == []
    assert adapted(OLD, messages=messages[:1])[1] == []


@pytest.mark.parametrize(
    ("choice", "free", "which"),
    [
        (ToolChoice(mode="required"), ToolChoice(mode="auto"), "one of the tools"),
        (ToolChoice(mode="named", names=("f",)), ToolChoice(mode="auto"), "the tool `f`"),
        (
            ToolChoice(mode="allowed", names=("f", "g"), allowed_mode="required"),
            ToolChoice(mode="allowed", names=("f", "g"), allowed_mode="auto"),
            "one of the tools",
        ),
    ],
)
def test_a_call_that_cannot_be_demanded_is_asked_for_at_the_end(choice, free, which):
    tools = (Tool(name="f"), Tool(name="g"))
    request, listed = adapted(NEW, tools=tools, tool_choice=choice)
    assert request.tool_choice == free
    assert request.messages == (
        USER,
        Message("system", (Text(f"Answer by calling {which}. Do not answer in text."),)),
    )
    assert listed == [("tool_choice", "emulated")]
    assert adapted(OPUS, tools=tools, tool_choice=choice)[1] == []


def test_a_choice_that_demands_nothing_stays():
    for choice in (None, ToolChoice(mode="auto"), ToolChoice(mode="none")):
        assert adapted(NEW, tools=(Tool(name="f"),), tool_choice=choice)[1] == []
    assert adapted(NEW, tool_choice=ToolChoice(mode="required"))[1] == []


def test_a_begun_answer_is_asked_for_where_it_cannot_be_gone_on_with():
    begun = (USER, Message("assistant", (Text("It is"),)))
    request, listed = adapted(OPUS, messages=begun)
    assert request.messages[:2] == begun
    assert request.messages[2].role == "user"
    assert listed == [("messages", "emulated")]
    assert adapted(OLD, messages=begun)[1] == []
    schema = OutputSpec(kind="json_schema", schema={})
    assert ("messages", "emulated") in adapted(OLD, messages=begun, output=schema)[1]
    assert ("messages", "emulated") in adapted(OLD, messages=begun, reasoning=ReasoningSpec(effort="high"))[1]
    assert ("messages", "emulated") in adapted(OPUS, messages=(USER, Message("assistant", (SEALED,))))[1]


@pytest.mark.parametrize(
    "last", [Message("assistant", (Text(" "),)), Message("assistant", (ToolCall("1", "f", "{}"),)), USER]
)
def test_nothing_is_asked_for_behind_an_answer_that_is_none(last):
    assert adapted(OPUS, messages=(USER, last))[1] == []


def test_older_models_are_asked_for_a_schema_in_words():
    output = OutputSpec(kind="json_schema", name="n", schema={"type": "object"}, description="d")
    request, listed = adapted("claude-sonnet-4-0", output=output)
    assert request.output == OutputSpec(kind="json_object", schema={"type": "object"}, description="d")
    assert listed == [("output", "emulated")]
    assert adapted(OLD, output=output)[1] == []


# --- spelling ---------------------------------------------------------------------------------------------------------


def amended(model: str, body: dict, max_output: int | None = None) -> dict:
    before = copy.deepcopy(body)
    once = models.amend(body, model, max_output)
    assert body == before
    assert models.amend(once, model, max_output) is once
    return once


def test_a_default_limit_is_one_the_model_can_keep():
    assert amended("claude-3-opus-20240229", {"max_tokens": 16_000})["max_tokens"] == 4096
    assert amended(OPUS, {"max_tokens": 16_000}, 9)["max_tokens"] == 9
    body = {"max_tokens": 16_000}
    assert amended(OPUS, body) is body


def test_thinking_that_is_off_has_another_word_on_one_model():
    off = {"max_tokens": 1, "thinking": {"type": "disabled"}}
    assert amended("claude-sonnet-5-5", off) == {
        "max_tokens": 1,
        "thinking": {"type": "between_tools"},
        "output_config": {"effort": "low"},
    }
    bound = {**off, "output_config": {"format": {}}}
    assert amended("claude-sonnet-5-5", bound)["output_config"] == {"effort": "low", "format": {}}
    assert amended(OPUS, off) is off


def test_what_is_said_between_calls_is_shown():
    body = {"max_tokens": 1, "tools": [{"name": "f"}]}
    assert amended(NEW, body)["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert amended(OPUS, body) is body
    plain = {"max_tokens": 1}
    assert amended(NEW, plain) is plain
    told = {**body, "thinking": {"type": "adaptive", "display": "omitted"}}
    assert amended(NEW, told) is told


THOUGHT = {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]}


def loosened(model: str, body: dict) -> dict:
    before = copy.deepcopy(body)
    once = models.with_loose_binding(body, model)
    assert body == before
    assert models.with_loose_binding(once, model) is once
    return once


def test_thoughts_that_do_not_fit_are_to_be_dropped_and_not_refused():
    drop = {"prefix_mismatch_behavior": "drop_block"}
    body = {"messages": [THOUGHT]}
    assert loosened(OPUS, body)["thinking"] == {"type": "adaptive", "block_binding": drop}
    shown = {**body, "thinking": {"type": "adaptive", "display": "summarized"}}
    assert loosened(OPUS, shown)["thinking"] == {"type": "adaptive", "display": "summarized", "block_binding": drop}
    for unchanged in ({"messages": []}, {**body, "thinking": {"type": "disabled"}}, {"messages": "x"}, {}):
        assert loosened(OPUS, unchanged) is unchanged
    assert loosened(BOTH, body) is body


def test_features_that_need_a_header():
    assert models.betas({"messages": [THOUGHT]}) == ()
    assert models.betas(loosened(OPUS, {"messages": [THOUGHT]})) == (models.BINDING_BETA,)
    assert models.betas({"speed": "fast", "messages": []}) == (models.SPEED_BETA,)
    image = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    nested = {"role": "user", "content": [{"type": "tool_result", "content": [image]}]}
    assert models.betas({"messages": [{"role": "user", "content": "x"}, nested]}) == (models.FILES_BETA,)


def test_who_made_a_blob():
    assert models.seal("claude-sonnet-4-5-20250929") == models.seal("claude-sonnet-4-5@20250929")
    assert models.seal("claude-sonnet-4-5") == "anthropic:claude-sonnet-4-5"
    assert models.seal("claude-sonnet-5") != models.seal("claude-sonnet-5-5")
    assert models.is_bound(OPUS)
    assert not models.is_bound(OLD)


# --- together ---------------------------------------------------------------------------------------------------------

KITCHEN = Request(
    messages=(
        USER,
        Message("assistant", (ToolCall("1", "f", "{}"),)),
        Message("tool", (ToolResult("1", (Text("x"),)),)),
        Message("system", (Text("s"),)),
        Message("assistant", (Text("and so"),)),
    ),
    tools=(Tool(name="f"),),
    tool_choice=ToolChoice(mode="required"),
    parallel_tool_calls=False,
    sampling=Sampling(temperature=0.3, top_p=0.4, top_k=2, max_output_tokens=500_000),
    reasoning=ReasoningSpec(effort="xhigh", summary="auto"),
    output=OutputSpec(kind="json_schema", schema={"type": "object", "properties": {}}),
)


@pytest.mark.parametrize(
    "model",
    [
        "claude-3-opus-20240229",
        "claude-3-7-sonnet-latest",
        "claude-opus-4-1",
        OLD,
        BOTH,
        "claude-opus-4-7",
        "claude-opus-4-8",
        "claude-sonnet-5",
        OPUS,
        NEW,
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
        "claude-fable-5",
        "claude-mythos-5-2",
        "prod",
    ],
)
def test_no_model_is_asked_what_it_refuses(model):
    request, _ = models.adapt(KITCHEN, model)
    body = models.with_loose_binding(models.amend(render_request(request, model).body, model), model)
    family = models.family_of(model)
    kind = body.get("thinking", {}).get("type")
    assert kind in (None, "enabled") if not family.adaptive else kind in (None, "adaptive", "enabled", family.off)
    assert kind != "enabled" or (family.manual and body["tool_choice"]["type"] == "auto")
    assert body.get("output_config", {}).get("effort") in (None, *family.efforts)
    assert family.sampling or body.keys().isdisjoint({"temperature", "top_p", "top_k"})
    assert not {"temperature", "top_p"} <= body.keys()
    assert family.forced or body["tool_choice"]["type"] in ("auto", "none")
    assert body["max_tokens"] <= family.max_output
    assert body["messages"][-1]["role"] != "assistant"
    roles = [message["role"] for message in body["messages"]]
    assert family.late_system or "system" not in roles
    assert ("format" in body.get("output_config", {})) is family.schema
    assert json.dumps(body)
