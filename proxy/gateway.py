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
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from proxy import accounting, parameters, refusals
from proxy.adapters import Answer, Asked, Bindings, Prepared
from proxy.budgets import Ledger
from proxy.call import Attempt, Call, ClientStream, Result, Switch, Timing, WholeAnswer
from proxy.continuity import Continuity
from proxy.failover import ends, failed_forward, no_content_in_time, no_end_in_time, no_start_in_time, stays, trigger_of
from proxy.guarding import EffectsGuard
from proxy.limit import Limit
from proxy.planner import Planner
from proxy.reporting import Reporter
from proxy.routing import Candidate, Health, Plan, Quotas, RetryShare, Skip
from proxy.routing.replay import may_retry
from proxy.schemas import Check, check_of
from proxy.store import StoreError
from translators.canonical import Block, Finish, JochError, Reason, RequestError, UpstreamError
from translators.formats import RenderContext, Wire

_OWN_FAILURES = frozenset(
    {Reason.CONNECT, Reason.TIMEOUT, Reason.ERROR_5XX, Reason.BAD_RESPONSE, Reason.STREAM_CUT, Reason.UNAVAILABLE}
)
"""Failures that say something about the candidate's health."""
_OVERLOADED = "overloaded: it is sent about twice as many calls as it takes, and no more"
T = TypeVar("T")


