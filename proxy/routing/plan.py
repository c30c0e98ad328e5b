"""The plan of a call: every candidate of the route with a verdict, before anything is sent. Pure decisions.

    survey    what holds for every call of one kind (`proxy.routing.survey`)
    decide    what holds now: health, windows against this prompt, limits, money; every call, and again before a next attempt

The same two serve the live path, the dry run and the record. A candidate that fails a gate is a `Skip` that says why; where
the route has its reason switched off, the plan ends there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from decimal import Decimal

from proxy.resources import Model, ModelRoute, Snapshot
from translators.canonical import CapabilitySet, Need, named_value, value

from .condition import WELL, Condition
from .survey import Candidate, Skip, Survey, Terms, survey

_NOWHERE: Mapping[str, Mapping[str, str]] = {}


@value
class Plan:
    """`candidates` in the order they are tried. `ended`: the candidate at which the route says that the call ends."""

    route: ModelRoute
    candidates: tuple[Candidate, ...]
    skips: tuple[Skip, ...]
    needs: tuple[Need, ...]
    ended: Skip | None = None

    @property
    def room_in(self) -> float | None:
        """In how many seconds a model's own limit leaves room, where nothing but such limits leaves no candidate."""
        if self.candidates:
            return None
        last = len(self.route.entries) if self.ended is None else self.ended.index
        waits = [skip.wait for skip in self.skips if skip.gate == "limit" and skip.index <= last]
        return min((wait for wait in waits if wait is not None), default=None)


@named_value
class Size:
    """How large a call is, in tokens: `least` and `most` of its input, `output` as it asks for it, `reserve` as reckoned.

    `output` is of one answer, `reserve` of all `choices` that are asked for together.
    """

    least: int = 0
    most: int = 0
    output: int | None = None
    reserve: int = 0
    choices: int = 1
    method: str = ""


@named_value
class Spent:
    """What an execution has spent and holds, and what the call itself has spent so far, in US dollars and tokens."""

    execution: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    tokens: int = 0
    calls: int = 0
    call: Decimal = Decimal(0)


@named_value
class Moment:
    """How things stand when a plan is made. `draw` in [0, 1) decides among balanced entries.

    `wait_of(model, tokens)` is how many seconds the model's own limits ask for. `warm` is the ref whose prompt cache holds
    this conversation. `counted`: this call is one of the calls already counted in `spent`. `strayed` are the refs of providers
    that reported to have processed a call elsewhere than was demanded: the region, by the residency code that it broke.
    """

    now: float
    condition_of: Callable[[str, float], Condition]
    wait_of: Callable[[Model, int], float] = lambda model, tokens: 0.0
    size: Size = Size()
    spent: Spent = Spent()
    counted: bool = False
    draw: float = 0.0
    warm: str | None = None
    unknown_cost: str = "catalog"
    strayed: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _NOWHERE)


def plan(
    snapshot: Snapshot,
    route: ModelRoute,
    terms: Terms,
    capabilities_of: Callable[[Model], CapabilitySet],
    moment: Moment,
) -> Plan:
    """The candidates that may serve a call with `terms` at `moment`, in order."""
    return decide(survey(snapshot, route, terms, capabilities_of), moment)


def decide(surveyed: Survey, moment: Moment) -> Plan:
    """What of `surveyed` may be asked now, in the order of trying. `moment.condition_of` is asked once per candidate.

    Those that are well come first, degraded ones behind them. A candidate whose rest the provider itself named is passed
    over, and so is one that rests by our guess or is open. When nothing else is left, the one of these that waits the
    longest is asked at the very end: never refuse because of a guess.
    """
    route = surveyed.route
    skips = list(surveyed.skips)
    ready: list[Candidate] = []
    guessed: list[tuple[float, Candidate, Skip]] = []
    for candidate in surveyed.standing:
        condition = moment.condition_of(candidate.model.ref, moment.now)
        candidate, skip = _judged(surveyed, candidate, condition, moment)
        if skip is None:
            ready.append(candidate)
            continue
        skips.append(skip)
        if skip.gate == "health" and condition.spare and _beyond(surveyed, candidate, moment) is None:
            guessed.append((condition.since, candidate, skip))
    ended = _ends(route, skips)
    if ended is not None:
        ready = [candidate for candidate in ready if candidate.index < ended.index]
        guessed = [item for item in guessed if item[1].index < ended.index]
    ready = _ordered(surveyed, ready, skips, moment)
    if guessed and route.failover.last_resort:
        _, resort, its_skip = min(guessed, key=lambda item: item[0])
        if not ready:
            skips.remove(its_skip)  # otherwise it says why the candidate is not asked in its turn
        ready.append(resort)
    skips.sort(key=lambda skip: skip.index)
    return Plan(route, tuple(ready), tuple(skips), surveyed.terms.needs, ended)


