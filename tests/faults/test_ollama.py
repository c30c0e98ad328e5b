"""Ollama's NDJSON stream, translated for a chat client: cut, garbled, or with an error in a line of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.scripted import (
    CLOSE,
    HANG,
    NDJSON_HEAD,
    RESET,
    STREAM_END,
    Pause,
    Script,
    ScriptedServer,
    Step,
    piece,
    whole,
)

from .fault import QUICK, Fault, cases, survive
from .sdk import Sdk
from .told import INVALID, UPERR, Answered, Broken, Expected

HELLO = Answered(text="hello-there")
CUT = Broken(text="hel", code="incomplete")
BAD = Broken(text="hel", code="upstream_invalid_response")


def line(content: str, **members: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    body = {"model": "m", "created_at": "2026-11-24T12:00:00Z", "message": message, "done": False, **members}
    return json.dumps(body).encode() + b"\n"


HEL, LO = line("hel"), line("lo-there")
END = line("", done=True, done_reason="stop", prompt_eval_count=11, eval_count=7)
ERROR = b'{"error":"worker died"}\n'


def lines(*given: bytes, end: bool = True) -> list[Step]:
    return [NDJSON_HEAD, *map(piece, given), *([STREAM_END] if end else [])]


def endless(_: object) -> Iterable[Step]:
    yield from lines(HEL, end=False)
    for _ in range(40):
        yield piece(b"x" * 2**20)


def row(id: str, title: str, failure: str, script: Script, alone: Expected, **more: Any) -> Fault:
    """Ollama has no key; the answer before the failure is counted by an estimate."""
    content = isinstance(alone, Broken)
    fault = Fault(
        id=id,
        title=title,
        failure=failure,
        scripts=(script,),
        alone=alone,
        streams=(True,),
        provider="ollama",
        billed=bool(failure),
        usage="estimated" if content else "none" if failure else "provider",
        falls_over=bool(failure) and not content,
    )
    return replace(fault, **more)


FAULTS = [
    row("D1", "silence", "idle_timeout", [*lines(HEL, end=False), HANG], replace(CUT, code="upstream_idle_timeout"),
        clocks=QUICK),
    row("D3", "reset", "reset_mid", [*lines(HEL, end=False), Pause(0.05), RESET], CUT),
    row("D4", "chunk cut", "truncated", [*lines(HEL, end=False), b"ff\r\n{", CLOSE], CUT),
    row("D5", "clean end", "no_terminal", lines(HEL), CUT),
    row("D5", "nothing at all", "no_terminal", lines(), INVALID),
    row("D11", "error line first", "inband_error", lines(ERROR), UPERR),
    row("D12", "error line", "inband_error", lines(HEL, ERROR, end=False), Broken(text="hel", code="upstream_error", says="worker died")),
    row("D12", "error line in the same segment", "inband_error", lines(HEL + ERROR), Broken(text="hel", code="upstream_error")),
    row("D13", "garbage", "bad_json", lines(HEL, b"nope\n", END), BAD),
    row("D14", "invalid UTF-8", "bad_utf8", lines(HEL, LO.replace(b"lo", b"\xff\xfe"), END), BAD),
    row("D18", "a line without an end", "too_big", endless, BAD),
    row("D19", "lines behind the end", "", lines(HEL, LO, END + LO), HELLO),
    row("D20", "kept open", "", [*lines(HEL, LO, END, end=False), HANG], HELLO),
    row("D9", "no counts", "", lines(HEL, LO, line("", done=True, done_reason="stop")), HELLO, usage="estimated"),
    row("C1", "HTML", "bad_content_type", [whole(200, b"<html>login</html>", "text/html")], INVALID, streams=(False, True)),
    row("C4", "error body", "inband_error", [whole(200, {"error": "worker died"})], UPERR, streams=(False,)),
    row("C16", "one whole answer", "", [whole(200, END.replace(b'"content": ""', b'"content": "hello-there"'))], HELLO,
        notes=("converted",)),
    row("C17", "a stream to a whole call", "", lines(HEL, LO, END), HELLO, streams=(False,), notes=("converted",)),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "stream"), cases(FAULTS))
def test_an_ndjson_stream_is_whole_or_says_that_it_is_not(
    fault: Fault, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    survive(fault, upstream, sdk, stream=stream)
