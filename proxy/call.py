"""One client request on its way: what is known of it from the start, and what is noted while it is served.

Notes only: whoever decides something writes it here, whoever reports it reads it. Nothing here looks at a clock or decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from proxy.budgets import Hold
from proxy.events import Scope
from proxy.identity import Identity
from proxy.pricing import Cost
from proxy.resources import ModelRoute, Snapshot
from proxy.routing import Candidate, Moment, Plan, Size, Skip, Spent, Survey
from translators.canonical import NO_USAGE, Need, Request, Transform, Usage, named_value, value
from translators.formats import ClientFormat, Tally

_NONE: Mapping[str, Any] = {}
_NO_SIZE, _NOTHING_SPENT = Size(), Spent()


@value
class Result:
    """How an attempt ended. `replay` is how far its request had come (`proxy.routing.replay`), `detail` the words for it."""

    outcome: Literal["ok", "error", "aborted", "cancelled"]
    reason: str = ""
    failure: str = ""
    billed_risk: bool = False
    http_status: int | None = None
    upstream_code: str | None = None
    retry_after: float | None = None
    notes: tuple[str, ...] = ()
    replay: str = ""
    detail: str = ""


@value
class Timing:
    """Seconds since the attempt began."""

    seconds: float
    first_content: float | None


@named_value
class Switch:
    """What followed a failed attempt: `to` the ref that was tried next, None when the call ended. `why` is for people."""

    trigger: str
    allowed: bool
    why: str = ""
    to: str | None = None
    waited: float = 0.0
    effects: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Attempt:
    """The record of one try at one candidate. Times are on the monotonic clock, `wall` in unix seconds.

    `defaults` are parameters that records set. `ticket` is the health machine's. `opened` once a request goes out, `answered`
    once the answer's headers are in. The last six are known when it is over.
    """

    number: int
    candidate: Candidate
    started: float
    wall: float = 0.0
    ticket: int = 0
    hold: Hold | None = None
    tally: Tally = field(default_factory=Tally)
    transforms: tuple[Transform, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    api: str = ""
    lane: str = ""
    host: str = ""
    opened: bool = False
    answered: bool = False
    upstream_request_id: str | None = None
    first_content: float | None = None
    result: Result | None = None
    usage: Usage = NO_USAGE
    cost: Cost | None = None
    timing: Timing | None = None
    switch: Switch | None = None


@dataclass(slots=True, kw_only=True)
class Call:
    """One client request. `started` and `deadline` are on the monotonic clock; `created` is unix seconds.

    `content` turns true when the client has seen something of an answer; `waited` adds up the seconds spent on providers.
    `cost` is what all attempts cost so far in US dollars, None once one of them is not known, and `reckoned` the same with
    an estimate in place of what is not known; the tokens are theirs too. `recalled` once the turns kept for the client are
    put back; `needs` are those of its endpoint, `wanted` these and all that its request shows; `input_counted` are tokens
    of its input that came as tokens, `generates` whether it is answered with tokens; `counted` once the
    execution's ledger knows of this call. `moment` is how things stood when the plan was made, None when nothing needed a
    look. `trail` are all attempts, `passed` the candidates that were planned and could not be asked any more when their
    turn came.
    """

    id: str
    endpoint: str
    client: ClientFormat
    request: Request
    snapshot: Snapshot
    route: ModelRoute
    resolved_by: str
    scope: Scope
    identity: Identity
    started: float
    deadline: float
    created: int
    needs: tuple[Need, ...] = ()
    wanted: tuple[Need, ...] = ()
    input_counted: int = 0
    generates: bool = True
    user_agent: str = ""
    sdk_retries: int = 0
    recalled: bool = False
    content: bool = False
    attempts: int = 0
    retries: int = 0
    switches: int = 0
    waited: float = 0.0
    cost: Decimal | None = Decimal(0)
    reckoned: Decimal = Decimal(0)
    input_tokens: int = 0
    output_tokens: int = 0
    surveyed: Survey | None = None
    plan: Plan | None = None
    size: Size = _NO_SIZE
    spent: Spent = _NOTHING_SPENT
    moment: Moment | None = None
    counted: bool = False
    draw: float = 0.0
    notice: str = ""
    turn: Mapping[str, Any] | None = None
    trail: list[Attempt] = field(default_factory=list)
    passed: list[Skip] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def caller(self) -> str:
        """Whose sealed reasoning this is."""
        return self.identity.scope

    @property
    def account(self) -> str:
        """The name of its execution in the ledger."""
        return f"execution {self.identity.namespace} {self.identity.execution}"

    @property
    def conversation(self) -> str:
        """What shares a provider's prompt cache: the session, else the execution."""
        return f"{self.caller} {self.identity.session or self.identity.execution}"

    def add(self, usage: Usage, cost: Decimal | None, estimate: Decimal | None) -> None:
        """What one more attempt used, and what it cost if that is known; `estimate` counts where it is not."""
        self.input_tokens += usage.input
        self.output_tokens += usage.output
        self.cost = None if self.cost is None or cost is None else self.cost + cost
        known = cost if cost is not None else estimate
        if known:
            self.reckoned += known


class ClientStream(Protocol):
    """The client's side of a streamed answer. The server implements it; the gateway decides when it opens."""

    @property
    def opened(self) -> bool: ...

    async def open(self, headers: Mapping[str, str]) -> None:
        """Send status 200 and the headers. Later calls do nothing."""
        ...

    async def write(self, data: bytes) -> None: ...


@value
class WholeAnswer:
    """A non-streamed answer, ready to send."""

    body: bytes
    headers: Mapping[str, str]
