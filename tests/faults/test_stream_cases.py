"""Group D: what a row of the table cannot say of a chat stream."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from proxy.resources import Clocks
from tests.support.answers import chat_chunk, chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import (
    DONE,
    HANG,
    STREAM_END,
    STREAM_HEAD,
    Pause,
    Received,
    ScriptedServer,
    Step,
    piece,
    stream,
    whole,
)
from tests.support.snapshots import KEY, model, snapshot

from .chat_stream import (
    COUNT,
    HEL,
    HELLO,
    LEAKY,
    LO,
    PING,
    PLAIN,
    ROLE,
    STOP,
    WANT_USAGE,
    endless_line,
    error,
    pings,
)
from .fault import QUICK, Fault, attempts_of, survive, until
from .sdk import Sdk, Seen, error_object
from .told import Answered, Broken

SLOW = Broken(text="", code="upstream_idle_timeout")


@pytest.mark.fault("D2")
def test_pings_alone_keep_the_client_patient_but_not_for_ever(upstream: ScriptedServer, sdk: Sdk) -> None:
    """Comments keep the client's connection alive while nothing came yet; then the next candidate, or an error."""
    row = Fault(
        id="D2",
        title="pings before content",
        scripts=(pings(ROLE),),
        streams=(True,),
        alone=SLOW,
        failure="ping_only",
        billed=True,
        usage="estimated",
        clocks=replace(QUICK, idle=5, content=0.5),
        settings={"keep_alive_seconds": 0.1},
        announced=False,  # the headers were sent before it was known who answers
        also=lambda seen: _patient(seen),
    )
    survive(row, upstream, sdk, stream=True)


def _patient(seen: Seen) -> None:
    assert seen.tape.raw.startswith(b": keepalive")


@pytest.mark.fault("D2")
def test_pings_behind_content_are_relayed(upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("D2", stream(ROLE, HEL, PING, PING, LO, STOP, DONE))
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=True)
    HELLO.check(seen, stream=True)
    assert seen.tape.raw.count(PING) == 2


@pytest.mark.fault("D10")
@pytest.mark.parametrize(
    "counts",
    [
        pytest.param([(11, 1), (11, 4), (11, 7)], id="cumulative"),
        pytest.param([(11, 7), (11, 7)], id="repeated"),
        pytest.param([(11, 7), (-1, 7)], id="the last one impossible"),
    ],
)
def test_the_last_valid_usage_counts(counts: list[tuple[int, int]], upstream: ScriptedServer, sdk: Sdk) -> None:
    told = [{"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said} for read, said in counts]
    middle = [chat_chunk({"content": "x"}, usage=usage) for usage in told[:-1]]
    url = upstream.script("D10", stream(ROLE, *middle, STOP, chat_chunk(None, usage=told[-1]), DONE))
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=True)
        Answered(text="x" * len(middle)).check(seen, stream=True)
        (attempt,) = attempts_of(joch, seen, 1)
    payload = attempt["payload"]
    assert (payload["inputTokens"], payload["outputTokens"], payload["usageSource"]) == (11, 7, "provider")


@pytest.mark.fault("D11")
def test_an_error_as_first_event_is_told_as_having_come_before_content(upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("D11", stream(ROLE, error("boom")))
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=True)
        (attempt,) = attempts_of(joch, seen, 1)
    assert attempt["payload"]["firstChunkMs"] is None
    assert attempt["payload"]["outcome"] == "error"


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(error(LEAKY), marks=pytest.mark.fault("D12")),
        pytest.param(b"data: {nope\n\n", marks=pytest.mark.fault("D13")),
        pytest.param(LO.replace(b"lo", b"\xff"), marks=pytest.mark.fault("D14")),
    ],
)
def test_good_events_in_the_same_segment_as_a_bad_one_are_not_lost(
    last: bytes, upstream: ScriptedServer, sdk: Sdk
) -> None:
    url = upstream.script("same", stream(ROLE + HEL + last))
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=True)
    assert seen.text == "hel"
    assert seen.error is not None
    assert KEY not in error_object(seen)["message"]


@pytest.mark.fault("D15")
def test_a_character_split_over_chunks_arrives_byte_for_byte(upstream: ScriptedServer, sdk: Sdk) -> None:
    text = json.dumps({"content": "€𝄞 ü"}, ensure_ascii=False)
    raw = chat_chunk({}).replace(b'"delta": {}', b'"delta": ' + text.encode())
    events = ROLE, raw, STOP, COUNT, DONE
    steps: list[Step] = [STREAM_HEAD]
    for byte in b"".join(events):
        steps += [piece(bytes([byte])), Pause(0)]
    url = upstream.script("D15", [*steps, STREAM_END])
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=True, **WANT_USAGE)
    assert seen.text == "€𝄞 ü"
    assert seen.tape.raw == b"".join(events)


