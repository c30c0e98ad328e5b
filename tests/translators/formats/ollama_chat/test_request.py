from dataclasses import fields, replace

import pytest

from translators.canonical import (
    CacheHint,
    Message,
    OutputSpec,
    Reason,
    ReasoningSpec,
    Request,
    Sampling,
    StateSpec,
    Text,
    Tool,
    ToolChoice,
    UpstreamError,
)
from translators.canonical.needs import needs
from translators.formats.ollama_chat.request import render_request

PLAIN = Request(messages=(Message("user", (Text("hi"),)),))
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool(name="weather", description="Weather now", parameters=PARAMETERS)
CLOCK = Tool(name="clock")
SCHEMA = {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}, "a": {}}, "$defs": {"B": {"type": "string"}}}


def body(**changes):
    return render_request(replace(PLAIN, **changes), "qwen3:4b").body


def listed(**changes):
    return [(change.field, change.action) for change in render_request(replace(PLAIN, **changes), "m").transforms]


def test_a_plain_question_says_all_that_must_be_said():
    assert body() == {
        "model": "qwen3:4b",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": False,
        "truncate": False,
        "shift": False,
    }
    assert listed() == []


def test_a_stream_is_asked_for_in_words():
    assert body(stream=True)["stream"] is True


def test_sampling_becomes_options():
    sampling = Sampling(
        temperature=0.2,
        top_p=0.9,
        top_k=40,
        seed=7,
        max_output_tokens=100,
        stop=("END",),
        frequency_penalty=0.5,
        presence_penalty=-0.5,
    )
    assert body(sampling=sampling)["options"] == {
        "temperature": 0.2,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
        "num_predict": 100,
        "frequency_penalty": 0.5,
        "presence_penalty": -0.5,
        "stop": ["END"],
    }


def test_log_probabilities_stand_at_the_top():
    got = body(sampling=Sampling(logprobs=True, top_logprobs=3))
    assert (got["logprobs"], got["top_logprobs"]) == (True, 3)


def test_tools_keep_their_schema():
    assert body(tools=(WEATHER, CLOCK))["tools"] == [
        {
            "type": "function",
            "function": {"name": "weather", "description": "Weather now", "parameters": PARAMETERS},
        },
        {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}},
    ]


def test_strict_tools_are_listed_as_loose():
    assert listed(tools=(replace(WEATHER, strict=True, cache=CacheHint()),)) == [
        ("tools[0].strict", "dropped"),
        ("tools[0].cache", "dropped"),
    ]


@pytest.mark.parametrize(
    ("choice", "offered", "demand"),
    [
        (ToolChoice(mode="auto"), ["weather", "clock"], None),
        (ToolChoice(mode="none"), None, None),
        (ToolChoice(mode="required"), ["weather", "clock"], "one of the tools"),
        (ToolChoice(mode="named", names=("clock",)), ["clock"], "the tool `clock`"),
        (ToolChoice(mode="allowed", names=("weather",), allowed_mode="auto"), ["weather"], None),
        (
            ToolChoice(mode="allowed", names=("weather", "clock"), allowed_mode="required"),
            ["weather", "clock"],
            "one of the tools",
        ),
    ],
)
def test_a_tool_choice_is_emulated_and_listed(choice, offered, demand):
    got = body(tools=(WEATHER, CLOCK), tool_choice=choice)
    assert ([tool["function"]["name"] for tool in got["tools"]] if "tools" in got else None) == offered
    system = [message["content"] for message in got["messages"] if message["role"] == "system"]
    assert (demand is None and system == []) or f"Answer by calling {demand}." in system[0]
    emulated = [change for change in listed(tools=(WEATHER, CLOCK), tool_choice=choice) if change[1] == "emulated"]
    assert bool(emulated) is (choice.mode != "auto")


def test_the_demand_for_a_call_stands_after_the_apps_own_instructions():
    got = body(tools=(CLOCK,), tool_choice=ToolChoice(mode="required"), instructions=(Text("Be kind."),))
    assert got["messages"][0]["content"].startswith("Be kind.\n\nAnswer by calling")


def test_json_object_and_schema_are_formats():
    assert body(output=OutputSpec(kind="json_object"))["format"] == "json"
    assert body(output=OutputSpec(kind="json_object", schema=SCHEMA))["format"] is SCHEMA
    got = body(output=OutputSpec(kind="json_schema", name="n", schema=SCHEMA, strict=True))
    assert got["format"] is SCHEMA
    assert listed(output=OutputSpec(kind="json_schema", name="n", schema=SCHEMA, strict=True)) == [
        ("output.name", "dropped"),
        ("output.strict", "dropped"),
    ]


@pytest.mark.parametrize(
    ("effort", "think"),
    [
        ("none", False),
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "max"),
        ("max", "max"),
    ],
)
def test_effort_becomes_think(effort, think):
    assert body(reasoning=ReasoningSpec(effort=effort))["think"] == think