class Gateway:
    """Serves calls. Holds no state of a call; what outlives one is how candidates are, in `health`, `quotas` and `share`."""

    def __init__(
        self,
        *,
        bindings: Bindings,
        planner: Planner,
        reporter: Reporter,
        health: Health,
        quotas: Quotas,
        share: RetryShare,
        ledger: Ledger,
        guard: EffectsGuard,
        continuity: Continuity,
        new_id: Callable[[str], str],
        jitter: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bindings, self._planner, self._reporter = bindings, planner, reporter
        self._health, self._quotas, self._share, self._ledger = health, quotas, share, ledger
        self._guard, self._continuity = guard, continuity
        self._new_id, self._jitter, self._clock = new_id, jitter, clock

    # --- what a client can ask for -------------------------------------------------------------------------------

    async def generate(self, call: Call) -> WholeAnswer:
        """A whole answer. Raises `RequestError` or, when no candidate is left, the last `UpstreamError`."""

        async def answered(attempt: Attempt) -> WholeAnswer:
            async def take(answer: Answer) -> bytes:
                return await answer.whole()

            body = await self._exchanged(call, attempt, take)
            headers = self._reporter.headers(call, attempt)
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
            attempt.api, attempt.lane, attempt.host = operation, "json", binding.host
            self._opened(call, attempt)
            answer = await binding.post(
                operation, body, attempt.candidate.clocks.within(call.deadline - attempt.started, whole=True)
            )
            attempt.tally.usage = accounting.embeddings_usage(answer)
            return answer, self._reporter.headers(call, attempt)

        return await self._candidates(call, answered)

    def shed(self, call: Call, error: JochError, queued: int) -> None:
        """Account for a call that found no place within its time; `queued` calls were waiting with it."""
        self._reporter.finished(call, "shed", error, None, self._clock() - call.started, queueDepth=queued)

    async def dry_run(self, call: Call) -> tuple[Call, RequestError | None]:
        """Plan `call` as it would be planned now, and stop there: nothing is sent, held or counted."""
        call.plan = await self._planned(call, self._planner.plan)
        error = None if call.plan.candidates else refusals.no_candidate(call, call.plan)
        return call, error

    # --- the loop over candidates --------------------------------------------------------------------------------

    async def _candidates(self, call: Call, answered: Callable[[Attempt], Awaitable[T]]) -> T:
        outcome, error, served = "error", None, None
        try:
            if call.client.owner is not None:
                call.request = self._continuity.scoped(call.caller).opened(call.request)
            self._guard.note_results(call)
            call.plan = await self._planned(call, self._planner.plan_in_time)
            for skip in call.plan.skips:
                self._reporter.skipped(call, skip)
                if skip.gate == "budget" and not call.plan.candidates:
                    self._reporter.limited(call, skip, "deny")
                elif skip.gate == "budget" and skip.index < call.plan.candidates[0].index:
                    self._reporter.limited(call, skip, "fall_forward")
            if call.plan.skips and call.plan.candidates:
                await self._begin_elsewhere(call, call.plan.skips, call.plan.candidates[0])
            served, result = await self._first_that_answers(call, call.plan, answered)
            outcome = "ok"
            return result
        except asyncio.CancelledError:
            outcome = "client_gone"
            raise
        except JochError as failed:
            outcome, error = _call_outcome(call, failed), failed
            raise
        finally:
            self._reporter.finished(call, outcome, error, served, self._clock() - call.started)

    async def _planned(self, call: Call, plan: Callable[[Call], Awaitable[Plan]]) -> Plan:
        try:
            return await plan(call)
        except StoreError:
            raise refusals.limits_unknown(call) from None

    async def _first_that_answers(
        self, call: Call, planned: Plan, answered: Callable[[Attempt], Awaitable[T]]
    ) -> tuple[Candidate, T]:
        """Try the candidates in order. Every try, the same candidate's second one too, passes the gates of its moment."""
        failures: list[UpstreamError] = []
        left = deque(planned.candidates)
        while left:
            candidate = left.popleft()
            attempt = Attempt(call.attempts, candidate, self._clock(), time.time())
            skip = await self._admitted(call, attempt, others=bool(left))
            if skip is not None:
                if not await self._let_go(call, candidate, skip, failures, left):
                    break
                continue
            self._moved(call, candidate)
            call.attempts += 1
            try:
                return candidate, await self._attempt(call, attempt, answered)
            except UpstreamError as error:
                failures.append(error)
                following = await self._following(call, attempt, failures, left)
                if following is None:
                    raise refusals.failed(call, planned, failures) from error
                if following is candidate:
                    left.appendleft(candidate)
        if not failures:
            raise refusals.no_candidate(call, planned)
        raise refusals.overspent(call, planned) or refusals.failed(call, planned, failures) from failures[-1]

    async def _admitted(self, call: Call, attempt: Attempt, *, others: bool) -> Skip | None:
        """Whether the attempt may be made now: the gates once more behind a failure, and the money held for it.

        A candidate that cannot take all calls is spared some of them, while there are `others` to send them to. Second
        tries of a call are limited already.
        """
        candidate = attempt.candidate
        if call.trail or call.passed:
            skip = self._planner.again(call, candidate)
            if skip is not None:
                return skip
        is_retry = bool(call.trail) and call.trail[-1].candidate is candidate
        if others and not is_retry and self._health.sheds(candidate.model.ref, attempt.started, self._jitter()):
            return Skip(candidate.index, candidate.model.ref, "health", _OVERLOADED)
        try:
            held = await self._planner.reserve(call, candidate)
        except StoreError:
            raise refusals.limits_unknown(call) from None
        if isinstance(held, Skip):
            return held
        attempt.hold = held
        return None

    async def _let_go(
        self, call: Call, candidate: Candidate, skip: Skip, failures: list[UpstreamError], left: deque[Candidate]
    ) -> bool:
        """Note that `candidate` cannot be asked although it is its turn. Whether the call may go on to the next one."""
        on = bool(left) and failed_forward(call.route, skip)
        call.passed.append(skip)
        self._reporter.skipped(call, skip)
        if skip.gate == "budget":
            self._reporter.limited(call, skip, "fall_forward" if on else "deny")
        if on and not call.trail:
            await self._begin_elsewhere(call, [skip], left[0])
        elif on and call.trail[-1].candidate is candidate:  # no second try then: the failure of the first one decides
            return await self._elsewhere(call, call.trail[-1], failures, left) is not None
        return on

    def _moved(self, call: Call, candidate: Candidate) -> None:
        """Tell that the call goes on at `candidate`, unless its last attempt was there too."""
        last = call.trail[-1] if call.trail else None
        if last is not None and last.switch is not None and last.candidate is not candidate:
            call.switches += 1
            last.switch = replace(last.switch, to=candidate.model.ref)
            self._reporter.switched(call, last, candidate, last.switch)

    async def _begin_elsewhere(self, call: Call, skips: Sequence[Skip], following: Candidate) -> None:
        """Have the call begin at `following`: to leave the model that the turn is with is a failover between two calls.

        Raises `RequestError` when what the turn has done keeps it there.
        """
        source = self._guard.left_behind(call, skips, following)
        if source is None:
            return
        switch = await self._guard.between(call, source, following)
        if not switch.allowed:
            raise refusals.blocked(call, switch.why, source.skip.wait)
        if switch.effects is not None:
            self._reporter.switched(call, Attempt(call.attempts, source.candidate, self._clock()), following, switch)

    # --- after a failure -----------------------------------------------------------------------------------------

    async def _following(
        self, call: Call, attempt: Attempt, failures: list[UpstreamError], left: deque[Candidate]
    ) -> Candidate | None:
        """What to try after the last failure: the same candidate, the next one, or None when the call must end here."""
        error, now = failures[-1], self._clock()
        trigger = trigger_of(error)
        why = ends(call, failures, now)
        if why:
            attempt.switch = Switch(trigger=trigger, allowed=False, why=why)
            return None
        wait = self._pause_before_retry(call, attempt, error, now)
        if wait is not None:
            call.retries += 1
            attempt.switch = Switch(trigger=trigger, allowed=True, to=attempt.candidate.model.ref, waited=wait)
            started = self._clock()
            await asyncio.sleep(wait)
            call.waited += self._clock() - started
            return attempt.candidate
        return await self._elsewhere(call, attempt, failures, left)

    async def _elsewhere(
        self, call: Call, attempt: Attempt, failures: list[UpstreamError], left: deque[Candidate]
    ) -> Candidate | None:
        """The candidate behind the one that failed; None when the call ends here. Raises `RequestError` for the guard."""
        error = failures[-1]
        trigger = trigger_of(error)
        why = stays(call, attempt, error, left)
        if why:
            attempt.switch = Switch(trigger=trigger, allowed=False, why=why)
            return None
        verdict = await self._guard.judge(call)
        call.turn = verdict.turn
        if not verdict.allowed:
            attempt.switch = Switch(trigger="onSideEffects", allowed=False, why=verdict.detail)
            self._guard.stays_with(call, attempt.candidate.model.ref)
            raise refusals.blocked(call, verdict.detail) from error
        call.notice = verdict.notice or call.notice
        attempt.switch = Switch(trigger=trigger, allowed=True, why=verdict.detail, effects=verdict.event)
        return left[0]

    def _pause_before_retry(self, call: Call, attempt: Attempt, error: UpstreamError, now: float) -> float | None:
        """How many seconds to wait before the same candidate is asked again; None when it is not."""
        retry, result = call.route.retry, attempt.result
        if call.retries >= retry.attempts or result is None or attempt.candidate.is_last_resort:
            return None
        told = error.retry_after if retry.respect_retry_after else None
        if not may_retry(result.replay, wait=told, failure=result.failure):
            return None
        if told is not None and told > retry.max_retry_after:
            return None  # it rests that long, and the call moves on
        wait = self._jitter() * min(retry.max_backoff, retry.backoff * 2.0**call.retries) if told is None else told
        if now + wait >= call.deadline or not self._share.allows(attempt.host, now):
            return None
        return wait

    # --- one attempt ---------------------------------------------------------------------------------------------

    async def _attempt(self, call: Call, attempt: Attempt, answered: Callable[[Attempt], Awaitable[T]]) -> T:
        ended: BaseException | None = None
        model, now = attempt.candidate.model, self._clock()
        limit = min(attempt.candidate.clocks.attempt, call.deadline - now)
        attempt.host = self._bindings.of(model).host
        again = bool(call.trail) or call.sdk_retries > 0
        call.trail.append(attempt)
        attempt.ticket = self._health.began(model.ref, now)
        self._quotas.take(model, call.size.most + call.size.reserve, now)
        self._share.began(attempt.host, now, retry=again)
        try:
            with Limit(limit):
                return await answered(attempt)
        except TimeoutError:
            ended = no_end_in_time() if attempt.answered else no_start_in_time()
            raise ended from None
        except BaseException as error:  # cancellation too: what the client left behind is settled like any other end
            ended = error
            raise
        finally:
            self._share.ended(attempt.host, retry=again)
            call.waited += self._clock() - attempt.started
            self._settle(call, attempt, ended)

    def _opened(self, call: Call, attempt: Attempt) -> None:
        attempt.opened = True
        self._reporter.opened(call, attempt)

    async def _exchanged(self, call: Call, attempt: Attempt, take: Callable[[Answer], Awaitable[T]]) -> T:
        await self._recall(call, attempt.candidate)
        prepared = self._prepare(call, attempt)
        attempt.transforms = prepared.transforms
        refusals.strictly(call.route, prepared.transforms)
        attempt.api, attempt.lane, attempt.host = prepared.api, prepared.lane, prepared.host
        self._opened(call, attempt)
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
        request, attempt.defaults = parameters.applied(call.client, call.request, candidate.parameters, candidate.model)
        asked = Asked(
            client=call.client,
            request=request,
            context=self.context(call, binding.issuer),
            clocks=candidate.clocks.within(call.deadline - attempt.started, whole=not call.request.stream),
            may_resend=call.route.failover.on_ambiguous,
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
                raise no_content_in_time(patience)
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
        await client.open(self._reporter.headers(call, attempt))
        await client.write(b"".join(held))

    # --- the end of an attempt -----------------------------------------------------------------------------------

    def _settle(self, call: Call, attempt: Attempt, ended: BaseException | None) -> None:
        """Account for an attempt that is over, whichever way: health, limits, money, and what is told of it."""
        model, tally, now = attempt.candidate.model, attempt.tally, self._clock()
        result = attempt.result = accounting.result_of(ended, attempt, content=attempt.first_content is not None)
        if tally.region is not None and not self._planner.processed(call, attempt.candidate, tally.region):
            tally.note("region_mismatch")
        usage = attempt.usage = accounting.usage_of(call.request, tally, result)
        cost = attempt.cost = accounting.cost_of(model, tally, usage, result)
        first = None if attempt.first_content is None else attempt.first_content - attempt.started
        attempt.timing = Timing(now - attempt.started, first)
        call.add(usage, cost.usd, attempt.candidate.estimate)
        tokens = usage.input + usage.output
        if attempt.hold is not None:
            unsent = result.replay == "not_sent"
            if unsent and any(claim.calls for claim in attempt.hold.claims):
                call.counted = False  # the attempt that goes out counts the call
            self._ledger.settle(attempt.hold, cost.usd, tokens, calls=0 if unsent else None)
        elif attempt.opened and result.replay != "not_sent":
            self._planner.spent(call, cost.usd, tokens)
        self._quotas.done(model, tokens - call.size.most - call.size.reserve, now)
        self._judge_health(attempt, result, ended, now)
        if ended is None:
            self._planner.served(call, attempt.candidate)
        if ended is None or call.content:
            self._guard.stays_with(call, model.ref)
        if tally.called and (ended is None or call.content):
            self._guard.note_calls(call, tally.called)
        self._reporter.over(call, attempt)

    def _judge_health(self, attempt: Attempt, result: Result, ended: BaseException | None, now: float) -> None:
        """What the attempt says about its candidate: exactly one word of it to the health machine."""
        health, ref, ticket = self._health, attempt.candidate.model.ref, attempt.ticket
        if ended is None:
            first = None if attempt.timing is None else attempt.timing.first_content
            health.succeeded(ref, now, now - attempt.started, first, ticket)
        elif not isinstance(ended, UpstreamError) or not attempt.opened:
            health.released(ref, now, ticket)
        elif ended.reason is Reason.RATE_LIMITED:
            rest = health.refused(ref, now, result.retry_after, overloaded=False, ticket=ticket)
            if ended.retry_after is None:
                ended.retry_after = rest  # the client had better wait as long as we do
        elif ended.reason is Reason.AUTH:
            health.unauthorised(ref, now, ticket)
        elif result.failure == "overloaded":
            health.refused(ref, now, result.retry_after, overloaded=True, ticket=ticket)
        elif ended.reason in _OWN_FAILURES:
            health.failed(ref, now, local=result.http_status is None, ticket=ticket)
        else:
            health.released(ref, now, ticket)  # the client's own mistake says nothing about the candidate


def _call_outcome(call: Call, error: JochError) -> str:
    if call.content:
        return "partial"
    return "refused" if isinstance(error, RequestError) else "error"
