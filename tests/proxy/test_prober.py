"""Candidates that are down are asked for a sign of life; those that no call found down are not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from proxy.prober import Prober
from proxy.resources import HealthSettings
from proxy.routing import Health
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import scripted_server, whole
from tests.support.snapshots import model, route, snapshot
from translators.canonical import Reason, UpstreamError

SOON = HealthSettings(consecutive_failures=2, probe_interval=3600.0, open_seconds=3600.0, max_open_seconds=3600.0)


@pytest.mark.parametrize(("sign", "state"), [(200, "half_open"), (500, "open")])
def test_only_who_is_down_is_asked_and_a_sign_ends_the_wait_for_a_call(sign: int, state: str) -> None:
    with scripted_server() as upstream:
        down = model("openai", upstream.script("a", refusal(500)), "a")
        well = model("openai", upstream.script("b", chat_upstream("b")), "b")
        untouched = model("openai", upstream.script("c", chat_upstream("c")), "c")
        made = snapshot([down, well, untouched], [route("r", down.ref, well.ref, untouched.ref)], health=SOON)
        with running_joch(made) as joch:
            for _ in range(2):
                body = {"model": "r", "messages": [{"role": "user", "content": "x"}]}
                httpx.post(f"{joch.base_url}/chat/completions", json=body, timeout=20)
            upstream.requests.clear()
            upstream.script("a", [whole(sign, {"data": []})])
            joch.loop.run(joch.app._prober.round())
            rows = {row["ref"]: row for row in httpx.get(f"{joch.root}/v1/health", timeout=20).json()["data"]}
    assert [request.path.rpartition("/")[2] for request in upstream.requests] == ["models"]
    assert rows[down.ref]["state"] == state
    assert rows[well.ref]["state"] == "healthy"


# --- one prober by itself --------------------------------------------------------------------------------------------

NOW = 1_000.0


class _Asked:
    """In the place of the adapters: keeps who is asked, and answers `status`, or fails where it is None."""

    def __init__(self, status: str | None = "healthy") -> None:
        self.refs: list[str] = []
        self._status = status

    def of(self, record: Any) -> Any:
        return SimpleNamespace(health=partial(self._answer, record.ref))

    async def _answer(self, ref: str) -> Any:
        self.refs.append(ref)
        if self._status is None:
            raise UpstreamError(Reason.CONNECT, "nobody is there")
        return SimpleNamespace(status=self._status)


def _prober(asked: _Asked, settings: HealthSettings = SOON) -> tuple[Prober, Health]:
    """One for a, which is down, b, whose credential was rejected, c, which rests, and d, which is well."""
    names = ("a", "b", "c", "d")
    made = snapshot([model("openai", "https://a.example/v1", name) for name in names], health=settings)
    health = Health(settings, lambda: 0.5)
    tickets = {name: health.began(f"openai:{name}", NOW) for name in names}
    for _ in range(settings.consecutive_failures):
        health.failed("openai:a", NOW, local=True, ticket=tickets["a"])
    health.unauthorised("openai:b", NOW, tickets["b"])
    health.refused("openai:c", NOW, 60.0, overloaded=False, ticket=tickets["c"])
    health.succeeded("openai:d", NOW, 0.1, None, tickets["d"])
    live: Any = SimpleNamespace(current=SimpleNamespace(snapshot=made))
    bindings: Any = asked
    return Prober(live, bindings, health, lambda: NOW), health


async def test_who_rests_because_it_was_told_to_is_left_alone() -> None:
    asked = _Asked()
    prober, health = _prober(asked)
    await prober.round()
    assert sorted(asked.refs) == ["openai:a", "openai:b"]
    assert health.of("openai:a", NOW).state == health.of("openai:b", NOW).state == "half_open"


@pytest.mark.parametrize("status", [None, "unhealthy"])
async def test_no_sign_of_life_changes_nothing(status: str | None) -> None:
    asked = _Asked(status)
    prober, health = _prober(asked)
    await prober.round()
    assert sorted(asked.refs) == ["openai:a", "openai:b"]
    assert (health.of("openai:a", NOW).state, health.of("openai:b", NOW).state) == ("open", "credential_bad")


async def test_a_check_that_fails_in_an_unknown_way_ends_neither_the_round_nor_the_prober(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(_Asked):
        async def _answer(self, ref: str) -> Any:
            if ref == "openai:a":
                raise ValueError("a bug")
            return await super()._answer(ref)

    asked = Broken()
    prober, health = _prober(asked)
    await prober.round()
    assert asked.refs == ["openai:b"]
    assert health.of("openai:b", NOW).state == "half_open"
    assert "the free check of openai:a failed" in caplog.text


@pytest.mark.parametrize(("probe", "asks"), [("list", True), ("off", False)])
async def test_rounds_are_made_from_start_to_stop_unless_they_are_off(probe: Any, asks: bool) -> None:
    asked = _Asked("unhealthy")
    prober, _ = _prober(asked, replace(SOON, probe=probe, probe_interval=0.0))
    prober.start()
    for _ in range(20):
        await asyncio.sleep(0)
    await prober.stop()
    assert bool(asked.refs) == asks
    before = len(asked.refs)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(asked.refs) == before, "nobody is asked behind the end"
    await prober.stop()
