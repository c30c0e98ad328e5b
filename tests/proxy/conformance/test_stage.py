"""A target in operation: simulator, joch and client together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proxy.conformance.clients import ChatClient
from proxy.conformance.simulators.script import Answer, Fault, Say
from proxy.conformance.stage import Stage, stage
from proxy.conformance.targets import TARGETS

OPENAI = next(target for target in TARGETS if target.name == "openai")


@pytest.fixture(scope="module")
def made() -> Iterator[Stage]:
    with stage(OPENAI) as opened:
        yield opened


def test_a_request_goes_all_the_way(made: Stage) -> None:
    client = ChatClient()
    made.simulator.say(Answer(blocks=(Say(("Hi",)),)))
    seen = made.send(client, client.body({"user": "Hello"}, made.ref("gpt-5.4"), stream=True))
    assert (seen.complaints, seen.text, seen.status) == ([], "Hi", 200)
    events = made.events.of(seen.headers["x-request-id"])
    assert [event["type"] for event in events] == ["ModelCallStarted", "ModelCallCompleted", "x.CallCompleted"]


def test_a_renewed_joch_has_forgotten_who_rests(made: Stage) -> None:
    client = ChatClient()
    body = client.body({"user": "Hello"}, made.ref("gpt-5.4"), stream=False)
    made.simulator.say(Answer(fault=Fault(kind="rate_limited", wait=60)))
    assert made.send(client, body).status == 429
    made.simulator.say(Answer(blocks=(Say(("Hi",)),)))
    assert made.send(client, body).status == 429, "it rests"
    made.renew()
    assert made.send(client, body).text == "Hi"


def test_leaving_is_noticed(made: Stage) -> None:
    client = ChatClient()
    body = client.body({"user": "Hello"}, made.ref("gpt-5.4"), stream=True)
    made.simulator.say(Answer(blocks=(Say(("a", "b")),), ending="hang"))
    made.send(client, body, "during")
    assert made.gone()
