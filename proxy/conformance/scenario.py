"""Scenarios: what an app asks, what the model says, what the provider must have heard and the client must see.

They are data, one YAML file for each section in `scenarios/`, and name no provider's wire: `ask` is rendered by the client
dialects, `answer` spoken by the simulators. What is not written is checked all the same: unless a scenario says otherwise,
the provider must hear the whole conversation in its order and the client must see exactly what the model said.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from .simulators.script import Answer, Block, Call, Decline, Fault, Say, Thought, Tokens, compact

SECTIONS = (
    "request-fidelity",
    "tool-calling",
    "structured-outputs",
    "streaming",
    "error-mapping",
    "cost-attribution",
    "reasoning-continuity",
    "vision",
    "cancellation",
    "secrets",
)
Dialect = Literal["chat", "responses"]
Outcome = Literal["exact", "emulated", "loss", "refused"]
OUTCOMES: tuple[Outcome, ...] = ("exact", "emulated", "loss", "refused")
"""From best to worst."""
_PLACEHOLDER = re.compile(r"\$\{n\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of the client and what belongs to it.

    `ask` are the words of `clients.Ask`; with `results` the client answers the tool calls it saw last. `hears` are facts by
    name (`simulators.facts`), `hears_at` what differs at single providers; `receives` are JSON pointers into the body, by the
    name of the provider's simulator, and `then_receives` the same for what joch sends on its own to go on. `sees` is what the client must see beside, or instead of, what the answer says.
    `seals` are the sealed blobs of this scenario that must come back, by name in the order they were issued, where the
    provider seals anything and `hears_at` says nothing else of its `seals`. `leaves`: when the client hangs up. `turns`: whether the whole conversation must be heard as it
    was ("all"), as it was in any order ("unordered"), or only all of it in its order, by whomever ("some").
    """

    ask: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()
    hears: Mapping[str, Any] = field(default_factory=dict)
    hears_at: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    receives: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    then_receives: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sees: Mapping[str, Any] = field(default_factory=dict)
    seals: tuple[str, ...] | None = None
    leaves: Literal["", "before", "during"] = ""
    turns: Literal["all", "some", "unordered"] = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`feature` is its row in the matrix. `outcomes` is the worst outcome that is right, by target or simulator; "exact" elsewhere.

    `about` is the request's field it is about, in canonical words: a value of it that was only said otherwise is a loss here.
    `needs` are words one of which a refusal must name. `models` says which of a provider's models it runs with: "main",
    "all", or one by name for single providers. `live` is what can be expected of a real model, absent where nothing can.
    """

    name: str
    section: str
    says: str
    feature: str
    steps: tuple[Step, ...]
    dialects: tuple[Dialect, ...] = ("chat", "responses")
    modes: tuple[Literal["whole", "stream"], ...] = ("whole", "stream")
    outcomes: Mapping[str, Mapping[str, Outcome]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    about: str = ""
    models: str | Mapping[str, Any] = "main"
    live: Mapping[str, Any] | None = None
    chat: Literal["full", "minimal"] = "full"
    responses: Literal["full", "bare"] = "full"

    @property
    def needed(self) -> tuple[str, ...]:
        """The capabilities a refusal may name: those written down, and those that follow from what is asked."""
        asked = [step.ask for step in self.steps]
        files = [file for ask in asked for file in ask.get("files") or ()]
        follows = {
            "toolCalling": any(ask.get("tools") for ask in asked),
            "forcedTool": any(ask.get("choice") not in (None, "auto", "none") for ask in asked),
            "jsonSchema": any("schema" in ask for ask in asked),
            "structuredOutput": any(ask.get("json") for ask in asked),
            "reasoning": any(ask.get("effort") not in (None, "none") for ask in asked),
            "vision": any(file["mime"].startswith("image/") for file in files),
        }
        return (*self.needs, *(need for need, follow in follows.items() if follow))

    def worst(self, target: str, plays: str, dialect: str) -> Outcome:
        """The worst outcome that is right for the target of this name, played by the simulator `plays`."""
        allowed = self.outcomes.get(target) or self.outcomes.get(plays) or self.outcomes.get("all") or {}
        return allowed.get(dialect, "exact")


@cache
def load() -> tuple[Scenario, ...]:
    """All scenarios, by section and in their order. Raises `ValueError` for a file that is not as it should be."""
    import yaml  # costs start-up time that only the suite should pay

    found: list[Scenario] = []
    folder = files(__package__).joinpath("scenarios")
    library = yaml.safe_load(folder.joinpath("library.yaml").read_text(encoding="utf-8"))
    for section in SECTIONS:
        text = folder.joinpath(f"{section}.yaml").read_text(encoding="utf-8")
        found += [read(entry, section, library) for entry in yaml.safe_load(text)]
    names = [scenario.name for scenario in found]
    if len(set(names)) != len(names):
        raise ValueError(f"two scenarios have the same name: {sorted(n for n in names if names.count(n) > 1)[0]}")
    return tuple(found)


def read(entry: Mapping[str, Any], section: str, library: Mapping[str, Any]) -> Scenario:
    """One scenario as it is written. `library` has the tools, schemas and files that steps name."""
    entry = dict(entry)
    name = entry.get("name", "?")
    steps = tuple(
        _step(_numbered(written, number), library, name)
        for written in entry.pop("steps")
        for number in range(1, written.get("repeat", 1) + 1)
    )
    unknown = set(entry) - {
        "name",
        "says",
        "feature",
        "dialects",
        "modes",
        "outcomes",
        "needs",
        "about",
        "models",
        "live",
        "chat",
        "responses",
    }
    if unknown:
        raise ValueError(f"{section}: {name}: unknown members {sorted(unknown)}")
    outcomes: dict[str, Any] = {
        provider: dict.fromkeys(("chat", "responses"), word) if isinstance(word, str) else word
        for provider, word in entry.pop("outcomes", {}).items()
    }
    for key in ("dialects", "modes", "needs"):
        if key in entry:
            entry[key] = tuple(entry[key])
    return Scenario(section=section, steps=steps, outcomes=outcomes, **entry)


def _numbered(written: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A repeated step with `${n}` replaced by its number, in all of its text; a text that is only that becomes a number."""

    def replaced(value: Any) -> Any:
        if isinstance(value, str):
            return number if value == "${n}" else _PLACEHOLDER.sub(str(number), value)
        if isinstance(value, dict):
            return {replaced(key): replaced(below) for key, below in value.items()}
        if isinstance(value, list):
            return [replaced(below) for below in value]
        return value

    made: dict[str, Any] = replaced({key: value for key, value in written.items() if key != "repeat"})
    return made


