"""Group D: chat streams that stall, break, lie or ramble."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from proxy.resources import Clocks
from tests.support.answers import USAGE, chat_chunk, chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import (
    CLOSE,
    DONE,
    HANG,
    RESET,
    STREAM_END,
    STREAM_HEAD,
    Pause,
    Received,
    Script,
    ScriptedServer,
    Step,
    event,
    piece,
    stream,
    whole,
)
from tests.support.snapshots import KEY, model, snapshot

from .fault import QUICK, Fault, attempts_of, cases, survive, until
from .sdk import Sdk, Seen, error_object
from .told import INVALID, UPERR, Answered, Broken, Expected, bad, rate

HELLO = Answered(text="hello-there")
ROLE = chat_chunk({"role": "assistant", "content": ""})
HEL = chat_chunk({"content": "hel"})
LO = chat_chunk({"content": "lo-there"})
STOP = chat_chunk({}, "stop")
COUNT = chat_chunk(None, usage=USAGE)
PING = b": ping\n\n"
CUT = Broken(text="hel", code="incomplete")
BAD = Broken(text="hel", code="upstream_invalid_response")
SLOW = Broken(text="hel", code="upstream_idle_timeout")
NO_TERMINAL = replace(INVALID)
CLOSE_FRAMED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
PLAIN = (ROLE, HEL, LO, STOP, COUNT, DONE)
MEBIBYTE = b"x" * 2**20
LEAKY = f"worker died, key {KEY}, see https://provider.example/status"


def begun(*events: bytes) -> list[Step]:
    """A stream that has said "hel" and then these events, and has not ended."""
    return stream(ROLE, HEL, *events, end=False)


def pings(*before: bytes) -> Script:
    """These events, then nothing but comments."""

    def script(request: Received) -> Iterable[Step]:
        yield STREAM_HEAD
        for each in before:
            yield piece(each)
        for _ in range(400):
            yield piece(PING)
            yield Pause(0.02)

    return script


def big_event(size: int) -> Script:
    def script(request: Received) -> Iterable[Step]:
        yield from begun()
        text = chat_chunk({"content": "x" * size})
        for at in range(0, len(text), 2**20):
            yield piece(text[at : at + 2**20])
        yield from (piece(each) for each in (STOP, COUNT, DONE))
        yield STREAM_END

    return script


def endless_line(request: Received) -> Iterable[Step]:
    yield from begun()
    yield piece(b"data: ")
    for _ in range(100):
        yield piece(MEBIBYTE)


def one_byte_at_a_time(request: Received) -> Iterable[Step]:
    yield STREAM_HEAD
    for byte in b"".join(PLAIN):
        yield piece(bytes([byte]))
        yield Pause(0)
    yield STREAM_END


def packed(request: Received) -> Iterable[Step]:
    """The stream in gzip, every event flushed by itself."""
    packer = zlib.compressobj(wbits=31)
    yield STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    for each in PLAIN:
        yield piece(packer.compress(each) + packer.flush(zlib.Z_SYNC_FLUSH))
    yield piece(packer.flush())
    yield STREAM_END


def broken(id: str, title: str, failure: str, *scripts: Script, alone: Expected = BAD, **more: object) -> Fault:
    """A failure behind content: told in-band, never mended by another candidate."""
    row = Fault(id=id, title=title, scripts=scripts, streams=(True,), alone=alone, falls_over=False,
                failure=failure, billed=True, usage="estimated")  # fmt: skip
    return replace(row, **more)  # type: ignore[arg-type]  # a shorthand for the table below


def early(id: str, title: str, failure: str, *scripts: Script, alone: Expected = INVALID, **more: object) -> Fault:
    """A failure before content: another candidate is asked."""
    row = Fault(id=id, title=title, scripts=scripts, streams=(True,), alone=alone, failure=failure, billed=True)
    return replace(row, **more)  # type: ignore[arg-type]  # a shorthand for the table below


def fine(id: str, title: str, *scripts: Script, alone: Expected = HELLO, **more: object) -> Fault:
    row = Fault(id=id, title=title, scripts=scripts, streams=(True,), alone=alone, falls_over=False, usage="provider")
    return replace(row, **more)  # type: ignore[arg-type]  # a shorthand for the table below


def error(message: str, **members: object) -> bytes:
    return event({"error": {"message": message, "type": "server_error", **members}})


def named(message: str) -> bytes:
    return event({"error": {"message": message, "type": "server_error"}}, "error")


def choice(index: int, text: str | None, finish: str | None = None, **members: object) -> bytes:
    """A chunk of one choice among several."""
    delta = {} if text is None else {"content": text}
    return chat_chunk(None, choices=[{"index": index, "delta": delta, "finish_reason": finish, **members}])


def call(arguments: str, **opening: object) -> bytes:
    function = {"arguments": arguments, **({"name": "weather"} if opening else {})}
    return chat_chunk({"tool_calls": [{"index": 0, **opening, "function": function}]})


def usage_given(seen: Seen) -> None:
    """The app asked for usage and got some that adds up, in the last chunk."""
    last = seen.pieces[-1]
    assert last.choices == []
    assert last.usage.prompt_tokens > 0
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens


def garbage_withheld(seen: Seen) -> None:
    assert b"nope" not in seen.tape.raw
    assert b"\xff" not in seen.tape.raw


def arguments_untouched(seen: Seen) -> None:
    calls = [each for chunk in seen.pieces for each in chunk.choices[0].delta.tool_calls or ()]
    assert "".join(each.function.arguments for each in calls) == '{"city": "Par'


def one_id(seen: Seen) -> None:
    assert {chunk.id for chunk in seen.pieces} == {"first"}


def good_choice_first(seen: Seen) -> None:
    assert seen.pieces[-1].choices[0].index == 0
    assert seen.pieces[-1].choices[0].finish_reason == "stop"


WANT_USAGE = {"stream_options": {"include_usage": True}}
LINE_ENDS = {
    "CRLF": b"".join(PLAIN).replace(b"\n", b"\r\n"),
    "CR": b"".join(PLAIN).replace(b"\n", b"\r"),
    "mixed": b"".join(
        each.replace(b"\n", end)
        for each, end in zip(PLAIN, (b"\n", b"\r\n", b"\r", b"\n", b"\r\n", b"\n"), strict=True)
    ),
    "BOM": b"\xef\xbb\xbf" + b"".join(PLAIN),
    "comments and other fields": b": hi\n\nretry: 5\n\nid: 7\nevent: message\n" + b": c\n".join(PLAIN),
    "data over two lines": b"".join(PLAIN).replace(b'"choices":', b'\ndata: "choices":'),
    "no space behind the colon": b"".join(PLAIN).replace(b"data: ", b"data:"),
}

FAULTS = [
    broken("D1", "silence", "idle_timeout", [*begun(), HANG], alone=SLOW, clocks=QUICK),
    early("D1", "silence before content", "idle_timeout", [*stream(ROLE, end=False), HANG], clocks=QUICK,
          alone=replace(INVALID, status=504, code="upstream_idle_timeout", should_retry="false"), usage="estimated"),
    broken("D2", "pings", "ping_only", pings(ROLE, HEL), alone=SLOW, clocks=replace(QUICK, idle=5)),
    broken("D3", "reset", "reset_mid", [*begun(), Pause(0.05), RESET], alone=CUT),
    early("D3", "reset before content", "reset_mid", [*stream(ROLE, end=False), Pause(0.05), RESET], usage="estimated"),
    broken("D4", "chunk cut", "truncated", [*begun(), b"ff\r\ndata: {", CLOSE], alone=CUT),
    broken("D4", "cut between chunks", "truncated", [*begun(), CLOSE], alone=CUT),
    early("D4", "cut before content", "truncated", [*stream(ROLE, end=False), CLOSE], usage="estimated"),
    broken("D5", "clean end", "no_terminal", stream(ROLE, HEL), alone=CUT),
    broken("D5", "half an event", "sse_garbage", stream(ROLE, HEL, b'data: {"choices": [{"ind')),
    early("D5", "clean end before content", "no_terminal", stream(ROLE), usage="estimated"),
    early("D5", "nothing at all", "no_terminal", stream()),
    broken("D6", "framed by close", "no_terminal", [CLOSE_FRAMED, ROLE + HEL, CLOSE], alone=CUT),
    fine("D7", "finish without [DONE]", stream(ROLE, HEL, LO, STOP, COUNT), notes=("done_added",)),
    fine("D7", "framed by close", [CLOSE_FRAMED, ROLE + HEL + LO + STOP + COUNT, CLOSE], notes=("done_added",)),
    broken("D8", "[DONE] without finish", "no_terminal", stream(ROLE, HEL, DONE), alone=CUT),
    fine("D9", "usage asked for", stream(ROLE, HEL, LO, STOP, DONE), usage="estimated", asked=WANT_USAGE, also=usage_given),
    fine("D9", "no [DONE] either", stream(ROLE, HEL, LO, STOP), usage="estimated", asked=WANT_USAGE, also=usage_given),
    fine("D9", "not asked for", stream(ROLE, HEL, LO, STOP, DONE), usage="estimated",
         also=lambda seen: _no_usage(seen)),
    early("D11", "unnamed", "inband_error", stream(error("boom")), alone=UPERR),
    early("D11", "named", "inband_error", stream(named("boom")), alone=UPERR),
    early("D11", "behind the role", "inband_error", stream(ROLE, error("boom")), alone=UPERR, usage="estimated"),
    early("D11", "behind a comment", "inband_error", stream(PING, error("boom")), alone=UPERR),
    early("D11", "rate limit", "inband_error", stream(error("slow down", code=429)), alone=rate()),
    early("D11", "the client's mistake", "inband_error", stream(error("no", code=400)), alone=bad(), falls_over=False),
    broken("D12", "unnamed", "inband_error", begun(error(LEAKY)), alone=Broken(text="hel", code="upstream_error", says="worker died")),
    broken("D12", "named", "inband_error", begun(named(LEAKY)), alone=Broken(text="hel", code="upstream_error", says="worker died")),
    broken("D12", "named, not JSON", "inband_error", begun(event(b"worker died", "error")), alone=Broken(text="hel", code="upstream_error")),
    broken("D12", "a text", "inband_error", begun(event({"error": "worker died"})), alone=Broken(text="hel", code="upstream_error")),
    broken("D12", "beside choices", "inband_error", begun(chat_chunk({"content": "x"}, error={"message": "worker died"})),
           alone=Broken(text="hel", code="upstream_error")),
    broken("D12", "flat", "inband_error", begun(event({"object": "error", "message": "worker died", "code": 500})),
           alone=Broken(text="hel", code="upstream_error")),
    broken("D13", "not JSON", "sse_garbage", stream(ROLE, HEL, b"data: {nope\n\n", DONE), also=garbage_withheld),
    broken("D13", "HTML", "sse_garbage", stream(ROLE, HEL, b"data: <html>nope</html>\n\n", DONE), also=garbage_withheld),
    broken("D13", "a number", "sse_garbage", stream(ROLE, HEL, b"data: 7\n\n", DONE), also=garbage_withheld),
    early("D13", "first", "sse_garbage", stream(b"data: {nope\n\n"), also=garbage_withheld),
    broken("D14", "invalid UTF-8", "bad_utf8", stream(ROLE, HEL, LO.replace(b"lo", b"\xff\xfe"), DONE), also=garbage_withheld),
    early("D14", "invalid UTF-8 first", "bad_utf8", stream(LO.replace(b"lo", b"\xff\xfe")), also=garbage_withheld),
    fine("D15", "split", [STREAM_HEAD, piece(ROLE), *(part for byte in chat_chunk({"content": "€𝄞"}).replace(
            b"\\u20ac", "€".encode()).replace(b"\\ud834\\udd1e", "𝄞".encode()) for part in (piece(bytes([byte])), Pause(0))),
         *(piece(each) for each in (STOP, COUNT, DONE)), STREAM_END], alone=Answered(text="€𝄞")),
    *(fine("D16", title, stream(data)) for title, data in LINE_ENDS.items()),
    fine("D16", "one-byte segments", one_byte_at_a_time),
    fine("D16", "all in one", stream(b"".join(PLAIN))),
    fine("D17", "10 MB", big_event(10_000_000), alone=Answered(text="hel" + "x" * 10_000_000)),
    broken("D17", "17 MiB", "too_big", big_event(17 * 2**20)),
    broken("D18", "100 MB without a line end", "too_big", endless_line),
    fine("D19", "behind [DONE]", stream(b"".join((*PLAIN, LO, b"data: {nope\n\n"))), notes=("trailing_data",)),
    fine("D19", "two [DONE]", stream(b"".join((*PLAIN, DONE))), notes=("trailing_data",)),
    fine("D20", "kept open", [*stream(*PLAIN, end=False), HANG]),
    fine("D21", "arguments cut", stream(ROLE, call("", id="call_1", type="function"), call('{"city": '), call('"Par'),
         chat_chunk({}, "tool_calls"), COUNT, DONE), alone=Answered(text=""), notes=("tool_args_invalid",),
         also=arguments_untouched),
    fine("D22", "unknown fields", stream(*(each.replace(b'"choices":', b'"x_vendor": {"a": [1]}, "choices":') for each in PLAIN))),
    fine("D22", "no role", stream(*PLAIN[1:]), also=lambda seen: _one_role(seen)),
    fine("D22", "role in every chunk", stream(*(each.replace(b'"delta": {', b'"delta": {"role": "assistant", ').replace(
            b'"role": "assistant", }', b'"role": "assistant"}').replace(b'"role": "assistant", "role"', b'"role"')
            for each in PLAIN)), also=lambda seen: _one_role(seen)),
    fine("D22", "another choice", stream(ROLE, choice(0, "hello-there"), choice(1, "more"), choice(1, None, "stop"),
         choice(0, None, "stop"), COUNT, DONE)),
    fine("D24", "gzip", packed, notes=("encoded",)),
    fine("D27", "id and model change", stream(*(each.replace(b"chatcmpl-up", name).replace(b"up-model", name) for each, name in
         zip(PLAIN, (b"first", b"second", b"", b"third", b"first", b""), strict=True))), notes=("id_changed",), also=one_id),
    broken("D28", "error finish", "inband_error", stream(ROLE, choice(0, "hello-there"), choice(1, "x"), choice(1, None, "error"),
           choice(0, None, "stop"), DONE), alone=Broken(text="hello-there", code="upstream_error"), asked={"n": 2},
           also=good_choice_first),
    broken("D28", "error member", "inband_error", stream(ROLE, choice(0, "hello-there"), choice(1, None, error={"message": "x"}),
           choice(0, None, "stop"), DONE), alone=Broken(text="hello-there", code="upstream_error"), asked={"n": 2},
           also=good_choice_first),
]  # fmt: skip


def _no_usage(seen: Seen) -> None:
    assert seen.usage is None


def _one_role(seen: Seen) -> None:
    roles = [each.delta.role for chunk in seen.pieces for each in chunk.choices]
    assert roles == ["assistant", *[None] * (len(roles) - 1)]


@pytest.mark.parametrize(("fault", "stream"), cases(FAULTS))
def test_a_stream_is_whole_or_says_that_it_is_not(
    fault: Fault, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    survive(fault, upstream, sdk, stream=stream)


@pytest.mark.fault("D2")
@pytest.mark.parametrize("behind", [False, True])
def test_pings_alone_keep_the_client_patient_but_not_for_ever(behind: bool, upstream: ScriptedServer, sdk: Sdk) -> None:
    """Comments keep the client's connection alive while nothing came yet; then the next candidate, or an error."""
    row = Fault(
        id="D2",
        title="pings before content",
        scripts=(pings(ROLE),),
        streams=(True,),
        alone=replace(SLOW, text=""),
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
            time.sleep(0.2)  # the client is done before the provider is
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
        lags: list[float] = []
        probe = asyncio.run_coroutine_threadsafe(_probe(lags), joch.loop.loop)
        _receive(joch, {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True})
        probe.cancel()
    assert attempt["payload"]["chunks"] == count + 3
    assert sorted(lags)[len(lags) * 99 // 100] < 0.1


async def _probe(lags: list[float]) -> None:
    """How late the loop comes back to a task that wants to run every few milliseconds."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + 0.005
        await asyncio.sleep(0.005)
        lags.append(loop.time() - due)


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
            return [*steps[:-1], bytes(steps[-1]) + extra]  # type: ignore[arg-type]  # an answer ends with bytes
        return [*steps, Pause(0.05), extra]

    url = upstream.script("D26", first, chat_upstream("second-answer"))
    upstream.requests.clear()
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        HELLO.check(sdk.ask(joch.base_url, "m", stream=streamed), stream=streamed)
        _settle(joch, upstream, extra)
        seen = sdk.ask(joch.base_url, "m", stream=streamed)
        Answered(text="second-answer").check(seen, stream=streamed)
        (attempt,) = attempts_of(joch, seen, 1)
    assert attempt["payload"]["outcome"] == "ok"
    one, two = upstream.of("D26")
    assert one.connection != two.connection
    assert any("unsolicited" in record.message for record in caplog.records)


def _settle(joch: RunningJoch, upstream: ScriptedServer, extra: bytes) -> None:
    """Until the planted bytes were sent and joch's loop has had a chance to read them."""
    (request,) = upstream.of("D26")
    until(lambda: request.sent > 0, "the first answer was never sent")
    time.sleep(0.15)
    joch.loop.run(asyncio.sleep(0))


@pytest.mark.fault("D1")
def test_content_now_and_then_is_no_silence(upstream: ScriptedServer, sdk: Sdk) -> None:
    slow = [STREAM_HEAD, piece(ROLE)]
    for letter in "hello-there":
        slow += [Pause(0.1), piece(chat_chunk({"content": letter}))]
    url = upstream.script("D1", [*slow, piece(STOP), piece(DONE), STREAM_END])
    patient = Clocks(connect=2, first_byte=2, idle=0.4, content=0.4, attempt=10, total=10)
    with running_joch(snapshot([model("generic-openai", url, clocks=patient)])) as joch:
        HELLO.check(sdk.ask(joch.base_url, "m", stream=True), stream=True)
