"""Every provider, whatever its API: an unmodified SDK app gets the same from each of them, or a refusal that says why not.

The providers are those of the conformance suite, which refuse what the real ones refuse. What an app asks for is written as
apps write it, in both dialects; both are asked whole and streamed. The agents of the Agents SDK run their loops on top.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import APIError, AsyncOpenAI, BadRequestError
from openai.types.shared import Reasoning
from pydantic import BaseModel

from proxy.conformance.simulators.script import Answer, Call, Decline, Fault, Say, Thought, Tokens
from proxy.conformance.stage import Stage, stage
from proxy.conformance.targets import TARGETS, Target

from .clients import KEY, SyncSdk, sync_sdk
from .features import PNG

pytestmark = pytest.mark.sdk_core

PDF = (
    "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCjIgMCBvYmo8PC9UeXBlL1BhZ2VzL0tpZHNbMyAwIFJdL0Nv"
    "dW50IDE+PmVuZG9iagozIDAgb2JqPDwvVHlwZS9QYWdlL1BhcmVudCAyIDAgUi9NZWRpYUJveFswIDAgNzIgNzJdPj5lbmRvYmoKdHJhaWxlcjw8L1Np"
    "emUgNC9Sb290IDEgMCBSPj4KJSVFT0YK"
)
QUESTION = "What is it like in Oslo?"
LOCAL = frozenset({"ollama", "vllm", "llama-cpp"})
SEEING = {"ollama": "qwen3-vl:8b", "llama-cpp": "qwen3-vl-2b", "vllm": "Qwen/Qwen3-VL-32B"}
THINKING = {
    "openai": "gpt-6.2-sol",
    "microsoft": "prod-next",
    "anthropic": "claude-opus-5-5",
    "google": "gemini-4-hydrogen",
}
REFUSING = {
    "openai": Answer(
        blocks=(
            Decline(
                ("I", " can't", " help", "."),
            ),
        )
    ),
    "microsoft": Answer(
        blocks=(
            Decline(
                ("I", " can't", " help", "."),
            ),
        )
    ),
    "anthropic": Answer(finish="refusal"),
    "google": Answer(finish="refusal"),
}
"""How the APIs that know refusals refuse."""


class Forecast(BaseModel):
    """What the structured answers are."""

    reasoning: str
    degrees: int
    sky: list[str]


FORECAST = Forecast(reasoning="It is winter.", degrees=-4, sky=["snow"])


def _function(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"name": name, "description": "Ask a station.", "parameters": parameters, "strict": True}


FUNCTIONS = [_function("get_weather", city={"type": "string"}, days={"type": "integer"}), _function("get_time")]
CHAT_TOOLS = [{"type": "function", "function": function} for function in FUNCTIONS]
FLAT_TOOLS = [{"type": "function", **function} for function in FUNCTIONS]
WEATHER, TIME = Call("get_weather", '{"city":"Oslo","days":2}'), Call("get_time", "{}")
_CALLED = [
    {"id": f"call_{index}", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
    for index, call in enumerate((WEATHER, TIME))
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing apps ask for. `lacking` maps providers that cannot do it to the capability their refusal names."""

    name: str
    chat: dict[str, Any]
    responses: dict[str, Any]
    answer: Answer
    lacking: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)


def _user(content: Any = QUESTION) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


ROWS = (
    Row(
        name="text",
        chat={"messages": [{"role": "system", "content": "Be brief."}, *_user()]},
        responses={"instructions": "Be brief.", "input": QUESTION},
        answer=Answer(blocks=(Say(("It", " is", " cold", ".", " ❄️")),)),
    ),
    Row(
        name="one-tool",
        chat={"messages": _user(), "tools": CHAT_TOOLS},
        responses={"input": QUESTION, "tools": FLAT_TOOLS},
        answer=Answer(blocks=(WEATHER,)),
    ),
    Row(
        name="parallel-tools",
        chat={"messages": _user(), "tools": CHAT_TOOLS},
        responses={"input": QUESTION, "tools": FLAT_TOOLS},
        answer=Answer(blocks=(Say(("Let me", " look.")), WEATHER, TIME)),
    ),
    Row(
        name="tool-results",
        chat={
            "messages": [
                *_user(),
                {"role": "assistant", "content": None, "tool_calls": _CALLED},
                {"role": "tool", "tool_call_id": "call_0", "content": "snow"},
                {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
            ],
            "tools": CHAT_TOOLS,
        },
        responses={
            "input": [
                *_user(),
                *({"type": "function_call", "call_id": call["id"], **call["function"]} for call in _CALLED),
                {"type": "function_call_output", "call_id": "call_0", "output": "snow"},
                {"type": "function_call_output", "call_id": "call_1", "output": "noon"},
            ],
            "tools": FLAT_TOOLS,
        },
        answer=Answer(blocks=(Say(("Snow", " at noon.")),)),
    ),
    Row(
        name="image",
        chat={
            "messages": _user(
                [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                ]
            )
        },
        responses={
            "input": _user(
                [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
                ]
            )
        },
        answer=Answer(blocks=(Say(("Red", ".")),)),
        models=SEEING,
    ),
    Row(
        name="pdf",
        chat={
            "messages": _user(
                [
                    {"type": "text", "text": "Summarise."},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}},
                ]
            )
        },
        responses={
            "input": _user(
                [
                    {"type": "input_text", "text": "Summarise."},
                    {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
                ]
            )
        },
        answer=Answer(blocks=(Say(("Empty", ".")),)),
        lacking=dict.fromkeys(LOCAL, "fileInput"),
    ),
    Row(
        name="length",
        chat={"messages": _user(), "max_completion_tokens": 16},
        responses={"input": QUESTION, "max_output_tokens": 16},
        answer=Answer(blocks=(Say(("It is", " rather")),), finish="length"),
    ),
)


