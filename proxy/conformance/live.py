"""The same scenarios against a real provider, as far as a real model can be held to anything: with a cap on the money.

What the model says is its own, so what is checked is the shape: that the dialect is kept to, that a tool that was asked for
is called with arguments that are JSON, that JSON keeps to its schema, that usage was told. Nothing is sent that could pass
the cap, and a model whose price is unknown is asked only when a cap was given on purpose.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx
import jsonschema_rs

from proxy.app import App
from proxy.live import Live
from proxy.resources import Model, Pricing, Snapshot
from translators.canonical import RequestError

from . import money
from .clients import ChatClient, Client, ResponsesClient, Seen
from .report import Cell, Report, Word
from .scenario import Scenario, Step
from .simulators.server import Loop
from .stage import Events, understand

OUTPUT_LIMIT = 512
THINKING_LIMIT = 4_096
_SECONDS = 120.0
_REFUSALS = ("CapabilityMismatch", "unsupported_parameter", "unsupported_value")


class NotAffordableError(Exception):
    """Nothing can be asked: there is no price, or no such model."""


def chosen(snapshot: Snapshot, provider: str, name: str | None) -> tuple[str, Model]:
    """The model to ask, as a client names it, and its record. Raises `NotAffordableError`."""
    if name is None:
        found = next(
            (ref for ref, model in snapshot.models.items() if model.provider == provider and not model.disabled), None
        )
        if found is None:
            raise NotAffordableError(f"the configuration has no model of {provider}: name one with --model")
        return found, snapshot.models[found]
    try:
        route, _ = Live(snapshot).current.resolver.resolve(name)
    except RequestError as error:
        raise NotAffordableError(str(error)) from None
    if len(route.entries) > 1:
        raise NotAffordableError(
            f"{name} leads to several models, and another may be asked than meant: name one of them"
        )
    entry = route.entries[0]
    model = entry.model or snapshot.models.get(entry.ref)
    if model is None or model.provider != provider:
        raise NotAffordableError(f"{name} does not lead to a model of {provider}")
    return name, model


def verify_live(
    snapshot: Snapshot,
    provider: str,
    scenarios: Sequence[Scenario],
    *,
    cap: Decimal,
    cap_given: bool,
    name: str | None = None,
    env: Mapping[str, str] = os.environ,
    progress: Callable[[Cell], None] | None = None,
) -> Report:
    """The report of a real provider. Raises `NotAffordableError` before anything is asked."""
    ref, model = chosen(snapshot, provider, name)
    report = Report()
    pricing = model.pricing
    if pricing is None or not money.is_known(pricing):
        if not cap_given:
            raise NotAffordableError(
                f"the price of {ref} is not known, so what the calls cost cannot be bounded: give prices in the Model, or a "
                "cap with --max-usd"
            )
        pricing = money.ASSUMED
        report.notes.append(money.ASSUMPTION.format(model=ref, input=pricing.input, output=pricing.output))
    asking = _Asking(snapshot, ref, model, pricing, money.Budget(cap), env)
    try:
        for cell in asking.cells(scenarios):
            if progress is not None:
                progress(cell)
            report.add([cell])
    finally:
        asking.close()
    skipped = sum(cell.word == "skipped" for cell in report.cells)
    if skipped:
        report.notes.append(f"{skipped} calls or more were not made: they could have passed the cap of ${cap}.")
    report.notes.append(f"Spent at most ${asking.budget.spent:.4f}.")
    return report


class _Asking:
    """One run against a real provider."""

    def __init__(
        self,
        snapshot: Snapshot,
        ref: str,
        model: Model,
        pricing: Pricing,
        budget: money.Budget,
        env: Mapping[str, str],
    ) -> None:
        self.budget = budget
        self._ref, self._model, self._pricing = ref, model, pricing
        self._events = Events()
        self._loop = Loop()
        self._http = httpx.Client(timeout=_SECONDS, trust_env=False)

        async def start() -> App:
            app = App(snapshot, env=env, sinks=[self._events])
            await app.start(host="127.0.0.1", port=0)
            return app

        self._app = self._loop.run(start())

    def close(self) -> None:
        self._http.close()
        self._loop.run(self._app.stop(drain_seconds=0.1))
        self._loop.close()

    def cells(self, scenarios: Sequence[Scenario]) -> Iterator[Cell]:
        for scenario in scenarios:
            if scenario.live is None:
                continue
            for dialect in scenario.dialects:
                for mode in scenario.modes:
                    yield self._cell(scenario, dialect, mode)

    def _cell(self, scenario: Scenario, dialect: str, mode: str) -> Cell:
        client: Client = ChatClient(scenario.chat) if dialect == "chat" else ResponsesClient(scenario.responses)
        word, failures, refusal = self._play(scenario, client, stream=mode == "stream")
        return Cell(
            target=self._model.provider,
            provider=self._model.provider,
            section=scenario.section,
            scenario=scenario.name,
            feature=scenario.feature,
            dialect=dialect,
            mode=mode,
            model=self._model.model,
            word=word,
            failures=tuple(failures),
            refusal=refusal,
        )

    def _play(self, scenario: Scenario, client: Client, *, stream: bool) -> tuple[Word, list[str], str]:
        seen: Seen | None = None
        for step in scenario.steps:
            if step.results:
                if seen is None or not seen.calls:
                    break  # the model called nothing: there is nothing to answer
                given = {name: step.results.get(name, {"text": "done", "files": []}) for _, name, _ in seen.calls}
                client.results(given)
            ask = {"limit": THINKING_LIMIT if "effort" in step.ask else OUTPUT_LIMIT, **step.ask}
            body = client.body(ask, self._ref, stream=stream)
            seen = self._send(client, body, ask)
            if seen is None:
                return "skipped", [], ""
            if seen.error is not None:
                if seen.error["code"] in _REFUSALS:
                    return "refused", [], str(seen.error["message"])
                return "failed", [f"the client got an error: {seen.error['message']} ({seen.error['code']})"], ""
            client.carry(seen)
            if not step.results:
                failures = [*seen.complaints, *_wrong(scenario.live or {}, seen, step)]
                if failures:
                    return "failed", failures, ""
        return "exact", [], ""

    def _send(self, client: Client, body: dict[str, Any], ask: Mapping[str, Any]) -> Seen | None:
        """What the client saw; None when the call could have passed the cap and was not made."""
        content = json.dumps(body).encode()
        worst = money.worst(self._pricing, len(content), ask["limit"], len(ask.get("files") or ()))
        if not self.budget.allows(worst):
            return None
        seen = Seen()
        url = f"http://127.0.0.1:{self._app.port}{client.path}"
        headers = {"Authorization": "Bearer sk-app", "Content-Type": "application/json"}
        try:
            response = self._http.post(url, content=content, headers=headers)
            seen.status, seen.headers, seen.raw = response.status_code, dict(response.headers), response.text
            understand(seen, client.dialect, body)
        except httpx.HTTPError as error:
            seen.error = {"message": f"the connection broke: {type(error).__name__}", "code": None}
        self.budget.pay(worst, self._cost(seen))
        return seen

    def _cost(self, seen: Seen) -> Decimal | None:
        """What the call cost as the events have it; None where they do not know."""
        costs = [
            event["payload"].get("costUsd")
            for event in self._events.of(seen.headers.get("x-request-id", "-"))
            if event["type"] == "ModelCallCompleted"
        ]
        known = [Decimal(str(cost)) for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if costs and len(known) == len(costs) else None


def _wrong(expected: Mapping[str, Any], seen: Seen, step: Step) -> Iterator[str]:
    """What of an answer is not as any model's should be."""
    if seen.usage is None:
        yield "there is no usage"
    elif seen.usage["input"] <= 0 or seen.usage["output"] <= 0:
        yield f"usage cannot be true: {seen.usage}"
    if expected.get("text") and not seen.text.strip() and seen.finish != "length":
        yield "there is no text"
    wanted = expected.get("calls")
    if wanted:
        called = {name for _, name, _ in seen.calls}
        if not called & set(wanted):
            yield f"none of {wanted} was called"
        offered = {tool["name"] for tool in step.ask.get("tools") or ()}
        if called - offered:
            yield f"a tool was called that was not offered: {sorted(called - offered)}"
    if expected.get("json") and seen.finish != "length":
        yield from _wrong_json(seen.text, step)


def _wrong_json(text: str, step: Step) -> Iterator[str]:
    try:
        value = json.loads(text)
    except ValueError:
        yield f"the answer is not JSON: {text[:60]!r}"
        return
    schema = step.ask.get("schema")
    if schema is not None and not jsonschema_rs.is_valid(schema["schema"], value):
        yield "the answer does not keep to its schema"