@pytest.mark.parametrize(("budget", "think"), [(512, "low"), (8192, "medium"), (10_000, "high"), (99_000, "max")])
def test_a_budget_becomes_a_level_and_is_listed(budget, think):
    assert body(reasoning=ReasoningSpec(budget_tokens=budget))["think"] == think
    assert listed(reasoning=ReasoningSpec(budget_tokens=budget)) == [("reasoning.budget_tokens", "mapped")]


def test_a_summary_alone_turns_thinking_on():
    assert body(reasoning=ReasoningSpec(summary="auto"))["think"] is True
    assert "think" not in body()


def test_ollamas_own_settings_pass_from_extra_body():
    got = body(
        extensions={"keep_alive": "10m", "min_p": 0.05, "options": {"num_gpu": 1, "temperature": 9}},
        sampling=Sampling(temperature=0.1),
    )
    assert got["keep_alive"] == "10m"
    assert got["options"] == {"num_gpu": 1, "temperature": 0.1, "min_p": 0.05}


@pytest.mark.parametrize(
    "changes",
    [
        {"sampling": Sampling(n=2)},
        {"sampling": Sampling(logit_bias={"1": 5})},
        {"sampling": Sampling(prediction={})},
        {"output": OutputSpec(kind="grammar")},
        {"tools": (Tool(name="c", kind="custom"),)},
        {"tools": (Tool(name="web_search", kind="hosted", hosted={"type": "web_search"}),)},
        {"tools": (CLOCK,), "parallel_tool_calls": False},
        {"tools": (CLOCK,), "tool_choice": ToolChoice(mode="named", names=("other",))},
        {"modalities": ("text", "audio")},
        {"web_search": {}},
        {"moderation": {}},
        {"reasoning": ReasoningSpec(effort="heroic")},
        {"state": StateSpec(previous_response_id="resp_1")},
        {"state": StateSpec(background=True)},
    ],
)
def test_a_need_that_slipped_through_raises(changes):
    with pytest.raises(UpstreamError) as caught:
        body(**changes)
    assert caught.value.reason is Reason.UNSUPPORTED


EXAMPLES = {
    "messages": (Message("user", (Text("other"),)),),
    "instructions": (Text("be kind"),),
    "tools": (CLOCK,),
    "tool_choice": ToolChoice(mode="required"),
    "parallel_tool_calls": False,
    "output": OutputSpec(kind="json_object"),
    "sampling": Sampling(seed=1),
    "reasoning": ReasoningSpec(effort="low"),
    "modalities": ("text", "audio"),
    "audio": {"voice": "alloy"},
    "stream": True,
    "include_obfuscation": False,
    "state": StateSpec(store=True),
    "cache": {"prompt_cache_key": "k"},
    "verbosity": "low",
    "service_tier": "flex",
    "user": "u",
    "safety_identifier": "s",
    "moderation": {"model": "m"},
    "web_search": {"search_context_size": "low"},
    "metadata": {"a": "b"},
    "extensions": {"unknown": 1},
}
SAMPLING = {
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 5,
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "max_output_tokens": 5,
    "stop": ("x",),
    "seed": 1,
    "n": 2,
    "logprobs": True,
    "top_logprobs": 2,
    "logit_bias": {"1": 1.0},
    "prediction": {"type": "content"},
}
STATE = {
    "store": True,
    "previous_response_id": "r",
    "conversation": {"id": "c"},
    "background": True,
    "truncation": "auto",
    "include": ("x",),
    "max_tool_calls": 1,
    "context_management": [{}],
    "prompt": {"id": "p"},
}
NOT_OF_THE_WIRE = {"model", "source", "include_usage", "legacy_functions"}  # how the answer is told, not what is asked
CASES = (
    [{name: value} for name, value in EXAMPLES.items()]
    + [{"sampling": Sampling(**{name: value})} for name, value in SAMPLING.items()]
    + [{"state": StateSpec(**{name: value})} for name, value in STATE.items()]
)


def test_the_cases_below_cover_every_field():
    assert EXAMPLES.keys() | NOT_OF_THE_WIRE == {field.name for field in fields(Request)}
    assert SAMPLING.keys() == {field.name for field in fields(Sampling)}
    assert STATE.keys() == {field.name for field in fields(StateSpec)}


@pytest.mark.parametrize("changes", CASES, ids=lambda changes: str(changes)[:60])
def test_no_field_disappears_unlisted(changes):
    changes = dict(changes)
    if changes.keys() & {"tool_choice", "parallel_tool_calls"}:
        changes["tools"] = (CLOCK,)
    plain = render_request(replace(PLAIN, tools=changes.get("tools", ())), "m")
    request = replace(PLAIN, **changes)
    asked = {need.name for need in needs(request)} - {"text", "streaming", "toolCalling"}
    try:
        got = render_request(request, "m")
    except UpstreamError:
        assert asked, "raised without a need that would have told routing"
        return
    if "tools" in changes and len(changes) == 1:
        assert got.body["tools"]
        return
    assert got.body != plain.body or got.transforms != plain.transforms or asked
