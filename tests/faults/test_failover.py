"""When a call moves on: every row of the table of phases in the reliability design, section 3.1, streamed and whole, for both APIs.

What the table forbids matters more than what it allows: after content nothing is tried again, and nothing is spliced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.support.answers import USAGE, chat_answer, chat_chunk, chat_events, chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import CLOSE, DONE, RESET, Pause, Script, ScriptedServer, Step, event, stream, whole
from tests.support.snapshots import model, route, snapshot

from .fault import GOOD, attempts_of, events_of
from .places import closed_port
from .sdk import Api, Sdk
from .told import Answered

BOTH: tuple[bool, ...] = (False, True)
ROLE = chat_chunk({"role": "assistant", "content": ""})
HEL = chat_chunk({"content": "hel"})
LO = chat_chunk({"content": "lo-there"})
STOP = chat_chunk({}, "stop")
OPENED = chat_chunk(
    {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]}
)
FILLED = chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]})
BOOM = event({"error": {"message": "boom"}})
POLICY = refusal(400, "Your request was rejected by our safety system.", "content_policy_violation")


@dataclass(frozen=True)
class Phase:
    """Where an attempt fails: `script` None is a port where nobody listens. `moves`: whether the next one is asked."""

    title: str
    script: Script | None
    moves: bool
    billed: bool = True
    streams: Sequence[bool] = BOTH


PHASES = [
    Phase("before any request byte", None, moves=True, billed=False),
    Phase("request sent, reset", [RESET], moves=True),
    Phase("request sent, closed", [CLOSE], moves=True),
    Phase("408", refusal(408), moves=True, billed=False),
    Phase("429", refusal(429), moves=True, billed=False),
    Phase("503", refusal(503), moves=True, billed=False),
    Phase("529", refusal(529), moves=True, billed=False),
    Phase("500", refusal(500), moves=True),
    Phase("502", refusal(502), moves=True),
    Phase("504", refusal(504), moves=True),
    Phase("400", refusal(400), moves=False, billed=False),
    Phase("422", refusal(422), moves=False, billed=False),
    Phase("content policy", POLICY, moves=False, billed=False),
    Phase("401", refusal(401), moves=True, billed=False),
    Phase("404", refusal(404), moves=True, billed=False),
    Phase("200 with an error body", [whole(200, {"error": {"message": "boom"}})], moves=True),
    Phase("200, error as first event", stream(BOOM), moves=True, streams=(True,)),
    Phase("200, error behind the role", stream(ROLE, BOOM), moves=True, streams=(True,)),
    Phase("200, cut behind the role", [*stream(ROLE, end=False), CLOSE], moves=True, streams=(True,)),
    Phase("text, then an error", stream(ROLE, HEL, BOOM), moves=False, streams=(True,)),
    Phase("text, then cut", [*stream(ROLE, HEL, end=False), CLOSE], moves=False, streams=(True,)),
    Phase("text, then reset", [*stream(ROLE, HEL, end=False), Pause(0.05), RESET], moves=False, streams=(True,)),
    Phase("part of a tool call, then cut", [*stream(ROLE, OPENED, end=False), CLOSE], moves=False, streams=(True,)),
    Phase("a tool call, then cut", [*stream(ROLE, OPENED, FILLED, end=False), CLOSE], moves=False, streams=(True,)),
    Phase("half a body", [whole(200, chat_answer("hello-there"))[:-40], CLOSE], moves=True, streams=(False,)),
]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize(
    ("phase", "streamed"),
    [pytest.param(phase, streamed, id=f"{phase.title}-{streamed}") for phase in PHASES for streamed in phase.streams],
)
def test_the_phase_of_a_failure_decides_whether_the_next_candidate_is_asked(
    phase: Phase, streamed: bool, api: Api, upstream: ScriptedServer, sdk: Sdk
) -> None:
    where = f"http://127.0.0.1:{closed_port()}/v1"
    if phase.script is not None:
        where = upstream.script("first", phase.script)
    first = model("generic-openai", where, "first")
    second = model("generic-openai", upstream.script("second", chat_upstream(GOOD.text)), "second")
    upstream.requests.clear()
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        seen = sdk.ask(joch.base_url, "pair", stream=streamed, api=api)
        attempts = attempts_of(joch, seen, 2 if phase.moves else 1)
        switches = events_of(joch, seen, "ProviderSwitched")
    assert attempts[0]["payload"]["billedRisk"] == phase.billed
    assert len(upstream.of("second")) == len(switches) == phase.moves
    if phase.moves:
        GOOD.check(seen, streamed)
        assert seen.tape.headers["x-joch-fallback-index"] == "1"
        return
    assert seen.error is not None
    assert GOOD.text not in seen.tape.raw.decode()
    assert len(upstream.of("first")) == 1, "nor is the same candidate asked again"


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("ending", [CLOSE, RESET], ids=["cut", "reset"])
def test_an_answer_that_has_finished_needs_nothing_more(
    ending: Step, api: Api, upstream: ScriptedServer, sdk: Sdk
) -> None:
    url = upstream.script("done", [*stream(ROLE, HEL, LO, STOP, end=False), Pause(0.05), ending])
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=True, api=api)
        Answered(text="hello-there").check(seen, stream=True)
        (attempt,) = attempts_of(joch, seen, 1)
    assert attempt["payload"]["outcome"] == "ok"
    assert {"truncated", "reset_mid"} & set(attempt["payload"]["notes"]), "how it ended is noted"


@pytest.mark.parametrize("streamed", BOTH)
@pytest.mark.parametrize(
    ("script", "tried"),
    [(refusal(429), [1, 1, 1]), (refusal(503), [1, 1, 1]), (refusal(500), [1, 1, 0]), ([RESET], [1, 1, 0])],
    ids=["429", "503", "500", "reset"],
)
def test_refusals_are_free_to_move_on_from_but_work_that_may_be_billed_is_risked_twice_at_most(
    script: Script, tried: list[int], streamed: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    names = ("first", "second", "third")
    records = [model("generic-openai", upstream.script(name, script), name) for name in names[:2]]
    records.append(model("generic-openai", upstream.script("third", chat_upstream(GOOD.text)), "third"))
    upstream.requests.clear()
    with running_joch(snapshot(records, [route("three", *(record.ref for record in records))])) as joch:
        seen = sdk.ask(joch.base_url, "three", stream=streamed)
    assert [len(upstream.of(name)) for name in names] == tried
    assert (seen.error is None) == (tried[-1] == 1)


@pytest.mark.parametrize("streamed", BOTH)
def test_three_attempts_are_all_a_call_gets(streamed: bool, upstream: ScriptedServer, sdk: Sdk) -> None:
    names = ("first", "second", "third", "fourth")
    records = [model("generic-openai", upstream.script(name, refusal(503)), name) for name in names]
    upstream.requests.clear()
    with running_joch(snapshot(records, [route("four", *(record.ref for record in records))])) as joch:
        sdk.ask(joch.base_url, "four", stream=streamed)
    assert [len(upstream.of(name)) for name in names] == [1, 1, 1, 0]


def test_an_unbroken_primary_serves_and_nothing_is_said_of_a_fallback(upstream: ScriptedServer, sdk: Sdk) -> None:
    """The control: the same route, without a fault."""
    first = model("generic-openai", upstream.script("first", stream(*chat_events("hello", "-there"))), "first")
    second = model("generic-openai", upstream.script("second", chat_upstream(GOOD.text)), "second")
    upstream.requests.clear()
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        seen = sdk.ask(joch.base_url, "pair", stream=True)
        (attempt,) = attempts_of(joch, seen, 1)
    Answered(text="hello-there").check(seen, stream=True)
    assert seen.tape.headers["x-joch-fallback-index"] == "0"
    assert attempt["payload"]["inputTokens"] == USAGE["prompt_tokens"]
    assert DONE in seen.tape.raw
    assert upstream.of("second") == []
