"""A token is fetched once, renewed in time and given up when it is refused, by a clock that tests move."""

import asyncio

import pytest

from proxy.secrets.token_endpoint import Fetched, TokenError
from proxy.secrets.tokens import (
    FRESH_SECONDS,
    REST_SECONDS,
    TokenSource,
    early_for_entra,
    early_for_google,
)
from translators.canonical import Reason, UpstreamError

from .services import OTHER_SCOPE, SCOPE, Clock


class Service:
    """What is fetched: "token-1", "token-2", …; or it fails, or waits to be released."""

    def __init__(self, lifetime: float = 3600.0) -> None:
        self.lifetime, self.scopes = lifetime, list[str]()
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def __call__(self, scope: str) -> Fetched:
        self.scopes.append(scope)
        number = len(self.scopes)
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return Fetched(token=f"token-{number}", lifetime=self.lifetime, headers={"x-n": str(number)})


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def source(service: Service, clock: Clock) -> TokenSource:
    return TokenSource(service, (SCOPE, OTHER_SCOPE), clock=clock)


async def test_a_token_is_kept_while_it_is_good(source: TokenSource, service: Service, clock: Clock) -> None:
    assert source.headers == {}
    assert await source.token() == "token-1"
    clock.now += 3000
    assert await source.token() == "token-1"
    assert service.scopes == [SCOPE]
    assert source.headers == {"x-n": "1"}


async def test_all_who_wait_get_the_token_of_one_fetch(source: TokenSource, service: Service) -> None:
    service.gate = asyncio.Event()
    waiting = [asyncio.create_task(source.token()) for _ in range(50)]
    await settle()
    service.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"token-1"}
    assert len(service.scopes) == 1


async def test_one_who_leaves_takes_nothing_from_the_others(source: TokenSource, service: Service) -> None:
    service.gate = asyncio.Event()
    leaving, staying = asyncio.create_task(source.token()), asyncio.create_task(source.token())
    await settle()
    leaving.cancel()
    await settle()
    service.gate.set()
    assert await staying == "token-1"
    assert len(service.scopes) == 1


async def test_it_is_renewed_beside_the_calls_before_it_ends(
    source: TokenSource, service: Service, clock: Clock
) -> None:
    await source.token()
    clock.now += 3301  # five minutes before the end
    service.gate = asyncio.Event()
    assert [await source.token() for _ in range(3)] == ["token-1"] * 3
    await settle()
    assert len(service.scopes) == 2, "one renewal, however many calls"
    service.gate.set()
    await settle()
    assert await source.token() == "token-2"


async def test_a_renewal_that_fails_leaves_the_token_that_still_holds(
    source: TokenSource, service: Service, clock: Clock
) -> None:
    await source.token()
    clock.now += 3301
    service.failure = TokenError("no", "unreachable")
    for _ in range(3):
        assert await source.token() == "token-1"
        await settle()
    assert len(service.scopes) == 2, "a failed renewal rests"
    clock.now += REST_SECONDS
    assert await source.token() == "token-1"
    await settle()
    assert len(service.scopes) == 3
    clock.now += 3600
    with pytest.raises(UpstreamError):
        await source.token()


async def test_a_token_is_not_sent_in_its_last_seconds(source: TokenSource, service: Service, clock: Clock) -> None:
    await source.token()
    clock.now += 3590
    assert await source.token() == "token-2"


@pytest.mark.parametrize(
    ("early", "lifetime", "renewed_at"),
    [
        (early_for_entra, 86400, 43200),
        (early_for_entra, 7200, 3600),
        (early_for_entra, 3600, 3300),
        (early_for_google, 3600, 3375),
        (early_for_google, 100, 30),  # a metadata server gives what it has
        (early_for_entra, 20, 10),
    ],
)
async def test_how_early_a_token_is_renewed(early, lifetime: float, renewed_at: float, clock: Clock) -> None:
    service = Service(lifetime)
    source = TokenSource(service, (SCOPE,), early=early, clock=clock)
    await source.token()
    clock.now += renewed_at - 0.1
    await source.token()
    await settle()
    assert len(service.scopes) == 1
    clock.now += 0.2
    await source.token()
    await settle()
    assert len(service.scopes) == 2


