"""POST /v1/model/respond and /v1/model/stream: joch's own API over the same pipeline as the others.

An answer crosses the gateway like any other. What only its call knows (id, cost, routing, explanation) is put around it here
once the call is over and everything is settled, so that the document and the events agree. Nothing is decided here.
Source: the events reference, sections 11.1 and 11.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from aiohttp import web

from proxy import accounting
from proxy.call import Attempt, Call
from translators.canonical import Request, RequestError
from translators.formats import Wire
from translators.formats.joch_native import CLIENT, Speaker, Told, completed

from .body import read_json
from .core import Core
from .generate import checked, elapsed, make_call, shutting_down
from .stream import SseStream

_MONEY_DIGITS = 12
_TRUTH = {"true": True, "1": True, "false": False, "0": False}

Explained = Callable[[Call], Mapping[str, Any] | None]
"""The explanation of a call that is over, None where none is kept."""


class NativeApi:
    """The two handlers. `explained` is asked for calls whose body says `"explain": true`, and for no others."""

    def __init__(self, core: Core, explained: Explained) -> None:
        self._core, self._explained = core, explained

    async def respond(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        """The whole answer as one document."""
        core = self._core
        parsed = await self._parsed(request)
        call = make_call(request, core, CLIENT, parsed, call_id, route=_body(parsed).get("route"))
        await core.enter(call)
        try:
            answer = await core.gateway.generate(call)
        finally:
            core.admission.leave()
        headers = {"x-request-id": call_id, "openai-processing-ms": elapsed(call), **answer.headers}
        body = completed(answer.body, self._ended(call, parsed))
        return web.Response(body=body, headers=headers, content_type="application/json")

    async def stream(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        """The answer as events. `?include=routing` tells of attempts too, `?full=true` repeats the content at the end."""
        core = self._core
        progress, full = _options(request)
        parsed = replace(await self._parsed(request), stream=True, include_usage=True)
        call = make_call(request, core, CLIENT, parsed, call_id, route=_body(parsed).get("route"))
        speaker = Speaker(partial(_started, call, progress=progress), full=full)
        call.client = speaker.client
        await core.enter(call)
        try:
            return await self._streamed(request, call, parsed, speaker)
        finally:
            core.admission.leave()

    async def _streamed(
        self, request: web.BaseRequest, call: Call, parsed: Request, speaker: Speaker
    ) -> web.StreamResponse:
        core = self._core
        stream = SseStream(request, call.id, call.snapshot.settings.keep_alive_seconds)
        try:
            await core.gateway.stream(call, stream)
            await stream.write(speaker.stop(self._ended(call, parsed)))
            await stream.finish()
        except asyncio.CancelledError:
            if core.stopping and stream.opened:
                await stream.write(speaker.fail(shutting_down(), core.gateway.context(call), shown=call.content))
                await stream.finish()
            raise
        finally:
            stream.stop()
        if stream.response is None:  # the gateway opens the stream or raises
            raise AssertionError("a stream ended without having been opened")
        return stream.response

    async def _parsed(self, request: web.BaseRequest) -> Request:
        """The request in the body, within our own limits. Raises `RequestError`."""
        settings = self._core.live.current.snapshot.settings
        body, raw = await read_json(request, settings.max_body_bytes, self._core.body_seconds)
        return checked(CLIENT.parse_request(body, raw), settings.unknown_fields)

    def _ended(self, call: Call, parsed: Request) -> Told:
        wanted = _body(parsed).get("explain") is True
        return told_of(call, explanation=self._explained(call) if wanted else None)


def _body(parsed: Request) -> Wire:
    """What the client sent, for the members that are the server's business alone."""
    return {} if parsed.source is None else parsed.source.body


def _options(request: web.BaseRequest) -> tuple[bool, bool]:
    """Whether attempts are told, and whether the last event holds the content. Raises `RequestError` 400."""
    included = [word for value in request.query.getall("include", []) for word in value.split(",")]
    if not {*included} <= {"routing"}:
        raise RequestError("'include' can only be 'routing'.", param="include", code="invalid_value")
    full = _TRUTH.get(request.query.get("full", "false"))
    if full is None:
        raise RequestError("'full' must be 'true' or 'false'.", param="full", code="invalid_value")
    return bool(included), full


def _started(call: Call, *, progress: bool) -> Told:
    return replace(told_of(call), progress=tuple(_progress(call)) if progress else ())


def told_of(call: Call, *, explanation: Mapping[str, Any] | None = None) -> Told:
    """What is known of `call` now. Costs and warnings are whole only when it is over."""
    told = Told(
        id=call.id,
        created_at=datetime.fromtimestamp(call.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        route=call.route.name,
        execution_id=call.identity.execution,
        attempts=call.attempts,
        execution_cost=_execution_cost(call),
        cost=_money(call.cost),
        explanation=explanation,
    )
    return _with_attempt(told, call, call.trail[-1]) if call.trail else told


def _with_attempt(told: Told, call: Call, attempt: Attempt) -> Told:
    """`told` with what the newest attempt adds, which is the one that serves."""
    model = attempt.candidate.model
    return replace(
        told,
        served_by=model.ref,
        response_model=attempt.tally.response_model,
        region=accounting.region_of(attempt.candidate)[0],
        fallback_index=attempt.candidate.step,
        price_source="none" if model.pricing is None else model.pricing.source,
        warnings=tuple(_warnings(call, attempt)),
    )


def _execution_cost(call: Call) -> float | None:
    """What the execution has cost with this call; None where nobody counts it."""
    if not call.route.constraints.on_execution or call.cost is None:
        return None
    return _money(call.spent.execution + call.cost)


def _money(amount: Decimal | None) -> float | None:
    return None if amount is None else float(round(amount, _MONEY_DIGITS))


def _warnings(call: Call, attempt: Attempt) -> Iterator[Wire]:
    for change in attempt.transforms:
        yield {"type": "transform", "field": change.field, "action": change.action, "detail": change.detail}
    if call.notice:
        yield {"type": "notice", "detail": call.notice}


def _progress(call: Call) -> Iterator[tuple[str, Wire]]:
    """The attempts so far, and between them the switches from one candidate to another."""
    before: Attempt | None = None
    for attempt in call.trail:
        ref = attempt.candidate.model.ref
        if before is not None and before.candidate.index != attempt.candidate.index:
            reason = before.result.reason if before.result is not None else ""
            yield "route.switched", {"from": before.candidate.model.ref, "to": ref, "reason": reason}
        yield "route.attempt", {"index": attempt.candidate.index, "ref": ref}
        before = attempt
