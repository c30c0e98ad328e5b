"""Providers that break at every place on the wire, and keep their own books: what a client is charged for one call.

A provider writes a bill when it has sent its answer to the end, or when the client was shown something of it; a request counts
as submitted when all of it has reached a provider. Two candidates break in the same place and a third one is sound, with
retries asked for, so that whoever is tried once too often writes a second bill.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import httpx
import pytest

from proxy.resources import Clocks, Failover, Retry
from tests.support.answers import USAGE, chat_answer, chat_chunk, chat_upstream
from tests.support.joch import running_joch
from tests.support.scripted import (
    CLOSE,
    DONE,
    HANG,
    RESET,
    STREAM_END,
    STREAM_HEAD,
    Pause,
    ScriptedServer,
    Step,
    piece,
    whole,
)
from tests.support.snapshots import model, route, snapshot

from .places import black_hole, closed_port, mute

BRIEF = Clocks(connect=0.2, first_byte=0.3, whole=0.3, idle=0.3, content=2, attempt=5, total=8)
EAGER = Retry(attempts=2, backoff=0.0)
SHOWN = "shown-by-a-broken-one"
READ = Pause(0.05)
"""Enough for the other side to take what was sent: a reset throws away what it has not taken."""

ROLE = piece(chat_chunk({"role": "assistant", "content": ""}))
TEXT = piece(chat_chunk({"content": SHOWN}))
OPENING = {"index": 0, "id": "c", "type": "function", "function": {"name": SHOWN, "arguments": '{"x'}}
CALL = piece(chat_chunk({"tool_calls": [OPENING]}))
REST = piece(chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": '":1}'}}]}))
STOP, CALLED = piece(chat_chunk({}, "stop")), piece(chat_chunk({}, "tool_calls"))
USED = piece(chat_chunk(None, usage=USAGE))
END = piece(DONE)
BODY = whole(200, chat_answer(SHOWN))
HEADERS = BODY[: BODY.index(b"\r\n\r\n") + 4]


@dataclass(frozen=True)
class Place:
    """Where a provider breaks: behind `steps` of an answer, or `at` a port where no request gets through.

    `complete`: its books hold a whole answer then. `early`: it does not wait for the body of the request.
    """

    name: str
    steps: Sequence[Step] = ()
    at: Callable[[], AbstractContextManager[int]] | None = None
    complete: bool = False
    early: bool = False
    streams: Sequence[bool] = (False, True)


@contextmanager
def nobody() -> Iterator[int]:
    yield closed_port()


def reading(count: int) -> Callable[[], AbstractContextManager[int]]:
    """A server that takes `count` bytes of each connection and resets it."""

    @contextmanager
    def opened() -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=_reset_all, args=(listening, count), daemon=True)
            thread.start()
            yield listening.getsockname()[1]
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)

    return opened


def _reset_all(listening: socket.socket, count: int) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return  # it was shut
        with connection:
            left = count
            while left and (taken := connection.recv(left)):
                left -= len(taken)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


PLACES = [
    Place("nobody listens", at=nobody),
    Place("before accept", at=black_hole),
    Place("before the first byte is read", at=reading(0)),
    Place("in the request line", at=reading(9)),
    Place("in the request's headers", at=reading(60)),
    Place("accepted, and never read", at=mute),
    Place("behind the request's headers", [RESET], early=True),
    Place("behind the request", [RESET]),
    Place("behind the request, politely", [CLOSE]),
    Place("silent behind the request", [HANG]),
    Place("in the status line", [b"HTTP/1.1 20", RESET]),
    Place("in the headers", [BODY[:40], READ, RESET]),
    Place("behind the headers", [HEADERS, READ, RESET], streams=(False,)),
    Place("in the body", [BODY[:-9], READ, RESET], streams=(False,)),
    Place("behind the body", [BODY, READ, RESET], complete=True, streams=(False,)),
    Place("before the first event", [STREAM_HEAD, READ, RESET], streams=(True,)),
    Place("in the first event", [STREAM_HEAD, ROLE[:20], READ, RESET], streams=(True,)),
    Place("behind the role", [STREAM_HEAD, ROLE, READ, RESET], streams=(True,)),
    Place("behind the first text", [STREAM_HEAD, ROLE, TEXT, READ, RESET], streams=(True,)),
    Place("silent behind the first text", [STREAM_HEAD, ROLE, TEXT, HANG], streams=(True,)),
    Place("in a tool call", [STREAM_HEAD, ROLE, CALL, READ, RESET], streams=(True,)),
    Place("behind a tool call", [STREAM_HEAD, ROLE, CALL, REST, READ, RESET], streams=(True,)),
    Place("behind the finish", [STREAM_HEAD, ROLE, TEXT, STOP, READ, RESET], complete=True, streams=(True,)),
    Place(
        "behind a call's finish", [STREAM_HEAD, ROLE, CALL, REST, CALLED, READ, RESET], complete=True, streams=(True,)
    ),
    Place("behind the usage", [STREAM_HEAD, TEXT, STOP, USED, READ, RESET], complete=True, streams=(True,)),
    Place("behind [DONE]", [STREAM_HEAD, TEXT, STOP, USED, END, READ, RESET], complete=True, streams=(True,)),
    Place("behind the end", [STREAM_HEAD, TEXT, STOP, USED, END, STREAM_END, RESET], complete=True, streams=(True,)),
]
CASES = pytest.mark.parametrize(
    ("place", "streamed"),
    [
        pytest.param(each, how, id=f"{each.name}-{'stream' if how else 'whole'}")
        for each in PLACES
        for how in each.streams
    ],
)


@dataclass(frozen=True)
class Books:
    """What all providers together have written down of one call, and what the client got."""

    bills: int
    submitted: int
    answer: httpx.Response


def asked(upstream: ScriptedServer, place: Place, failover: Failover, api: str, *, streamed: bool) -> Books:
    upstream.requests.clear()
    names = ("a", "b")
    for name in names:
        (upstream.script_early if place.early else upstream.script)(f"bill-{name}", place.steps)
    sound = model("generic-openai", upstream.script("bill-c", chat_upstream("from-the-sound-one")), "c", clocks=BRIEF)
    with (place.at or nobody)() as port:
        urls = [f"http://127.0.0.1:{port}/v1" if place.at else upstream.url(f"bill-{name}") for name in names]
        broken = [model("generic-openai", url, name, clocks=BRIEF) for name, url in zip(names, urls, strict=True)]
        refs = [each.ref for each in (*broken, sound)]
        with running_joch(snapshot([*broken, sound], [route("r", *refs, failover=failover, retry=EAGER)])) as joch:
            said = {"messages": [{"role": "user", "content": "x"}]} if api == "chat" else {"input": "x"}
            path = "chat/completions" if api == "chat" else "responses"
            answer = httpx.post(f"{joch.base_url}/{path}", json={"model": "r", "stream": streamed, **said}, timeout=20)
    whole_ones = sum(len(upstream.of(f"bill-{name}")) for name in names)
    partly = 1 if SHOWN in answer.text and not place.complete else 0
    served = len(upstream.of("bill-c"))
    submitted = (0 if place.early else whole_ones) + served
    return Books((whole_ones if place.complete else partly) + served, submitted, answer)


@CASES
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_call_is_billed_once_at_most(upstream: ScriptedServer, place: Place, streamed: bool, api: str) -> None:
    books = asked(upstream, place, Failover(), api, streamed=streamed)
    assert books.bills <= 1, f"{books.bills} bills for one call: {books.answer.text[:200]}"
    assert not (SHOWN in books.answer.text and "from-the-sound-one" in books.answer.text), "an answer of two sources"
    if place.complete:
        assert SHOWN in books.answer.text, "a whole answer was paid for and is not shown"
        assert books.answer.status_code == 200


@CASES
def test_where_nothing_ambiguous_may_be_repeated_one_request_arrives_at_most(
    upstream: ScriptedServer, place: Place, streamed: bool
) -> None:
    books = asked(upstream, place, Failover(on_ambiguous=False), "chat", streamed=streamed)
    assert books.submitted <= 1, f"{books.submitted} requests arrived for one call"
    assert books.bills <= 1
