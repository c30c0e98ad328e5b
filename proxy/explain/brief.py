"""The explanation of a call that went as planned, told by what is its own: the rest is the same for thousands of calls.

Most calls are answered by the first candidate at once, while all is well. Their documents differ in a few ids and figures, so
that only these are kept with the call; the others stand once in a *template*, from which the whole document is made again when
somebody asks. A call of which anything else has to be told is no such call, and its document is kept whole.

What stands here must say the same as `document` does: no member is made up, and none is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy import accounting
from proxy.call import Attempt, Call
from proxy.resources import Model
from proxy.routing import Candidate, Plan
from translators.canonical import CapabilitySet
from translators.formats.json import dumps

from .document import document, number, shown_need, summary

_KEPT = 512
_OWN = (
    ("callId",),
    ("at",),
    ("execution", "id"),
    ("identity", "session"),
    ("identity", "turnId"),
    ("request", "maxOutputTokens"),
    ("request", "sdkRetry"),
    ("outcome", "costUsd"),
    ("outcome", "totalMs"),
    ("outcome", "overheadMs"),
)
"""Where the members stand that are the call's own."""
_OWN_OF_ATTEMPT = (
    ("startedAt",),
    ("ms",),
    ("firstChunkMs",),
    ("costUsd",),
    ("usage", "inputTokens"),
    ("usage", "cachedInputTokens"),
    ("usage", "outputTokens"),
    ("usage", "reasoningTokens"),
    ("usage", "source"),
)
"""The same in its attempt."""


@dataclass(slots=True, eq=False)
class Template:
    """What explanations of one kind share: `text` is the document without what is a call's own, `name` its digest.

    `told` is when, in unix seconds, the store was last given it, 0 for never.
    """

    plan: Plan
    name: str
    text: bytes
    told: float = 0.0


class Briefs:
    """The templates of this process, by all that they hold. `capabilities_of` is what plans reckon with."""

    def __init__(self, capabilities_of: Callable[[Model], CapabilitySet]) -> None:
        self._capabilities_of = capabilities_of
        self._templates: dict[tuple[object, ...], Template] = {}

    def of(self, call: Call, outcome: str, served: Candidate | None) -> Template | None:
        """The template of `call`; None when it did not simply go as planned."""
        plan, trail = call.plan, call.trail
        if outcome != "ok" or served is None or plan is None or call.moment is not None or len(trail) != 1:
            return None
        attempt = trail[0]
        if call.passed or call.notice or call.turn or attempt.switch is not None or attempt.hold is not None:
            return None
        if "region_mismatch" in attempt.tally.notes:
            return None
        request, who = call.request, call.identity
        key = (
            *(id(plan), call.client.name, request.stream, request.model, call.resolved_by),
            *(who.namespace, who.agent, who.agent_source, who.team, who.environment, who.framework, who.key_id),
            *(who.execution_source, attempt.api, attempt.lane, attempt.host, attempt.transforms, attempt.tally.region),
            dumps(attempt.defaults) if attempt.defaults else b"",
        )
        found = self._templates.get(key)
        if found is None or found.plan is not plan:
            if len(self._templates) >= _KEPT:
                self._templates.clear()
            found = self._templates[key] = self._made(call, plan, attempt)
        return found

    def _made(self, call: Call, plan: Plan, attempt: Attempt) -> Template:
        made = document(call, self._capabilities_of, outcome="ok", served=attempt.candidate)
        for path in _OWN:
            _put(made, path, None)
        row = made["candidates"][attempt.candidate.index]
        for path in _OWN_OF_ATTEMPT:
            _put(row["attempt"], path, None)
        made["request"]["needs"] = made["request"]["needs"][len(call.wanted) :]
        del made["summary"]
        text = dumps(made)
        return Template(plan, hashlib.blake2b(text, digest_size=12).hexdigest(), text)


def own(template: Template, call: Call, seconds: float) -> bytes:
    """What is `call`'s own of its explanation; it took `seconds`. Read by `whole`."""
    who, attempt = call.identity, call.trail[0]
    usage, cost, timing = attempt.usage, attempt.cost, attempt.timing
    if cost is None or timing is None:
        raise RuntimeError("a call that is over has an attempt that is settled")
    milliseconds = accounting.milliseconds
    usd = number(cost.usd)
    return dumps(
        (
            template.name,
            attempt.candidate.index,
            [shown_need(need) for need in call.wanted],
            (
                call.id,
                call.created,
                who.execution,
                who.session,
                who.turn,
                call.request.sampling.max_output_tokens,
                call.sdk_retries,
                usd if call.cost is cost.usd else number(call.cost),
                milliseconds(seconds),
                milliseconds(max(seconds - call.waited, 0.0)),
            ),
            (
                round(attempt.wall, 3),
                milliseconds(timing.seconds),
                milliseconds(timing.first_content),
                usd,
                usage.input,
                usage.cached,
                usage.output,
                usage.reasoning,
                usage.source,
            ),
        )
    )


def whole(kept: list[Any], template: dict[str, Any]) -> dict[str, Any]:
    """The document again, of what `own` made and its template, which becomes it."""
    _, index, needs, of_call, of_attempt = kept
    for path, each in zip(_OWN, of_call, strict=True):
        _put(template, path, each)
    for path, each in zip(_OWN_OF_ATTEMPT, of_attempt, strict=True):
        _put(template["candidates"][index]["attempt"], path, each)
    template["request"]["needs"] = [*needs, *template["request"]["needs"]]
    template["summary"] = summary(template)
    return template


def _put(made: Mapping[str, Any], path: tuple[str, ...], each: Any) -> None:
    *parents, last = path
    place: Any = made
    for name in parents:
        place = place[name]
    place[last] = each
