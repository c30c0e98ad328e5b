"""Whether a call whose turn has acted on the world may move to another model, and what is said about it. Pure.

    guard      only reading: silently; a declared effect, or a call of unknown fate with one: no; an unknown tool: announced
    announce   always, and said        block   never once anything but reading was done        allow   always, silently

An effect declared idempotent may be repeated, so that it is announced and not blocked. What is under way counts like what was
done: nobody knows how far it came. Sources: the requirements, R41 to R43; the configuration reference, 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from translators.canonical import value

from .levels import Levels
from .turn import Acted

Extent = Literal["none", "read_only", "possible", "known"]


@value
class Judgement:
    """`announced`: the failover is not silent; `notice` is then the header's text, a dictionary of RFC 9651.

    `document` is the member "turn" of an explanation, `payload` what ProviderSwitched says of it.
    """

    allowed: bool
    announced: bool
    detail: str
    notice: str
    document: Mapping[str, Any]
    payload: Mapping[str, Any]


def judge(acted: Acted, open_calls: tuple[str, ...], levels: Levels, mode: str) -> Judgement:
    """The judgement in `mode`. `open_calls` are tools that are known to be under way although the history does not say so."""
    in_flight = (*acted.in_flight, *open_calls)
    effects = [f"{tool} ({word})" for tool, word in acted.known if not levels.of(tool).harmless and word != "read_only"]
    lasting = [name for name, word in acted.known if word != "read_only" and not levels.of(name).idempotent]
    lasting += [name for name in in_flight if levels.of(name).known and not levels.of(name).harmless]
    unknown = [*acted.unknown, *(name for name in in_flight if not levels.of(name).known)]
    extent = _extent(bool(lasting or effects), bool(unknown), acted.calls + len(open_calls))
    allowed = mode in ("allow", "announce") or extent in ("none", "read_only")
    if mode == "guard" and not allowed:
        allowed = not lasting
    announced = allowed and mode != "allow" and extent in ("possible", "known")
    detail = _detail(extent, effects, lasting, unknown)
    verdict = "allowed" if allowed else "blocked"
    told = {"known": [word for _, word in acted.known], "unknown": unknown, "inFlight": len(in_flight)}
    return Judgement(
        allowed,
        announced,
        detail,
        f"failover, side-effects={extent}" if announced else "",
        {
            "toolCalls": acted.calls,
            "sideEffects": sorted({word for _, word in acted.known}),
            "unknownTools": unknown,
            "inFlight": len(in_flight),
            "failoverGuard": f"{verdict}: {detail}",
        },
        {"idempotent": acted.idempotent and not in_flight, "sideEffects": told, "policy": f"{mode}: {verdict}"},
    )


def _extent(lasting: bool, unknown: bool, calls: int) -> Extent:  # noqa: FBT001  # two facts of the same kind
    if lasting:
        return "known"
    if unknown:
        return "possible"
    return "read_only" if calls else "none"


def _detail(extent: Extent, effects: list[str], lasting: list[str], unknown: list[str]) -> str:
    match extent:
        case "known":
            names = effects or lasting
            return f"the turn has acted: {', '.join(dict.fromkeys(names))}"
        case "possible":
            return f"tools of unknown effect have run: {', '.join(dict.fromkeys(unknown))}"
        case "read_only":
            return "read-only history"
        case _:
            return "no tool has run"