async def test_a_refusal_is_told_to_all_and_not_asked_again_at_once(
    source: TokenSource, service: Service, clock: Clock
) -> None:
    service.failure = TokenError("Entra ID refused the gateway's credentials.", "refused", code="invalid_client")
    told = await asyncio.gather(*(source.token() for _ in range(10)), return_exceptions=True)
    assert all(isinstance(error, UpstreamError) and error.reason is Reason.AUTH for error in told)
    assert len({id(error) for error in told}) == 10, "an error of one call is not another's to mend"
    with pytest.raises(UpstreamError) as caught:
        await source.token()
    assert (caught.value.failure, caught.value.upstream_code) == ("credential_rejected", "invalid_client")
    assert len(service.scopes) == 1
    clock.now += REST_SECONDS
    service.failure = None
    assert await source.token() == "token-2"


async def test_a_call_waits_no_longer_than_its_patience_and_the_fetch_goes_on(service: Service) -> None:
    service.gate = asyncio.Event()
    source = TokenSource(service, (SCOPE,), patience=0.01)
    with pytest.raises(UpstreamError) as caught:
        await source.token()
    assert (caught.value.reason, caught.value.failure) == (Reason.UNAVAILABLE, "token_unavailable")
    service.gate.set()
    await settle()
    assert await source.token() == "token-1"
    assert len(service.scopes) == 1


async def test_a_refused_token_is_fetched_once_more(source: TokenSource, service: Service, clock: Clock) -> None:
    token = await source.token()
    clock.now += FRESH_SECONDS
    assert source.invalidate(token, "token expired")
    assert source.invalidate(token, "token expired"), "another call saw the same refusal"
    assert await source.token() == "token-2"
    assert source.invalidate(token), "an old refusal says nothing of the new token"
    assert await source.token() == "token-2"
    assert service.scopes == [SCOPE, SCOPE]


async def test_a_fresh_token_that_is_refused_is_not_fetched_again(
    source: TokenSource, service: Service, clock: Clock
) -> None:
    token = await source.token()
    assert not source.invalidate(token, "Principal does not have access to API/Operation.")
    assert await source.token() == token
    assert len(service.scopes) == 1


async def test_a_wrong_audience_switches_the_scope_once_and_remembers(
    source: TokenSource, service: Service, clock: Clock
) -> None:
    said = "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com)"
    token = await source.token()
    assert source.invalidate(token, said)
    second = await source.token()
    assert service.scopes == [SCOPE, OTHER_SCOPE]
    assert not source.invalidate(second, said), "both were tried"
    clock.now += 7200
    await source.token()
    assert service.scopes == [SCOPE, OTHER_SCOPE, OTHER_SCOPE]


async def test_a_scope_that_was_configured_is_the_only_one(service: Service) -> None:
    source = TokenSource(service, (SCOPE,))
    assert not source.invalidate(await source.token(), "audience is incorrect")
    await source.token()
    assert service.scopes == [SCOPE]


async def test_a_fetch_for_the_old_scope_does_not_come_back(
    source: TokenSource, service: Service, clock: Clock
) -> None:
    token = await source.token()
    clock.now += 3400
    late = service.gate = asyncio.Event()
    await source.token()  # starts a renewal
    await settle()
    assert source.invalidate(token, "audience is incorrect")
    service.gate = None
    assert await source.token() == "token-3"
    late.set()
    await settle()
    assert await source.token() == "token-3"
    assert service.scopes == [SCOPE, SCOPE, OTHER_SCOPE]


async def test_closing_ends_a_fetch_that_is_under_way(source: TokenSource, service: Service) -> None:
    service.gate = asyncio.Event()
    waiting = asyncio.create_task(source.token())
    await settle()
    source.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_nothing_that_is_printed_shows_a_token() -> None:
    assert "canary" not in repr(Fetched(token="canary", lifetime=1.0))


async def test_what_nobody_expected_is_no_token_either_and_tells_nothing(source: TokenSource, service: Service) -> None:
    service.failure = RuntimeError("s3cr3t")
    for _ in range(3):  # the first is asked, the others rest with it
        with pytest.raises(UpstreamError) as caught:
            await source.token()
        assert caught.value.failure == "token_unavailable"
        assert str(caught.value) == "The token could not be fetched (RuntimeError)."
    assert service.scopes == [SCOPE]
