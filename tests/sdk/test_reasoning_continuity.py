"""Tool loops of ten turns with thinking models, through clients that know nothing of thoughts, with the models taking turns.

The providers are simulated and strict: they sign what they think, want it back untouched and where it was, and refuse
what another provider, another model or another conversation signed. Not one of them may ever refuse.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest

from proxy.conformance.simulators.anthropic import AnthropicMessages
from proxy.conformance.simulators.google import GoogleGenerate
from proxy.conformance.simulators.ollama import Ollama
from proxy.conformance.simulators.openai import OPENAI_FLAVOUR, OpenAiCompatible
from proxy.conformance.simulators.script import Answer, Call, Say, Thought
from proxy.conformance.simulators.server import Loop, Simulator
from tests.support.joch import RunningJoch, running_joch
from tests.support.snapshots import KEY, model, snapshot

TURNS = 10
PARAMETERS = {
    "type": "object",
    "properties": {"step": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["step", "note"],
    "additionalProperties": False,
}
CHAT_TOOLS = [{"type": "function", "function": {"name": name, "parameters": PARAMETERS}} for name in ("look", "dig")]
FLAT_TOOLS = [{"type": "function", "name": name, "parameters": PARAMETERS, "strict": False} for name in ("look", "dig")]


@dataclass
class Houses:
    """The simulated providers, and the models they serve by the name a client says."""

    loop: Loop
    simulators: dict[str, Simulator] = field(default_factory=dict)
    models: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # name -> simulator, provider, upstream id

    def open(self, name: str, dialect: Any, provider: str, path: str, *models: str) -> None:
        simulator = self.simulators[name] = Simulator(dialect, KEY)
        simulator.open(self.loop)
        for upstream in models:
            self.models[upstream] = (name, provider, path)

    def snapshot(self) -> Any:
        return snapshot(
            [
                model(provider, self.simulators[house].root + path, name, model=name, local=False)
                for name, (house, provider, path) in self.models.items()
            ]
        )


@pytest.fixture(scope="module")
def houses() -> Iterator[Houses]:
    loop = Loop()
    made = Houses(loop)
    made.open(
        "anthropic", AnthropicMessages(), "anthropic", "", "claude-opus-5-5", "claude-opus-4-6", "claude-sonnet-4-5"
    )
    made.open("google", GoogleGenerate(), "google", "", "gemini-4-argon", "gemini-3.8-flash", "gemini-2.5-flash")
    made.open("openai", OpenAiCompatible(OPENAI_FLAVOUR), "openai", "/v1", "gpt-6.2-sol", "gpt-5.4")
    made.open("ollama", Ollama(), "ollama", "", "qwen3:8b")
    yield made
    for simulator in made.simulators.values():
        simulator.close()
    loop.close()


class ChatApp:
    """Keeps of an answer what the dialect's own types have, as an app that builds its messages by hand does."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.history: list[dict[str, Any]] = [
            {"role": "system", "content": "Dig."},
            {"role": "user", "content": "Go on."},
        ]

    def turn(self, client: openai.OpenAI, name: str, *, stream: bool) -> int:
        asked: dict[str, Any] = {
            "model": name,
            "messages": self.history,
            "tools": CHAT_TOOLS,
            "reasoning_effort": "medium",
        }
        if stream:
            with client.chat.completions.stream(**asked) as events:
                for _ in events:
                    pass
                message = events.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(**asked).choices[0].message
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls or ()
        ]
        kept = message.content if self._rng.random() < 0.5 else None  # some clients drop the text beside calls
        self.history.append(
            {"role": "assistant", "content": kept, "tool_calls": calls}
            if calls
            else {"role": "assistant", "content": message.content}
        )
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": f"found {call['id'][-4:]}"} for call in calls
        ]
        self._rng.shuffle(results)
        self.history += results
        return len(calls)

    def edit(self) -> None:
        """Change what was said long ago, as apps that shorten or correct their history do."""
        if self._rng.random() < 0.5:
            self.history[1] = {"role": "user", "content": "Go on, but slowly."}
            return
        turn = self._rng.choice([message for message in self.history if message.get("tool_calls")])
        function = turn["tool_calls"][0]["function"]
        function["arguments"] = json.dumps({**json.loads(function["arguments"]), "note": "edited"})


