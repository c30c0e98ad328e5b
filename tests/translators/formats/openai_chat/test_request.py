"""What a client may ask, and how a mistake is told."""

import json
import timeit

import pytest

from translators.canonical import OutputSpec, ReasoningSpec, Request, RequestError, Sampling, Source, StateSpec, Text
from translators.formats import json as wire_json
from translators.formats.openai_chat import CLIENT
from translators.formats.openai_chat.request import KNOWN, POINTERS

HI = [{"role": "user", "content": "hi"}]
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def parse(**members) -> Request:
    body = {"model": "m", "messages": HI, **members}
    return CLIENT.parse_request(body, json.dumps(body).encode())


def test_the_source_keeps_body_and_bytes_beside_the_canonical_form():
    raw = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
    body = json.loads(raw)
    request = CLIENT.parse_request(body, raw)
    assert request.source == Source(format="openai_chat", body=body, raw=raw)
    assert request.source.body is body
    assert request.model == "m"
    assert request.messages[0].blocks == (Text("hi", origin=request.messages[0].blocks[0].origin),)
    assert request.messages[0].blocks[0].origin.pointer == "/messages/0/content"


def test_every_parameter_has_its_canonical_place():
    request = parse(
        temperature=0.5,
        top_p=1,
        top_k=40,
        frequency_penalty=-2,
        presence_penalty=2,
        max_completion_tokens=100,
        max_tokens=50,
        stop="END",
        seed=-7,
        n=128,
        logprobs=True,
        top_logprobs=20,
        logit_bias={"50256": -100},
        prediction={"type": "content", "content": "x"},
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
        reasoning_effort="xhigh",
        verbosity="low",
        service_tier="flex",
        user="u",
        safety_identifier="s",
        store=True,
        moderation={"model": "omni"},
        web_search_options={},
        modalities=["text", "audio"],
        audio={"format": "wav", "voice": "alloy"},
        prompt_cache_key="k",
        prompt_cache_retention="24h",
        metadata={"a": "b"},
        parallel_tool_calls=False,
        tools=[WEATHER],
    )
    assert request.sampling == Sampling(
        temperature=0.5,
        top_p=1,
        top_k=40,
        frequency_penalty=-2,
        presence_penalty=2,
        max_output_tokens=100,
        stop=("END",),
        seed=-7,
        n=128,
        logprobs=True,
        top_logprobs=20,
        logit_bias={"50256": -100},
        prediction={"type": "content", "content": "x"},
    )
    assert request.stream
    assert request.include_usage
    assert request.include_obfuscation is False
    assert request.reasoning == ReasoningSpec(effort="xhigh")
    assert (request.verbosity, request.service_tier, request.user, request.safety_identifier) == (
        "low",
        "flex",
        "u",
        "s",
    )
    assert request.state == StateSpec(store=True)
    assert request.moderation == {"model": "omni"}
    assert request.web_search == {}
    assert request.modalities == ("text", "audio")
    assert request.audio == {"format": "wav", "voice": "alloy"}
    assert request.cache == {"prompt_cache_key": "k", "prompt_cache_retention": "24h"}
    assert request.metadata == {"a": "b"}
    assert request.parallel_tool_calls is False
    assert not request.legacy_functions
    assert not request.extensions


def test_null_is_absent_for_every_optional_member():
    request = parse(**dict.fromkeys(KNOWN - {"messages", "model"}))
    assert request == parse(**dict.fromkeys(KNOWN - {"messages", "model"}))
    assert request.sampling == Sampling()
    assert request.tools == ()
    assert request.reasoning is None
    assert not request.stream
    assert not request.legacy_functions
    assert request.output == OutputSpec()


def test_stream_false_and_an_empty_tool_list_are_as_good_as_absent():
    request = parse(stream=False, tools=[])
    assert not request.stream
    assert request.tools == ()


def test_an_empty_stop_is_not_an_absent_one():
    assert parse(stop=[]).sampling.stop == ()
    assert parse().sampling.stop is None


def test_unknown_members_become_extensions_verbatim():
    request = parse(chat_template_kwargs={"enable_thinking": False}, min_p=0.1, odd=None)
    assert request.extensions == {"chat_template_kwargs": {"enable_thinking": False}, "min_p": 0.1, "odd": None}


def test_response_formats_keep_schema_order_and_the_three_states_of_strict():
    schema = {"type": "object", "properties": {"z": {}, "a": {}}}
    spec = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "description": "d"}}
    output = parse(response_format=spec).output
    assert output == OutputSpec(kind="json_schema", name="n", schema=schema, description="d")
    assert list(output.schema["properties"]) == ["z", "a"]
    assert output.strict is None
    spec["json_schema"]["strict"] = False
    assert parse(response_format=spec).output.strict is False
    assert parse(response_format={"type": "json_object"}).output == OutputSpec(kind="json_object")
    assert parse(response_format={"type": "text"}).output == OutputSpec()
    grammar = {"type": "structural_tag", "structures": []}
    assert parse(response_format=grammar).output == OutputSpec(kind="grammar", raw=grammar)


