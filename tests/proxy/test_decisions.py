"""What is decided live is what the evaluator says of what the call recorded: for ten thousand installations."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from proxy.budgets import Standing
from proxy.call import Call
from proxy.events import Scope
from proxy.explain.what_if import Inputs, planned
from proxy.identity import Identity
from proxy.planner import Planner
from proxy.resources import Model
from proxy.routing import Condition
from tests.support.routing import NOW, Installation, installation
from translators.canonical import CapabilitySet, Message, Request, Sampling, Text
from translators.formats import openai_chat

MANY = 10_000


class _World:
    """An installation in the place of everything a planner asks: bindings, health, limits, the ledger."""

    def __init__(self, made: Installation) -> None:
        self._made = made
        self.standing_asked = 0

    quiet = False

    def of(self, subject: Any, now: float | None = None) -> Any:
        if isinstance(subject, Model):
            return _Able(lambda: self._made.capabilities_of(subject))
        condition: Condition = self._made.moment.condition_of(subject, NOW)
        return condition

    def wait(self, record: Model, tokens: int, now: float) -> float:
        return self._made.moment.wait_of(record, tokens)

    async def standing(self, account: str, patience: float) -> Standing:
        self.standing_asked += 1
        spent = self._made.moment.spent
        return Standing(usd=spent.execution, held_usd=spent.held, tokens=spent.tokens, held_tokens=0, calls=spent.calls)


class _Able:
    def __init__(self, capabilities: Callable[[], CapabilitySet]) -> None:
        self.capabilities = capabilities


def _call(made: Installation) -> Call:
    moment = made.moment
    request = Request(
        messages=(Message("user", (Text("word " * (moment.size.least % 4_000)),)),),
        sampling=Sampling(max_output_tokens=moment.size.output),
    )
    return Call(
        id="mc_1",
        endpoint="/v1/chat/completions",
        client=openai_chat.CLIENT,
        request=request,
        snapshot=made.snapshot,
        route=made.route,
        resolved_by="route-name",
        scope=Scope(lambda prefix: prefix, {}),
        identity=Identity(
            execution="e",
            execution_source="header",
            residency=made.terms.residency,
            allowed=made.terms.allowed,
        ),
        started=NOW,
        deadline=NOW + 60,
        created=0,
        needs=made.terms.needs,
    )


async def test_the_live_decision_is_the_evaluators() -> None:
    chosen = looked_up = 0
    for seed in range(MANY):
        made = installation(seed)
        world: Any = _World(made)
        planner = Planner(world, world, world, world, draw=lambda made=made: made.moment.draw, clock=lambda: NOW)
        call = _call(made)
        live = await planner.plan(call)
        looked_up += world.standing_asked
        chosen += bool(live.candidates)
        assert call.surveyed is not None
        assert call.moment is not None
        inputs = Inputs(call.snapshot, call.route, call.surveyed.terms, call.moment)
        assert planned(inputs, made.capabilities_of) == live, f"installation({seed})"
        assert await planner.plan(_call(made)) == live, f"installation({seed}) is decided otherwise the second time"
        if made.route.constraints.on_execution:
            assert call.spent.execution == made.moment.spent.execution
        else:
            assert call.spent.execution == Decimal(0)
    assert chosen > MANY / 5
    assert looked_up > MANY / 10
