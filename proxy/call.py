"""One client request on its way: what is known of it from the start, and what is noted while it is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from proxy.events import Scope
from proxy.resources import ModelRoute, Snapshot
from translators.canonical import Need, Request, Usage, named_value, value
from translators.formats import ClientFormat


@named_value
class Identity:
    """Who calls, as far as the request says. `execution_source` is header, metadata, traceparent or inferred."""

    execution: str
    execution_source: str
    agent: str = "anonymous"
    namespace: str = "default"
    team: str | None = None
    environment: str | None = None
    session: str | None = None
    turn: str | None = None
    user_hash: str | None = None
    framework: str | None = None
    trace: str | None = None


@dataclass(slots=True, kw_only=True)
class Call:
    """One client request. `started` and `deadline` are on the monotonic clock; `created` is unix seconds.

    `content` turns true when the client has seen something of an answer; `waited` adds up the seconds spent on providers.
    `cost` is what all attempts cost so far in US dollars, None once one of them is not known; the tokens are theirs too.
    `caller` is whose sealed reasoning this is (namespace and agent); `recalled` once the turns kept for it are put back.
    """

    id: str
    endpoint: str
    client: ClientFormat
    request: Request
    snapshot: Snapshot
    route: ModelRoute
    resolved_by: str
    scope: Scope
    started: float
    deadline: float
    created: int
    caller: str = ""
    recalled: bool = False
    needs: tuple[Need, ...] = ()
    user_agent: str = ""
    sdk_retries: int = 0
    content: bool = False
    attempts: int = 0
    switches: int = 0
    waited: float = 0.0
    cost: Decimal | None = Decimal(0)
    input_tokens: int = 0
    output_tokens: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, usage: Usage, cost: Decimal | None) -> None:
        """What one more attempt used, and what it cost if that is known."""
        self.input_tokens += usage.input
        self.output_tokens += usage.output
        self.cost = None if self.cost is None or cost is None else self.cost + cost


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
