"""Group A: the way to the provider."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.resources import Clocks, Failover
from tests.support.answers import chat_answer, chat_events, chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import CLOSE, Pause, Received, ScriptedServer, Step, stream, whole
from tests.support.snapshots import KEY, model, route, snapshot

from .fault import QUICK, Fault, attempts_of, cases, events_of, survive, until
from .places import Answers, Certificates, Silence, black_hole, closed_port, mute, tls_servers
from .sdk import Sdk
from .told import SHED, UPERR, Answered

HELLO = Answered(text="hello-there")
NAMED = "http://provider.example/v1"


class Places:
    """Every place of this module, by name."""

    def __init__(self, stack: ExitStack) -> None:
        self.certificates: Certificates = stack.enter_context(tls_servers())
        self.black_hole = stack.enter_context(black_hole())
        self.mute = stack.enter_context(mute())


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    with ExitStack() as stack:
        yield Places(stack)


def no_answer(failure: str, **more: Any) -> Fault:
    """A fault of this group: no request byte was sent, so the next candidate is free to try."""
    base = Fault(id="A0", title=failure, alone=UPERR, failure=failure, billed=False)
    return replace(base, **more)


FAULTS = [
    no_answer("connect_refused", id="A1", url=lambda _: f"http://127.0.0.1:{closed_port()}/v1"),
    no_answer("dns", id="A2", url=lambda _: NAMED, resolver=Answers),
    no_answer("dns_timeout", id="A3", url=lambda _: NAMED, resolver=Silence, clocks=replace(QUICK, first_byte=5)),
    no_answer(
        "dns_timeout",
        id="A3",
        title="first-byte clock",
        url=lambda _: NAMED,
        resolver=Silence,
        clocks=replace(QUICK, connect=5),
    ),
    no_answer(
        "address_blocked",
        id="A4",
        title="private address",
        provider="openai",
        alarm=True,
        url=lambda _: "https://api.openai.com/v1",
        resolver=lambda: Answers("10.1.2.3"),
    ),
    no_answer(
        "address_blocked",
        id="A4",
        title="mapped loopback",
        provider="openai",
        alarm=True,
        url=lambda _: "https://api.openai.com/v1",
        resolver=lambda: Answers("::ffff:127.0.0.1"),
    ),
    no_answer(
        "address_blocked",
        id="A4",
        title="metadata service",
        alarm=True,
        url=lambda _: NAMED,
        resolver=lambda: Answers("169.254.169.254"),
    ),
    Fault(
        id="A10",
        title="closed without a byte",
        scripts=([CLOSE],),
        alone=UPERR,
        failure="closed_before_headers",
        billed=True,
    ),
]


@pytest.mark.parametrize(("fault", "stream"), cases(FAULTS))
def test_a_place_that_cannot_be_reached_costs_nothing_but_the_next_candidate(
    fault: Fault, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    survive(fault, upstream, sdk, stream=stream)


@pytest.mark.fault("A5")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("flaw", ["expired", "wrong_name", "self_signed"])
def test_a_bad_certificate_is_never_accepted_and_no_plain_request_follows(
    flaw: str, stream: bool, upstream: ScriptedServer, sdk: Sdk, places: Places
) -> None:
    server: ScriptedServer = getattr(places.certificates, flaw)
    record = {} if flaw == "self_signed" else {"ca_file": places.certificates.ca_file}
    fault = no_answer("tls", id="A5", url=lambda _: server.url("x"), record=record, alarm=True)
    survive(fault, upstream, sdk, stream=stream)
    assert server.requests == []


@pytest.mark.fault("A5")
@pytest.mark.parametrize("flaw", ["expired", "wrong_name", "self_signed"])
def test_the_event_says_what_is_wrong_with_the_certificate(flaw: str, sdk: Sdk, places: Places) -> None:
    server: ScriptedServer = getattr(places.certificates, flaw)
    record = {} if flaw == "self_signed" else {"ca_file": places.certificates.ca_file}
    with running_joch(snapshot([model("generic-openai", server.url("x"), **record)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=False)
        (attempt,) = attempts_of(joch, seen, 1)
    assert attempt["payload"]["upstreamCode"] == flaw


@pytest.mark.fault("A5")
def test_a_sound_certificate_of_the_same_authority_is_accepted(sdk: Sdk, places: Places) -> None:
    server = places.certificates.sound
    record = model(
        "generic-openai", server.script("sound", chat_upstream(HELLO.text)), ca_file=places.certificates.ca_file
    )
    with running_joch(snapshot([record])) as joch:
        HELLO.check(sdk.ask(joch.base_url, "m", stream=False), stream=False)


@pytest.mark.fault("A6")
@pytest.mark.parametrize("stream", [False, True])
def test_a_handshake_that_hangs_has_a_limit_of_its_own(
    stream: bool, upstream: ScriptedServer, sdk: Sdk, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.upstream.TLS_SECONDS", 0.3)
    clocks = Clocks(connect=0.2, first_byte=5, whole=None, idle=5, attempt=10, total=20)
    fault = no_answer("tls_timeout", id="A6", url=lambda _: f"https://127.0.0.1:{places.mute}/v1", clocks=clocks)
    begun = time.monotonic()
    survive(fault, upstream, sdk, stream=stream)
    assert time.monotonic() - begun < 4, "two calls of half a second each"


@pytest.mark.fault("A6")
def test_the_first_byte_clock_ends_a_handshake_too(upstream: ScriptedServer, sdk: Sdk, places: Places) -> None:
    fault = no_answer("tls_timeout", id="A6", url=lambda _: f"https://127.0.0.1:{places.mute}/v1", clocks=QUICK)
    survive(fault, upstream, sdk, stream=False)


@pytest.mark.fault("A7")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("clock", ["connect", "first_byte"])
def test_a_black_hole_is_left_at_the_connect_limit(
    clock: str, stream: bool, upstream: ScriptedServer, sdk: Sdk, places: Places
) -> None:
    clocks = replace(QUICK, **{"connect": 5.0, "first_byte": 5.0, clock: 0.3})
    url = f"http://127.0.0.1:{places.black_hole}/v1"
    survive(no_answer("connect_timeout", id="A7", url=lambda _: url, clocks=clocks), upstream, sdk, stream=stream)


@pytest.mark.fault("A8")
@pytest.mark.parametrize("broken", ["refuses", "is a black hole"])
def test_a_broken_ipv6_address_delays_the_answer_by_less_than_a_third_of_a_second(
    broken: str, upstream: ScriptedServer, sdk: Sdk
) -> None:
    upstream.script("A8", chat_upstream(HELLO.text))
    record = model("generic-openai", f"http://provider.example:{upstream.port}/A8", local=True)
    with ExitStack() as stack:
        if broken != "refuses":
            stack.enter_context(black_hole("::1", upstream.port))
        resolver = Answers("::1", "127.0.0.1")
        joch: RunningJoch = stack.enter_context(running_joch(snapshot([record]), resolver=resolver))
        seen = sdk.ask(joch.base_url, "m", stream=False)
        HELLO.check(seen, stream=False)
        (attempt,) = attempts_of(joch, seen, 1)
    assert attempt["payload"]["outcome"] == "ok"
    assert attempt["payload"]["latencyMs"] < 300 + 150, "the delay is 250 ms, the rest is this machine's"


@pytest.mark.fault("A9")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_stale_pooled_connection_is_replaced_once(streamed: bool, upstream: ScriptedServer, sdk: Sdk) -> None:
    good = stream(*chat_events("hello", "-there")) if streamed else [whole(200, chat_answer(HELLO.text))]
    url = upstream.script("A9", good, [CLOSE], good)
    upstream.requests.clear()
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        HELLO.check(sdk.ask(joch.base_url, "m", stream=streamed), stream=streamed)
        again = sdk.ask(joch.base_url, "m", stream=streamed)
        HELLO.check(again, stream=streamed)
        (attempt,) = attempts_of(joch, again, 1)
    assert attempt["payload"]["outcome"] == "ok"
    assert "stale_connection" in attempt["payload"]["notes"], "the provider may bill both requests"
    first, second, third = upstream.of("A9")
    assert first.connection == second.connection != third.connection
    assert second.body == third.body


@pytest.mark.fault("A9")
def test_a_connection_that_is_stale_and_fails_again_moves_the_call_on(upstream: ScriptedServer, sdk: Sdk) -> None:
    upstream.requests.clear()
    first = model("generic-openai", upstream.script("A9", [whole(200, chat_answer(HELLO.text))], [CLOSE]), "first")
    second = model("generic-openai", upstream.script("A9b", chat_upstream("from-the-fallback")), "second")
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        HELLO.check(sdk.ask(joch.base_url, "pair", stream=False), stream=False)
        seen = sdk.ask(joch.base_url, "pair", stream=False)
        Answered(text="from-the-fallback").check(seen, stream=False)
        stale, _ = attempts_of(joch, seen, 2)
    assert (stale["payload"]["failure"], stale["payload"]["billedRisk"]) == ("stale_connection", True)
    assert len(upstream.of("A9")) == 3, "one good call, one that failed, one resend"


@pytest.mark.fault("A9")
def test_a_route_that_allows_no_repetition_has_none_on_a_fresh_connection_either(
    upstream: ScriptedServer, sdk: Sdk
) -> None:
    upstream.requests.clear()
    record = model("generic-openai", upstream.script("A9", [whole(200, chat_answer(HELLO.text))], [CLOSE]), "first")
    careful = route("careful", record.ref, failover=Failover(on_ambiguous=False))
    with running_joch(snapshot([record], [careful])) as joch:
        HELLO.check(sdk.ask(joch.base_url, "careful", stream=False), stream=False)
        seen = sdk.ask(joch.base_url, "careful", stream=False)
        (attempt,) = attempts_of(joch, seen, 1)
    assert seen.error is not None
    assert (attempt["payload"]["failure"], attempt["payload"]["billedRisk"]) == ("closed_before_headers", True)
    assert len(upstream.of("A9")) == 2, "one good call, one that failed"


@pytest.mark.fault("A11")
@pytest.mark.parametrize("secret", [True, False])
def test_proxies_and_credentials_of_the_environment_are_ignored(
    secret: bool, upstream: ScriptedServer, sdk: Sdk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead = f"http://127.0.0.1:{closed_port()}"
    for variable in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, dead)
    monkeypatch.setenv("NO_PROXY", "")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password hunter2\ndefault login eve password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    keyed: dict[str, Any] = {} if secret else {"secret": None}
    url = upstream.script("A11", chat_upstream(HELLO.text))
    upstream.requests.clear()
    with running_joch(snapshot([model("generic-openai", url, **keyed)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=False)
        HELLO.check(seen, stream=False)
        (attempt,) = attempts_of(joch, seen, 1)
    assert attempt["payload"]["outcome"] == "ok"
    (request,) = upstream.of("A11")
    assert request.headers.get("authorization") == (f"Bearer {KEY}" if secret else None)


@pytest.mark.fault("A12")
def test_calls_beyond_the_limit_are_shed_and_never_queue_in_silence(upstream: ScriptedServer, sdk: Sdk) -> None:
    def slow(request: Received) -> list[Step]:
        return [Pause(0.8), whole(200, chat_answer(HELLO.text))]

    record = model("generic-openai", upstream.script("A12", slow))
    upstream.requests.clear()
    config = snapshot([record], max_concurrent=2, max_queue_seconds=0.1)
    others = [Sdk(), Sdk()]
    with running_joch(config) as joch, ThreadPoolExecutor(2) as pool:
        running = [pool.submit(other.ask, joch.base_url, "m", stream=False) for other in others]
        until(lambda: len(upstream.of("A12")) == 2, "two calls must be under way")
        shed = sdk.ask(joch.base_url, "m", stream=False)
        SHED.check(shed, stream=False)
        for call in running:
            HELLO.check(call.result(), stream=False)
        HELLO.check(sdk.ask(joch.base_url, "m", stream=False), stream=False)
        (event,) = events_of(joch, shed, "x.CallCompleted")
        assert events_of(joch, shed, "ModelCallStarted") == []
    for other in others:
        other.close()
    assert 1 <= float(shed.tape.headers["retry-after"]) <= 5
    assert (event["payload"]["outcome"], event["payload"]["status"], event["payload"]["attempts"]) == ("shed", 503, 0)
    assert event["payload"]["queueDepth"] == 0
    assert len(upstream.of("A12")) == 3, "the call that was shed never left the proxy"


@pytest.mark.fault("A12")
def test_more_calls_than_a_client_pool_usually_holds_run_at_the_same_time(upstream: ScriptedServer, sdk: Sdk) -> None:
    together = 120  # the client library's own default is 100
    record = model("generic-openai", upstream.script("A12b", [Pause(0.5), whole(200, chat_answer(HELLO.text))]))
    upstream.requests.clear()
    with running_joch(snapshot([record], max_concurrent=together)) as joch:
        assert joch.loop.run(_post_together(joch.base_url, together)) == [200] * together
    arrivals = [request.at for request in upstream.of("A12b")]
    assert max(arrivals) - min(arrivals) < 0.5, "none of them waited for another to end"


async def _post_together(base_url: str, count: int) -> list[int]:
    """The statuses of `count` calls made at the same time."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post() -> int:
            async with session.post(f"{base_url}/chat/completions", json=body) as response:
                return response.status

        return await asyncio.gather(*(post() for _ in range(count)))
