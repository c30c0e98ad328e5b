"""The guard over failover: what the turn has done, by the request, the tool ledger and the tool gateway, judged by the route.

Asked only when a call is about to move to another model. A ledger or a gateway that cannot answer counts as one that says
"under way": the safe side.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from proxy.call import Call
from proxy.effects import Judgement, Levels, ToolLedger, acted, judge
from proxy.resources import Snapshot, ToolGateway
from proxy.store import StoreError
from translators.canonical import ToolResult

_PATIENCE = 1.0
_UNREACHABLE = "(the tool gateway does not answer)"

AskGateway = Callable[[ToolGateway, str, str], Awaitable[tuple[str, ...] | None]]
"""The tools of an execution's turn that a gateway says are under way; None when it does not answer."""


class EffectsGuard:
    """Judges failovers, and keeps the tool ledger up to date."""

    def __init__(self, ledger: ToolLedger, ask_gateway: AskGateway) -> None:
        self._ledger, self._ask_gateway = ledger, ask_gateway
        self._levels: tuple[Snapshot, Levels] | None = None

    async def judge(self, call: Call) -> Judgement:
        """Whether `call` may move on from here."""
        levels = self._levels_of(call.snapshot)
        mode = call.route.failover.on_side_effects
        found = acted(call.request, levels)
        if not call.request.tools and not found.calls:
            return judge(found, (), levels, mode)
        return judge(found, await self._under_way(call), levels, mode)

    async def _under_way(self, call: Call) -> tuple[str, ...]:
        identity = call.identity
        turn = identity.turn or ""
        try:
            waiting = await self._ledger.open_calls(call.account, turn, _PATIENCE)
        except StoreError:
            waiting = ("(the tool ledger does not answer)",)
        gateway = call.snapshot.settings.tool_gateway
        if gateway is not None:
            told = await self._ask_gateway(gateway, identity.execution, turn)
            waiting += (_UNREACHABLE,) if told is None else told
        return waiting

    def note_results(self, call: Call) -> None:
        """The request brings results back: those calls are not under way any more."""
        messages = call.request.messages
        ids = [block.call_id for each in messages for block in each.blocks if type(block) is ToolResult]
        if ids:
            self._ledger.seen(call.account, ids)

    def note_calls(self, call: Call, calls: list[tuple[str, str]]) -> None:
        """(id, tool) of calls that the client has been given."""
        levels = self._levels_of(call.snapshot)
        rows = [(id, tool, levels.of(tool).word) for id, tool in calls]
        self._ledger.delivered(call.account, call.identity.turn or "", rows)

    def _levels_of(self, snapshot: Snapshot) -> Levels:
        if self._levels is None or self._levels[0] is not snapshot:
            self._levels = (snapshot, Levels(snapshot.tools, snapshot.settings.default_side_effect))
        return self._levels[1]
