"""Calls as they are when they are over, without a gateway, and their explanations."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from proxy.call import Attempt, Call, Result, Switch, Timing
from proxy.events import Scope
from proxy.explain import document
from proxy.identity import Identity
from proxy.pricing import Cost
from proxy.resources import Model, ModelRoute
from proxy.routing import WELL, Candidate, Moment, Size, Terms, decide, survey
from translators.canonical import FLAGS, CapabilitySet, JochError, Message, Need, Request, Sampling, Text, Usage
from translators.formats import openai_chat

from .snapshots import snapshot

NOW = 1_000.0
AT = 1_795_600_000


def able(record: Model) -> CapabilitySet:
    """All flags, but for those the record denies."""
    flags = {**dict.fromkeys(FLAGS, True), **record.flags}
    return CapabilitySet(flags=flags, context_window=record.context_window, max_output=record.max_output)


def planned_call(
    models: Sequence[Model],
    the_route: ModelRoute,
    *,
    needs: tuple[Need, ...] = (Need("text", "messages"),),
    asked: str | None = "r",
    client: Any = openai_chat.CLIENT,
    environment: str | None = None,
    **moment: Any,
) -> Call:
    """A call that has its plan and has sent nothing."""
    made = snapshot(models, [the_route])
    identity = Identity(execution="exec-1", execution_source="header", agent="researcher", environment=environment)
    call = Call(
        id="mc_1",
        endpoint="/v1/chat/completions",
        client=client,
        request=Request(
            model=asked,
            messages=(Message("user", (Text("hello"),)),),
            sampling=Sampling(max_output_tokens=100),
        ),
        snapshot=made,
        route=the_route,
        resolved_by="route-name",
        scope=Scope(lambda prefix: prefix, {}),
        identity=identity,
        started=NOW,
        deadline=NOW + 60,
        created=AT,
    )
    call.size = Size(least=10, most=12, output=100, reserve=100, method="size")
    call.moment = Moment(**{"now": NOW, "condition_of": lambda ref, now: WELL, "size": call.size, **moment})
    call.surveyed = survey(made, the_route, Terms(needs=needs), able)
    call.plan = decide(call.surveyed, call.moment)
    call.wanted = needs
    return call


def tried(call: Call, candidate: Candidate, result: Result, switch: Switch | None = None) -> Attempt:
    """One attempt that is over, noted in the call's trail."""
    attempt = Attempt(
        number=call.attempts, candidate=candidate, started=NOW, wall=float(AT), api="chat", host="a.example"
    )
    attempt.result, attempt.switch, attempt.timing = result, switch, Timing(0.25, 0.1)
    answered = result.outcome == "ok"
    attempt.usage = Usage(input=11, output=7, source="provider") if answered else Usage(source="none")
    attempt.cost = Cost(Decimal("0.0125") if answered else Decimal(0), None, "measured")
    call.attempts += 1
    call.trail.append(attempt)
    call.add(attempt.usage, attempt.cost.usd, None)
    return attempt


def explained(call: Call, outcome: str = "ok", error: JochError | None = None, **fields: Any) -> dict[str, Any]:
    """The document of `call`, which took half a second."""
    return document(call, able, outcome=outcome, error=error, seconds=0.5, **fields)