def again(surveyed: Survey, candidate: Candidate, moment: Moment) -> Skip | None:
    """Why `candidate`, which a plan held, cannot be asked any more; None when it can.

    What was good when the plan was made may have changed by the time an earlier attempt has failed. The call's last resort
    need not be well: it was not when it was chosen.
    """
    condition = moment.condition_of(candidate.model.ref, moment.now)
    _, skip = _judged(surveyed, candidate, condition, moment)
    if skip is not None and skip.gate == "health" and candidate.is_last_resort and condition.spare:
        return _beyond(surveyed, candidate, moment)
    return skip


def _judged(
    surveyed: Survey, candidate: Candidate, condition: Condition, moment: Moment
) -> tuple[Candidate, Skip | None]:
    """`candidate` with what is known of it now, and why it cannot be asked, if it cannot."""
    index, model, size = candidate.index, candidate.model, moment.size
    if surveyed.tariffs:
        reserve = _reserve(candidate, size, surveyed.outputs[index])
        tariff = surveyed.tariffs.get(index)
        estimate = None if tariff is None else tariff.most(size.most, reserve)
        candidate = replace(candidate, condition=condition, reserve=reserve, estimate=estimate)
    elif condition is not WELL:
        candidate = replace(candidate, condition=condition)
    skip = _strayed(surveyed, index, model, moment) or _too_long(surveyed, index, model, size)
    if skip is not None:
        return candidate, skip
    if surveyed.route.failover.on_health_degraded or condition.state in ("resting", "credential_bad"):
        skip = _unwell(index, model, condition, moment.now)
        if skip is not None:
            return candidate, skip
    return candidate, _beyond(surveyed, candidate, moment)


def _beyond(surveyed: Survey, candidate: Candidate, moment: Moment) -> Skip | None:
    """The gates behind health: the model's own limits and the route's money."""
    model, size = candidate.model, moment.size
    wait = moment.wait_of(model, size.most + size.reserve)
    if wait > 0:
        detail = f"its own limit leaves room in {wait:.1f} s" if wait != float("inf") else "its own limit is too small"
        return Skip(candidate.index, model.ref, "limit", detail, wait=wait)
    return _too_dear(surveyed, candidate, moment) if surveyed.tariffs else None


def _strayed(surveyed: Survey, index: int, model: Model, moment: Moment) -> Skip | None:
    """What a provider says of where it processed a call counts for more than what the configuration says of it."""
    told = moment.strayed.get(model.ref) if surveyed.codes else None
    for code, region in told.items() if told else ():
        if code in surveyed.codes:
            detail = f"reported that it processed a call in {region}, outside {code}"
            return Skip(index, model.ref, "region", detail, evidence={"demanded": code, "reported": region})
    return None


def _too_long(surveyed: Survey, index: int, model: Model, size: Size) -> Skip | None:
    window, output = surveyed.windows[index], surveyed.outputs[index]
    if output is not None and size.output is not None and size.output > output:
        detail = f"gives at most {output} tokens, {size.output} are asked for"
        return Skip(index, model.ref, "request", detail, ("maxOutput",), evidence={"have": output, "need": size.output})
    asked = size.least + (size.output or 0)
    if window is not None and asked > window:
        detail = f"context window {window} is below {asked}: {size.least} input and {size.output or 0} output tokens"
        evidence = {"have": window, "need": asked, "input": size.least, "method": size.method}
        return Skip(index, model.ref, "request", detail, ("contextWindow",), evidence=evidence)
    return None


def _unwell(index: int, model: Model, condition: Condition, now: float) -> Skip | None:
    if condition.well or condition.state == "degraded":
        return None
    if condition.admits and condition.state in ("half_open", "credential_bad"):
        return None  # this call is the probe
    wait = None if condition.until is None else max(condition.until - now, 0.0)
    told = wait if condition.state == "resting" else None
    return Skip(
        index,
        model.ref,
        "health",
        condition.describe(now),
        wait=told,
        evidence={"state": condition.name, "seconds": wait},
    )


def _reserve(candidate: Candidate, size: Size, most: int | None) -> int:
    """How many tokens `candidate` may answer with: as many as its request will ask for, and no more than it can give.

    That is not always what the client asked for: records may set a maximum, or replace the client's (`proxy.parameters`).
    """
    forced = candidate.model.forced_parameters.get("maxOutputTokens")
    asked = forced if forced is not None else size.output
    if asked is None:
        asked = candidate.parameters.get("maxOutputTokens")
    reserve = size.reserve if asked is None else asked * size.choices
    return int(reserve if most is None else min(reserve, most * size.choices))