@pytest.fixture(scope="module")
def stages() -> Iterator[dict[str, Stage]]:
    """Every provider with a joch before it."""
    with ExitStack() as stack:
        yield {target.name: stack.enter_context(stage(target)) for target in TARGETS}


@pytest.fixture(scope="module")
def sdks(stages: dict[str, Stage]) -> Iterator[dict[str, SyncSdk]]:
    """An SDK client for each of them."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(sync_sdk(made.base_url)) for name, made in stages.items()}


@dataclass(frozen=True, slots=True)
class Got:
    """What an app got, in either dialect. `finish` is chat's word."""

    text: str
    calls: list[tuple[str, str]]
    finish: str
    refusal: str
    tokens: tuple[int, int] | None


def got_of_chat(completion: Any) -> Got:
    choice = completion.choices[0]
    calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
    usage = completion.usage
    tokens = None if usage is None else (usage.prompt_tokens, usage.completion_tokens)
    return Got(choice.message.content or "", calls, choice.finish_reason, choice.message.refusal or "", tokens)


def got_of_chunks(chunks: list[Any]) -> Got:
    """A stream put together by hand: the SDK's helper raises for an answer that was cut or filtered."""
    text = refusal = finish = ""
    calls: list[list[str]] = []
    for choice in (choice for chunk in chunks for choice in chunk.choices):
        text += choice.delta.content or ""
        refusal += choice.delta.refusal or ""
        finish = choice.finish_reason or finish
        for call in choice.delta.tool_calls or ():
            if call.index == len(calls):
                calls.append([call.function.name, ""])
            calls[call.index][1] += call.function.arguments or ""
    usage = chunks[-1].usage
    return Got(text, [(a, b) for a, b in calls], finish, refusal, (usage.prompt_tokens, usage.completion_tokens))


def got_of_response(response: Any) -> Got:
    calls = [(item.name, item.arguments) for item in response.output if item.type == "function_call"]
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    reason = None if response.incomplete_details is None else response.incomplete_details.reason
    finish = {
        "max_output_tokens": "length",
        "content_filter": "content_filter",
        None: "tool_calls" if calls else "stop",
    }
    usage = response.usage
    return Got(
        response.output_text,
        calls,
        finish[reason],
        "".join(part.refusal for part in parts if part.type == "refusal"),
        None if usage is None else (usage.input_tokens, usage.output_tokens),
    )


def ask(sdk: SyncSdk, dialect: str, model: str, asked: dict[str, Any], *, stream: bool) -> Got:
    """One call as an app makes it."""
    if dialect == "chat":
        if not stream:
            return got_of_chat(sdk.chat(model=model, **asked))
        return got_of_chunks(sdk.chat_chunks(model=model, stream_options={"include_usage": True}, **asked))
    if not stream:
        return got_of_response(sdk.response(model=model, **asked))
    events = sdk.response_events(model=model, **asked)
    return got_of_response(events[-1].response)


def model_of(target: Target, made: Stage, models: dict[str, str]) -> str:
    return made.ref(models.get(target.name, target.models[0]))


def expected(answer: Answer) -> Got:
    finish = "tool_calls" if answer.calls else answer.finish
    calls = [(call.name, call.arguments) for call in answer.calls]
    return Got(answer.text, calls, finish, "", (answer.tokens.input, answer.tokens.output))


DIALECTS = ("chat", "responses")
MODES = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
PROVIDERS = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
BY_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)


