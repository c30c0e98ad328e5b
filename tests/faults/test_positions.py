"""A provider that breaks at each of fourteen places of a call: at most one call is ever paid, unless the route asks for more.

A provider's bill is written when its answer was sent to the end, or when something of it reached the client.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from proxy.resources import Clocks, Failover
from tests.support.answers import chat_answer, chat_chunk, chat_events, chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import (
    CLOSE,
    DONE,
    RESET,
    STREAM_HEAD,
    Pause,
    ScriptedServer,
    Step,
    piece,
    scripted_server,
    stream,
    whole,
)
from tests.support.snapshots import model, route, snapshot

BRIEF = Clocks(connect=1, first_byte=0.3, whole=None, idle=0.3, content=2, attempt=5, total=8)
WHOLE = whole(200, chat_answer("from a"))
ROLE = chat_chunk({"role": "assistant"})
TEXT = chat_chunk({"content": "from a"})
OPENING = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": '{"x"'}}
CALL = chat_chunk({"tool_calls": [OPENING]})
STOP = chat_chunk({}, "stop")
ERROR = b'data: {"error": {"message": "no", "type": "server_error", "code": null, "param": null}}\n\n'

# place, script, whether it is streamed, whether the provider bills it, whether the client may have another's answer
POSITIONS: dict[str, tuple[list[Step], bool, bool, bool]] = {
    "1 closes without a byte": ([CLOSE], False, False, True),
    "2 resets behind the request": ([RESET], False, False, True),
    "3 says nothing": ([Pause(3.0)], False, False, True),
    "4 breaks in the status line": ([b"HTTP/1.1 2", RESET], False, False, True),
    "5 breaks in the headers": ([WHOLE[:40], RESET], False, False, True),
    "6 breaks behind the headers": ([WHOLE[: WHOLE.index(b"\r\n\r\n") + 4], RESET], False, False, True),
    "7 breaks in the body": ([WHOLE[:-20], RESET], False, False, True),
    "8 refuses": (refusal(503), False, False, True),
    "9 breaks before the first event": ([STREAM_HEAD, RESET], True, False, True),
    "10 fails as the first event": ([STREAM_HEAD, piece(ERROR), RESET], True, False, True),
    "11 breaks behind the role": ([STREAM_HEAD, piece(ROLE), RESET], True, False, True),
    "12 breaks in the text": ([STREAM_HEAD, piece(ROLE), piece(TEXT), RESET], True, True, False),
    "13 breaks in a tool call": ([STREAM_HEAD, piece(ROLE), piece(CALL), RESET], True, True, False),
    "14 breaks behind its end": ([STREAM_HEAD, piece(TEXT), piece(STOP), piece(DONE), RESET], True, True, False),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("place", POSITIONS)
def test_no_call_is_paid_twice(upstream: ScriptedServer, place: str, api: str) -> None:
    script, streamed, billed, moves = POSITIONS[place]
    answer, second = _asked(upstream, script, Failover(), api, streamed=streamed)
    assert (second == 1) is moves, f"{place}: {answer.status_code} {answer.text[:200]}"
    assert billed + second <= 1, f"{place}: two providers bill one call"
    if moves:
        assert "from b" in answer.text
        assert "from a" not in answer.text, "an answer of two sources"
    elif "14" not in place:
        assert "error" in answer.text
        assert b"[DONE]" not in answer.content


@pytest.mark.parametrize("place", POSITIONS)
def test_where_nothing_may_be_repeated_only_what_was_refused_moves_on(upstream: ScriptedServer, place: str) -> None:
    script, streamed, _, _ = POSITIONS[place]
    _, second = _asked(upstream, script, Failover(on_ambiguous=False), "chat", streamed=streamed)
    assert second == (1 if place == "8 refuses" else 0), "a provider that may have worked was followed by another"


def _asked(
    upstream: ScriptedServer, script: list[Step], failover: Failover, api: str, *, streamed: bool
) -> tuple[httpx.Response, int]:
    """The client's answer, and how many calls the second candidate got."""
    fallback = stream(*chat_events("from b")) if streamed else chat_upstream("from b")
    first = model("openai", upstream.script("a", script), "a", clocks=BRIEF, api="chat")
    second = model("openai", upstream.script("b", fallback), "b", clocks=BRIEF, api="chat")
    upstream.requests.clear()
    body: dict[str, Any] = {"model": "r", "stream": streamed}
    body |= {"messages": [{"role": "user", "content": "x"}]} if api == "chat" else {"input": "x"}
    with running_joch(snapshot([first, second], [route("r", first.ref, second.ref, failover=failover)])) as joch:
        path = "chat/completions" if api == "chat" else "responses"
        answer = httpx.post(f"{joch.base_url}/{path}", json=body, timeout=20)
    return answer, len(upstream.of("b"))