def _too_dear(surveyed: Survey, candidate: Candidate, moment: Moment) -> Skip | None:
    limits, spent = surveyed.route.constraints, moment.spent
    index, ref, estimate = candidate.index, candidate.model.ref, candidate.estimate
    used = spent.calls if moment.counted else spent.calls + 1
    if limits.max_calls_per_execution is not None and used > limits.max_calls_per_execution:
        return _over(index, ref, "calls", limits.max_calls_per_execution, used - 1, 1)
    tokens = moment.size.most + candidate.reserve
    if limits.max_tokens_per_execution is not None and spent.tokens + tokens > limits.max_tokens_per_execution:
        return _over(index, ref, "tokens", limits.max_tokens_per_execution, spent.tokens, tokens)
    if limits.max_cost_per_execution is None and limits.max_cost_per_call is None:
        return None
    if estimate is None:
        if moment.unknown_cost == "allow":
            return None
        detail = "its price is unknown, so that the route's limit could not be kept"
        return Skip(index, ref, "budget", detail, evidence={"unit": "usd", "estimate": None})
    if limits.max_cost_per_call is not None and spent.call + estimate > limits.max_cost_per_call:
        return _over(index, ref, "usd", limits.max_cost_per_call, spent.call, estimate, window="call")
    most = limits.max_cost_per_execution
    if most is None:
        return None
    used_up = 0 < most <= spent.execution  # then nothing goes on, be it free: the execution is over its limit (G4)
    if used_up or spent.execution + spent.held + estimate > most:
        return _over(index, ref, "usd", most, spent.execution, estimate, held=spent.held)
    return None


def _over(
    index: int,
    ref: str,
    unit: str,
    limit: Decimal | int,
    spent: Decimal | int,
    estimate: Decimal | int,
    *,
    window: str = "run",
    held: Decimal | int = 0,
) -> Skip:
    used, words = spent + held, "are spent or held" if held else "are spent"
    if isinstance(limit, Decimal):
        detail = f"may take {estimate:f} {unit}, and {used:f} of {limit:f} {words}"
    else:
        detail = f"may take {estimate} {unit}, and {used} of {limit} are used"
    evidence = {"unit": unit, "window": window, "limit": limit, "spent": spent, "held": held, "estimate": estimate}
    return Skip(index, ref, "budget", detail, evidence=evidence)


_FLAGS: Mapping[str, str] = {
    "requirement": "on_capability_mismatch",
    "request": "on_capability_mismatch",
    "region": "on_region_mismatch",
    "budget": "on_budget_exceeded",
    "limit": "on_rate_limited",
}
"""The failover flag of the route that lets a call pass over a candidate at a gate. The other gates always do."""


def _ends(route: ModelRoute, skips: Sequence[Skip]) -> Skip | None:
    """The first candidate that failed at a gate whose failover the route has switched off."""
    failover = route.failover
    ending = [skip for skip in skips if (flag := _FLAGS.get(skip.gate)) and not getattr(failover, flag)]
    return min(ending, key=lambda skip: skip.index, default=None)


# --- the order -------------------------------------------------------------------------------------------------------


def _ordered(surveyed: Survey, ready: list[Candidate], skips: list[Skip], moment: Moment) -> list[Candidate]:
    if len(ready) < 2:
        return ready
    if not surveyed.plain:
        ready = _quick_enough(surveyed.route, ready, skips)
        ready = _within_steps(surveyed.route, ready, moment)
    if surveyed.route.failover.on_health_degraded and any(each.condition.state == "degraded" for each in ready):
        ready.sort(key=lambda candidate: candidate.condition.state == "degraded")
    return ready


def _quick_enough(route: ModelRoute, ready: list[Candidate], skips: list[Skip]) -> list[Candidate]:
    limit = route.constraints.max_latency
    if limit is None:
        return ready
    slow = [each for each in ready if each.condition.p95 is not None and each.condition.p95 > limit]
    if not slow or len(slow) == len(ready):
        return ready
    for candidate in slow:
        p95 = candidate.condition.p95 or 0.0
        detail = f"its p95 of {p95:.2f} s is above the route's {limit:g} s"
        skips.append(Skip(candidate.index, candidate.model.ref, "health", detail))
    return [candidate for candidate in ready if candidate not in slow]


def _within_steps(route: ModelRoute, ready: list[Candidate], moment: Moment) -> list[Candidate]:
    """The candidates of each step in its own order: drawn by weight, by time to the first content, or as written.

    The one whose prompt cache is warm comes first in its step, as long as it is well.
    """
    steps: dict[int, list[Candidate]] = {}
    for candidate in ready:
        steps.setdefault(candidate.step, []).append(candidate)
    ordered: list[Candidate] = []
    for members in steps.values():
        if len(members) > 1:
            if members[0].weight is not None:
                members = _drawn(members, moment.draw)
            elif route.order == "latency":
                members.sort(key=_quickness)
            members.sort(key=lambda each: not (each.model.ref == moment.warm and each.condition.well))
        ordered += members
    return ordered


def _quickness(candidate: Candidate) -> float:
    """What is not known yet is tried first, so that it becomes known."""
    condition = candidate.condition
    return condition.first_p50 or condition.p50 or 0.0


def _drawn(members: list[Candidate], draw: float) -> list[Candidate]:
    """A random order in which each comes first as often as its weight says. One draw decides all of it."""
    left, ordered = list(members), []
    while left:
        total = sum(each.weight or 1 for each in left)
        point = draw * total
        for candidate in left:
            weight = candidate.weight or 1
            if point < weight:
                break
            point -= weight
        draw = point / weight  # what is left of the draw is as random as all of it was
        draw = draw if 0.0 <= draw < 1.0 else 0.0
        ordered.append(candidate)
        left.remove(candidate)
    return ordered