@MODES
@PROVIDERS
@pytest.mark.parametrize(
    ("dialect", "row"), [pytest.param(d, row, id=f"{d}-{row.name}") for d, row in itertools.product(DIALECTS, ROWS)]
)
def test_an_app_gets_what_it_asks_for_from_every_provider(
    stages: dict[str, Stage], sdks: dict[str, SyncSdk], target: Target, dialect: str, row: Row, stream: bool
) -> None:
    made, sdk = stages[target.name], sdks[target.name]
    asked = row.chat if dialect == "chat" else row.responses
    first = made.simulator.say(row.answer)
    if target.name in row.lacking:
        with pytest.raises(BadRequestError) as refused:
            ask(sdk, dialect, model_of(target, made, row.models), asked, stream=stream)
        assert refused.value.code == "CapabilityMismatch"
        assert row.lacking[target.name] in str(refused.value)
        assert len(made.simulator.heard) == first, "nothing is sent to a provider that cannot do it"
        return
    got = ask(sdk, dialect, model_of(target, made, row.models), asked, stream=stream)
    assert [heard.refused for heard in made.simulator.heard[first:]] == [None]
    assert comparable(got) == comparable(expected(row.answer))


def comparable(got: Got) -> Got:
    """Arguments by what they say: providers that carry objects have no spelling to keep."""
    calls = [(name, json.dumps(json.loads(arguments), sort_keys=True)) for name, arguments in got.calls]
    return Got(got.text, calls, got.finish, got.refusal, got.tokens)


@MODES
@PROVIDERS
@BY_DIALECT
def test_structured_output_is_parsed_by_the_sdk(
    stages: dict[str, Stage], sdks: dict[str, SyncSdk], target: Target, dialect: str, stream: bool
) -> None:
    made, sdk = stages[target.name], sdks[target.name]
    first = made.simulator.say(Answer(blocks=(Say(('{"reasoning":"It is winter.",', '"degrees":-4,"sky":["snow"]}')),)))
    model = model_of(target, made, {})
    if dialect == "chat":
        asked: dict[str, Any] = {"model": model, "messages": _user(), "response_format": Forecast}
        completion = sdk.chat_helper(**asked)[1] if stream else sdk.chat_parse(**asked)
        parsed = completion.choices[0].message.parsed
    else:
        asked = {"model": model, "input": QUESTION, "text_format": Forecast}
        parsed = (sdk.response_helper(**asked)[1] if stream else sdk.response_parse(**asked)).output_parsed
    assert parsed == FORECAST
    facts = made.simulator.heard[first].facts
    assert facts is not None
    assert facts.said()["properties"] == ["reasoning", "degrees", "sky"], "the order is the order of thinking"


@MODES
@BY_DIALECT
@pytest.mark.parametrize("name", REFUSING)
def test_a_refusal_is_heard_as_one(
    stages: dict[str, Stage], sdks: dict[str, SyncSdk], name: str, dialect: str, stream: bool
) -> None:
    made, sdk = stages[name], sdks[name]
    made.simulator.say(REFUSING[name])
    asked: dict[str, Any] = {"messages": _user()} if dialect == "chat" else {"input": QUESTION}
    got = ask(sdk, dialect, made.ref(made.target.models[0]), asked, stream=stream)
    assert got.text == ""
    assert got.refusal or got.finish == "content_filter"
    if REFUSING[name].declined:
        assert got.refusal == "I can't help."


@PROVIDERS
@BY_DIALECT
def test_an_error_in_the_middle_of_a_stream_is_raised(
    stages: dict[str, Stage], sdks: dict[str, SyncSdk], target: Target, dialect: str
) -> None:
    made, sdk = stages[target.name], sdks[target.name]
    made.simulator.say(Answer(blocks=(Say(("It is", " rather")),), ending="error", fault=Fault(kind="server_error")))
    said: list[str] = []
    with pytest.raises(APIError) as raised:
        read(sdk, dialect, model_of(target, made, {}), said)
    assert raised.value.type == "server_error"
    assert "".join(said) == "It is rather", "what was said before the error has arrived"
    made.renew()
    sdk.client.base_url = made.base_url


def read(sdk: SyncSdk, dialect: str, model: str, said: list[str]) -> None:
    """Read a stream to its end; what it says is in `said` as soon as it was said."""
    if dialect == "chat":
        for chunk in sdk.client.chat.completions.create(model=model, messages=_user(), stream=True):
            (choice,) = chunk.choices
            said.append(choice.delta.content or "")
    else:
        for event in sdk.client.responses.create(model=model, input=QUESTION, stream=True):
            if event.type == "response.output_text.delta":
                said += [event.delta]


