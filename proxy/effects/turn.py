"""What the tools of a turn have done, read from the request alone. Pure, and next to free where no tool was used.

The turn is everything since the user last spoke. What tools returned is no word of the user, whoever carries it: chat has
messages of a role of their own for it, the Responses API items. Three kinds of calls are told apart:

    answered     the call and its result are there: the tool has acted
    in flight    the call is there and its result is not: the tool may be acting now
    hosted       the provider ran the tool while it answered: it has acted

Arguments and results are not looked at. Hosted tools: https://platform.openai.com/docs/api-reference/responses, items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from proxy.resources import EFFECTS
from translators.canonical import Block, HostedItem, Message, Native, Request, ToolCall, ToolResult, value

from .levels import READ_ONLY, UNKNOWN, Act, Effect, Levels

_LOOKING_UP = frozenset({"web_search", "file_search", "tool_search", "image_generation"})
"""Hosted tools that change nothing outside of the answer. The others run code, a browser, a shell or somebody's server."""

_NO_ACTS = frozenset({"mcp_approval_request", "mcp_approval_response", "mcp_list_tools"})
"""Items about a tool that do not stand for a call of it."""

_CLIENT_RUN = frozenset({"apply_patch_call", "computer_call", "local_shell_call", "shell_call"})
"""Calls of the provider's own tools that the client runs: a result follows, as with functions."""

_CARRIERS = (ToolResult, HostedItem, Native)


