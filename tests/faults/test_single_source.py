"""One answer, one source. Two upstreams speak in different alphabets; the first is broken at many places, one place per call.

Whatever breaks wherever: the app sees the whole answer of one of them, or a beginning of the first one's answer and an explicit
error. Never both alphabets in one answer, never a beginning that passes for the whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from proxy.resources import Failover
from tests.sdk.upstreams.answer import Answer
from tests.sdk.upstreams.responses import events, numbered
from tests.support.answers import chat_events, chat_upstream
from tests.support.joch import running_joch
from tests.support.scripted import (
    CLOSE,
    NDJSON_HEAD,
    RESET,
    STREAM_END,
    STREAM_HEAD,
    Received,
    ScriptedServer,
    Step,
    event,
    piece,
)
from tests.support.snapshots import model, route, snapshot

from .sdk import Api, Sdk

LETTERS = ("alpha", "-beta", "-gamma", "-delta")
FIRST = "".join(LETTERS)
SECOND = "0123456789"


def _ollama() -> Iterator[bytes]:
    for text in LETTERS:
        yield (
            json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, "done": False}).encode()
            + b"\n"
        )
    yield b'{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}\n'


@dataclass(frozen=True)
class Pairing:
    """Who asks whom: the client's API, the provider, and the bytes of a whole stream of its."""

    api: Api
    provider: str
    head: bytes
    body: bytes
    step: int


_RESPONSES = b"".join(event(data, data["type"]) for data in numbered(events(Answer(pieces=LETTERS), {})))
PAIRINGS = {
    "chat from chat": Pairing("chat", "generic-openai", STREAM_HEAD, b"".join(chat_events(*LETTERS)), 3),
    "responses from responses": Pairing("responses", "generic-openai", STREAM_HEAD, _RESPONSES, 29),
    "responses from chat": Pairing("responses", "generic-openai", STREAM_HEAD, b"".join(chat_events(*LETTERS)), 11),
    "chat from ollama": Pairing("chat", "ollama", NDJSON_HEAD, b"".join(_ollama()), 5),
}


def _cut(body: bytes) -> list[Step]:
    return [piece(body), CLOSE] if body else [CLOSE]


def _reset(body: bytes) -> list[Step]:
    return [piece(body), RESET] if body else [RESET]


def _clean_end(body: bytes) -> list[Step]:
    return [piece(body), STREAM_END] if body else [STREAM_END]


def _garbage(body: bytes) -> list[Step]:
    return [piece(body + b"\xff\xfe"), STREAM_END]


FAULTS: dict[str, Callable[[bytes], list[Step]]] = {
    "cut": _cut,
    "reset": _reset,
    "clean end": _clean_end,
    "garbage": _garbage,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_an_answer_is_whole_or_explicitly_broken_and_comes_from_one_source(
    pairing: str, fault: str, upstream: ScriptedServer, sdk: Sdk
) -> None:
    pair = PAIRINGS[pairing]
    breaks = FAULTS[fault]
    at = 0

    def broken(request: Received) -> list[Step]:
        return [pair.head, *breaks(pair.body[:at])]

    record = {"api": "responses"} if pair.api == "responses" and pair.body is _RESPONSES else {}
    first = model(pair.provider, upstream.script("letters", broken), "first", **record)
    second = model("generic-openai", upstream.script("digits", chat_upstream(SECOND)), "second")
    outcomes: dict[str, int] = {"first": 0, "second": 0, "broken": 0}
    asked_each_time = Failover(on_health_degraded=False)
    pair_of_them = route("pair", first.ref, second.ref, failover=asked_each_time)
    with running_joch(snapshot([first, second], [pair_of_them])) as joch:
        for at in range(0, len(pair.body) + 1, pair.step):
            seen = sdk.ask(joch.base_url, "pair", stream=True, api=pair.api)
            place = f"{fault} at byte {at}: {seen.text!r}, {seen.error!r}"
            if seen.error is None:
                assert seen.text in (FIRST, SECOND), f"a silent truncation or a mix; {place}"
                outcomes["first" if seen.text == FIRST else "second"] += 1
            else:
                assert FIRST.startswith(seen.text), f"not a beginning of the first one's answer; {place}"
                assert SECOND.encode() not in seen.tape.raw, f"something of the second one; {place}"
                outcomes["broken"] += 1
            assert seen.tape.clean, f"the client's body did not end properly; {place}"
    assert outcomes["second"] > 0, "breaking before content must have led to the second"
    assert outcomes["broken"] > 0, "breaking behind content must have been told"