# --- tool loops ----------------------------------------------------------------------------------------------------

TURNS = 10


def loop_answers() -> list[Answer]:
    """What a thinking model says in a loop of ten turns: a thought and a call each, two calls in the middle, then text."""
    tokens = Tokens(input=100, output=60, reasoning=40)
    answers = []
    for turn in range(TURNS):
        calls = (WEATHER, TIME) if turn == TURNS // 2 else (TIME,)
        answers.append(Answer(blocks=(Thought(f"Turn {turn}."), *calls), tokens=tokens))
    return [*answers, Answer(blocks=(Thought("Done."), Say(("Snow", " at noon."))), tokens=tokens)]


def in_a_chat_loop(sdk: SyncSdk, model: str, *, stream: bool) -> str:
    """The loop as apps write it with chat: the assistant's message goes back as the SDK gave it."""
    messages: list[Any] = _user()
    for _ in range(TURNS + 1):
        asked = {"model": model, "messages": messages, "tools": CHAT_TOOLS, "reasoning_effort": "high"}
        completion = sdk.chat_helper(**asked)[1] if stream else sdk.chat(**asked)
        message = completion.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            return message.content or ""
        messages += [{"role": "tool", "tool_call_id": call.id, "content": call.id} for call in message.tool_calls]
    raise AssertionError("the loop does not end")


def in_a_responses_loop(sdk: SyncSdk, model: str, *, stream: bool) -> str:
    """The loop as apps write it with responses: `input += response.output`."""
    given: list[Any] = _user()
    for _ in range(TURNS + 1):
        asked = {
            "model": model,
            "input": given,
            "tools": FLAT_TOOLS,
            "reasoning": {"effort": "high", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "store": False,
        }
        response = sdk.response_helper(**asked)[1] if stream else sdk.response(**asked)
        given += response.output
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            text: str = response.output_text
            return text
        given += [{"type": "function_call_output", "call_id": call.call_id, "output": call.call_id} for call in calls]
    raise AssertionError("the loop does not end")


@MODES
@PROVIDERS
@BY_DIALECT
def test_ten_turns_of_tools_with_reasoning_on(
    stages: dict[str, Stage], sdks: dict[str, SyncSdk], target: Target, dialect: str, stream: bool
) -> None:
    made, sdk = stages[target.name], sdks[target.name]
    first = made.simulator.say(*loop_answers())
    run = in_a_chat_loop if dialect == "chat" else in_a_responses_loop
    text = run(sdk, model_of(target, made, THINKING), stream=stream)
    heard = made.simulator.heard[first:]
    assert [each.refused for each in heard] == [None] * (TURNS + 1)
    assert text == "Snow at noon."
    last = heard[-1].facts
    assert last is not None
    assert sum(who.startswith("result ") for who, _ in last.turns) == TURNS + 1
    if target.name in THINKING:
        assert len(last.seals) >= TURNS, "every sealed thought of the running loop came back"
        assert "?" not in last.seals


@function_tool
def get_weather(city: str, days: int) -> str:
    """The weather in a city."""
    return f"snow in {city} for {days} days"


@function_tool
def get_time() -> str:
    """The time."""
    return "noon"


MODELS = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}


@pytest.mark.parametrize("streamed", [False, True], ids=["run", "run_streamed"])
@PROVIDERS
@BY_DIALECT
async def test_an_agent_runs_its_loop(stages: dict[str, Stage], target: Target, dialect: str, streamed: bool) -> None:
    set_tracing_disabled(True)
    made = stages[target.name]
    first = made.simulator.say(*loop_answers())
    async with AsyncOpenAI(base_url=made.base_url, api_key=KEY, max_retries=0) as client:
        name = model_of(target, made, THINKING)
        settings = ModelSettings(
            reasoning=Reasoning(effort="high"),
            store=False,
            include_usage=True,
            response_include=["reasoning.encrypted_content"],
        )
        agent: Agent[Any] = Agent(
            name="desk",
            instructions="Ask the stations.",
            model=MODELS[dialect](model=name, openai_client=client),
            tools=[get_weather, get_time],
            model_settings=settings,
        )
        if streamed:
            run: Any = Runner.run_streamed(agent, QUESTION, max_turns=20)
            async for _ in run.stream_events():
                pass
        else:
            run = await Runner.run(agent, QUESTION, max_turns=20)
    heard = made.simulator.heard[first:]
    assert [each.refused for each in heard] == [None] * (TURNS + 1)
    assert run.final_output == "Snow at noon."
    last = heard[-1].facts
    assert last is not None
    assert ("result get_weather", "snow in Oslo for 2 days") in last.turns
