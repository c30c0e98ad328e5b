"""Asking a tool gateway which calls of a turn are under way. Whatever is not a clear answer is none.

The documented gateway has no such list in every version: one that does not know the path (404, 405) knows of no calls here, and
the local ledger stands alone. One that cannot be reached, or answers something else, may well have calls under way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yarl import URL

from proxy.adapters.binding import ResolveSecret
from proxy.guarding import AskGateway
from proxy.resources import Clocks, ToolGateway
from proxy.upstream import Upstream, WireRequest
from translators.canonical import UpstreamError
from translators.formats.json import loads

_OVER = frozenset(
    {"completed", "succeeded", "failed", "denied", "cancelled", "canceled", "rejected", "expired", "done"}
)
_ABSENT = (404, 405)


def asking(upstream: Upstream, resolve: ResolveSecret) -> AskGateway:
    """The question, bound to the way out and to where secrets are found."""

    async def ask(gateway: ToolGateway, execution: str, turn: str) -> tuple[str, ...] | None:
        headers = {"Accept": "application/json"}
        try:
            if gateway.secret is not None:
                headers["Authorization"] = f"Bearer {resolve(gateway.secret).reveal()}"
            reply = await upstream.send(_request(gateway, execution, turn, headers))
        except (LookupError, UpstreamError):
            return None
        try:
            if reply.status in _ABSENT:
                return ()
            return _under_way(loads(await reply.read())) if reply.status == 200 else None
        except (UpstreamError, ValueError):
            return None
        finally:
            reply.close()

    return ask


def _request(gateway: ToolGateway, execution: str, turn: str, headers: Mapping[str, str]) -> WireRequest:
    seconds = gateway.timeout
    url = URL(gateway.url.rstrip("/") + "/v1/tool-calls").with_query(execution=execution, turn=turn)
    clocks = Clocks(connect=seconds, first_byte=seconds, whole=None, idle=seconds, attempt=seconds, total=seconds)
    return WireRequest(method="GET", url=url, headers=headers, body=None, clocks=clocks, private_ok=True)


def _under_way(answer: Any) -> tuple[str, ...] | None:
    """The tools of calls that are not over. None for an answer of an unknown shape."""
    rows = answer if isinstance(answer, list) else None
    for name in ("data", "items", "toolCalls", "calls"):
        if rows is None and isinstance(answer, dict) and isinstance(answer.get(name), list):
            rows = answer[name]
    if rows is None or not all(isinstance(row, dict) for row in rows):
        return None
    return tuple(_tool(row) for row in rows if str(_state(row)).lower() not in _OVER)


def _state(row: Mapping[str, Any]) -> Any:
    status = row.get("status")
    return status.get("phase") if isinstance(status, dict) else row.get("state") or status or row.get("phase")


def _tool(row: Mapping[str, Any]) -> str:
    return str(row.get("tool") or row.get("toolId") or row.get("name") or "unknown")
