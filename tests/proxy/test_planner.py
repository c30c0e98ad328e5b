"""The planner beside the evaluator: what it keeps from call to call, and what health does to calls on their way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from proxy.estimation import Estimate, quick
from proxy.resources import HealthSettings, Model, Snapshot
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, scripted_server
from tests.support.snapshots import model, route, snapshot

NEVER_ILL = HealthSettings(min_samples=10**6, consecutive_failures=10**6, degraded_error_rate=2.0)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def installed(upstream: ScriptedServer, health: HealthSettings) -> Snapshot:
    models = [model("openai", upstream.script(name, chat_upstream(name)), name, api="chat") for name in "ab"]
    return snapshot(models, [route("r", *(each.ref for each in models))], health=health)


def asked(joch: RunningJoch) -> str | None:
    body = {"model": "r", "messages": [{"role": "user", "content": "x"}]}
    return httpx.post(f"{joch.base_url}/chat/completions", json=body, timeout=20).headers.get("x-joch-model")


def test_a_plan_made_in_bad_times_is_not_kept_for_good_ones(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, HealthSettings())) as joch:
        health = joch.app.health
        for _ in range(5):
            health.failed("openai:a", time.monotonic(), local=True)
        assert asked(joch) == "openai:b", "the first is open"
        health.forget("openai:a")
        assert health.quiet
        assert asked(joch) == "openai:a", "and now it is well"


def test_the_candidate_we_believe_to_be_down_is_asked_when_all_others_failed(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, HealthSettings())) as joch:
        upstream.script("b", refusal(500))
        for _ in range(5):
            joch.app.health.failed("openai:a", time.monotonic(), local=True)
        assert asked(joch) == "openai:a"
        found = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    row = found["candidates"][0]
    assert (row["result"], row["gates"][-1]["gate"]) == ("served", "health")


def test_an_overloaded_candidate_is_spared_calls_that_another_can_take(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, NEVER_ILL)) as joch:
        now, health, gateway = time.monotonic(), joch.app.health, joch.app.gateway
        gateway._clock, gateway._jitter = lambda: now, lambda: 0.5
        for _ in range(50):
            health.refused("openai:a", now - 30, 1.0, overloaded=True, ticket=health.began("openai:a", now - 30))
        assert [asked(joch) for _ in range(3)] == ["openai:a", "openai:b", "openai:b"], "one a second goes through"
        gateway._jitter = lambda: 0.99
        assert asked(joch) == "openai:a"


def test_tokens_are_counted_as_the_model_does_whose_window_is_tight(
    upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []

    async def count(request: Any, settings: Any, name: str) -> Estimate:
        counted.append(name)
        return quick(request, settings)

    url = upstream.script("a", chat_upstream("a"))
    models = [model("openai", url, name, context_window=window) for name, window in (("wide", 10**6), ("tight", 210))]
    with running_joch(snapshot(models, [route("r", *(each.ref for each in models))])) as joch:
        monkeypatch.setattr(joch.app.gateway._planner._tokenizers, "exact", count)
        body = {"model": "r", "messages": [{"role": "user", "content": "word " * 200}]}
        httpx.post(f"{joch.base_url}/chat/completions", json=body, timeout=20)
    assert counted == ["tight"]


# --- a model's own limits ------------------------------------------------------------------------------------------------


class Clock:
    """A clock that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = time.monotonic(), list[float]()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def used_up(joch: RunningJoch, clock: Clock, monkeypatch: pytest.MonkeyPatch, *records: Model) -> None:
    """Each of `records` has used all of its minute, and time passes by `clock`."""
    gateway = joch.app.gateway
    gateway._clock = gateway._planner._clock = clock
    monkeypatch.setattr("proxy.planner.asyncio.sleep", clock.sleep)
    for record in records:
        for _ in range(record.requests_per_minute or 0):
            gateway._quotas.take(record, 0, clock.now)
            gateway._quotas.done(record, 0, clock.now)


def test_a_call_waits_a_moment_for_room_where_nobody_else_can_be_asked(
    upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = model("openai", upstream.script("a", chat_upstream("a")), "a", requests_per_minute=60)
    with running_joch(snapshot([record], [route("r", record.ref)])) as joch:
        clock = Clock()
        used_up(joch, clock, monkeypatch, record)
        assert asked(joch) == record.ref
        (call,) = joch.events.payloads("x.CallCompleted")
    assert clock.slept == [pytest.approx(1.0)]
    assert call["overheadMs"] < 900, "it is the provider's limit that was waited for"


def test_a_call_waits_for_no_room_where_another_candidate_has_it_or_it_takes_too_long(
    upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [upstream.script(name, chat_upstream(name)) for name in "ab"]
    slow = model("openai", urls[0], "a", requests_per_minute=20)
    free = model("openai", urls[1], "b")
    with running_joch(snapshot([slow, free], [route("r", slow.ref, free.ref)])) as joch:
        clock = Clock()
        used_up(joch, clock, monkeypatch, slow)
        assert asked(joch) == free.ref
        body = {"model": slow.ref, "messages": [{"role": "user", "content": "x"}]}
        refused = httpx.post(f"{joch.base_url}/chat/completions", json=body, timeout=20)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert refused.headers["retry-after"] == "3"
    assert clock.slept == []


def test_a_dry_run_waits_for_nothing(upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    record = model("openai", upstream.script("a", chat_upstream("a")), "a", requests_per_minute=60)
    with running_joch(snapshot([record], [route("r", record.ref)])) as joch:
        clock = Clock()
        used_up(joch, clock, monkeypatch, record)
        body = {"messages": [{"role": "user", "content": "x"}]}
        dry = httpx.post(f"{joch.root}/v1/route/r/explain", params={"dialect": "chat"}, json=body, timeout=20)
    assert clock.slept == []
    assert dry.json()["outcome"]["error"]["status"] == 429
