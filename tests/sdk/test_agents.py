"""The Agents SDK through joch: two function tools, a handoff to a second agent, run and run_streamed, over both APIs.

The upstream plays a model that follows the plan: it calls both tools at once, hands over when it has their results, and as
the second agent it answers. It decides by what it heard alone, so a lost result or a lost handoff shows as a wrong answer.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from openai import AsyncOpenAI

from tests.support.joch import RunningJoch
from tests.support.scripted import Received, ScriptedServer, Step

from .clients import KEY
from .upstreams import UPSTREAMS, Answer, Call, Upstream, heard

pytestmark = pytest.mark.sdk_core

MODELS = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}
SERVERS = [each for each in UPSTREAMS if each.name != "llama-cpp"]


@pytest.fixture(autouse=True)
def _no_tracing() -> None:
    set_tracing_disabled(True)


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"snow in {city}"


@function_tool
def get_time() -> str:
    """The time."""
    return "noon"


def plays(each: Upstream, server: ScriptedServer) -> None:
    """`each` follows the plan from now on."""

    def script(request: Received) -> Sequence[Step]:
        said = heard(request.path, request.json)
        knows = {"snow in Oslo", "noon"} <= {text for _, text in said.results}
        if "transfer_to_forecaster" not in said.tools:  # the second agent, who has no tools
            text = "It is noon and there is snow in Oslo." if knows else "I was told nothing."
            answer = Answer(pieces=tuple(text.partition(" and")))
        elif knows:
            answer = Answer(calls=(Call("call_3", "transfer_to_forecaster", "{}"),))
        else:
            answer = Answer(calls=(Call("call_1", "get_weather", '{"city":"Oslo"}'), Call("call_2", "get_time", "{}")))
        return each.answer(answer, request.json)

    server.script(each.name, script)


def desk(model: Any) -> Agent[Any]:
    """The first agent."""
    settings = ModelSettings(include_usage=True)
    forecaster = Agent(name="forecaster", instructions="Say what it is like.", model=model, model_settings=settings)
    return Agent(
        name="desk",
        instructions="Ask the stations, then hand over.",
        model=model,
        tools=[get_weather, get_time],
        handoffs=[forecaster],
        model_settings=settings,
    )


@pytest.fixture
async def client(joch: RunningJoch) -> Any:
    async with AsyncOpenAI(base_url=joch.base_url, api_key=KEY, max_retries=0) as made:
        yield made


@pytest.fixture(params=SERVERS, ids=lambda each: each.name)
def server(request: pytest.FixtureRequest, upstream: ScriptedServer) -> Upstream:
    each: Upstream = request.param
    plays(each, upstream)
    upstream.requests.clear()
    return each


@pytest.mark.parametrize("dialect", MODELS)
async def test_an_agent_calls_its_tools_and_hands_over(
    upstream: ScriptedServer, client: AsyncOpenAI, server: Upstream, dialect: str
) -> None:
    result = await Runner.run(desk(MODELS[dialect](model=server.name, openai_client=client)), "What is it like?")
    check(result, server, upstream)


@pytest.mark.parametrize("dialect", MODELS)
async def test_a_streamed_agent_sees_the_same_as_it_happens(
    upstream: ScriptedServer, client: AsyncOpenAI, server: Upstream, dialect: str
) -> None:
    result = Runner.run_streamed(desk(MODELS[dialect](model=server.name, openai_client=client)), "What is it like?")
    deltas, items = "", []
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            deltas += event.data.delta
        if event.type == "run_item_stream_event":
            items.append(event.name)
    assert deltas == "It is noon and there is snow in Oslo."
    assert items.count("tool_called") == 2
    assert items.count("tool_output") == 2
    assert items.count("handoff_occured") == 1
    check(result, server, upstream)


def check(result: Any, server: Upstream, upstream: ScriptedServer) -> None:
    assert result.final_output == "It is noon and there is snow in Oslo."
    assert result.last_agent.name == "forecaster"
    assert len(upstream.of(server.name)) == 3
    usage = result.context_wrapper.usage
    assert (usage.requests, usage.input_tokens, usage.output_tokens) == (3, 60, 21)
