"""Explanations for people: what `joch route` prints and `Accept: text/plain` gets. Reads documents, knows no call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
HEADERS = ("CALL", "TIME", "ROUTE", "ASKED", "SERVED BY", "ATTEMPTS", "STATUS", "COST USD", "MS")
"""The columns of `table`."""


def as_text(made: Document, *, why_not: str | None = None) -> str:
    """One document, as lines. `why_not` keeps only the candidate of that ref."""
    return "\n".join(_lines(made, why_not)) + "\n"


def table(documents: Sequence[Document]) -> list[tuple[str, ...]]:
    """A row for each call, in the order given."""
    return [
        (
            made["callId"],
            _clock(made["at"]),
            made["request"]["route"],
            made["request"]["requestedModel"] or "-",
            made["outcome"].get("servedBy") or "-",
            str(made["outcome"].get("attempts", 0)),
            _plain(made["outcome"].get("status")),
            _money(made["outcome"].get("costUsd")),
            _plain(made["outcome"].get("totalMs")),
        )
        for made in documents
    ]


def _lines(made: Document, why_not: str | None) -> Iterator[str]:
    request, execution = made["request"], made["execution"]
    yield (
        f"{execution['id']}  call {made['callId']}  {_clock(made['at'])}  agent {made['identity']['agent']}  "
        f"asked {request['requestedModel'] or '-'} -> route {request['route']} ({request['resolvedBy']})"
    )
    needs = "  ".join(f"{need['need']} ({need['because']})" for need in request["needs"])
    yield f"needs     {needs or 'nothing in particular'}"
    yield from _limits(made)
    yield ""
    for row in made["candidates"]:
        if why_not is None or row["ref"] == why_not:
            yield from _candidate(row)
    yield ""
    yield f"result    {_result(made)}"
    if made.get("turn"):
        yield f"turn      {made['turn'].get('failoverGuard', '')}"


def _limits(made: Document) -> Iterator[str]:
    given = {name: limit for name, limit in made["constraints"].items() if limit is not None}
    before = made["execution"].get("costUsdBefore")
    if given:
        shown = "  ".join(f"{name} {_plain(limit)}" for name, limit in given.items())
        yield f"limits    {shown}"
    if before is not None:
        yield f"run cost  {_money(before)} USD in {made['execution']['callsBefore']} calls before this one"


def _candidate(row: Document) -> Iterator[str]:
    attempt = row.get("attempt")
    yield f"{row['index']}  {row['ref']:<28} {row['result'].upper():<9} {_story(row, attempt)}".rstrip()
    passed = [gate["gate"] for gate in row["gates"] if gate["ok"]]
    failed = [gate for gate in row["gates"] if not gate["ok"]]
    if failed:
        yield f"     gate  {failed[0]['gate']}: {failed[0]['detail']}"
        if passed:
            yield f"     passed before  {' '.join(passed)}"
    else:
        notes = [note for gate in row["gates"] if (note := _gate(gate))]
        yield f"     gates  all passed{': ' + '  '.join(notes) if notes else ''}"
    for change in row.get("transforms", ()):
        yield f"     changed  {change['field']} {change['action']}{': ' + change['detail'] if change['detail'] else ''}"
    for name, each in row.get("defaultsApplied", {}).items():
        yield f"     set  {name} = {', '.join(map(str, each)) if isinstance(each, list) else each}"
    switch = row.get("switch")
    if switch:
        where = f"switched to {switch['to']}" if switch["to"] else "the call ended here"
        why = f" ({switch['why']})" if switch.get("why") else ""
        yield f"     next  {switch['trigger'] or 'no failover'}: {where}{why}"
    if row.get("wouldTake"):
        changes = ", then ".join(f"{each['change']} = {_plain(each['to'])}" for each in row["wouldTake"])
        yield f"     would take  {changes}"


def _gate(gate: Document) -> str:
    if gate["gate"] == "budget" and "estimateUsd" in gate:
        return f"budget at most {_money(gate['estimateUsd'])} USD"
    if gate["gate"] == "health":
        return f"health {gate.get('detail', '')}"
    if gate["gate"] == "region" and "region" in gate:
        return f"region {gate['region']}"
    return ""


def _story(row: Document, attempt: Document | None) -> str:
    if attempt is None:
        return str(row.get("detail", ""))
    ms = f"{_plain(attempt.get('ms'))} ms"
    if attempt.get("outcome") == "ok":
        first = attempt.get("firstChunkMs")
        return f"200, {'first content ' + _plain(first) + ' ms, ' if first is not None else ''}{ms}"
    status = f"{attempt['httpStatus']} " if attempt.get("httpStatus") else ""
    wait = attempt.get("retryAfterMs")
    told = f", retry after {wait / 1000:g} s" if wait is not None else ""
    return f"{status}{attempt.get('failure') or attempt.get('reason')} after {ms}{told}"


def _result(made: Document) -> str:
    outcome = made["outcome"]
    if made.get("dryRun"):
        would = outcome.get("wouldServe")
        return f"would ask {would} first" if would else f"would be refused: {_named(outcome['error'])}"
    error = outcome.get("error")
    parts = ["the client left" if outcome["status"] is None else str(outcome["status"])]
    if error:
        parts.append(_named(error))
    if outcome.get("servedBy"):
        parts.append(f"served by {outcome['servedBy']}, fallback index {outcome['fallbackIndex']}")
    if outcome.get("notice"):
        parts.append(outcome["notice"])
    parts += [
        f"{_money(outcome.get('costUsd'))} USD",
        f"total {_plain(outcome['totalMs'])} ms",
        f"router {_plain(outcome['overheadMs'])} ms",
    ]
    return ", ".join(parts)


def _named(error: Document) -> str:
    return str(error["code"] or error["type"])


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(at))


def _money(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:.6f}".rstrip("0").rstrip(".") or "0"


def _plain(shown: Any) -> str:
    if isinstance(shown, float):
        return f"{shown:,.1f}".replace(",", " ").removesuffix(".0")
    if isinstance(shown, list):
        return ", ".join(map(str, shown))
    return "-" if shown is None else str(shown)