class ResponsesApp:
    """`input += response.output`, as OpenAI's documentation shows it. Nothing is stored."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.history: list[Any] = [{"role": "user", "content": "Go on."}]

    def turn(self, client: openai.OpenAI, name: str, *, stream: bool) -> int:
        asked: dict[str, Any] = {
            "model": name,
            "input": self.history,
            "instructions": "Dig.",
            "tools": FLAT_TOOLS,
            "reasoning": {"effort": "medium", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "store": False,
        }
        if stream:
            with client.responses.stream(**asked) as events:
                for _ in events:
                    pass
                output = events.get_final_response().output
        else:
            output = client.responses.create(**asked).output
        items = [item.model_dump(exclude_none=True) for item in output]
        for item in items:  # what the SDK's stream helper adds, and the API does not take
            item.pop("parsed_arguments", None)
            for part in item.get("content") or ():
                part.pop("parsed", None)
        self.history += items
        calls = [item for item in items if item["type"] == "function_call"]
        self.history += [
            {"type": "function_call_output", "call_id": call["call_id"], "output": f"found {call['call_id'][-4:]}"}
            for call in calls
        ]
        return len(calls)

    def edit(self) -> None:
        if self._rng.random() < 0.5:
            self.history[0] = {"role": "user", "content": "Go on, but slowly."}
            return
        call = self._rng.choice([item for item in self.history if item.get("type") == "function_call"])
        call["arguments"] = json.dumps({**json.loads(call["arguments"]), "note": "edited"})


APPS = {"chat": ChatApp, "responses": ResponsesApp}


def answer(step: int, rng: random.Random) -> Answer:
    """A thought, perhaps a word, and one or two calls; at the end the word alone."""
    thought = Thought(f"thinking about step {step}")
    if step == TURNS - 1:
        return Answer(blocks=(thought, Say(("It is ", "done."))))
    said = (Say((f"Step {step}",)),) if rng.random() < 0.5 else ()
    names = ("look", "dig") if rng.random() < 0.4 else ("look",)
    calls = tuple(Call(name, json.dumps({"step": step, "note": "n"}, separators=(",", ":"))) for name in names)
    return Answer(blocks=(thought, *said, *calls))


class Dialogue:
    """One conversation of one app, over as many lives of joch as it takes."""

    def __init__(self, houses: Houses, store: Path, dialect: str, seed: int) -> None:
        self.houses, self.store = houses, store
        self.rng = random.Random(seed)
        self.app = APPS[dialect](self.rng)
        self.step = 0
        self.headers: dict[str, str] = {}
        self.heard: dict[str, list[Any]] = {name: [] for name in houses.simulators}

    def run(self, joch: RunningJoch, models: list[str], turns: int) -> None:
        with openai.OpenAI(
            base_url=joch.base_url, api_key="sk-app", max_retries=0, default_headers=self.headers
        ) as client:
            for _ in range(turns):
                name = self.rng.choice(models)
                simulator = self.houses.simulators[self.houses.models[name][0]]
                before = simulator.say(script := answer(self.step, self.rng))
                called = self.app.turn(client, name, stream=self.rng.random() < 0.5)
                assert called == len(script.calls), "a call was lost"
                self.heard[self.houses.models[name][0]] += simulator.heard[before:]
                self.step += 1

    def refusals(self) -> list[str]:
        return [heard.refused for each in self.heard.values() for heard in each if heard.refused]

    def foreign(self) -> list[str]:
        return [house for house, each in self.heard.items() for heard in each if "?" in heard.facts.seals]


ALL = [
    "claude-opus-5-5",
    "claude-opus-4-6",
    "claude-sonnet-4-5",
    "gemini-4-argon",
    "gemini-3.8-flash",
    "gemini-2.5-flash",
    "gpt-6.2-sol",
    "gpt-5.4",
]


@pytest.mark.parametrize("dialect", APPS)
@pytest.mark.parametrize("seed", range(6))
def test_models_that_take_turns_never_refuse_and_never_see_another_s_thought(
    houses: Houses, tmp_path: Path, dialect: str, seed: int
) -> None:
    talk = Dialogue(houses, tmp_path / "store.db", dialect, seed)
    with ExitStack() as first:
        talk.run(first.enter_context(running_joch(houses.snapshot(), store=talk.store)), ALL, TURNS // 2)
    with running_joch(houses.snapshot(), store=talk.store) as second:  # a restart in the middle
        talk.run(second, ALL, TURNS - TURNS // 2)
    assert talk.refusals() == []
    assert talk.foreign() == []


@pytest.mark.parametrize("dialect", APPS)
@pytest.mark.parametrize("seed", range(6))
def test_an_edited_history_is_never_refused(houses: Houses, tmp_path: Path, dialect: str, seed: int) -> None:
    talk = Dialogue(houses, tmp_path / "store.db", dialect, 100 + seed)
    with running_joch(houses.snapshot(), store=talk.store) as joch:
        talk.run(joch, ALL, 5)
        talk.app.edit()
        talk.run(joch, ALL, TURNS - 5)
    assert talk.refusals() == []
    assert talk.foreign() == []


@pytest.mark.parametrize("dialect", APPS)
@pytest.mark.parametrize(
    "name", ["claude-opus-5-5", "claude-opus-4-6", "claude-sonnet-4-5", "gemini-4-argon", "gpt-6.2-sol"]
)
def test_one_model_gets_back_every_thought_it_had_also_after_a_restart(
    houses: Houses, tmp_path: Path, dialect: str, name: str
) -> None:
    talk = Dialogue(houses, tmp_path / "store.db", dialect, 7)
    house = houses.models[name][0]
    seals = houses.simulators[house].dialect.seals
    known = len(seals._issued)
    with running_joch(houses.snapshot(), store=talk.store) as joch:
        talk.run(joch, [name], 5)
    with running_joch(houses.snapshot(), store=talk.store) as joch:
        talk.run(joch, [name], TURNS - 5)
    assert talk.refusals() == []
    issued = [seal for seal in seals._issued.values() if int(seal.name[1:]) > known]
    last = talk.heard[house][-1].facts.seals
    assert [seal.name for seal in issued[: len(last)]] == list(last)
    assert len(last) >= TURNS - 1


@pytest.mark.parametrize("dialect", APPS)
@pytest.mark.parametrize("name", ["gpt-6.2-sol", "claude-opus-5-5", "gemini-4-argon"])
def test_the_open_thought_of_a_local_model_is_told_to_no_other(
    houses: Houses, tmp_path: Path, dialect: str, name: str
) -> None:
    """Nobody sealed it, but bare it would be looked up by its id, or taken for the other model's own."""
    talk = Dialogue(houses, tmp_path / "store.db", dialect, 5)
    with running_joch(houses.snapshot(), store=talk.store) as joch:
        talk.run(joch, ["qwen3:8b"], 3)
        talk.run(joch, [name], 1)
    assert talk.refusals() == []
    heard = talk.heard[houses.models[name][0]][-1]
    assert b"thinking about step" not in heard.raw
    assert all(item.get("type") != "reasoning" for item in heard.body.get("input", ()))


