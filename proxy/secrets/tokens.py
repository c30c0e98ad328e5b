"""A token kept while it is good: fetched once for all who wait, renewed before it ends, and once more when it was refused.

    token()        the one in hand, at once; a fetch only when there is none that still holds
    invalidate()   a provider refused it: the next call fetches anew, with the other scope if the audience was wrong

Nothing here knows where tokens come from, and nothing shows one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .token_endpoint import Fetched, TokenError

PATIENCE_SECONDS = 20.0
"""How long a call waits for a token. The fetch itself goes on for those who come later."""
FETCH_SECONDS = 90.0
"""How long a fetch may take, its repetitions included: a machine's identity may need more than a minute to come back."""
REST_SECONDS = 5.0
"""How long a failed fetch stands for the calls after it, so that a refusing service is not asked by each of them."""
FRESH_SECONDS = 60.0
"""A token younger than this is not fetched again for being refused: what is wrong is not its age."""
_LAST_SECONDS = 15.0  # a token with less than this left is not used: it would end on the way

_WRONG_AUDIENCE = "audience"


def early_for_entra(lifetime: float) -> float:
    """Seconds before its end at which a token is renewed: half of a long life, else five minutes (azure-identity)."""
    return lifetime / 2 if lifetime >= 7200 else 300.0


def early_for_google(lifetime: float) -> float:
    """As google-auth: 3 minutes 45 seconds."""
    return 225.0


@dataclass(frozen=True, slots=True)
class _Held:
    token: str = field(repr=False)
    headers: Mapping[str, str]
    since: float
    renew_at: float
    ends_at: float


class TokenSource:
    """The tokens of one identity for one resource. `fetch(scope)` gets one; `scopes` are tried as the provider demands.

    `clock` counts seconds from anywhere. One event loop only.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Fetched]],
        scopes: Sequence[str],
        *,
        early: Callable[[float], float] = early_for_entra,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._fetch, self._early, self._clock, self._patience = fetch, early, clock, patience
        self._scopes = list(scopes)
        self._switched = len(self._scopes) < 2
        self._held: _Held | None = None
        self._fetching: asyncio.Task[Fetched] | None = None
        self._error: TokenError | None = None
        self._rests_until = 0.0

    @property
    def headers(self) -> Mapping[str, str]:
        """What has to be sent beside the token in hand (Google's quota project)."""
        return self._held.headers if self._held is not None else {}

    async def token(self) -> str:
        """A token that still holds. Raises `UpstreamError`: the candidate cannot be asked now."""
        held, now = self._held, self._clock()
        if held is not None and now < held.renew_at:
            return held.token
        if held is not None and now < held.ends_at - _LAST_SECONDS:
            if self._fetching is None and now >= self._rests_until:
                self._start()  # beside the calls, which go on with what they have
            return held.token
        return await self._fetched(now)

    async def _fetched(self, now: float) -> str:
        if self._fetching is None:
            if self._error is not None and now < self._rests_until:
                raise self._error.upstream()
            self._start()
        try:
            async with asyncio.timeout(self._patience):
                return (await asyncio.shield(self._running)).token
        except TimeoutError:
            raise TokenError("The identity service did not answer in time.", "unreachable").upstream() from None
        except TokenError as error:
            raise error.upstream() from None

    @property
    def _running(self) -> asyncio.Task[Fetched]:
        if self._fetching is None:
            raise AssertionError("waited for a fetch that nobody started")
        return self._fetching

    def _start(self) -> None:
        self._fetching = asyncio.get_running_loop().create_task(self._ask(self._scopes[0]))
        self._fetching.add_done_callback(self._settled)

    async def _ask(self, scope: str) -> Fetched:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                return await self._fetch(scope)
        except TimeoutError:
            raise TokenError("The identity service did not answer in time.", "unreachable") from None
        except TokenError:
            raise
        except Exception as error:  # noqa: BLE001  # a library's; its text may repeat what it was given
            raise TokenError(f"The token could not be fetched ({type(error).__name__}).", "unreachable") from None

    def _settled(self, task: asyncio.Task[Fetched]) -> None:
        """Keeps what a fetch brought, unless something newer has taken its place."""
        error = None if task.cancelled() else task.exception()  # looked at, so that nobody else has to
        if self._fetching is not task:
            return
        self._fetching = None
        if task.cancelled():
            return
        now = self._clock()
        if error is not None:
            self._error = error if isinstance(error, TokenError) else None
            self._rests_until = now + REST_SECONDS
            return
        brought = task.result()
        renew_in = max(brought.lifetime - self._early(brought.lifetime), min(30.0, brought.lifetime / 2))
        self._held = _Held(brought.token, brought.headers, now, now + renew_in, now + brought.lifetime)
        self._error, self._rests_until = None, 0.0

    def invalidate(self, token: str, said: str = "") -> bool:
        """A provider refused `token`, saying `said`. True when one more try, with what `token()` then gives, is worth it.

        A token that says it has the wrong audience is fetched for the other scope, once; that scope then stays.
        """
        held = self._held
        if held is None or held.token != token:
            return True  # somebody else has seen to it
        if _WRONG_AUDIENCE in said.lower() and not self._switched:
            self._switched = True
            self._scopes.append(self._scopes.pop(0))
        elif self._clock() - held.since < FRESH_SECONDS:
            return False
        self._held = self._fetching = None
        return True

    def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
