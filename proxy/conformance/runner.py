"""Runs scenarios: each in every client dialect, whole and streamed, against one target, through the real HTTP surface.

A cell is one scenario so run. It passes when the provider heard what it should have heard, the client saw what the model
said, the events told what it cost, and no key was shown to anybody; or when joch refused it, where that is right, and named
the capability that is missing.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from translators import providers
from translators.providers.provider import Provider

from .clients import ChatClient, Client, ResponsesClient, Seen
from .comparing import expected_usage, wrong_answer, wrong_facts, wrong_members, wrong_turns
from .report import Cell, Report, Word
from .scenario import OUTCOMES, Scenario, Step, load
from .simulators.script import Answer
from .simulators.server import KEY, Heard
from .stage import Stage, stage
from .targets import PRICES, Target, of

_REFUSALS = ("CapabilityMismatch", "unsupported_parameter", "unsupported_value", "unknown_parameter")
_UNIT = 1_000_000
_WEIGHTS: dict[str, Word] = {"dropped": "loss", "emulated": "emulated", "reshaped": "emulated"}
Progress = Callable[[Cell], None]


def verify(provider: str, scenarios: Sequence[Scenario] | None = None, *, progress: Progress | None = None) -> Report:
    """The report of a provider, offline. Raises `targets.NotVerifiableError` or what loading it raises."""
    report = Report()
    for target in of(provider):
        report.add(run(target, load() if scenarios is None else scenarios, progress=progress))
    return report


def run(target: Target, scenarios: Iterable[Scenario], *, progress: Progress | None = None) -> Iterator[Cell]:
    """The cells of one target."""
    with stage(target) as made:
        for scenario in scenarios:
            for dialect, mode, model in variants(target, scenario):
                cell = run_cell(made, scenario, dialect, mode, model)
                if progress is not None:
                    progress(cell)
                yield cell


def variants(target: Target, scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """Dialect, mode and model of every cell of a scenario."""
    yield from itertools.product(scenario.dialects, scenario.modes, models_of(target, scenario))


def models_of(target: Target, scenario: Scenario) -> tuple[str, ...]:
    """The models a scenario runs with. Those it names for a provider are skipped where the target has none of them."""
    wanted: Any = scenario.models
    if isinstance(wanted, dict):
        wanted = wanted.get(target.plays, wanted.get("others", "main"))
    if wanted == "all":
        return target.models
    if wanted == "main":
        return target.models[:1]
    if wanted == "none":
        return ()
    return tuple(model for model in ([wanted] if isinstance(wanted, str) else wanted) if model in target.models)


def run_cell(made: Stage, scenario: Scenario, dialect: str, mode: str, model: str) -> Cell:
    """One cell."""
    run = _Run(made, scenario, dialect, mode, model)
    try:
        run.play()
    finally:
        if run.disturbed:
            made.renew()
    return run.cell()


class _Run:
    """The state of one cell while it is played."""

    def __init__(self, made: Stage, scenario: Scenario, dialect: str, mode: str, model: str) -> None:
        self.stage, self.scenario, self.model = made, scenario, model
        self.dialect, self.streams = dialect, mode == "stream"
        self.client: Client = ChatClient(scenario.chat) if dialect == "chat" else ResponsesClient(scenario.responses)
        self.failures: list[str] = []
        self.changes: list[str] = []
        self.refusal = ""
        self.disturbed = False
        self._sealed_before = made.simulator.issued

    def cell(self) -> Cell:
        word: Word = "exact"
        if self.refusal:
            word = "refused"
        else:
            weights = [_weight(change, self.scenario.about) for change in self.changes]
            word = max(weights, key=OUTCOMES.index, default="exact")
        worst = self._worst()
        if not self.failures and OUTCOMES.index(word) > OUTCOMES.index(worst):
            what = self.refusal or "; ".join(self.changes)
            self.failures.append(f"this should be {worst}, and was {word}: {what}")
        target = self.stage.target
        return Cell(
            target=target.name,
            provider=target.provider,
            section=self.scenario.section,
            scenario=self.scenario.name,
            feature=self.scenario.feature,
            dialect=self.dialect,
            mode="stream" if self.streams else "whole",
            model=self.model,
            word="failed" if self.failures else word,
            failures=tuple(self.failures),
            changes=tuple(dict.fromkeys(self.changes)),
            refusal=self.refusal,
        )

    def _worst(self) -> str:
        """The worst outcome that is right. Of a provider nobody knows, only its own word is held against it."""
        target = self.stage.target
        if target.provider in _KNOWN:
            return self.scenario.worst(target.name, target.plays, self.dialect)
        record = providers.load(target.provider)
        lacks = isinstance(record, Provider) and any(
            record.capabilities.flags.get(need, record.capabilities.features.get(need, False)) is False
            for need in self.scenario.needed
        )
        return "refused" if lacks else "loss"

    def play(self) -> None:
        for number, step in enumerate(self.scenario.steps, 1):
            before = len(self.failures)
            going_on = self._step(step)
            if len(self.scenario.steps) > 1:
                self.failures[before:] = [f"step {number}: {failure}" for failure in self.failures[before:]]
            if not going_on or self.failures:
                return

    def _step(self, step: Step) -> bool:
        """Play one step. False when nothing may follow."""
        made, client = self.stage, self.client
        self.disturbed = self.disturbed or any(answer.fault or answer.ending != "complete" for answer in step.answers)
        if step.results:
            client.results(step.results, backwards=bool(step.ask.get("backwards")))
        body = client.body(step.ask, made.ref(self.model), stream=self.streams)
        first = made.simulator.say(*step.answers)
        seen = made.send(client, body, step.leaves)
        heard = made.simulator.heard[first:]
        if step.leaves:
            self._check_departure()
            return False
        events = made.events.of(seen.headers.get("x-request-id", "-"))
        self._check_secrets(seen, events)
        self._take_changes(seen, events)
        if self._is_refusal(seen, heard, step):
            return False
        self._check_heard(heard, step)
        if heard and heard[-1].refused:
            return False
        answer = _whole(step.answers)
        usage = answer.ending in ("complete", "gate") and step.ask.get("usage", True) is not False
        self.failures += wrong_answer(answer, seen, step, made.target, usage=usage)
        if any(each.ending == "gate" for each in step.answers) and self.streams and made.simulator.gate_expired:
            self.failures.append("the client was not shown the first content before the rest of the answer was made")
        if answer.fault is None and usage:
            self._check_accounts(answer, events, step)
        client.goes_on(seen, answer)
        return seen.error is None

    # --- what is checked ----------------------------------------------------------------------------------------

    def _check_departure(self) -> None:
        if not self.stage.gone():
            self.failures.append("the client left, and the provider's connection stayed open")

    def _check_secrets(self, seen: Seen, events: list[dict[str, Any]]) -> None:
        if KEY in seen.raw or any(KEY in value for value in seen.headers.values()):
            self.failures.append("the provider's key was shown to the client")
        if any(KEY in line for line in self.stage.events.lines):
            self.failures.append("the provider's key stands in an event")
        for heard in self.stage.simulator.heard[-1:]:
            if KEY in heard.path or KEY.encode() in heard.raw or any(KEY in value for value in heard.query.values()):
                self.failures.append("the key travels in the address or the body, not only in its header")

    def _take_changes(self, seen: Seen, events: list[dict[str, Any]]) -> None:
        started = [event["payload"] for event in events if event["type"] == "ModelCallStarted"]
        changes = [change for payload in started[-1:] for change in payload["transforms"]]
        self.changes += [f"{change['action']} {change['field']}: {change['detail']}" for change in changes]
        if changes and seen.status == 200 and "x-joch-loss" not in seen.headers:
            self.failures.append("changes were made, and x-joch-loss does not say so")

    def _is_refusal(self, seen: Seen, heard: list[Heard], step: Step) -> bool:
        """Whether joch, or the provider in its own words, said that this cannot be done."""
        if seen.error is None or seen.error["code"] not in _REFUSALS or ("error" in step.sees and heard):
            return False
        said = f"{seen.error['message']} {seen.error['param']}"
        if not any(re.search(rf"\b{re.escape(need)}\b", said, re.IGNORECASE) for need in self.scenario.needed):
            return False
        self.refusal = str(seen.error["message"])
        if heard and heard[-1].refused is None:
            self.failures.append("joch refused what it had sent already")
        return True

    def _check_heard(self, heard: list[Heard], step: Step) -> None:
        for each in heard:
            if each.refused:
                self.failures.append(f"the provider refused the request: {each.refused}")
                return
        if len(heard) != len(step.answers):
            self.failures.append(f"the provider was asked {len(heard)} times, not {len(step.answers)}")
            return
        if not heard:
            return
        first = heard[0]
        facts = first.facts
        if facts is None:
            return
        emulated = any(change.startswith(("emulated", "mapped", "reshaped")) for change in self.changes)
        self.failures += wrong_turns(self.client.turns, facts.turns, step.turns, emulated=emulated)
        target = self.stage.target
        here = step.hears_at.get(target.plays, {})
        self.failures += wrong_facts({**step.hears, **here}, facts)
        self.failures += wrong_members(step.receives.get(target.plays, {}), first.body)
        for later in heard[1:]:
            self.failures += wrong_members(step.then_receives.get(target.plays, {}), later.body)
        sealing = getattr(self.stage.simulator.dialect, "seals", None) is not None
        if step.seals is not None and sealing and "seals" not in here:
            self._check_seals(step, facts.seals)

    def _check_seals(self, step: Step, heard: tuple[str, ...]) -> None:
        if self.stage.simulator.issued == self._sealed_before:
            return  # this server seals nothing
        came = [self._relative(name) for name in heard]
        if came != list(step.seals or ()):
            self.failures.append(f"the sealed reasoning should be {list(step.seals or ())}, and is {came}")

    def _relative(self, name: str) -> str:
        number = name.removeprefix("S")
        return f"S{int(number) - self._sealed_before}" if number.isdigit() else name

    def _check_accounts(self, answer: Answer, events: list[dict[str, Any]], step: Step) -> None:
        """The event of the attempt tells the usage, and what it costs."""
        if step.sees.get("usage") == "any":
            return
        payload = next((event["payload"] for event in events[::-1] if event["type"] == "ModelCallCompleted"), None)
        if payload is None:
            self.failures.append("no event tells of the call")
            return
        usage = expected_usage(answer, self.stage.target)
        told = {
            "input": payload["inputTokens"],
            "output": payload["outputTokens"],
            "cached": payload["cachedInputTokens"],
            "written": payload["cacheWriteTokens"],
            "reasoning": payload["reasoningTokens"],
        }
        if told != usage:
            self.failures.append(f"the event should tell {usage}, and tells {told}")
        if self.scenario.section != "cost-attribution":
            return
        cost = cost_of(usage)
        if payload["costUsd"] is None or abs(payload["costUsd"] - cost) > 1e-9:
            self.failures.append(f"the cost should be ${cost:.6f}, and is {payload['costUsd']}")


HINTS = ("output.name", "output.description", "output.strict", "reasoning.summary", "state.include", "state.store")
"""Fields whose loss takes nothing away here: names nobody reads, a strictness that the answer is held to afterwards, wishes to
be shown what is shown anyway, and to keep nothing where nothing is kept. The detail of images is one as well."""


def _weight(change: str, about: str) -> Word:
    """What one reported change makes of a cell. What the scenario is `about` may not even be said otherwise."""
    action, _, rest = change.partition(" ")
    field = rest.partition(":")[0]
    if about and field.startswith(about):
        return "loss"
    if field in HINTS or field.endswith(".detail"):
        return "exact"
    return _WEIGHTS.get(action, "exact")


def cost_of(usage: dict[str, int]) -> float:
    """What a call costs at `PRICES`: each token once, at the price of what it is."""
    plain = usage["input"] - usage["cached"] - usage["written"]
    return (
        plain * PRICES["inputPerMillionTokens"]
        + usage["cached"] * PRICES["cachedInputPerMillionTokens"]
        + usage["written"] * PRICES["cacheWritePerMillionTokens"]
        + usage["output"] * PRICES["outputPerMillionTokens"]
    ) / _UNIT


def _whole(answers: tuple[Answer, ...]) -> Answer:
    """What the client should see of several answers that go on from one another: all their blocks, their usage summed."""
    if len(answers) == 1:
        return answers[0]
    if not answers:
        return Answer()
    last = answers[-1]
    names = ("input", "output", "cached", "written", "reasoning")
    tokens = type(last.tokens)(**{name: sum(getattr(each.tokens, name) for each in answers) for name in names})
    return replace(last, blocks=tuple(block for each in answers for block in each.blocks), tokens=tokens)


_KNOWN = frozenset({"anthropic", "generic-openai", "google", "llama-cpp", "microsoft", "ollama", "openai", "vllm"})
