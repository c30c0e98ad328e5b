"""From a call to its plan: how large it is, what its execution has spent, how its candidates are; then the evaluator decides.

The live path and a dry run ask here and get the same answer. Most calls need no look at all: while every candidate is well,
nothing is counted and the body is smaller than every window, calls of one kind share one plan. Nothing is sent from here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from proxy import estimation
from proxy.adapters import Bindings
from proxy.budgets import Claim, Hold, Ledger, Refusal
from proxy.call import Call
from proxy.places import outside
from proxy.resources import Model, Snapshot
from proxy.routing import (
    WELL,
    Affinity,
    Candidate,
    Condition,
    Health,
    Moment,
    Plan,
    Quotas,
    Size,
    Skip,
    Spent,
    Survey,
    Terms,
    again,
    decide,
    survey,
)
from proxy.tokenizers import Tokenizers
from translators.canonical import CapabilitySet, Need
from translators.canonical.needs import needs

STORE_PATIENCE = 1.0
"""How long a call waits for the store to tell what its execution has spent, in seconds. Limits then fail closed."""
_KEPT = 1024
_NOWHERE: Mapping[str, Mapping[str, str]] = {}
_HOLD_SECONDS = 60.0
"""How much longer than the call itself its reservation lasts."""


@dataclass(slots=True)
class _Kept:
    """`plan` is for a moment in which all is well, and used in no other."""

    snapshot: Snapshot
    surveyed: Survey
    plan: Plan


class Planner:
    """Makes plans, and reserves what an attempt may cost. `draw()` gives a number in [0, 1)."""

    def __init__(
        self,
        bindings: Bindings,
        health: Health,
        quotas: Quotas,
        ledger: Ledger,
        draw: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bindings, self._health, self._quotas, self._ledger = bindings, health, quotas, ledger
        self._draw, self._clock = draw, clock
        self._affinity, self._tokenizers = Affinity(), Tokenizers()
        self._kept: dict[tuple[object, ...], _Kept] = {}
        self._strayed: dict[str, Mapping[str, str]] = {}
        self._strayed_in: Snapshot | None = None
        self._limiting: tuple[Snapshot, bool] | None = None

    async def plan(self, call: Call) -> Plan:
        """The plan of `call` as things stand now. Raises `StoreError` when its limits cannot be looked up."""
        call.wanted = (*call.needs, *needs(call.request))
        kept = self._survey(call, call.wanted)
        surveyed = call.surveyed = kept.surveyed
        easy = surveyed.plain and not surveyed.skips and self._health.quiet and not (self._strayed and surveyed.codes)
        if easy and self._certainly_fits(call, surveyed):
            return kept.plan
        await self._measure(call, surveyed)
        call.draw = self._draw()
        call.moment = self._moment(call, surveyed)
        return decide(surveyed, call.moment)

    async def plan_in_time(self, call: Call) -> Plan:
        """As `plan`, and where a model's own limit alone is in the way, when it leaves room (`limits.maxQueueMs`)."""
        began = now = self._clock()
        patience = min(call.snapshot.settings.max_queue_seconds, call.deadline - now)
        plan = await self.plan(call)
        while (wait := plan.room_in) is not None and now - began + wait < patience:
            await asyncio.sleep(wait)
            call.waited += self._clock() - now
            now = self._clock()
            plan = await self.plan(call)
        return plan

    def again(self, call: Call, candidate: Candidate) -> Skip | None:
        """Why `candidate` of the call's plan cannot be asked any more, if it cannot."""
        surveyed = self._surveyed(call)
        return again(surveyed, candidate, self._moment(call, surveyed))

    def _surveyed(self, call: Call) -> Survey:
        if call.surveyed is None:
            raise RuntimeError("the call has no plan yet")
        return call.surveyed

    # --- the survey --------------------------------------------------------------------------------------------------

    def _survey(self, call: Call, wanted: tuple[Need, ...]) -> _Kept:
        """The survey of calls that need the same on the same route. One that skips somebody names places in its request,
        so that it is made anew each time.
        """
        identity = call.identity
        day = _day(int(time.time()) // 86_400)
        tier = call.request.service_tier
        names = " ".join([need.name if need.value is True else f"{need.name}={need.value}" for need in wanted])
        key = (id(call.route), names, identity.residency, identity.allowed, tier, day)
        kept = self._kept.get(key)
        if kept is not None and kept.snapshot is call.snapshot:
            return kept
        terms = Terms(needs=wanted, residency=identity.residency, allowed=identity.allowed, service_tier=tier, day=day)
        surveyed = survey(call.snapshot, call.route, terms, self._capabilities_of)
        made = _Kept(call.snapshot, surveyed, decide(surveyed, Moment(now=self._clock(), condition_of=_all_well)))
        if not surveyed.skips:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = made
        return made

    def _capabilities_of(self, model: Model) -> CapabilitySet:
        return self._bindings.of(model).capabilities()

    # --- the moment --------------------------------------------------------------------------------------------------

    def _certainly_fits(self, call: Call, surveyed: Survey) -> bool:
        output = call.request.sampling.max_output_tokens or 0
        if surveyed.largest_output is not None and output > surveyed.largest_output:
            return False
        if surveyed.room is None:
            return True
        bound = estimation.bound(call.request, call.snapshot.settings.estimation) + call.input_counted
        return bound + output <= surveyed.room

    async def _measure(self, call: Call, surveyed: Survey) -> None:
        """Find out what the decision needs: the prompt's size, exactly where it matters, and what was spent."""
        settings, request = call.snapshot.settings.estimation, call.request
        found = estimation.quick(request, settings)
        known = call.input_counted
        output, choices = request.sampling.max_output_tokens, request.sampling.n or 1
        for candidate in surveyed.standing:
            window = surveyed.windows[candidate.index]
            if window is not None and found.at_least <= window - (output or 0) < found.at_most:
                found = await self._tokenizers.exact(request, settings, candidate.model.model)
                break
        call.size = Size(
            least=found.at_least + known,
            most=int(found.tokens * settings.safety) + known,
            output=output if call.generates else 0,
            reserve=(output or settings.default_output_tokens) * choices if call.generates else 0,
            choices=choices,
            method=found.method,
        )
        if surveyed.route.constraints.on_execution:
            standing = await self._ledger.standing(call.account, STORE_PATIENCE)
            call.spent = Spent(
                execution=standing.usd,
                held=standing.held_usd,
                tokens=standing.tokens + standing.held_tokens,
                calls=standing.calls,
            )

    def _moment(self, call: Call, surveyed: Survey) -> Moment:
        """How things stand now, as values: whoever decides by it later decides the same."""
        now, spent = self._clock(), call.spent
        conditions = {entry.ref: self._health.of(entry.ref, now) for entry in surveyed.route.entries}
        tokens = call.size.most + call.size.reserve
        waits = {each.model.ref: self._quotas.wait(each.model, tokens, now) for each in surveyed.standing}
        return Moment(
            now=now,
            condition_of=lambda ref, _: conditions[ref],
            wait_of=lambda model, _: waits.get(model.ref, 0.0),
            size=call.size,
            spent=Spent(  # what was looked up does not hold what this call spent since
                execution=spent.execution + call.reckoned,
                held=spent.held,
                tokens=spent.tokens + call.input_tokens + call.output_tokens,
                calls=spent.calls,
                call=call.reckoned,
            ),
            counted=call.counted,
            draw=call.draw,
            warm=self._affinity.warm(call.conversation, now) if call.route.sticky_seconds else None,
            unknown_cost=call.snapshot.settings.unknown_cost,
            strayed=self._strayed if call.snapshot is self._strayed_in else _NOWHERE,
        )

    def served(self, call: Call, candidate: Candidate) -> None:
        """`candidate` answered `call`, so that its prompt cache holds the conversation for a while."""
        if call.route.sticky_seconds and len(call.route.entries) > 1:
            self._affinity.served(call.conversation, candidate.model.ref, self._clock() + call.route.sticky_seconds)

    def processed(self, call: Call, candidate: Candidate, region: str) -> bool:
        """`candidate` reports that it processed `call` in `region`. Whether that is where it had to.

        One that strayed gets no other call with the same demand, until the configuration is read anew.
        """
        broken = outside(region, self._surveyed(call).codes, call.snapshot.settings.residency)
        if broken:
            if self._strayed_in is not call.snapshot:
                self._strayed, self._strayed_in = {}, call.snapshot
            ref = candidate.model.ref
            told = {**self._strayed.get(ref, {}), **dict.fromkeys(broken, region)}
            self._strayed = {**self._strayed, ref: told}  # plans that were made hold what was known then
        return not broken

    def spent(self, call: Call, usd: Decimal | None, tokens: int) -> None:
        """An attempt that nothing was held for has come to this: it counts where another route limits the execution."""
        if self._limiting is None or self._limiting[0] is not call.snapshot:
            limited = any(route.constraints.on_execution for route in call.snapshot.routes.values())
            self._limiting = call.snapshot, limited
        if self._limiting[1]:
            self._ledger.record(call.account, usd, tokens, 0 if call.counted else 1)
            call.counted = True

    # --- money -------------------------------------------------------------------------------------------------------

    async def reserve(self, call: Call, candidate: Candidate) -> Hold | Skip | None:
        """Hold what an attempt at `candidate` may cost: exact, whoever else spends for the same execution right now.

        None where nothing is counted; a `Skip` when the limit leaves no room. Raises `StoreError`.
        """
        limits = call.route.constraints
        if not limits.on_execution:
            return None
        claim = Claim(
            account=call.account,
            usd=candidate.estimate or Decimal(0),
            tokens=call.size.most + candidate.reserve,
            calls=0 if call.counted else 1,
            cap_usd=limits.max_cost_per_execution,
            cap_tokens=limits.max_tokens_per_execution,
            cap_calls=limits.max_calls_per_execution,
        )
        seconds = max(call.deadline - self._clock(), 0.0) + _HOLD_SECONDS
        answer = await self._ledger.reserve(call.id, (claim,), seconds, STORE_PATIENCE)
        if isinstance(answer, Refusal):
            return _refused(candidate, answer)
        call.counted = True
        return answer


@lru_cache(2)
def _day(number: int) -> str:
    """A day in UTC (ISO 8601), by how many there were since 1970."""
    return time.strftime("%Y-%m-%d", time.gmtime(number * 86_400))


def _all_well(ref: str, now: float) -> Condition:
    return WELL


def _refused(candidate: Candidate, refusal: Refusal) -> Skip:
    evidence = {
        "unit": refusal.unit,
        "window": "run",
        "limit": refusal.limit,
        "spent": refusal.spent,
        "held": refusal.held,
        "estimate": refusal.estimate,
    }
    used = refusal.spent + refusal.held
    detail = f"may take {refusal.estimate} {refusal.unit}, and {used} of {refusal.limit} are spent or held"
    return Skip(candidate.index, candidate.model.ref, "budget", detail, evidence=evidence)
