"""One model call from beginning to end. Read this file first.

    generate / stream / post    what a client can ask for
      _candidates               plan, then try the candidates in order; one x.CallCompleted on every way out
        _attempt                one try: a time limit, and a ModelCallStarted and a ModelCallCompleted around it
          _relay                the commit gate: nothing reaches the client until the first content is in hand

Before content, a failure that another candidate may mend moves the call on. After content there is no retry, no failover
and no splice: the stream ends with an explicit in-band error. Everything the client sees comes from one attempt. Only this
module emits the events of calls, and never one that holds a prompt, an answer or a key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from proxy import accounting, parameters, refusals
from proxy.accounting import Timing
from proxy.adapters import Answer, Asked, Bindings, Prepared
from proxy.call import Call, ClientStream, WholeAnswer
from proxy.continuity import Continuity
from proxy.events import EventLog
from proxy.limit import Limit
from proxy.metrics import Metrics
from proxy.resources import Clocks, Failover, Snapshot
from proxy.routing import Candidate, Plan, Rests, plan
from proxy.schemas import Check, check_of
from translators.canonical import Block, Finish, JochError, Need, Reason, RequestError, Transform, UpstreamError
from translators.canonical.needs import needs
from translators.formats import RenderContext, Tally, Wire

AMBIGUOUS_FAILOVERS = 1
"""How often a call may move on after a failure whose work the provider may bill anyway."""

TERMINAL_FAILURES = frozenset({"redirect", "too_big", "bad_encoding"})
"""Failures after which no other candidate is asked: signs of a provider that is set up wrongly or floods us, which the
operator must see (reliability catalogue, B7, B8, C7, C9, C10)."""

_PLANS = 1024
T = TypeVar("T")


@dataclass(slots=True)
class Attempt:
    """The record of one try at one candidate. Times are on the monotonic clock.

    `opened` once a request goes out, `answered` once the answer's headers are in.
    """

    number: int
    candidate: Candidate
    started: float
    tally: Tally = field(default_factory=Tally)
    transforms: tuple[Transform, ...] = ()
    opened: bool = False
    answered: bool = False
    upstream_request_id: str | None = None
    first_content: float | None = None


class Gateway:
    """Serves calls. Holds no state of a call; `rests` is the only thing that outlives one."""

    def __init__(
        self,
        bindings: Bindings,
        events: EventLog,
        metrics: Metrics,
        rests: Rests,
        continuity: Continuity,
        new_id: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bindings, self._events, self._metrics, self._rests = bindings, events, metrics, rests
        self._continuity, self._new_id, self._clock = continuity, new_id, clock
        self._plans: dict[tuple[int, str], tuple[Snapshot, Plan]] = {}

    # --- what a client can ask for -------------------------------------------------------------------------------

    async def generate(self, call: Call) -> WholeAnswer:
        """A whole answer. Raises `RequestError` or, when no candidate is left, the last `UpstreamError`."""

        async def answered(attempt: Attempt) -> WholeAnswer:
            async def take(answer: Answer) -> bytes:
                return await answer.whole()

            body = await self._exchanged(call, attempt, take)
            headers = self._headers(call, attempt)
            if headers:
                headers |= accounting.cost_header(call.request, attempt.candidate, attempt.tally)
            return WholeAnswer(body, headers)

        return await self._candidates(call, answered)

    async def stream(self, call: Call, client: ClientStream) -> None:
        """A streamed answer, written to `client`.

        Raises only while `client` is not opened; afterwards every failure is told in-band.
        """
        shown: list[Answer] = []

        async def answered(attempt: Attempt) -> None:
            async def take(answer: Answer) -> None:
                shown[:] = [answer]
                await self._relay(call, attempt, answer, client)

            await self._exchanged(call, attempt, take)

        try:
            await self._candidates(call, answered)
        except JochError as error:
            if not client.opened:
                raise
            failing = shown[0] if call.content else call.client.stream_renderer(self.context(call))
            await client.write(failing.fail(error))

    async def post(self, call: Call, operation: str, body: Wire) -> tuple[Wire, Mapping[str, str]]:
        """A JSON operation beside generation, with the same plan, clocks, failover and events."""

        async def answered(attempt: Attempt) -> tuple[Wire, Mapping[str, str]]:
            binding = self._bindings.of(attempt.candidate.model)
            self._opened(call, attempt, api=operation, lane="json", host=binding.host)
            answer = await binding.post(
                operation, body, _within(attempt.candidate.clocks, call.deadline - attempt.started, whole=True)
            )
            attempt.tally.usage = accounting.embeddings_usage(answer)
            return answer, self._headers(call, attempt)

        return await self._candidates(call, answered)

    def shed(self, call: Call, error: JochError, queued: int) -> None:
        """Account for a call that found no place within its time; `queued` calls were waiting with it."""
        self._finish(call, "shed", error, None, queueDepth=queued)

    def plan(self, call: Call) -> Plan:
        """The plan of `call` as things stand now.

        While nobody rests, requests that need the same have the same plan on the same route, if it skips nobody.
        """
        wanted = (*call.needs, *needs(call.request))
        if not self._rests.none or any(need.value is not True for need in wanted):
            return self._planned(call, wanted)
        key = (id(call.route), " ".join([need.name for need in wanted]))
        kept = self._plans.get(key)
        if kept is not None and kept[0] is call.snapshot:
            return kept[1]
        made = self._planned(call, wanted)
        if not made.skips:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            self._plans[key] = (call.snapshot, made)
        return made

    def _planned(self, call: Call, wanted: tuple[Need, ...]) -> Plan:
        now = self._clock()
        return plan(
            call.snapshot,
            call.route,
            wanted,
            lambda model: self._bindings.of(model).capabilities(),
            lambda ref: self._rests.of(ref, now),
            now,
        )

    # --- the loop over candidates --------------------------------------------------------------------------------

    async def _candidates(self, call: Call, answered: Callable[[Attempt], Awaitable[T]]) -> T:
        outcome, error, served = "error", None, None
        try:
            if call.client.owner is not None:
                call.request = self._continuity.scoped(call.caller).opened(call.request)
            planned = self.plan(call)
            self._note_skips(call, planned)
            served, result = await self._first_that_answers(call, planned, answered)
            outcome = "ok"
            return result
        except asyncio.CancelledError:
            outcome = "client_gone"
            raise
        except JochError as failed:
            outcome, error = _call_outcome(call, failed), failed
            raise
        finally:
            self._finish(call, outcome, error, served)

    async def _first_that_answers(
        self, call: Call, planned: Plan, answered: Callable[[Attempt], Awaitable[T]]
    ) -> tuple[Candidate, T]:
        failures: list[UpstreamError] = []
        for candidate in planned.candidates:
            attempt = Attempt(call.attempts, candidate, self._clock())
            call.attempts += 1
            try:
                return candidate, await self._attempt(call, attempt, answered)
            except UpstreamError as error:
                failures.append(error)
                following = self._following(call, planned, attempt, failures)
                if following is None:
                    raise refusals.failed(call, planned, failures) from error
                self._switch(call, attempt, following, error)
        raise refusals.no_candidate(call, planned)

    def _following(
        self, call: Call, planned: Plan, attempt: Attempt, failures: list[UpstreamError]
    ) -> Candidate | None:
        """The candidate to move to after the last failure, or None when the call must end here."""
        error, failover = failures[-1], call.route.failover
        left = [candidate for candidate in planned.candidates if candidate.index > attempt.candidate.index]
        spent = call.attempts >= failover.max_attempts or self._clock() >= call.deadline
        ambiguous = sum(failure.billed_risk for failure in failures) > AMBIGUOUS_FAILOVERS
        if call.content or not left or spent or ambiguous or not _allowed(error, failover):
            return None
        if attempt.candidate.model.fallback_policy == "never" and not failover.declared:
            return None  # what the route itself says about failover wins over its models
        if error.reason is Reason.CONTEXT_LENGTH and not _wider(left[0], attempt.candidate):
            return None
        return left[0]

    # --- one attempt ---------------------------------------------------------------------------------------------

    async def _attempt(self, call: Call, attempt: Attempt, answered: Callable[[Attempt], Awaitable[T]]) -> T:
        ended: BaseException | None = None
        limit = min(attempt.candidate.clocks.attempt, call.deadline - attempt.started)
        try:
            with Limit(limit):
                return await answered(attempt)
        except TimeoutError:
            ended = _total_timeout() if attempt.answered else _header_timeout()
            raise ended from None
        except BaseException as error:  # cancellation too: what the client left behind is settled like any other end
            ended = error
            raise
        finally:
            call.waited += self._clock() - attempt.started
            self._settle(call, attempt, ended)

    async def _exchanged(self, call: Call, attempt: Attempt, take: Callable[[Answer], Awaitable[T]]) -> T:
        await self._recall(call, attempt.candidate)
        prepared = self._prepare(call, attempt)
        attempt.transforms = prepared.transforms
        refusals.strictly(call.route, prepared.transforms)
        self._opened(
            call, attempt, api=prepared.api, lane=prepared.lane, host=prepared.host, transforms=prepared.transforms
        )
        answer = await prepared.send()
        attempt.answered = True
        attempt.upstream_request_id = answer.upstream_request_id
        try:
            return await take(answer)
        finally:
            attempt.tally = answer.tally
            answer.close()

    async def _recall(self, call: Call, candidate: Candidate) -> None:
        """Put back, once, what the client could not carry, if this candidate is asked in another dialect than the client's."""
        if call.recalled or not any(message.role == "tool" for message in call.request.messages):
            return
        if not self._bindings.of(candidate.model).translates(call.client.name, call.request):
            return
        call.request = await self._continuity.scoped(call.caller).restored(call.request)
        call.recalled = True

    def _prepare(self, call: Call, attempt: Attempt) -> Prepared:
        candidate = attempt.candidate
        binding = self._bindings.of(candidate.model)
        request = parameters.applied(call.client, call.request, candidate.parameters, candidate.model)
        asked = Asked(
            client=call.client,
            request=request,
            context=self.context(call, binding.issuer),
            clocks=_within(candidate.clocks, call.deadline - attempt.started, whole=not call.request.stream),
        )
        return binding.prepare(asked)

    def context(self, call: Call, issuer: str = "") -> RenderContext:
        """What renderers need to know of `call`, whose answer `issuer` gives."""
        request, settings = call.request, call.snapshot.settings
        answering = self._continuity.scoped(call.caller).answering(request, issuer)
        return RenderContext(
            request=request,
            new_id=self._new_id,
            created=call.created,
            show_reasoning=settings.expose_reasoning != "never",
            hide_usage=request.stream and not request.include_usage,
            estimate=accounting.estimator(request),
            issuer=issuer,
            seal=answering.seal,
            keep=answering.keep if request.tools else None,
            check=None if settings.output_validation == "off" else self._check(call),
        )

    def _check(self, call: Call) -> Check | None:
        check = check_of(call.request.output)
        if check is None or call.snapshot.settings.output_validation == "enforce":
            return check

        def observe(blocks: tuple[Block, ...], finish: Finish) -> None:
            try:
                check(blocks, finish)
            except UpstreamError as error:
                call.notes.append(error.failure)

        return observe

    async def _relay(self, call: Call, attempt: Attempt, answer: Answer, client: ClientStream) -> None:
        """Pass the stream on, holding everything back until the first content: the commit gate."""
        held: list[bytes] = []
        settings = call.snapshot.settings
        whole = settings.output_buffered and call.request.output.kind != "text"  # shown only when all of it is checked
        patience = attempt.candidate.clocks.content
        chunks, seen = 0, self._clock()
        async for piece in answer.pieces():
            if answer.tally.chunks != chunks:
                chunks, seen = answer.tally.chunks, self._clock()
            elif self._clock() - seen > patience:
                raise _ping_only(patience)
            if call.content:
                if piece:
                    await client.write(piece)
                continue
            held.append(piece)
            if answer.tally.content and not whole:
                call.content, attempt.first_content = True, self._clock()
                await self._open(call, attempt, client, held)
        if not call.content:  # an answer without content, ended as the provider ends answers
            await self._open(call, attempt, client, held)

    async def _open(self, call: Call, attempt: Attempt, client: ClientStream, held: list[bytes]) -> None:
        await client.open(self._headers(call, attempt))
        await client.write(b"".join(held))

    # --- accounting: events, metrics, rests, headers ---------------------------------------------------------------

    def _headers(self, call: Call, attempt: Attempt) -> dict[str, str]:
        if not call.snapshot.settings.response_headers:
            return {}
        headers = {
            "x-joch-model": attempt.candidate.model.ref,
            "x-joch-fallback-index": str(attempt.candidate.index),
            "x-joch-attempts": str(call.attempts),
        }
        if not call.route.implicit:
            headers["x-joch-route"] = call.route.name
        if attempt.transforms:
            headers["x-joch-loss"] = accounting.loss(attempt.transforms)
        return headers

    def _opened(self, call: Call, attempt: Attempt, **how: Any) -> None:
        attempt.opened = True
        if self._events.active:
            self._emit(call, attempt, "ModelCallStarted", accounting.started(call, attempt.candidate, **how))

    def _emit(self, call: Call, attempt: Attempt, type: str, payload: Mapping[str, Any], **envelope: Any) -> None:
        ref = attempt.candidate.model.ref
        self._events.emit(call.scope.event(type, payload, model_ref=ref, attempt=attempt.number, **envelope))

    def _settle(self, call: Call, attempt: Attempt, ended: BaseException | None) -> None:
        """Account for an attempt that is over, whichever way."""
        model, tally = attempt.candidate.model, attempt.tally
        result = accounting.result_of(ended, content=attempt.first_content is not None)
        usage = accounting.usage_of(call.request, tally, result)
        cost = accounting.cost_of(model, tally, usage, result)
        call.add(usage, cost.usd)
        first = None if attempt.first_content is None else attempt.first_content - attempt.started
        timing = Timing(self._clock() - attempt.started, first)
        if ended is None:
            self._rests.served(model.ref)
        elif result.reason == Reason.RATE_LIMITED or result.failure == "overloaded":
            rest = self._rests.refused(model.ref, self._clock(), result.retry_after)
            if isinstance(ended, UpstreamError) and ended.retry_after is None and ended.reason is Reason.RATE_LIMITED:
                ended.retry_after = rest  # the client had better wait as long as we do
        if ended is not None:
            call.failures.append(accounting.failure_detail(attempt.candidate, result))
        labels = accounting.labels(model)
        self._metrics.count_attempt(labels, result.outcome, result.reason, timing.seconds, first)
        self._metrics.count_cost(labels, cost.usd)
        for kind, amount in accounting.token_kinds(usage):
            if amount:
                self._metrics.tokens.add((*labels, kind), amount)
        if self._events.active and attempt.opened:
            payload = accounting.completed(
                attempt.candidate, tally, usage, cost, result, timing, attempt.upstream_request_id
            )
            self._emit(call, attempt, "ModelCallCompleted", payload, severity=accounting.severity_of(result))
        elif self._events.active:  # it never got as far as a request: a key was missing, say
            payload = {"ref": model.ref, "index": attempt.candidate.index, "gate": result.failure, "detail": str(ended)}
            self._emit(call, attempt, "x.CandidateSkipped", payload, severity="warning")

    def _switch(self, call: Call, attempt: Attempt, following: Candidate, error: UpstreamError) -> None:
        call.switches += 1
        source, target = attempt.candidate, following
        reason = error.reason.value
        self._metrics.switches.add(
            (_route_label(call), accounting.label(source.model), accounting.label(target.model), reason)
        )
        if self._events.active:
            payload = {
                "scope": "call",
                "from": source.model.ref,
                "to": target.model.ref,
                "fromIndex": source.index,
                "toIndex": target.index,
                "reason": reason,
                "detail": error.failure,
            }
            self._emit(call, attempt, "ProviderSwitched", payload, severity="notice")

    def _note_skips(self, call: Call, planned: Plan) -> None:
        for skip in planned.skips:
            self._metrics.skips.add((_route_label(call), "implicit" if call.route.implicit else skip.ref, skip.gate))
            if self._events.active:
                payload = {"ref": skip.ref, "index": skip.index, "gate": skip.gate, "detail": skip.detail}
                self._events.emit(call.scope.event("x.CandidateSkipped", payload, model_ref=skip.ref))

    def _finish(self, call: Call, outcome: str, error: JochError | None, served: Candidate | None, **more: Any) -> None:
        total = self._clock() - call.started
        overhead = max(total - call.waited, 0.0)
        self._metrics.count_call(_route_label(call), outcome, stream=call.request.stream, overhead=overhead)
        if self._events.active:
            payload = accounting.call_completed(call, outcome, error, served, total)
            self._events.emit(call.scope.event("x.CallCompleted", {**payload, **more}))