@value
class Acted:
    """What happened in a turn. `calls` counts all calls. Acts in `known` and `unknown` have a result, each tool once.

    `hosted` are the provider's own tools, `in_flight` calls without a result, one by one. `results` are the ids of the calls
    whose results the client sent.
    """

    calls: int = 0
    known: tuple[Act, ...] = ()
    unknown: tuple[str, ...] = ()
    in_flight: tuple[Act, ...] = ()
    hosted: tuple[Act, ...] = ()
    results: tuple[str, ...] = ()

    @property
    def idempotent(self) -> bool:
        """Whether everything that was called may as well be called again."""
        calls = (*self.known, *self.hosted, *self.in_flight)
        return not self.unknown and all(act.effect.repeatable for act in calls)

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of what has acted, the harmless first; those that are not known are left out."""
        found = {act.effect.level for act in (*self.known, *self.hosted) if act.effect.known}
        return (*(level for level in EFFECTS if level in found), *sorted(found.difference(EFFECTS)))

    @property
    def undeclared(self) -> tuple[str, ...]:
        """The tools that have acted without anybody saying what they do, hosted ones too."""
        return (*self.unknown, *(act.tool for act in self.hosted if not act.effect.known))


NOTHING = Acted()


def acted(request: Request, levels: Levels) -> Acted:
    """What the tools have done since the user last spoke."""
    messages = request.messages
    start = len(messages)
    while start and not _is_spoken(messages[start - 1]):
        start -= 1
    if start == len(messages):
        return NOTHING
    turn = _Turn(levels)
    for message in messages[start:]:
        for block in message.blocks:
            if (look := _LOOKS.get(type(block))) is not None:
                look(turn, block)
    return turn.seen()


def with_kept(acted: Acted, answered: Iterable[Act]) -> Acted:
    """`acted`, of a request whose history the provider keeps, with what the ledger knows of it.

    `answered` are calls whose results came back. They name the tools of results that came without their calls, and bring in
    what the turn did in earlier requests.
    """
    kept = {act.id: act for act in answered}
    if not kept:
        return acted
    nameless = kept.keys() & set(acted.unknown)  # a result whose call is not there goes by the call's id
    there = {*acted.results, *(act.id for act in acted.in_flight)} - nameless
    added = [act for identity, act in kept.items() if identity not in there]
    known = {act.tool: act for act in (*acted.known, *(act for act in added if act.effect.known))}
    unknown = dict.fromkeys(name for name in acted.unknown if name not in nameless)
    unknown.update((act.tool, None) for act in added if not act.effect.known)
    return replace(
        acted,
        calls=acted.calls + len(added) - len(nameless),
        known=tuple(known.values()),
        unknown=tuple(unknown),
    )


def _is_spoken(message: Message) -> bool:
    """Whether the user says something in it, rather than a client handing over what tools returned."""
    if message.role != "user":
        return False
    return not message.blocks or not all(isinstance(block, _CARRIERS) for block in message.blocks)


class _Turn:
    """The calls met so far, in their order. An id may come again once its result was there: some servers count from 0."""

    __slots__ = ("_answered", "_calls", "_hosted", "_levels", "_open", "_results")

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self._calls = 0
        self._open: dict[str, Act] = {}
        self._answered: dict[str, Act] = {}
        self._hosted: dict[str, Act] = {}
        self._results: dict[str, None] = {}

    def called(self, call: ToolCall) -> None:
        full = call.name if call.namespace is None else f"{call.namespace}.{call.name}"
        effect = self._levels.of(full) if full == call.name else self._levels.of(full, call.name)
        self._calls += 1
        self._open[call.id] = Act(full, effect, call.id)

    def returned(self, result: ToolResult) -> None:
        act = self._open.pop(result.call_id, None)
        self._results[result.call_id] = None
        if act is None:  # its call is in an earlier answer that the provider keeps (previous_response_id)
            self._calls += 1
            effect = Effect(UNKNOWN) if result.name is None else self._levels.of(result.name)
            act = Act(result.name or result.call_id, effect, result.call_id)
        self._answered.setdefault(act.tool, act)

    def hosted(self, item: HostedItem) -> None:
        kind = item.raw.get("type")
        if kind in _NO_ACTS:
            return
        if kind in _CLIENT_RUN:
            self._calls += 1
            identity = _identity(item.raw)
            self._open[identity] = Act(item.tool, self._hosted_effect(item.tool), identity)
        elif isinstance(kind, str) and kind.endswith("_output"):
            if kind.removesuffix("_output") in _CLIENT_RUN:
                self._returned_hosted(item)
        else:
            names = _names(item)
            self._calls += 1
            self._hosted.setdefault(names[0], Act(names[0], self._hosted_effect(*names)))

    def native(self, block: Native) -> None:
        """An item nobody here knows. If it is called a call, some new tool has acted."""
        kind = block.raw.get("type") if isinstance(block.raw, dict) else None
        if isinstance(kind, str) and kind.endswith("_call"):
            name = kind.removesuffix("_call")
            self._calls += 1
            self._hosted.setdefault(name, Act(name, self._levels.of(name)))

    def _returned_hosted(self, item: HostedItem) -> None:
        identity = _identity(item.raw)
        self._results[identity] = None
        act = self._open.pop(identity, None)
        if act is None:
            self._calls += 1
            act = Act(item.tool, self._hosted_effect(item.tool), identity)
        self._hosted.setdefault(act.tool, act)

    def _hosted_effect(self, *names: str) -> Effect:
        """What a record declares goes; else a few are known to change nothing."""
        declared = self._levels.declared(*names)
        if declared is None and names[-1] in _LOOKING_UP:
            return Effect(READ_ONLY)
        return declared or self._levels.of(*names)

    def seen(self) -> Acted:
        if not self._calls:
            return NOTHING
        return Acted(
            self._calls,
            tuple(act for act in self._answered.values() if act.effect.known),
            tuple(act.tool for act in self._answered.values() if not act.effect.known),
            tuple(self._open.values()),
            tuple(self._hosted.values()),
            tuple(self._results),
        )


_LOOKS: dict[type[Block], Callable[[_Turn, Any], None]] = {
    ToolCall: _Turn.called,
    ToolResult: _Turn.returned,
    HostedItem: _Turn.hosted,
    Native: _Turn.native,
}


def _identity(raw: dict[str, Any]) -> str:
    """What a call of the provider's own tools and its result share. A local shell's result has it as its `id`."""
    return str(raw.get("call_id") or raw.get("id") or "")


def _names(item: HostedItem) -> tuple[str, ...]:
    """What a hosted tool may be declared as, the most precise name first: a remote server's tool by server and name."""
    name = item.raw.get("name")
    if item.tool != "mcp" or not isinstance(name, str):
        return (item.tool,)
    return (f"{item.raw.get('server_label')}.{name}", name, item.tool)
