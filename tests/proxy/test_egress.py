"""Where prompts may go: no byte to a host that is not allowed, whatever fails and whoever is asked next."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from proxy import upstream
from proxy.resources import Constraints, HealthSettings, Model
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import RESET, ScriptedServer, scripted_server
from tests.support.snapshots import model, route, snapshot

HASTY = HealthSettings(consecutive_failures=3, open_seconds=0.05, max_open_seconds=0.1, probe_interval=3600.0)


@pytest.fixture
def servers() -> Iterator[tuple[ScriptedServer, ScriptedServer]]:
    """One inside what is allowed, one outside. Both are real, so that a byte that goes astray arrives."""
    with scripted_server() as inside, scripted_server() as outside:
        yield inside, outside


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every address that a socket is opened for, whether a byte follows or not."""
    seen: list[tuple[str, int]] = []
    opening = upstream._open_socket

    def recorded(address: tuple[Any, ...]) -> socket.socket:
        seen.append(address[4][:2])
        return opening(address)

    monkeypatch.setattr(upstream, "_open_socket", recorded)
    return seen


def ask(joch: RunningJoch, name: str = "r", **headers: str) -> httpx.Response:
    body = {"model": name, "messages": [{"role": "user", "content": "x"}]}
    return httpx.post(f"{joch.base_url}/chat/completions", json=body, headers=headers, timeout=20)


def candidates(inside: ScriptedServer, outside: ScriptedServer, **apart: Any) -> list[Model]:
    """Three that may be asked between three that may not."""
    models = []
    for number in range(3):
        far = {name: values[0] for name, values in apart.items()}
        near = {name: values[1] for name, values in apart.items()}
        models.append(model("openai", outside.script(f"far{number}", chat_upstream("far")), f"far{number}", **far))
        models.append(model("openai", inside.script(f"near{number}", chat_upstream("near")), f"near{number}", **near))
    return models


@pytest.mark.parametrize(
    ("limits", "apart", "headers"),
    [
        (Constraints(residency="EU"), {"region": ("us-east", "eu-west")}, {}),
        (Constraints(), {"region": ("us-east", "eu-west")}, {"X-Joch-Data-Residency": "EU"}),
        (Constraints(max_zone="network"), {"zone": ("vendor", "device")}, {}),
        (Constraints(allow=("openai",), max_zone="own-cloud"), {"zone": ("vendor", "own-cloud")}, {}),
    ],
    ids=["route's residency", "caller's residency", "zone", "zone and provider"],
)
def test_while_all_fail_at_random_nothing_reaches_who_may_not_be_asked(
    servers: tuple[ScriptedServer, ScriptedServer],
    dialled: list[tuple[str, int]],
    limits: Constraints,
    apart: Any,
    headers: dict[str, str],
) -> None:
    inside, outside = servers
    models = candidates(inside, outside, **apart)
    the_route = route("r", *(each.ref for each in models), constraints=limits)
    rng = random.Random(7)
    served = 0
    with running_joch(snapshot(models, [the_route], health=HASTY)) as joch:
        for _ in range(60):
            for number in range(3):
                script = rng.choice([chat_upstream("near"), refusal(500), refusal(503), [RESET]])
                inside.script(f"near{number}", script)
            served += ask(joch, **headers).status_code == 200
            joch.loop.run(joch.app._prober.round())
    assert served > 0
    assert {port for _, port in dialled} == {inside.port}, "a connection was opened where none may be"
    assert outside.requests == []
    assert any(request.method == "GET" for request in inside.requests), (
        "nobody who is down was asked for a sign of life"
    )


def test_the_recorder_sees_a_connection_that_is_allowed(
    servers: tuple[ScriptedServer, ScriptedServer], dialled: list[tuple[str, int]]
) -> None:
    """With the rules off the far candidate, which comes first, is the one that is asked."""
    inside, outside = servers
    models = candidates(inside, outside)
    with running_joch(snapshot(models, [route("r", *(each.ref for each in models))])) as joch:
        assert ask(joch).headers["x-joch-model"] == "openai:far0"
    assert [port for _, port in dialled] == [outside.port]


def test_no_host_outside_the_list_is_connected_to_whatever_the_configuration_says(
    servers: tuple[ScriptedServer, ScriptedServer], dialled: list[tuple[str, int]]
) -> None:
    inside, _ = servers
    away = model("openai", "http://localhost:1/v1", "away")
    here = model("openai", inside.script("here", chat_upstream("here")), "here")
    made = snapshot([away, here], [route("r", away.ref, here.ref)], egress_hosts=("127.0.0.1",))
    with running_joch(made) as joch:
        answer = ask(joch)
        assert {port for _, port in dialled} == {inside.port}
        alone = ask(joch, "openai:away")
        first, *_ = joch.events.payloads("ModelCallCompleted")
    assert answer.headers["x-joch-model"] == "openai:here"
    assert (first["failure"], first["billedRisk"], first["replay"]) == ("egress_blocked", False, "not_sent")
    assert alone.status_code == 502


def test_a_reload_moves_the_border_for_the_next_call(
    servers: tuple[ScriptedServer, ScriptedServer], dialled: list[tuple[str, int]]
) -> None:
    inside, _ = servers
    here = model("openai", inside.script("here", chat_upstream("here")), "here")
    with running_joch(snapshot([here])) as joch:
        assert ask(joch, here.ref).status_code == 200
        joch.app.apply(snapshot([here], egress_hosts=("elsewhere.example",)))
        dialled.clear()
        refused = ask(joch, here.ref)
        assert dialled == []
        joch.app.apply(snapshot([here], egress_hosts=("127.0.0.1",)))
        again = ask(joch, here.ref)
    assert (refused.status_code, again.status_code) == (502, 200)
    assert len(inside.requests) == 2, "a pooled connection is no way around the list"