def _call_outcome(call: Call, error: JochError) -> str:
    if call.content:
        return "partial"
    return "refused" if isinstance(error, RequestError) else "error"


def _route_label(call: Call) -> str:
    return "implicit" if call.route.implicit else call.route.name


def _allowed(error: UpstreamError, failover: Failover) -> bool:
    """Whether the route lets a failure of this kind move the call on."""
    if error.failure in TERMINAL_FAILURES or _is_odd_success(error):
        return False
    match error.reason:
        case Reason.RATE_LIMITED:
            return failover.on_rate_limited
        case Reason.UNSUPPORTED | Reason.CONTEXT_LENGTH:
            return failover.on_capability_mismatch
        case Reason.CONTENT_FILTER:
            return failover.on_content_filter
        case Reason.SCHEMA_INVALID:
            return failover.on_schema_invalid
        case _:
            return error.falls_forward and failover.on_error


def _is_odd_success(error: UpstreamError) -> bool:
    """A status between 201 and 299: the provider did the work, in a way nobody understands (catalogue, B25)."""
    return error.http_status is not None and 200 < error.http_status < 300


def _wider(following: Candidate, current: Candidate) -> bool:
    """Whether a prompt too long for `current` may fit `following`: its window is larger, or one is not known."""
    have, had = following.model.context_window, current.model.context_window
    return have is None or had is None or have > had


def _within(clocks: Clocks, left: float, *, whole: bool) -> Clocks:
    """The clocks of an attempt that may take `left` more seconds; `whole`: its answer is not streamed."""
    patience = clocks.whole if whole and clocks.whole is not None else clocks.first_byte
    first_byte = min(patience, max(left, 0.001))
    return clocks if first_byte == clocks.first_byte else replace(clocks, first_byte=first_byte)


def _total_timeout() -> UpstreamError:
    message = "The provider did not finish its answer in time."
    return UpstreamError(Reason.TIMEOUT, message, failure="total_timeout", billed_risk=True)


def _header_timeout() -> UpstreamError:
    message = "The provider did not begin to answer in time."
    return UpstreamError(Reason.TIMEOUT, message, failure="header_timeout", billed_risk=True)


def _ping_only(patience: float) -> UpstreamError:
    message = f"The provider sent no content for {patience:g} seconds."
    return UpstreamError(Reason.TIMEOUT, message, failure="ping_only", billed_risk=True, code="upstream_idle_timeout")