def _step(written: dict[str, Any], library: Mapping[str, Any], name: str) -> Step:
    unknown = set(written) - {
        "ask",
        "results",
        "answer",
        "answers",
        "hears",
        "hears_at",
        "receives",
        "then_receives",
        "sees",
        "seals",
        "leaves",
        "turns",
    }
    if unknown:
        raise ValueError(f"{name}: unknown members of a step: {sorted(unknown)}")
    ask = dict(written.get("ask") or {})
    if "tools" in ask:
        ask["tools"] = [copy.deepcopy(_found(library, "tools", tool, name)) for tool in ask["tools"]]
    if isinstance(ask.get("schema"), str):
        ask["schema"] = copy.deepcopy(_found(library, "schemas", ask["schema"], name))
    ask["files"] = [_found(library, "files", file, name) for file in ask.get("files") or ()]
    results = {
        tool: {**result, "files": [_found(library, "files", file, name) for file in result.get("files") or ()]}
        if isinstance(result, dict)
        else {"text": result, "files": []}
        for tool, result in (written.get("results") or {}).items()
    }
    answers = written.get("answers") or ([written["answer"]] if "answer" in written else [])
    rest: dict[str, Any] = {
        key: written[key]
        for key in ("hears", "hears_at", "receives", "then_receives", "sees", "leaves", "turns")
        if key in written
    }
    if "seals" in written:
        rest["seals"] = tuple(written["seals"])
    return Step(ask=ask, results=results, answers=tuple(answer(each) for each in answers), **rest)


def _found(library: Mapping[str, Any], kind: str, wanted: Any, name: str) -> Any:
    if not isinstance(wanted, str):
        return wanted
    try:
        return {"name": wanted, **library[kind][wanted]}
    except KeyError:
        raise ValueError(f"{name}: the library has no {kind} {wanted!r}") from None


def answer(written: Mapping[str, Any]) -> Answer:
    """An answer as a scenario writes it: `say`, `call`, `think`, `decline` in their order, or a `fault`."""
    rest = dict(written)
    blocks: list[Block] = [_block(block) for block in rest.pop("blocks", ())]
    if "say" in rest:
        blocks.append(_block({"say": rest.pop("say")}))
    tokens = Tokens(**rest.pop("tokens", {}))
    fault = rest.pop("fault", None)
    if isinstance(fault, str):
        fault = {"kind": fault}
    choices = tuple(tuple(pieces) for pieces in rest.pop("choices", ()))
    return Answer(
        blocks=tuple(blocks), tokens=tokens, fault=None if fault is None else Fault(**fault), choices=choices, **rest
    )


def _block(written: Mapping[str, Any]) -> Block:
    if "say" in written:
        said = written["say"]
        return Say(tuple(said) if isinstance(said, list) else (said,))
    if "decline" in written:
        said = written["decline"]
        return Decline(tuple(said) if isinstance(said, list) else (said,))
    if "think" in written:
        return Thought(written["think"], redacted=bool(written.get("redacted")))
    return Call(written["call"], compact(written.get("with") or {}))
