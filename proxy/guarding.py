"""The guard over failover: what the turn has done, by the request, the tool ledger and the tool gateway, judged by the route.

Asked only when a call is about to move to another model: after a failure, or because the model that the turn is with cannot be
asked now. A ledger or a gateway that cannot answer counts as one that says "under way": the safe side. Which model a turn is
with is remembered for turns that have tools, in this process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proxy.call import Call, Switch
from proxy.effects import (
    Act,
    Acted,
    Ask,
    Levels,
    Mode,
    ToolLedger,
    acted,
    document,
    judge,
    notice,
    payload,
    running,
    under_way,
    with_kept,
)
from proxy.resources import Snapshot, ToolGateway
from proxy.routing import Candidate, Skip
from translators.canonical import ToolResult, named_value, value

_PATIENCE = 1.0
_KEPT = 50_000
_PASSING = frozenset({"health", "limit", "budget"})
"""Gates that stop a candidate for how things are now. Whom the others stop, the route never meant for such a call."""


@named_value
class Verdict:
    """Whether a call may move on, and what is said of it: to people, in the header, in the explanation, in the event."""

    allowed: bool
    detail: str
    notice: str
    turn: Mapping[str, Any]
    event: Mapping[str, Any]


@value
class Left:
    """A candidate that a turn is with, and why it cannot be asked."""

    skip: Skip
    candidate: Candidate


class EffectsGuard:
    """Judges failovers, and keeps the tool ledger up to date. `ask_with(gateway)` is the way to a tool gateway."""

    def __init__(self, ledger: ToolLedger, ask_with: Callable[[ToolGateway], Ask]) -> None:
        self._ledger, self._ask_with = ledger, ask_with
        self._levels: tuple[Snapshot, Levels] | None = None
        self._with: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def judge(self, call: Call, mode: Mode | None = None) -> Verdict:
        """Whether `call` may move on from here; `mode` None: as its route says."""
        levels = self._levels_of(call.snapshot)
        found = await self._acted(call, levels)
        known = await self._open_calls(call, levels) if call.request.tools or found.calls else ()
        made = judge(found, known, mode or call.route.failover.on_side_effects)
        return Verdict(
            allowed=made.allowed,
            detail=made.detail,
            notice=notice(made),
            turn=document(found, made),
            event=payload(found, made),
        )

    async def between(self, call: Call, source: Left, following: Candidate) -> Switch:
        """Whether `call` may begin at `following` although its turn is with `source`, and what is told of it.

        Where another process may have served the turn so far, nobody knows that the call moves at all: the guard then says
        so, and does not block. `effects` is None where there is nothing to tell.
        """
        known, skip = self.is_with(call, source.skip.ref), source.skip
        verdict = await self.judge(call)
        if not (verdict.allowed or known) and call.route.failover.on_side_effects == "guard":
            verdict = await self.judge(call, mode="announce")
        call.turn, call.notice = verdict.turn, verdict.notice or call.notice
        if not verdict.allowed:
            self.stays_with(call, skip.ref)
            return Switch(trigger="onSideEffects", allowed=False, why=f"{verdict.detail} ({skip.ref} {skip.detail})")
        told = {**verdict.event, "scope": "conversation", "reason": skip.gate, "detail": skip.detail}
        effects = told if known or verdict.notice else None
        return Switch(trigger=skip.gate, allowed=True, why=verdict.detail, to=following.model.ref, effects=effects)

    def left_behind(self, call: Call, skips: Sequence[Skip], following: Candidate) -> Left | None:
        """The candidate that the turn is with, if it is passed over for how it is now; None if the turn leaves nobody.

        Of a turn that is not known here, it is the first of `skips` that the route prefers to `following`.
        """
        known = self._with.get(_turn(call))
        for skip in skips:
            if skip.gate in _PASSING and (skip.index < following.index if known is None else skip.ref == known):
                standing = () if call.surveyed is None else call.surveyed.standing
                return next((Left(skip, each) for each in standing if each.index == skip.index), None)
        return None

    def stays_with(self, call: Call, ref: str) -> None:
        """The turn is with the model `ref`: it answered, or the call was not let go from it."""
        if call.request.tools:
            key = _turn(call)
            self._with[key] = ref
            self._with.move_to_end(key)
            if len(self._with) > _KEPT:
                self._with.popitem(last=False)

    def is_with(self, call: Call, ref: str) -> bool:
        """Whether the turn is known to be with the model `ref`."""
        return self._with.get(_turn(call)) == ref

    async def _acted(self, call: Call, levels: Levels) -> Acted:
        """What the turn has done, by the request; and by the ledger, where the provider keeps what came before."""
        found, state = acted(call.request, levels), call.request.state
        if state.previous_response_id is None and state.conversation is None:
            return found
        # All requests of a conversation may share the name of their turn, so that it says nothing of one there.
        turn = None if state.previous_response_id is None else call.identity.turn
        kept = await self._ledger.answered(call.account, turn, found.unknown, _PATIENCE)
        return with_kept(found, kept or ())

    async def _open_calls(self, call: Call, levels: Levels) -> tuple[Act, ...] | None:
        turn, gateway = call.identity.turn or "", call.snapshot.settings.tool_gateway
        known = await self._ledger.open_calls(call.account, turn, _PATIENCE)
        if gateway is None:
            return known
        told = await running(self._ask_with(gateway), gateway, call.identity.execution, turn)
        running_there = under_way(told, levels)
        if known is None:  # what the gateway says weighs more than that the ledger says nothing
            return running_there or None
        return (*known, *running_there)

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


def _turn(call: Call) -> tuple[str, str]:
    return call.account, call.identity.turn or ""
