"""Streams of /responses: the faults of group D that are told differently there, and D23, which only exists there.

A failed stream ends with one `error` event that SDKs raise on, and `response.failed` for those that read events.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.sdk.upstreams.answer import Answer
from tests.sdk.upstreams.responses import events, numbered
from tests.support.scripted import CLOSE, DONE, HANG, RESET, Pause, Script, ScriptedServer, event, stream

from .fault import QUICK, Fault, cases, survive
from .sdk import Sdk, Seen
from .told import INVALID, UPERR, Answered, Broken, Expected

HELLO = Answered(text="hello-there")
WIRE = list(numbered(events(Answer(pieces=("hel", "lo-there")), {})))
EVENTS = [event(data, data["type"]) for data in WIRE]
_DELTAS = [index for index, data in enumerate(WIRE) if data["type"] == "response.output_text.delta"]
CREATED, UP_TO_DELTA, BEFORE = EVENTS[:2], EVENTS[: _DELTAS[0] + 1], EVENTS[: _DELTAS[0]]
CUT = Broken(text="hel", code="incomplete")
BAD = Broken(text="hel", code="upstream_invalid_response")


def told_twice(seen: Seen) -> None:
    """Behind the `error` event stands `response.failed`, numbered on, under the id the client knows."""
    datas = [json.loads(line[6:]) for line in seen.tape.raw.decode().splitlines() if line.startswith("data: ")]
    assert [data["type"] for data in datas[-2:]] == ["error", "response.failed"]
    assert [data["sequence_number"] for data in datas] == list(range(len(datas)))
    failed = datas[-1]["response"]
    assert failed["status"] == "failed"
    assert failed["error"]["code"] in ("server_error", "rate_limit_exceeded")
    assert failed["id"] == datas[0]["response"]["id"]


def broken(id: str, title: str, failure: str, *scripts: Script, alone: Expected = BAD, **more: Any) -> Fault:
    base: dict[str, Any] = {"usage": "estimated", "falls_over": False, "also": told_twice}
    return _row(id, title, failure, scripts, alone, {**base, **more})


def early(id: str, title: str, failure: str, *scripts: Script, alone: Expected = INVALID, **more: Any) -> Fault:
    return _row(id, title, failure, scripts, alone, more)


def fine(id: str, title: str, *scripts: Script, **more: Any) -> Fault:
    return _row(id, title, "", scripts, HELLO, {"billed": False, "usage": "provider", "falls_over": False, **more})


def _row(id: str, title: str, failure: str, scripts: Sequence[Script], alone: Expected, more: dict[str, Any]) -> Fault:
    row = Fault(
        id=id,
        title=title,
        failure=failure,
        scripts=scripts,
        alone=alone,
        streams=(True,),
        billed=True,
        api="responses",
        record={"api": "responses"},
    )
    return replace(row, **more)


def error(message: str, **members: object) -> bytes:
    return event({"type": "error", "sequence_number": 9, "error": {"message": message, **members}}, "error")


def failed(message: str, code: str = "server_error") -> bytes:
    response = {**WIRE[0]["response"], "status": "failed", "error": {"code": code, "message": message}}
    return event({"type": "response.failed", "sequence_number": 9, "response": response}, "response.failed")


WORDS = Broken(text="hel", code="upstream_error", says="worker died")
FAULTS = [
    broken("D1", "silence", "idle_timeout", [*stream(*UP_TO_DELTA, end=False), HANG], clocks=QUICK,
           alone=Broken(text="hel", code="upstream_idle_timeout")),
    broken("D3", "reset", "reset_mid", [*stream(*UP_TO_DELTA, end=False), Pause(0.05), RESET], alone=CUT),
    early("D3", "reset before content", "reset_mid", [*stream(*BEFORE, end=False), Pause(0.05), RESET], usage="estimated"),
    broken("D4", "chunk cut", "truncated", [*stream(*UP_TO_DELTA, end=False), b"ff\r\nevent: re", CLOSE], alone=CUT),
    broken("D5", "clean end", "no_terminal", stream(*UP_TO_DELTA), alone=CUT),
    broken("D5", "[DONE] instead of an end", "no_terminal", stream(*UP_TO_DELTA, DONE), alone=CUT),
    early("D5", "nothing at all", "no_terminal", stream()),
    early("D11", "error event", "inband_error", stream(error("boom")), alone=UPERR),
    early("D11", "failed behind created", "inband_error", stream(*CREATED, failed("boom")), alone=UPERR, usage="estimated"),
    early("D11", "failed at once", "inband_error", stream(failed("boom")), alone=UPERR),
    broken("D12", "error event", "inband_error", stream(*UP_TO_DELTA, error("worker died"), end=False), alone=WORDS),
    broken("D12", "flat error event", "inband_error",
           stream(*UP_TO_DELTA, event({"type": "error", "code": None, "message": "worker died"}, "error")), alone=WORDS),
    broken("D12", "failed", "inband_error", stream(*UP_TO_DELTA, failed("worker died")), alone=WORDS),
    broken("D12", "an error and no type", "inband_error",
           stream(*UP_TO_DELTA, event({"error": {"message": "worker died"}})), alone=WORDS),
    broken("D13", "not JSON", "sse_garbage", stream(*UP_TO_DELTA, b"event: x\ndata: {nope\n\n", *EVENTS[-1:])),
    early("D13", "first", "sse_garbage", stream(b"data: {nope\n\n")),
    broken("D14", "invalid UTF-8", "bad_utf8", stream(*UP_TO_DELTA, UP_TO_DELTA[-1].replace(b"hel", b"\xff\xfe"))),
    fine("D19", "events behind the end", stream(*EVENTS[:-1], EVENTS[-1] + UP_TO_DELTA[-1]), notes=("trailing_data",)),
    fine("D20", "kept open", [*stream(*EVENTS, end=False), HANG]),
    early("D23", "delta before created", "bad_order", stream(UP_TO_DELTA[-1], *EVENTS)),
    broken("D23", "item twice", "bad_order", stream(*UP_TO_DELTA, EVENTS[2])),
    broken("D23", "delta of an unknown item", "bad_order",
           stream(*UP_TO_DELTA, event({**WIRE[_DELTAS[0]], "output_index": 7}, "response.output_text.delta"))),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "stream"), cases(FAULTS))
def test_a_responses_stream_is_whole_or_says_that_it_is_not(
    fault: Fault, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    survive(fault, upstream, sdk, stream=stream)
