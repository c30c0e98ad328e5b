import pytest

from translators.canonical import (
    Origin,
    OutputSpec,
    ReasoningSpec,
    RequestError,
    Sampling,
    Source,
    StateSpec,
    Text,
    Tool,
    ToolChoice,
)
from translators.formats.openai_responses import CLIENT
from translators.formats.openai_responses.parse_request import TOOL_LIMIT

BODY = {"model": "gpt-5", "input": "hi"}


def parsed(**members):
    return CLIENT.parse_request({**BODY, **members}, b"raw")


def test_what_was_not_said_stays_unset():
    request = parsed()
    assert request.model == "gpt-5"
    assert request.source == Source(format="openai_responses", body=BODY, raw=b"raw")
    assert (request.instructions, request.tools, request.tool_choice, request.reasoning) == ((), (), None, None)
    assert (request.sampling, request.state, request.output) == (Sampling(), StateSpec(), OutputSpec())
    assert not request.stream
    assert request.parallel_tool_calls is None


def test_every_null_is_as_good_as_absent():
    names = [
        "instructions", "tools", "tool_choice", "text", "reasoning", "include", "metadata", "store", "stream",
        "stream_options", "temperature", "top_p", "max_output_tokens", "max_tool_calls", "top_logprobs", "truncation",
        "background", "previous_response_id", "conversation", "prompt", "user", "service_tier", "verbosity", "unknown",
    ]  # fmt: skip
    request = parsed(**dict.fromkeys(names))
    assert request.extensions == {}
    assert request.sampling == Sampling()
    assert request.state == StateSpec()


def test_everything_said_has_its_place():
    request = parsed(
        instructions="be brief",
        store=False,
        stream=True,
        stream_options={"include_obfuscation": False, "news": 1},
        previous_response_id="resp_0",
        background=True,
        truncation="auto",
        include=["reasoning.encrypted_content", "message.output_text.logprobs"],
        max_tool_calls=3,
        context_management=[{"type": "compaction"}],
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=16,
        top_logprobs=2,
        reasoning={"effort": "low", "summary": "auto", "context": "all_turns"},
        text={"format": {"type": "json_object"}, "verbosity": "low", "shape": "round"},
        prompt_cache_key="k",
        prompt_cache_options={"ttl": "30m"},
        metadata={"a": "b"},
        service_tier="flex",
        user="u",
        safety_identifier="s",
        moderation={"model": "m"},
        parallel_tool_calls=False,
        client_metadata={"x": 1},
    )
    assert request.instructions == (Text("be brief", origin=Origin("/instructions")),)
    assert request.stream
    assert request.include_obfuscation is False
    assert request.state == StateSpec(
        store=False,
        previous_response_id="resp_0",
        background=True,
        truncation="auto",
        include=("reasoning.encrypted_content", "message.output_text.logprobs"),
        max_tool_calls=3,
        context_management=[{"type": "compaction"}],
    )
    assert request.sampling == Sampling(temperature=0.5, top_p=0.9, max_output_tokens=16, top_logprobs=2, logprobs=True)
    assert request.reasoning == ReasoningSpec(effort="low", summary="auto", raw={"context": "all_turns"})
    assert request.output.kind == "json_object"
    assert request.verbosity == "low"
    assert request.cache == {"prompt_cache_key": "k", "prompt_cache_options": {"ttl": "30m"}}
    assert request.metadata == {"a": "b"}
    assert (request.service_tier, request.user, request.safety_identifier) == ("flex", "u", "s")
    assert request.moderation == {"model": "m"}
    assert request.parallel_tool_calls is False
    assert request.extensions == {
        "client_metadata": {"x": 1},
        "text": {"shape": "round"},
        "stream_options": {"news": 1},
    }


def test_the_sdk_leaks_verbosity_to_the_top_and_older_ones_say_generate_summary():
    assert parsed(verbosity="high").verbosity == "high"
    assert parsed(reasoning={"generate_summary": "concise"}).reasoning.summary == "concise"


def test_a_schema_is_carried_as_it_came():
    schema = {"type": "object", "properties": {"z": {}, "a": {}}}
    wire = {"type": "json_schema", "name": "n", "schema": schema, "strict": True, "description": "d"}
    output = parsed(text={"format": wire}).output
    assert output == OutputSpec(kind="json_schema", name="n", schema=schema, strict=True, description="d")
    assert output.schema is schema
    assert parsed(text={"format": {**wire, "strict": None}}).output.strict is None


