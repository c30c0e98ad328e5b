"""What an optional tool gateway says is running. Asks once through whoever is handed in; opens no socket by itself.

The gateway's own interface has no call that lists by execution and turn, so the answer is read as it comes (decision G13):
whatever is not certainly over is under way. A gateway that does not know the address has nothing to say, and the ledger alone
counts; one that does not answer leaves it open what is running, which is taken for the worse (requirement R42).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import urlencode

from proxy.limit import Limit
from proxy.resources import ToolGateway
from translators.formats.json import loads

from .levels import UNKNOWN, Act, Effect, Levels

_NOT_THERE = (404, 405)
_LARGEST = 1024 * 1024
_LISTS = ("items", "data", "toolCalls", "tool_calls", "calls")
_OVER = frozenset(
    {
        *("succeeded", "success", "completed", "complete", "done", "finished", "failed", "error", "errored"),
        *("cancelled", "canceled", "denied", "rejected", "expired", "skipped"),
    }
)
"""States in which a call does nothing any more, in lower case. A word that is not here may mean that it still acts."""


class Ask(Protocol):
    """A GET of `url` with the gateway's key: status and body, within `seconds`. May raise whatever it likes."""

    async def __call__(self, url: str, seconds: float) -> tuple[int, bytes]: ...


async def running(ask: Ask, gateway: ToolGateway, execution: str, turn: str) -> tuple[str, ...] | None:
    """The tools under way in the turn, by name, one for each call. None: the gateway cannot be asked."""
    query = urlencode({"execution": execution, "turn": turn})
    try:
        with Limit(gateway.timeout):
            status, body = await ask(f"{gateway.url.rstrip('/')}/v1/tool-calls?{query}", gateway.timeout)
    except Exception:  # noqa: BLE001  # whatever kept it from answering, nobody knows what is running
        return None
    if status in _NOT_THERE:
        return ()
    if status != 200 or len(body) > _LARGEST:
        return None
    try:
        entries = _entries(loads(body))
    except ValueError:
        return None
    return None if entries is None else tuple(_under_way(entries, execution))


def under_way(tools: tuple[str, ...] | None, levels: Levels) -> tuple[Act, ...]:
    """What `running` returned, as calls without a result."""
    if tools is None:
        return (Act("the tool gateway does not answer", Effect(UNKNOWN), "", "unreachable"),)
    return tuple(Act(tool, levels.of(tool), "", "gateway") for tool in tools)


def _entries(answer: Any) -> list[Any] | None:
    """The list of calls, in any shape it is likely to have; None when there is none."""
    if isinstance(answer, dict):
        answer = next((answer[name] for name in _LISTS if isinstance(answer.get(name), list)), None)
    return answer if isinstance(answer, list) else None


def _under_way(entries: list[Any], execution: str) -> Iterator[str]:
    for entry in entries:
        if not isinstance(entry, dict):
            yield "a tool without a name"
            continue
        parts = [entry, *(part for name in ("spec", "status") if isinstance(part := entry.get(name), dict))]
        owner = _word(parts, "execution", "executionId", "execution_id")
        state = _word(parts, "state", "status", "phase")
        if (not owner or owner == execution) and state.lower() not in _OVER:
            yield _tool(parts)


def _tool(parts: list[dict[str, Any]]) -> str:
    found = _word(parts, "tool", "toolName", "tool_name")
    if found:
        return found
    nested: dict[str, Any] = next((part["tool"] for part in parts if isinstance(part.get("tool"), dict)), {})
    return _word([nested, *parts], "name", "id", "toolCallId") or "a tool without a name"


def _word(parts: list[dict[str, Any]], *names: str) -> str:
    """The first of the members that is a text."""
    return next(
        (word for part in parts for name in names if isinstance(word := part.get(name), str) and word),
        "",
    )
