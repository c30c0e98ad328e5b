"""A simulator as a server: what it keeps, how it fails, that it notices when its peer leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from proxy.conformance.simulators.openai import OPENAI_FLAVOUR, OpenAiCompatible
from proxy.conformance.simulators.script import Answer, Call, Fault, Say
from proxy.conformance.simulators.server import KEY, Loop, Simulator

BODY = {"model": "gpt-5.4", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    loop = Loop()
    made = Simulator(OpenAiCompatible(OPENAI_FLAVOUR))
    made.open(loop)
    yield made
    made.close()
    loop.close()


def ask(simulator: Simulator, key: str = KEY, **members: Any) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=5) as client:
        return client.post(
            f"{simulator.root}/v1/chat/completions",
            json={**BODY, **members},
            headers={"Authorization": f"Bearer {key}"},
        )


def test_it_answers_from_its_script_and_keeps_what_it_heard(simulator: Simulator) -> None:
    first = simulator.say(Answer(blocks=(Say(("one",)),)), Answer(blocks=(Say(("two",)),)))
    texts = [ask(simulator).json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert texts == ["one", "two"]
    assert simulator.unsaid == 0
    heard = simulator.heard[first]
    assert heard.facts is not None
    assert heard.facts.turns == [("user", "Hi")]


def test_it_refuses_a_wrong_key_and_a_wrong_path(simulator: Simulator) -> None:
    simulator.say(Answer(blocks=(Say(("x",)),)))
    assert ask(simulator, "wrong").status_code == 401
    assert httpx.get(f"{simulator.root}/v2/nothing", trust_env=False).status_code == 404
    assert (simulator.heard[-1].refused or "").startswith("it serves nothing at GET /v2/nothing")


def test_it_says_so_when_it_has_nothing_to_say_or_to_call(simulator: Simulator) -> None:
    simulator.say()
    assert "more often" in ask(simulator).text
    simulator.say(Answer(blocks=(Call("look", "{}"),)))
    assert "the tool look was not offered" in ask(simulator).text


@pytest.mark.parametrize(
    ("kind", "status", "words"), [("gateway", 502, "<html>"), ("empty", 200, ""), ("garbage", 200, '{"error"')]
)
def test_the_ways_to_fail(simulator: Simulator, kind: Any, status: int, words: str) -> None:
    simulator.say(Answer(fault=Fault(kind=kind)))
    response = ask(simulator)
    assert (response.status_code, words in response.text) == (status, True)


@pytest.mark.parametrize("ending", ["cut", "silent", "error"])
def test_a_stream_that_does_not_end_well(simulator: Simulator, ending: Any) -> None:
    simulator.say(Answer(blocks=(Say(("one", "two")),), ending=ending, fault=Fault(kind="overloaded")))
    try:
        text = ask(simulator, stream=True).text
    except httpx.RemoteProtocolError:
        assert ending == "cut"
        return
    assert "[DONE]" not in text
    assert ('data: {"error"' in text) == (ending == "error")


def test_half_an_answer(simulator: Simulator) -> None:
    simulator.say(Answer(blocks=(Say(("one",)),), ending="cut"))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(simulator)


@pytest.mark.parametrize("stream", [False, True])
def test_it_notices_when_its_peer_leaves(simulator: Simulator, stream: bool) -> None:
    simulator.say(Answer(ending="hang"))
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(trust_env=False, timeout=0.2) as client, contextlib.suppress(httpx.ReadTimeout):
        client.post(f"{simulator.root}/v1/chat/completions", json={**BODY, "stream": stream}, headers=headers)
    assert simulator.heard[-1].gone.wait(3)


def test_the_rest_waits_until_the_first_was_seen(simulator: Simulator) -> None:
    simulator.say(Answer(blocks=(Say(("one", "two")),), ending="gate"))
    with httpx.Client(trust_env=False, timeout=5) as client:
        headers = {"Authorization": f"Bearer {KEY}"}
        with client.stream(
            "POST", f"{simulator.root}/v1/chat/completions", json={**BODY, "stream": True}, headers=headers
        ) as response:
            seen, before = "", None
            for text in response.iter_text():
                seen += text
                if before is None and '"one"' in seen:
                    before = seen
                    simulator.open_gate()
    assert '"two"' not in (before or "")
    assert '"two"' in seen
    assert not simulator.gate_expired