def test_tools_keep_strict_in_its_three_states_and_hosted_ones_whole():
    function = {"type": "function", "name": "f", "parameters": {"type": "object"}, "defer_loading": True}
    custom = {"type": "custom", "name": "c", "format": {"type": "grammar", "definition": "x", "syntax": "lark"}}
    hosted = {"type": "mcp", "server_label": "s", "server_url": "https://x.test"}
    tools = parsed(tools=[function, {**function, "strict": False}, custom, hosted]).tools
    assert [tool.strict for tool in tools[:2]] == [None, False]
    assert tools[0].origin == Origin("/tools/0", 0, "function", rest={"defer_loading": True})
    assert (tools[2].kind, tools[2].format) == ("custom", custom["format"])
    assert tools[3] == Tool(name="mcp", kind="hosted", hosted=hosted, origin=Origin("/tools/3", 3, "mcp"))


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"type": "function", "name": "f"}, ToolChoice(mode="named", names=("f",))),
        ({"type": "custom", "name": "c"}, ToolChoice(mode="named", names=("c",), kind="custom")),
        ({"type": "file_search"}, ToolChoice(mode="named", names=("file_search",), kind="hosted")),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "mcp"}],
            },
            ToolChoice(mode="allowed", names=("f", "mcp"), allowed_mode="required"),
        ),
    ],
)
def test_every_form_of_tool_choice_is_understood(wire, choice):
    found = parsed(tool_choice=wire).tool_choice
    assert (found.mode, found.names, found.kind, found.allowed_mode) == (
        choice.mode,
        choice.names,
        choice.kind,
        choice.allowed_mode,
    )
    assert found.raw == (wire if isinstance(wire, dict) else None)


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": 3}, "model", "invalid_type"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": []}, "input", "missing_required_parameter"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"store": 1}, "store", "invalid_type"),
        ({"instructions": ["x"]}, "instructions", "invalid_type"),
        ({"temperature": 3}, "temperature", "decimal_above_max_value"),
        ({"max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value"),
        ({"max_output_tokens": 2.0}, "max_output_tokens", "invalid_type"),
        ({"truncation": "always"}, "truncation", "invalid_value"),
        ({"include": "x"}, "include", "invalid_type"),
        ({"include": [3]}, "include[0]", "invalid_type"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "object_above_max_properties"),
        ({"conversation": 3}, "conversation", "invalid_type"),
        (
            {"conversation": "conv_1", "previous_response_id": "resp_1"},
            "previous_response_id",
            "mutually_exclusive_parameters",
        ),
        ({"text": "json"}, "text", "invalid_type"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_value"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name", "missing_required_parameter"),
        (
            {"text": {"format": {"type": "json_schema", "name": "n"}}},
            "text.format.schema",
            "missing_required_parameter",
        ),
        ({"reasoning": {"effort": 1}}, "reasoning.effort", "invalid_type"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"tools": ["f"]}, "tools[0]", "invalid_type"),
        ({"tools": [{"name": "f"}]}, "tools[0].type", "missing_required_parameter"),
        ({"tools": [{"type": "function", "name": "f", "strict": 1}]}, "tools[0].strict", "invalid_type"),
        ({"tool_choice": "sometimes"}, "tool_choice", "invalid_value"),
        ({"tool_choice": 3}, "tool_choice", "invalid_type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name", "missing_required_parameter"),
        ({"tool_choice": {"type": "allowed_tools", "tools": [3]}}, "tool_choice.tools[0]", "invalid_type"),
    ],
)
def test_a_mistake_is_refused_in_openais_words(members, param, code):
    with pytest.raises(RequestError) as raised:
        parsed(**members)
    assert (raised.value.body.param, raised.value.body.code) == (param, code)


def test_chats_nested_function_is_answered_as_openai_answers_it():
    with pytest.raises(RequestError) as raised:
        parsed(tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])
    assert str(raised.value) == "Missing required parameter: 'tools[0].name'."
    assert raised.value.body.code == "missing_required_parameter"


def test_history_may_stand_in_for_input_and_a_prompt_for_the_model():
    assert CLIENT.parse_request({"model": "m", "previous_response_id": "resp_1"}, b"").messages == ()
    assert CLIENT.parse_request({"prompt": {"id": "pmpt_1"}}, b"").model is None


def test_tools_are_limited():
    tool = {"type": "function", "name": "f"}
    assert len(parsed(tools=[tool] * TOOL_LIMIT).tools) == TOOL_LIMIT
    with pytest.raises(RequestError, match="array too long"):
        parsed(tools=[tool] * (TOOL_LIMIT + 1))


def test_pointers_lead_to_where_the_format_spells_its_parameters():
    assert CLIENT.pointers["maxOutputTokens"] == "/max_output_tokens"
    assert CLIENT.pointers["reasoningEffort"] == "/reasoning/effort"
    assert CLIENT.pointers["verbosity"] == "/text/verbosity"