@pytest.mark.fault("D18")
def test_an_endless_line_is_left_at_the_cap(upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("D18", endless_line)
    upstream.requests.clear()
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        sdk.ask(joch.base_url, "m", stream=True)
        (request,) = upstream.of("D18")
        until(lambda: request.ended is not None, "the connection was kept")
    assert request.sent < 32 * 2**20, "the cap is 16 MiB, and the sockets hold a few more"


@pytest.mark.fault("D20")
def test_the_client_does_not_wait_for_a_provider_that_lingers(upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("D20", [*stream(*PLAIN, end=False), HANG])
    upstream.requests.clear()
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        begun_at = time.monotonic()
        HELLO.check(sdk.ask(joch.base_url, "m", stream=True), stream=True)
        assert time.monotonic() - begun_at < 0.7, "the body of the client's response must end at once"
        (request,) = upstream.of("D20")
        assert request.ended is None, "the provider is given a moment to end its body"
        until(lambda: request.ended is not None, "the connection was kept", 3)
    assert request.ended is not None
    assert 0.8 < request.ended - request.at < 2.0


@pytest.mark.fault("D20")
def test_a_body_that_ends_a_little_late_keeps_its_connection(upstream: ScriptedServer, sdk: Sdk) -> None:
    late: list[Step] = [*stream(*PLAIN, end=False), Pause(0.1), STREAM_END]
    url = upstream.script("D20", late)
    upstream.requests.clear()
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        for _ in range(2):
            HELLO.check(sdk.ask(joch.base_url, "m", stream=True), stream=True)
            _settle(joch, upstream.of("D20")[-1])  # the client is done before the provider is
    first, second = upstream.of("D20")
    assert first.connection == second.connection


@pytest.mark.fault("D25")
def test_a_flood_of_events_passes_and_the_loop_stays_responsive(upstream: ScriptedServer, sdk: Sdk) -> None:
    count = 10_000
    flood = b"".join(chat_chunk({"content": "x"}) for _ in range(count))
    steps = [STREAM_HEAD, piece(ROLE), *(piece(flood[at : at + 2**16]) for at in range(0, len(flood), 2**16))]
    url = upstream.script("D25", [*steps, piece(STOP + COUNT + DONE), STREAM_END])
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=True)
        Answered(text="x" * count).check(seen, stream=True)
        (attempt,) = attempts_of(joch, seen, 1)
        # The SDK shares this process's one interpreter with joch, so how long joch keeps its loop busy shows only
        # with a client that does nothing but receive.
        stretches: list[float] = []
        gc.collect()
        gc.freeze()  # as `joch serve` does: looking through all that a test run holds is not joch's work
        probe = asyncio.run_coroutine_threadsafe(_probe(stretches), joch.loop.loop)
        _receive(joch, {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True})
        probe.cancel()
        gc.unfreeze()
    assert attempt["payload"]["chunks"] == count + 3
    assert max(stretches) < sum(stretches) / 3, "the loop did a third of the work without coming back to anybody else"


async def _probe(stretches: list[float]) -> None:
    """How much the loop works between two turns of another task: CPU time, which a busy machine does not stretch."""
    before = time.thread_time()
    while True:
        await asyncio.sleep(0)
        now = time.thread_time()
        stretches.append(now - before)
        before = now


def _receive(joch: RunningJoch, body: dict[str, Any]) -> None:
    """Send a chat call and read its answer to the end, without looking at it."""
    data = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", joch.app.port), timeout=20) as connection:
        connection.sendall(head.encode() + data)
        while connection.recv(2**20):
            pass


@pytest.mark.fault("D26")
@pytest.mark.parametrize("when", ["in the same segment", "later", "only a part"])
@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_that_nobody_asked_for_is_never_given_to_the_next_call(
    streamed: bool, when: str, upstream: ScriptedServer, sdk: Sdk, caplog: pytest.LogCaptureFixture
) -> None:
    planted = whole(200, {"id": "planted", "choices": [{"index": 0, "message": {"content": "planted"}}]})
    extra = planted[:40] if when == "only a part" else planted

    def first(request: Received) -> list[Step]:
        steps = list(chat_upstream(HELLO.text)(request))
        if when == "in the same segment":
            return [*steps[:-1], bytes(steps[-1]) + extra]
        return [*steps, Pause(0.05), extra]

    url = upstream.script("D26", first, chat_upstream("second-answer"))
    upstream.requests.clear()
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        HELLO.check(sdk.ask(joch.base_url, "m", stream=streamed), stream=streamed)
        _settle(joch, upstream.of("D26")[0])
        seen = sdk.ask(joch.base_url, "m", stream=streamed)
        Answered(text="second-answer").check(seen, stream=streamed)
        (attempt,) = attempts_of(joch, seen, 1)
    assert attempt["payload"]["outcome"] == "ok"
    one, two = upstream.of("D26")
    assert one.connection != two.connection
    assert any("unsolicited" in record.message for record in caplog.records)


def _settle(joch: RunningJoch, request: Received) -> None:
    """Until the provider has sent all of its script and joch has read it."""
    until(lambda: request.played, "the provider never came to the end of its script")
    joch.loop.read_all()


@pytest.mark.fault("D1")
def test_content_now_and_then_is_no_silence(upstream: ScriptedServer, sdk: Sdk) -> None:
    slow: list[Step] = [STREAM_HEAD, piece(ROLE)]
    for letter in "hello-there":
        slow += [Pause(0.1), piece(chat_chunk({"content": letter}))]
    url = upstream.script("D1", [*slow, piece(STOP), piece(DONE), STREAM_END])
    patient = Clocks(connect=2, first_byte=2, whole=None, idle=0.4, content=0.4, attempt=10, total=10)
    with running_joch(snapshot([model("generic-openai", url, clocks=patient)])) as joch:
        HELLO.check(sdk.ask(joch.base_url, "m", stream=True), stream=True)
