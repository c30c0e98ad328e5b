"""Group D: chat streams that stall, break, lie or ramble."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.answers import chat_chunk
from tests.support.scripted import (
    CLOSE,
    DONE,
    HANG,
    RESET,
    STREAM_END,
    STREAM_HEAD,
    Pause,
    Script,
    ScriptedServer,
    event,
    piece,
    stream,
)

from .chat_stream import (
    CLOSE_FRAMED,
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
    begun,
    big_event,
    call,
    choice,
    endless_line,
    error,
    named,
    one_byte_at_a_time,
    packed,
    pings,
)
from .fault import QUICK, Fault, cases, survive
from .sdk import Sdk, Seen
from .told import INVALID, UPERR, Answered, Broken, Expected, bad, rate

CUT = Broken(text="hel", code="incomplete")
BAD = Broken(text="hel", code="upstream_invalid_response")
SLOW = Broken(text="hel", code="upstream_idle_timeout")


def broken(id: str, title: str, failure: str, *scripts: Script, alone: Expected = BAD, **more: Any) -> Fault:
    """A failure behind content: told in-band, never mended by another candidate."""
    row = Fault(id=id, title=title, scripts=scripts, streams=(True,), alone=alone, falls_over=False,
                failure=failure, billed=True, usage="estimated")  # fmt: skip
    return replace(row, **more)


def early(id: str, title: str, failure: str, *scripts: Script, alone: Expected = INVALID, **more: Any) -> Fault:
    """A failure before content: another candidate is asked."""
    row = Fault(id=id, title=title, scripts=scripts, streams=(True,), alone=alone, failure=failure, billed=True)
    return replace(row, **more)


def fine(id: str, title: str, *scripts: Script, alone: Expected = HELLO, **more: Any) -> Fault:
    row = Fault(id=id, title=title, scripts=scripts, streams=(True,), alone=alone, falls_over=False, usage="provider")
    return replace(row, **more)


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


def _no_usage(seen: Seen) -> None:
    assert seen.usage is None


def _one_role(seen: Seen) -> None:
    roles = [each.delta.role for chunk in seen.pieces for each in chunk.choices]
    assert roles == ["assistant", *[None] * (len(roles) - 1)]


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


@pytest.mark.parametrize(("fault", "stream"), cases(FAULTS))
def test_a_stream_is_whole_or_says_that_it_is_not(
    fault: Fault, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    survive(fault, upstream, sdk, stream=stream)
