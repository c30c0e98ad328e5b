"""Whether a model could take over what an agent does: its route's demands and what its calls really used. Pure.

Calls are read from their explanations, so that nothing has to be recorded for this alone. Levels: ok, warn, fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from proxy import places, pricing
from proxy.resources import Model, ModelRoute, Residency, Snapshot
from translators.canonical import FLAGS, CapabilitySet, Need, Usage, value

Level = Literal["ok", "warn", "fail"]
MARKS: Mapping[str, str] = {"ok": "✓", "warn": "⚠", "fail": "✗"}
_WORDS = {
    "text": "text conversation",
    "toolCalling": "tool calling",
    "streaming": "streaming",
    "structuredOutput": "structured output",
    "jsonSchema": "structured output by schema",
    "vision": "images",
    "audio": "audio",
    "reasoning": "reasoning",
    "computerUse": "computer use",
    "embeddings": "embeddings",
}


@value
class Check:
    """One line of the report. `id` is a need, or context, residency, zone, price."""

    id: str
    level: Level
    detail: str
    evidence: Mapping[str, Any]


def report(
    agent: str, target: Model, snapshot: Snapshot, able: CapabilitySet, documents: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The whole report on `target` for `agent`, as JSON has it. Without calls it is that of the agent's route alone."""
    record = next((each for each in snapshot.agents.values() if each.name == agent), None)
    named = record.route if record is not None and record.route else None
    if named is None and documents:
        named = documents[0]["request"]["route"]
    route = snapshot.routes.get(named) if named is not None else None
    places_ = {made["identity"]["environment"] for made in documents} - {None}
    codes = [place.residency for name, place in snapshot.environments.items() if name in places_ and place.residency]
    checks = compatibility(target, able, route, snapshot.settings.residency, codes, documents)
    return {
        "agent": agent,
        "target": target.ref,
        "route": None if route is None else route.name,
        "calls": len(documents),
        "checks": [
            {"id": each.id, "level": each.level, "detail": each.detail, "evidence": dict(each.evidence)}
            for each in checks
        ],
        "result": result_of(checks),
        "compatible": all(each.level != "fail" for each in checks),
    }


def compatibility(
    target: Model,
    able: CapabilitySet,
    route: ModelRoute | None,
    residency: Residency,
    codes: Sequence[str],
    documents: Sequence[Mapping[str, Any]],
) -> list[Check]:
    """Every check of `target`. `codes` are residency codes that hold for the agent, `documents` its recent calls."""
    checks = [*_required(able, route), *_used(able, documents)]
    checks += _sizes(target, route, documents)
    checks += _places(target, route, residency, codes)
    checks += _price(target, documents)
    return checks


def result_of(checks: Sequence[Check]) -> str:
    """ "compatible", or how many failures and warnings there are."""
    counts = Counter(check.level for check in checks)
    warnings = _counted(counts["warn"], "warning")
    if counts["fail"]:
        return f"not compatible: {_counted(counts['fail'], 'failure')}, {warnings}"
    return f"compatible, {warnings}" if counts["warn"] else "compatible"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _required(able: CapabilitySet, route: ModelRoute | None) -> Iterator[Check]:
    if route is None:
        return
    for flag in FLAGS:
        if route.requirements.get(flag):
            meets = able.flags.get(flag, False)
            detail = f"required by route {route.name}" + ("" if meets else ", and not available")
            yield Check(flag, "ok" if meets else "fail", detail, {"source": "route"})


def _used(able: CapabilitySet, documents: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """What the calls needed: each need once, with how many calls had it."""
    used: Counter[str] = Counter()
    places_: dict[str, str] = {}
    for made in documents:
        for need in made["request"]["needs"]:
            if not need["need"].startswith("contextWindow") and need["because"] != "route.requirements":
                used[need["need"]] += 1
                places_.setdefault(need["need"], need["because"])
    for shown, calls in used.most_common():
        name, _, wanted = shown.partition("=")
        meets = not able.missing([Need(name, "", wanted or True)])
        detail = f"used in {calls} of {len(documents)} calls ({places_[shown]})"
        detail += "" if meets else ": those calls would pass over this model"
        yield Check(shown, "ok" if meets else "fail", detail, {"calls": calls})


def _sizes(target: Model, route: ModelRoute | None, documents: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    largest = max(
        (
            (made["request"]["inputTokensEstimated"] or 0) + (made["request"]["maxOutputTokens"] or 0)
            for made in documents
        ),
        default=0,
    )
    wanted = max(largest, route.context_window_min or 0 if route else 0)
    if not wanted:
        return
    window = target.context_window
    evidence = {"need": wanted, "have": window}
    if window is None:
        yield Check("context", "warn", f"largest need {wanted} tokens; its window is unknown", evidence)
    else:
        level: Level = "ok" if wanted <= window else "fail"
        yield Check("context", level, f"largest need {wanted} tokens, window {window}", evidence)


def _places(target: Model, route: ModelRoute | None, residency: Residency, codes: Sequence[str]) -> Iterator[Check]:
    own = [route.constraints.residency] if route is not None and route.constraints.residency else []
    for code in dict.fromkeys([*own, *codes]):
        found = places.satisfies(target, code, residency)
        yield Check("residency", "ok" if found.ok else "fail", found.detail, {"code": code})
    if route is not None and (widest := route.constraints.max_zone) is not None:
        over = places.wider(target.zone, widest)
        detail = f"lies in zone {target.zone}, the route allows up to {widest}"
        yield Check("zone", "fail" if over else "ok", detail, {"zone": target.zone})


def _price(target: Model, documents: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """What the same tokens would have cost, where both prices are known."""
    was, would, calls = Decimal(0), Decimal(0), 0
    for made in documents:
        for row in made["candidates"]:
            attempt = row.get("attempt") or {}
            cost, usage = attempt.get("costUsd"), attempt.get("usage")
            if row["result"] != "served" or cost is None or usage is None:
                continue
            tokens = Usage(input=usage["inputTokens"], cached=usage["cachedInputTokens"], output=usage["outputTokens"])
            there = pricing.cost_of(target.pricing, tokens).usd
            if there is not None:
                was, would, calls = was + Decimal(str(cost)), would + there, calls + 1
    if calls:
        detail = f"would have cost {would:.4f} USD instead of {was:.4f} USD for the same tokens of {calls} calls"
        yield Check("price", "ok", detail, {"calls": calls, "usd": float(would), "instead": float(was)})
    elif target.pricing is None:
        yield Check("price", "warn", "its price is unknown", {})


def word_for(id: str) -> str:
    """The need in plain words, for the report."""
    return _WORDS.get(id, id.removeprefix("feature:"))
