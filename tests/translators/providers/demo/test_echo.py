import json
from dataclasses import replace

import jsonschema_rs
import pytest

from translators.canonical import (
    BlockDelta,
    Finish,
    Media,
    Message,
    OutputSpec,
    ProviderAdapter,
    Reasoning,
    ReasoningSpec,
    Request,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    fold,
)
from translators.canonical.needs import needs
from translators.providers import load
from translators.providers.demo import PROVIDER
from translators.providers.provider import ModelFacts

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(name="get_weather", parameters=PARAMETERS)
CLOCK = Tool(name="clock")


def ask(text="hello there", **more) -> Request:
    return Request(messages=(Message("user", (Text(text),)),), **more)


def adapter() -> ProviderAdapter:
    return PROVIDER.build(ModelFacts(model="echo"))


async def respond(request: Request):
    return await adapter().respond(request)


async def said(request: Request) -> str:
    return "".join(b.text for b in (await respond(request)).choices[0].message.blocks if isinstance(b, Text))


async def called(request: Request) -> list[ToolCall]:
    return [b for b in (await respond(request)).choices[0].message.blocks if isinstance(b, ToolCall)]


def test_it_is_found_by_name_and_keeps_the_protocol():
    assert load("demo") is PROVIDER
    assert isinstance(adapter(), ProviderAdapter)
    assert PROVIDER.models == ("echo",)


async def test_it_repeats_the_last_user():
    response = await respond(ask())
    assert response.choices[0].message.blocks == (Text("echo: hello there"),)
    assert response.choices[0].finish is Finish.STOP
    assert (response.model, response.created) == ("echo", 0)


async def test_it_streams_word_by_word_and_says_the_same():
    chunks = [chunk async for chunk in adapter().stream(ask("one two  three\n"))]
    pieces = [chunk.value for chunk in chunks if isinstance(chunk, BlockDelta)]
    assert pieces == ["echo:", " one", " two", "  three", "\n"]
    assert fold(chunks) == await respond(ask("one two  three\n"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("please call a tool", ["get_weather"]),
        ("Use the tool now", ["get_weather"]),
        ("use the weather tool", ["get_weather"]),
        ("what does the clock say?", ["clock"]),
        ("get weather for Oslo", ["get_weather"]),
        ("call both tools", ["get_weather", "clock"]),
        ("use all of the tools", ["get_weather", "clock"]),
        ("hello", []),
        ("tools are useful", []),
    ],
)
async def test_tools_are_called_when_the_user_asks_for_them(text, names):
    calls = await called(ask(text, tools=(WEATHER, CLOCK)))
    assert [call.name for call in calls] == names
    assert len({call.id for call in calls}) == len(calls)


async def test_arguments_fit_the_tools_schema():
    (call,) = await called(ask("call a tool", tools=(WEATHER,)))
    jsonschema_rs.validate(PARAMETERS, json.loads(call.arguments))


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (ToolChoice(mode="required"), ["get_weather"]),
        (ToolChoice(mode="named", names=("clock",)), ["clock"]),
        (ToolChoice(mode="allowed", names=("clock",), allowed_mode="required"), ["clock"]),
        (ToolChoice(mode="allowed", names=("clock",), allowed_mode="auto"), []),
        (ToolChoice(mode="auto"), []),
    ],
)
async def test_a_tool_that_must_be_called_is(choice, names):
    calls = await called(ask("hello", tools=(WEATHER, CLOCK), tool_choice=choice))
    assert [call.name for call in calls] == names


async def test_no_tool_is_called_where_none_may_be():
    request = ask("call a tool", tools=(WEATHER,), tool_choice=ToolChoice(mode="none"))
    assert await called(request) == []


async def test_one_at_a_time_means_one():
    assert len(await called(ask("call both tools", tools=(WEATHER, CLOCK), parallel_tool_calls=False))) == 1


async def test_after_a_result_it_answers_with_it():
    (call,) = await called(ask("call a tool", tools=(WEATHER,)))
    turn = (Message("assistant", (call,)), Message("tool", (ToolResult(call.id, (Text("12 degrees"),)),)))
    request = ask("call a tool", tools=(WEATHER,))
    assert await said(replace(request, messages=request.messages + turn)) == "The tool says: 12 degrees"


async def test_the_next_question_after_a_result_is_a_new_one():
    request = ask("call a tool", tools=(WEATHER,))
    turn = (Message("tool", (ToolResult("1", (Text("12"),)),)), Message("user", (Text("thanks"),)))
    assert await said(replace(request, messages=request.messages + turn)) == "echo: thanks"


async def test_a_schema_is_kept():
    output = OutputSpec(kind="json_schema", name="n", schema=PARAMETERS)
    jsonschema_rs.validate(PARAMETERS, json.loads(await said(ask(output=output))))


async def test_a_json_object_is_one():
    assert json.loads(await said(ask(output=OutputSpec(kind="json_object")))) == {"echo": "hello there"}


async def test_every_choice_is_there():
    response = await respond(ask(sampling=Sampling(n=3)))
    assert [choice.index for choice in response.choices] == [0, 1, 2]
    assert response.usage.output == 9


async def test_a_stop_sequence_ends_the_text_before_it():
    response = await respond(ask("one two three", sampling=Sampling(stop=("four", " three", "two"))))
    choice = response.choices[0]
    assert choice.message.blocks == (Text("echo: one "),)
    assert (choice.finish, choice.stop_sequence) == (Finish.STOP, "two")


async def test_a_token_limit_ends_the_text():
    choice = (await respond(ask("one two three", sampling=Sampling(max_output_tokens=2)))).choices[0]
    assert choice.message.blocks == (Text("echo: one"),)
    assert choice.finish is Finish.LENGTH


async def test_a_limit_that_is_not_reached_changes_nothing():
    choice = (await respond(ask("one", sampling=Sampling(max_output_tokens=2)))).choices[0]
    assert choice.finish is Finish.STOP


async def test_it_thinks_when_asked_to():
    response = await respond(ask(reasoning=ReasoningSpec(effort="low")))
    assert isinstance(response.choices[0].message.blocks[0], Reasoning)
    assert response.usage.reasoning == 5
    assert response.usage.is_sane()
    plain = await respond(ask(reasoning=ReasoningSpec(effort="none")))
    assert len(plain.choices[0].message.blocks) == 1


async def test_counts_are_words_and_say_that_they_are_estimates():
    usage = (await respond(ask("one two three"))).usage
    assert (usage.input, usage.output, usage.source) == (3, 4, "estimated")


async def test_an_image_is_noticed():
    request = Request(messages=(Message("user", (Text("look"), Media(kind="image", data="AA=="))),))
    assert await said(request) == "echo: look\n[image]"


async def test_nothing_said_is_answered_too():
    assert await said(Request(messages=(Message("system", (Text("s"),)),))) == "echo: "


async def test_its_capabilities_cover_what_it_does():
    request = ask(
        tools=(WEATHER,),
        tool_choice=ToolChoice(mode="required"),
        parallel_tool_calls=False,
        output=OutputSpec(kind="json_schema", schema={}),
        reasoning=ReasoningSpec(effort="low"),
        sampling=Sampling(n=2, stop=("x",), seed=1),
        stream=True,
        extensions={"top_logit": 1},
    )
    assert adapter().capabilities().missing(needs(request)) == ()


async def test_it_is_healthy():
    assert (await adapter().health()).status == "healthy"
