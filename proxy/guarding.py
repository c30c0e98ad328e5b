"""The guard over failover: what the turn has done, by the request, the tool ledger and the tool gateway, judged by the route.

Asked only when a call is about to move to another model. A ledger or a gateway that cannot answer counts as one that says
"under way": the safe side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proxy.call import Call
from proxy.effects import Act, Ask, Levels, ToolLedger, acted, document, judge, notice, payload, running, under_way
from proxy.resources import Snapshot, ToolGateway
from translators.canonical import ToolResult, named_value

_PATIENCE = 1.0


@named_value
class Verdict:
    """Whether a call may move on, and what is said of it: to people, in the header, in the explanation, in the event."""

    allowed: bool
    detail: str
    notice: str
    turn: Mapping[str, Any]
    event: Mapping[str, Any]


class EffectsGuard:
    """Judges failovers, and keeps the tool ledger up to date. `ask_with(gateway)` is the way to a tool gateway."""

    def __init__(self, ledger: ToolLedger, ask_with: Callable[[ToolGateway], Ask]) -> None:
        self._ledger, self._ask_with = ledger, ask_with
        self._levels: tuple[Snapshot, Levels] | None = None

    async def judge(self, call: Call) -> Verdict:
        """Whether `call` may move on from here."""
        levels = self._levels_of(call.snapshot)
        found = acted(call.request, levels)
        known = await self._open_calls(call, levels) if call.request.tools or found.calls else ()
        made = judge(found, known, call.route.failover.on_side_effects)
        return Verdict(
            allowed=made.allowed,
            detail=made.detail,
            notice=notice(made),
            turn=document(found, made),
            event=payload(found, made),
        )

    async def _open_calls(self, call: Call, levels: Levels) -> tuple[Act, ...] | None:
        turn, gateway = call.identity.turn or "", call.snapshot.settings.tool_gateway
        known = await self._ledger.open_calls(call.account, turn, _PATIENCE)
        if gateway is None or known is None:
            return known
        told = await running(self._ask_with(gateway), gateway, call.identity.execution, turn)
        return (*known, *under_way(told, levels))

    def note_results(self, call: Call) -> None:
        """The request brings results back: those calls are not under way any more."""
        messages = call.request.messages
        ids = [block.call_id for each in messages for block in each.blocks if type(block) is ToolResult]
        if ids:
            self._ledger.seen(call.account, ids)

    def note_calls(self, call: Call, called: Sequence[tuple[str, str]]) -> None:
        """(id, tool) of the calls that the client has been given."""
        levels = self._levels_of(call.snapshot)
        acts = [Act(tool, levels.of(tool), id) for id, tool in called]
        self._ledger.delivered(call.account, call.identity.turn or "", acts)

    def _levels_of(self, snapshot: Snapshot) -> Levels:
        if self._levels is None or self._levels[0] is not snapshot:
            self._levels = (snapshot, Levels(snapshot.tools, snapshot.settings.default_side_effect))
        return self._levels[1]
