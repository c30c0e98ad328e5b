"""The one request that a tool gateway gets: its key, its time, and what is told when it does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from proxy.resources import ToolGateway
from proxy.secrets import SecretError, SecretResolver
from proxy.tool_gateway import asking
from proxy.upstream import Upstream
from tests.faults.places import closed_port
from tests.support.scripted import HANG, RESET, Script, ScriptedServer, scripted_server, whole
from tests.support.snapshots import KEY, KEY_VARIABLE, key
from translators.canonical import UpstreamError

SECONDS = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


async def asked(
    gateway: ToolGateway,
    env: dict[str, str] | None = None,
    *,
    seconds: float = SECONDS,
    hosts: tuple[str, ...] | None = None,
) -> tuple[int, bytes]:
    async with Upstream() as upstream:
        upstream.allowed_hosts = hosts
        ask = asking(upstream, SecretResolver(env or {}).resolve)(gateway)
        return await ask(f"{gateway.url}/v1/tool-calls?execution=e%261&turn=t", seconds)


def serving(server: ScriptedServer, *scripts: Script) -> str:
    server.requests.clear()
    return server.script("gateway", *scripts)


async def test_status_and_body_come_back_as_they_are(server: ScriptedServer) -> None:
    url = serving(server, [whole(404, {"items": [1]})])
    assert await asked(ToolGateway(url=url)) == (404, b'{"items": [1]}')
    (request,) = server.of("gateway")
    assert (request.method, request.path) == ("GET", "/gateway/v1/tool-calls?execution=e%261&turn=t")
    assert request.body == b"", "a question has no body"
    assert request.headers["accept"] == "application/json"
    assert "authorization" not in request.headers, "a gateway without a key must be shown none"


async def test_the_key_is_looked_up_for_every_question(server: ScriptedServer) -> None:
    env = {KEY_VARIABLE: KEY}
    gateway = ToolGateway(url=serving(server, [whole(200, [])]), secret=key())
    async with Upstream() as upstream:
        ask = asking(upstream, SecretResolver(env).resolve)(gateway)
        await ask(gateway.url + "/x", SECONDS)
        env[KEY_VARIABLE] = "sk-another"
        await ask(gateway.url + "/x", SECONDS)
    assert [each.headers["authorization"] for each in server.of("gateway")] == [f"Bearer {KEY}", "Bearer sk-another"]


async def test_without_its_key_it_is_not_asked(server: ScriptedServer) -> None:
    with pytest.raises(SecretError) as raised:
        await asked(ToolGateway(url=serving(server, [whole(200, [])]), secret=key()))
    assert isinstance(raised.value, LookupError), "as its documentation says"
    assert server.of("gateway") == []


@pytest.mark.parametrize(
    ("script", "failure"),
    [([RESET], "reset_before_headers"), ([HANG], "header_timeout"), ([whole(200, b"12345")[:-2], RESET], "reset_mid")],
    ids=["reset", "silence", "half an answer"],
)
async def test_what_goes_wrong_is_raised(server: ScriptedServer, script: Script, failure: str) -> None:
    async with asyncio.timeout(SECONDS):  # only reached where the gateway's own time does not hold
        with pytest.raises(UpstreamError) as raised:
            await asked(ToolGateway(url=serving(server, script)), seconds=0.2)
    assert raised.value.failure == failure


async def test_a_place_where_nobody_listens_is_an_error() -> None:
    with pytest.raises(UpstreamError) as raised:
        await asked(ToolGateway(url=f"http://127.0.0.1:{closed_port()}"))
    assert raised.value.failure == "connect_refused"


async def test_it_is_bound_to_the_hosts_that_may_be_connected_to(server: ScriptedServer) -> None:
    url = serving(server, [whole(200, [])])
    with pytest.raises(UpstreamError) as raised:
        await asked(ToolGateway(url=url), hosts=("api.example.com",))
    assert raised.value.failure == "egress_blocked"
    assert server.of("gateway") == []


async def test_a_redirect_is_not_followed(server: ScriptedServer) -> None:
    """It would show the key to whoever is named there."""
    url = serving(server, [whole(307, b"", Location="/elsewhere/")])
    with pytest.raises(UpstreamError) as raised:
        await asked(ToolGateway(url=url, secret=key()), {KEY_VARIABLE: KEY})
    assert raised.value.failure == "redirect"
    assert len(server.requests) == 1