@pytest.mark.parametrize("dialect", APPS)
def test_what_one_tenant_was_given_says_nothing_for_another(houses: Houses, tmp_path: Path, dialect: str) -> None:
    """Not even for one whose names put together are the same."""
    talk = Dialogue(houses, tmp_path / "store.db", dialect, 3)
    with running_joch(houses.snapshot(), store=talk.store) as joch:
        talk.headers = {"X-Joch-Namespace": "a/b", "X-Joch-Agent": "c"}
        talk.run(joch, ["claude-opus-4-6"], 3)
        talk.headers = {"X-Joch-Namespace": "a", "X-Joch-Agent": "b/c"}
        talk.run(joch, ["claude-opus-4-6"], 1)
    assert talk.refusals() == []
    assert talk.heard["anthropic"][-1].facts.seals == ()


@pytest.mark.parametrize("dialect", APPS)
def test_coming_back_to_the_first_model_brings_its_own_thoughts_back(
    houses: Houses, tmp_path: Path, dialect: str
) -> None:
    talk = Dialogue(houses, tmp_path / "store.db", dialect, 3)
    with running_joch(houses.snapshot(), store=talk.store) as joch:
        talk.run(joch, ["gemini-4-argon"], 3)
        talk.run(joch, ["claude-opus-4-6"], 3)
        talk.run(joch, ["gemini-4-argon"], 1)
        talk.run(joch, ["claude-opus-4-6"], 1)
    assert talk.refusals() == []
    for house, count in (("google", 3), ("anthropic", 3)):
        assert len(talk.heard[house][-1].facts.seals) >= count
        assert "?" not in talk.heard[house][-1].facts.seals
