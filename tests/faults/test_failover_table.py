"""The table of the reliability design, section 3.1, with a route that asks for retries: what is done again, where, and what is said.

Each row fails once in its phase; the first candidate would answer a second time, so that a retry shows as an answer of its
own. Asked of both APIs, streamed and whole where the phase exists for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pytest

from proxy.resources import Clocks, Retry
from tests.support.answers import chat_answer, chat_chunk, chat_events, chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import CLOSE, HANG, RESET, Pause, Script, ScriptedServer, event, stream, whole
from tests.support.snapshots import model, route, snapshot

from .fault import GOOD, attempts_of, events_of
from .places import closed_port
from .sdk import Api, Sdk

BOTH: tuple[bool, ...] = (False, True)
WHOLE, STREAMED = (False,), (True,)
ONCE = Retry(attempts=1, backoff=0.0)
BRIEF = Clocks(connect=1, first_byte=0.2, whole=0.2, idle=0.2, content=2, attempt=5, total=8)
AGAIN = "from-the-same"

ROLE = chat_chunk({"role": "assistant", "content": ""})
HEL = chat_chunk({"content": "hel"})
OPENED = chat_chunk(
    {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x'}}]}
)
FILLED = chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '":1}'}}]})
STOP = chat_chunk({}, "stop")
BOOM = event({"error": {"message": "boom"}})
BODY = whole(200, chat_answer("hello-there"))
HEADERS = BODY[: BODY.index(b"\r\n\r\n") + 4]
POLICY = refusal(400, "Your request was rejected by our safety system.", "content_policy_violation")

Then = Literal["retried", "moved", "ended", "complete"]


@dataclass(frozen=True)
class Row:
    """Where the first attempt fails (`script` None: nobody listens), what follows, and what its event says."""

    phase: str
    script: Script | None
    then: Then
    replay: str
    billed: bool
    streams: Sequence[bool] = BOTH


TABLE = [
    Row("no request byte left", None, "retried", "not_sent", False),
    Row("sent, then reset", [RESET], "moved", "sent_unknown", True),
    Row("sent, then closed", [CLOSE], "moved", "sent_unknown", True),
    Row("sent, no header in time", [HANG], "moved", "sent_unknown", True),
    Row("cut in the status line", [b"HTTP/1.1 2", CLOSE], "moved", "sent_unknown", True),
    Row("429 with a short wait", refusal(429, retry_after_ms="1"), "retried", "refused", False),
    Row("429 with a long wait", refusal(429, retry_after="60"), "moved", "refused", False),
    Row("503 with a short wait", refusal(503, retry_after_ms="1"), "retried", "refused", False),
    Row("503 with a long wait", refusal(503, retry_after="60"), "moved", "refused", False),
    Row("529 with a short wait", refusal(529, retry_after_ms="1"), "retried", "refused", False),
    Row("408", refusal(408), "retried", "refused", False),
    Row("500", refusal(500), "moved", "sent_unknown", True),
    Row("502", refusal(502), "moved", "sent_unknown", True),
    Row("504", refusal(504), "moved", "sent_unknown", True),
    Row("400", refusal(400), "ended", "rejected", False),
    Row("404, as a model that is gone", refusal(404), "moved", "rejected", False),
    Row("422", refusal(422), "ended", "rejected", False),
    Row("content policy", POLICY, "ended", "rejected", False),
    Row("headers, then cut", [HEADERS, CLOSE], "moved", "accepted", True, WHOLE),
    Row("half a body", [BODY[:-40], CLOSE], "moved", "accepted", True, WHOLE),
    Row("200, and an error for a body", [whole(200, {"error": {"message": "boom"}})], "moved", "accepted", True, WHOLE),
    Row("headers, then no event", [*stream(end=False), HANG], "moved", "accepted", True, STREAMED),
    Row("an error as first event", stream(BOOM), "moved", "accepted", True, STREAMED),
    Row("the role, then cut", [*stream(ROLE, end=False), CLOSE], "moved", "accepted", True, STREAMED),
    Row("text, then cut", [*stream(ROLE, HEL, end=False), CLOSE], "ended", "output_visible", True, STREAMED),
    Row("text, then an error", stream(ROLE, HEL, BOOM), "ended", "output_visible", True, STREAMED),
    Row("text, then silence", [*stream(ROLE, HEL, end=False), HANG], "ended", "output_visible", True, STREAMED),
    Row("in a tool call", [*stream(ROLE, OPENED, end=False), CLOSE], "ended", "tool_call_emitted", True, STREAMED),
    Row(
        "a whole call", [*stream(ROLE, OPENED, FILLED, end=False), CLOSE], "ended", "tool_call_emitted", True, STREAMED
    ),
    Row("text and a call", stream(ROLE, HEL, OPENED, BOOM), "ended", "tool_call_emitted", True, STREAMED),
    Row(
        "a finish, no usage", [*stream(ROLE, HEL, STOP, end=False), Pause(0.05), RESET], "complete", "", False, STREAMED
    ),
]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    ("row", "streamed"),
    [pytest.param(row, how, id=f"{row.phase}-{'stream' if how else 'whole'}") for row in TABLE for how in row.streams],
)
def test_a_row_of_the_failover_table(row: Row, streamed: bool, api: Api, upstream: ScriptedServer, sdk: Sdk) -> None:
    where = f"http://127.0.0.1:{closed_port()}/v1"
    if row.script is not None:
        where = upstream.script("first", row.script, chat_upstream(AGAIN))
    first = model("generic-openai", where, "first", clocks=BRIEF)
    second = model("generic-openai", upstream.script("second", chat_upstream(GOOD.text)), "second")
    upstream.requests.clear()
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref, retry=ONCE)])) as joch:
        seen = sdk.ask(joch.base_url, "pair", stream=streamed, api=api)
        tries = 1 if row.then in ("ended", "complete") else 3 if row.script is None else 2
        attempts = attempts_of(joch, seen, tries)
        switches = events_of(joch, seen, "ProviderSwitched")
    payload = attempts[0]["payload"]
    assert (payload["replay"], payload["billedRisk"]) == (row.replay, row.billed), payload["failure"]
    asked = (len(upstream.of("first")), len(upstream.of("second")))
    if row.script is None:
        assert (asked, len(switches)) == ((0, 1), 1), "nobody listened twice, so that the call moves on"
        return
    expected = {"retried": (2, 0), "moved": (1, 1), "ended": (1, 0), "complete": (1, 0)}
    assert asked == expected[row.then], f"{row.then} was expected: {seen.error!r} {seen.text!r}"
    assert len(switches) == (row.then == "moved"), "a retry is no switch of the provider"
    match row.then:
        case "retried":
            assert seen.text == AGAIN
        case "moved":
            GOOD.check(seen, streamed)
            assert switches[0]["payload"]["detail"] == payload["failure"]
        case "ended":
            assert seen.error is not None, "an answer that broke must not look complete"
            assert GOOD.text not in seen.tape.raw.decode()
        case "complete":
            assert (seen.error, seen.text) == (None, "hel")


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("streamed", BOTH)
def test_a_pooled_connection_found_closed_is_replaced_without_a_retry(
    streamed: bool, api: Api, upstream: ScriptedServer, sdk: Sdk
) -> None:
    """The provider answers and hangs up: the next call finds the connection dead before it has sent a thing."""
    answer = chat_events("one") if streamed else None
    script = [*(stream(*answer) if answer else [whole(200, chat_answer("one"))]), CLOSE]
    first = model("generic-openai", upstream.script("first", script), "first")
    second = model("generic-openai", upstream.script("second", chat_upstream(GOOD.text)), "second")
    upstream.requests.clear()
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        for _ in range(3):
            seen = sdk.ask(joch.base_url, "pair", stream=streamed, api=api)
            assert seen.text == "one"
            attempts_of(joch, seen, 1)
    assert (len(upstream.of("first")), len(upstream.of("second"))) == (3, 0)
