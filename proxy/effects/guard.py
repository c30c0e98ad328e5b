"""Whether a call may move to another model although tools of its turn have acted. A pure judgement, and its words.

What the route says (`failover.onSideEffects`) against what is known:

    level        what is worst in the turn                    guard                     announce    block    allow
    none         no tool was called                           silent                    silent      silent   silent
    read_only    tools that only read                         silent                    silent      silent   silent
    possible     tools nobody declares                        announced                 announced   blocked  silent
    known        declared effects; all may be repeated        announced                 announced   blocked  silent
                 declared effects; one may not                blocked                   announced   blocked  silent
    in_flight    calls without a result, by what they do:
                 may be repeated, or not declared             announced                 announced   blocked  silent
                 declared, and may not be repeated            blocked                   announced   blocked  silent
                 running as the tool gateway says, or it      blocked                   announced   blocked  silent
                 does not say; unless it may be repeated

Three of these are choices. An idempotent effect does not block: the demand is that safe failovers are recorded, not that there
are none (R43); it is announced, since it is an effect (R41). A call that nobody declares and whose result is missing is
announced as one with a result is (G13): a client that drops a call looks the same, and must not lose its failover. Where a
service exists that knows what is running, its word counts for more, and so does its silence (R42).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from translators.canonical import value

from .levels import UNKNOWN, Act, Effect
from .turn import Acted

Mode: TypeAlias = Literal["guard", "announce", "block", "allow"]
Level: TypeAlias = Literal["none", "read_only", "possible", "known", "in_flight"]

_GATEWAY = ("gateway", "unreachable")
_SHOWN = 5
_SHOWN_CHARACTERS = 64
_UNREADABLE = (Act("the tool ledger cannot be read", Effect(UNKNOWN), "", "ledger"),)


@value
class Judgement:
    """`allowed`: the call may move on; `announced`: not without saying so. `detail` is for people and begins with the verdict.

    `in_flight` counts the calls without a result, as all sources together know them. `idempotent`: all that was called in
    the turn may as well be called again.
    """

    allowed: bool
    announced: bool
    detail: str
    level: Level
    in_flight: int = 0
    idempotent: bool = True


def judge(acted: Acted, open_calls: tuple[Act, ...] | None, mode: Mode) -> Judgement:
    """The judgement on leaving a candidate now.

    `open_calls` are those that the ledger and the tool gateway know to be without a result; None: the ledger cannot say.
    """
    flying = _in_flight(acted, _UNREADABLE if open_calls is None else open_calls)
    risky = [act for act in flying if not act.effect.harmless]
    effects = [act for act in (*acted.known, *acted.hosted) if act.effect.known and not act.effect.harmless]
    level = _level(acted, flying, risky, effects)
    idempotent = acted.idempotent and all(act.effect.repeatable for act in flying)
    reason = _reason(risky, effects, acted.undeclared)
    if not reason:
        detail = "allowed: read-only history" if level == "read_only" else "allowed: no tool has acted"
        return Judgement(True, False, detail, level, _count(flying), idempotent)
    match mode:
        case "allow":
            verdict = "allowed"
        case "announce":
            verdict = "announced"
        case "block":
            verdict = "blocked"
        case "guard":
            verdict = "blocked" if any(map(_blocks, (*effects, *risky))) else "announced"
    return Judgement(
        verdict != "blocked", verdict == "announced", f"{verdict}: {reason}", level, _count(flying), idempotent
    )


def _in_flight(acted: Acted, open_calls: tuple[Act, ...]) -> tuple[Act, ...]:
    """Every call without a result. A result in the request counts for more than a ledger that lags behind."""
    answered, listed = {*acted.results}, {act.id for act in acted.in_flight}
    others = (act for act in open_calls if act.source in _GATEWAY or (act.id not in answered and act.id not in listed))
    return (*acted.in_flight, *others)


def _count(flying: tuple[Act, ...]) -> int:
    """How many calls those are: one that the gateway tells of too, which gives no ids, is known by its tool."""
    told = {act.tool for act in flying if act.source in _GATEWAY}
    return sum(act.source in _GATEWAY or act.tool not in told for act in flying)


def _level(acted: Acted, flying: tuple[Act, ...], risky: list[Act], effects: list[Act]) -> Level:
    if risky:
        return "in_flight"
    if effects:
        return "known"
    if acted.undeclared:
        return "possible"
    return "read_only" if acted.calls or flying else "none"


def _blocks(act: Act) -> bool:
    """Whether the guard stops for an act that is not harmless."""
    if act.effect.repeatable:
        return False
    return act.effect.known or act.source in _GATEWAY


def _reason(risky: list[Act], effects: list[Act], undeclared: tuple[str, ...]) -> str:
    parts = []
    if risky:
        parts.append(f"in flight: {_listed(map(_told, risky))}")
    if effects:
        parts.append(f"has acted: {_listed(map(_told, effects))}")
    if undeclared:
        parts.append(f"undeclared: {_listed(undeclared)}")
    return "; ".join(parts)


def _told(act: Act) -> str:
    if act.source == "unreachable" or not act.effect.known:
        return _short(act.tool)
    repeatable = ", idempotent" if act.effect.idempotent else ""
    return f"{_short(act.tool)} ({act.effect.level}{repeatable})"


def _listed(names: Iterable[str]) -> str:
    shown = [_short(name) for name in dict.fromkeys(names)]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _short(name: str) -> str:
    """A client's own word, no longer than a line can bear."""
    return name if len(name) <= _SHOWN_CHARACTERS else name[: _SHOWN_CHARACTERS - 1] + "…"


def notice(judgement: Judgement) -> str:
    """The value of `x-joch-notice`, a dictionary of RFC 9651 with one member; empty where there is nothing to announce."""
    return f"failover;side-effects={judgement.level}" if judgement.announced else ""


def payload(acted: Acted, judgement: Judgement) -> dict[str, Any]:
    """The members that `ProviderSwitched` has of it (event reference, section 3)."""
    return {
        "idempotent": judgement.idempotent,
        "sideEffects": {
            "known": [
                {"tool": act.tool, "level": act.effect.level}
                for act in (*acted.known, *acted.hosted)
                if act.effect.known
            ],
            "unknown": list(acted.undeclared),
            "inFlight": judgement.in_flight,
        },
        "policy": judgement.detail,
    }


def document(acted: Acted, judgement: Judgement) -> dict[str, Any]:
    """The explanation's "turn" (event reference, section 7)."""
    return {
        "toolCalls": acted.calls,
        "sideEffects": list(acted.levels),
        "unknownTools": list(acted.undeclared),
        "inFlight": judgement.in_flight,
        "failoverGuard": judgement.detail,
    }