def test_max_tokens_alone_is_the_output_limit():
    assert parse(max_tokens=5).sampling.max_output_tokens == 5


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": "x"}, "messages", "invalid_type"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": HI * 2049}, "messages", "array_above_max_length"),
        ({"model": 3}, "model", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream": 1}, "stream", "invalid_type"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
        ({"stream": True, "stream_options": True}, "stream_options", "invalid_type"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"n": 1.0}, "n", "invalid_type"),
        ({"n": True}, "n", "invalid_type"),
        ({"seed": 2**63}, "seed", "integer_above_max_value"),
        ({"seed": float(2**64)}, "seed", "invalid_type"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"max_completion_tokens": "9"}, "max_completion_tokens", "invalid_type"),
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"temperature": -1}, "temperature", "decimal_below_min_value"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"top_p": 1.5}, "top_p", "decimal_above_max_value"),
        ({"presence_penalty": -3}, "presence_penalty", "decimal_below_min_value"),
        ({"top_logprobs": 2}, "top_logprobs", "invalid_value"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
        ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
        ({"stop": ["a", 1]}, "stop", "invalid_type"),
        ({"stop": 7}, "stop", "invalid_type"),
        ({"logit_bias": {"1": "x"}}, "logit_bias.1", "invalid_type"),
        ({"logit_bias": {"1": 101}}, "logit_bias", "invalid_value"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a", "string_above_max_length"),
        ({"metadata": {str(i): "" for i in range(17)}}, "metadata", "object_above_max_properties"),
        ({"response_format": "json"}, "response_format", "invalid_type"),
        ({"response_format": {}}, "response_format.type", "missing_required_parameter"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_required_parameter",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
            "response_format.json_schema.name",
            "missing_required_parameter",
        ),
        ({"modalities": "text"}, "modalities", "invalid_type"),
        ({"modalities": ["audio"]}, "audio", "missing_required_parameter"),
        ({"reasoning_effort": 3}, "reasoning_effort", "invalid_type"),
        ({"store": "yes"}, "store", "invalid_type"),
        ({"prediction": "x"}, "prediction", "invalid_type"),
        ({"parallel_tool_calls": 0}, "parallel_tool_calls", "invalid_type"),
        ({"prompt_cache_key": 1}, "prompt_cache_key", "invalid_type"),
        ({"web_search_options": True}, "web_search_options", "invalid_type"),
    ],
)
def test_a_mistake_names_the_member_at_fault(members, param, code):
    with pytest.raises(RequestError) as caught:
        parse(**members)
    assert (caught.value.body.param, caught.value.body.code) == (param, code)
    assert caught.value.status == 400
    assert caught.value.body.type == "invalid_request_error"


def test_an_integer_beyond_64_bits_is_refused_as_the_parser_gives_it():
    raw = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":18446744073709551616}'
    with pytest.raises(RequestError) as caught:
        CLIENT.parse_request(wire_json.loads(raw), raw)
    assert caught.value.body.param == "max_tokens"


def test_more_than_a_mebibyte_of_tools_is_refused():
    heavy = {"type": "function", "function": {"name": "f", "description": "x" * 1_100_000}}
    with pytest.raises(RequestError) as caught:
        parse(tools=[heavy])
    assert caught.value.body.param == "tools"


def test_pointers_lead_to_members_that_are_read():
    body = {"model": "m", "messages": HI}
    for name, pointer in POINTERS.items():
        assert pointer[1:] in KNOWN, name
        body[pointer[1:]] = "low" if name in ("reasoningEffort", "verbosity") else "x" if name == "stop" else 1
    request = CLIENT.parse_request(body, b"")
    assert request.sampling == Sampling(temperature=1, top_p=1, top_k=1, max_output_tokens=1, stop=("x",), seed=1)
    assert (request.reasoning.effort, request.verbosity) == ("low", "low")


def test_parsing_a_large_request_costs_a_few_times_what_its_json_costs():
    properties = {f"p{i}": {"type": "string", "description": "y" * 60} for i in range(8)}
    tools = [
        {"type": "function", "function": {"name": f"t{i}", "description": "d" * 200, "parameters": properties}}
        for i in range(10)
    ]
    body = {"model": "m", "messages": [{"role": "user", "content": "x" * 400}] * 20, "tools": tools}
    raw = wire_json.dumps(body)
    assert len(raw) > 15_000
    parse_time = min(timeit.repeat(lambda: CLIENT.parse_request(body, raw), number=50, repeat=5)) / 50
    load_time = min(timeit.repeat(lambda: wire_json.loads(raw), number=50, repeat=5)) / 50
    # On the path of every call. Measured 4 to 5 times orjson's own work on the same bytes; a doubling is a regression.
    assert parse_time < 12 * load_time
