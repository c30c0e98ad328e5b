"""What operators ask: refused in words where it cannot be answered, and a dry run that decides as a call does and sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from proxy.explain import Explanations
from proxy.resources import Agent, Constraints, Pricing, SecretRef, SecretSource
from proxy.store import StoreError
from proxy.upstream import Upstream
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, scripted_server
from tests.support.snapshots import KEY, KEY_VARIABLE, model, route, snapshot

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}]}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
PRICE = Pricing(input=Decimal(10), output=Decimal(1000))
FREE = Pricing(input=Decimal(0), output=Decimal(0))


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def joch(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    with running_joch(_installed(upstream)) as running:
        yield running


def _installed(upstream: ScriptedServer, limits: Constraints | None = None, **settings: Any) -> Any:
    """A route over one that cannot see, one that is dear, and one that is neither."""
    blind = model("openai", upstream.script("blind", chat_upstream()), "blind", flags={"text": True, "vision": False})
    dear = model("openai", upstream.script("dear", chat_upstream()), "dear", pricing=PRICE)
    last = model("openai", upstream.script("last", chat_upstream()), "last", pricing=FREE)
    the_route = route("r", blind.ref, dear.ref, last.ref, constraints=limits or Constraints())
    return snapshot([blind, dear, last], [the_route], **settings)


def get(joch: RunningJoch, path: str, **query: str) -> httpx.Response:
    return httpx.get(joch.root + path, params=query, timeout=20)


def call(joch: RunningJoch, **body: Any) -> httpx.Response:
    return httpx.post(f"{joch.base_url}/chat/completions", json={"model": "r", **HELLO, **body}, timeout=20)


def dry(joch: RunningJoch, name: str = "r", query: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    params = {"dialect": "chat"} if query is None else query
    return httpx.post(f"{joch.root}/v1/route/{name}/explain", params=params, json={**HELLO, **body}, timeout=20)


# --- a dry run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "body"),
    [
        (Constraints(), {}),
        (Constraints(), {"messages": [{"role": "user", "content": [IMAGE]}]}),
        (Constraints(max_cost_per_call=Decimal("0.05")), {"max_tokens": 100}),
        (Constraints(max_cost_per_execution=Decimal("0.05")), {"max_tokens": 100, "stream": True}),
        (Constraints(max_zone="device"), {}),
        (Constraints(deny=("openai",)), {}),
    ],
    ids=["plain", "image", "dear", "dear for the run", "zone", "nobody"],
)
def test_a_dry_run_decides_as_the_call_right_behind_it(
    upstream: ScriptedServer, limits: Constraints, body: dict[str, Any]
) -> None:
    with running_joch(_installed(upstream, limits)) as joch:
        told = dry(joch, **body).json()
        call(joch, **body)
        kept = get(joch, "/v1/route/-/explain").json()

    def gates(made: dict[str, Any]) -> list[Any]:
        return [(row["ref"], row["gates"], row.get("wouldTake")) for row in made["candidates"]]

    assert gates(told) == gates(kept)
    assert told["outcome"]["wouldServe"] == kept["outcome"]["servedBy"]
    assert told["request"]["needs"] == kept["request"]["needs"]
    if kept["outcome"]["error"] is not None:
        assert told["outcome"]["error"] == kept["outcome"]["error"]


def test_a_dry_run_sends_nothing_holds_nothing_and_is_no_call(
    joch: RunningJoch, upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(*args: Any, **more: Any) -> Any:
        raise AssertionError("a dry run opened a connection")

    monkeypatch.setattr(Upstream, "send", send)
    upstream.requests.clear()
    assert dry(joch).status_code == 200
    assert upstream.requests == []
    assert get(joch, "/v1/route/-/explain").status_code == 404
    assert joch.events.events == []
    state = {row["ref"]: row["state"] for row in get(joch, "/v1/health").json()["data"]}
    assert set(state.values()) == {"unknown"}


def test_the_guard_of_the_test_before_would_notice(
    joch: RunningJoch, upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    async def send(*args: Any, **more: Any) -> Any:
        sent.append(args)
        raise AssertionError("sent")

    monkeypatch.setattr(Upstream, "send", send)
    call(joch)
    assert sent, "a call goes through Upstream.send"


def test_a_dry_run_is_told_to_people_too_and_to_any_route(joch: RunningJoch) -> None:
    told = httpx.post(
        f"{joch.root}/v1/route/-/explain",
        params={"dialect": "chat"},
        json={"model": "r", **HELLO},
        headers={"Accept": "text/plain"},
        timeout=20,
    )
    assert told.headers["Content-Type"].startswith("text/plain")
    assert "would ask openai:blind first" in told.text


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"dialekt": "chat"}, "dialekt"),
        ({"dialect": "chat", "hooks": "true"}, "hooks"),
        ({"dialect": "smoke"}, "dialect"),
    ],
)
def test_a_dry_run_refuses_what_it_does_not_know(joch: RunningJoch, query: dict[str, str], param: str) -> None:
    answer = dry(joch, query=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_dry_run_of_a_route_that_is_not_there_is_not_found(joch: RunningJoch) -> None:
    assert dry(joch, "none").status_code == 404


# --- explanations ----------------------------------------------------------------------------------------------------


def test_several_are_a_list_and_one_is_a_document(joch: RunningJoch) -> None:
    ids = [call(joch).headers["x-request-id"] for _ in range(3)]
    assert get(joch, "/v1/route/r/explain").json()["callId"] == ids[2]
    two = get(joch, "/v1/route/r/explain", last="2").json()
    assert (two["object"], [made["callId"] for made in two["data"]]) == ("list", [ids[2], ids[1]])
    assert get(joch, "/v1/route/r/explain", call=ids[0], last="5").json()["callId"] == ids[0]


def test_people_read_lines(joch: RunningJoch) -> None:
    call(joch)
    told = httpx.get(f"{joch.root}/v1/route/-/explain", headers={"Accept": "text/plain"}, timeout=20)
    assert told.headers["Content-Type"].startswith("text/plain")
    assert "openai:blind" in told.text
    assert "SERVED" in told.text


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ({"executoin": "e"}, "executoin", "unknown_parameter"),
        ({"last": "1001"}, "last", "invalid_value"),
        ({"last": "-1"}, "last", "invalid_value"),
        ({"last": "٣"}, "last", "invalid_value"),
        ({"last": "1" * 5_000}, "last", "invalid_value"),
        ({"since": "1" * 5_000}, "since", "invalid_value"),
        ({"since": "1.5"}, "since", "invalid_value"),
        ({"failed": "1"}, "failed", "invalid_value"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    joch: RunningJoch, query: dict[str, str], param: str, code: str
) -> None:
    answer = get(joch, "/v1/route/-/explain", **query)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)


def test_what_is_not_there_is_not_found_and_how_long_things_are_kept_is_said(joch: RunningJoch) -> None:
    answer = get(joch, "/v1/route/-/explain", call="mc_none")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")
    assert "kept for 30 days" in answer.json()["error"]["message"]
    for path in ("/v1/executions/none", "/v1/route/none", "/v1/route/r/none", "/v1/route/", "/v1/executions/"):
        assert get(joch, path).status_code == 404, path


def test_a_store_that_cannot_answer_is_said_to_be_asked_again(
    joch: RunningJoch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*args: Any) -> Any:
        raise StoreError("locked")

    monkeypatch.setattr(Explanations, "find", down)
    monkeypatch.setattr(Explanations, "execution", down)
    for path, query in (
        ("/v1/route/-/explain", {}),
        ("/v1/executions/e", {}),
        ("/v1/route/-/check", {"agent": "a", "target": "openai:last"}),
    ):
        answer = get(joch, path, **query)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded"), path


# --- models check ----------------------------------------------------------------------------------------------------


def test_a_check_needs_an_agent_and_a_target_that_is_there(joch: RunningJoch) -> None:
    for query, status, param in (
        ({"target": "openai:last"}, 400, "agent"),
        ({"agent": "a"}, 400, "target"),
        ({"agent": "a", "target": "openai:last", "strict": "1"}, 400, "strict"),
        ({"agent": "a", "target": "nobody-knows-this"}, 404, None),
    ):
        answer = get(joch, "/v1/route/-/check", **query)
        assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), query
    assert get(joch, "/v1/route/r/check", agent="a", target="openai:last").status_code == 404


# --- who may ---------------------------------------------------------------------------------------------------------


def test_nobody_without_the_token_learns_anything_or_makes_anything_happen(upstream: ScriptedServer) -> None:
    token = SecretRef(name="admin", source=SecretSource(type="env", location="ADMIN"))
    env = {KEY_VARIABLE: KEY, "ADMIN": "sesame"}
    with running_joch(_installed(upstream, admin_token=token), env=env) as joch:
        call(joch)
        for authorization in ({}, {"Authorization": "Bearer open"}):
            asked = httpx.post(
                f"{joch.root}/v1/route/r/explain",
                params={"dialect": "chat"},
                json=HELLO,
                headers=authorization,
                timeout=20,
            )
            read = httpx.get(f"{joch.root}/v1/route/-/check", headers=authorization, timeout=20)
            assert (asked.status_code, read.status_code) == (401, 401)
            assert "openai:blind" not in asked.text + read.text
        let_in = httpx.post(
            f"{joch.root}/v1/route/r/explain",
            params={"dialect": "chat"},
            json=HELLO,
            headers={"Authorization": "Bearer sesame"},
            timeout=20,
        )
        assert let_in.json()["outcome"]["wouldServe"] == "openai:blind"


def test_an_operator_asks_about_any_agents_call_where_clients_need_keys(upstream: ScriptedServer) -> None:
    token = SecretRef(name="admin", source=SecretSource(type="env", location="ADMIN"))
    env = {KEY_VARIABLE: KEY, "ADMIN": "sesame"}
    installed = _installed(upstream, admin_token=token, auth_mode="keys")
    agents = {"reader": Agent(name="reader", allowed=("openai:last",))}
    with running_joch(replace(installed, agents=agents), env=env) as joch:
        asked = httpx.post(
            f"{joch.root}/v1/route/r/explain",
            params={"dialect": "chat"},
            json=HELLO,
            headers={"Authorization": "Bearer sesame", "X-Joch-Agent": "reader"},
            timeout=20,
        )
        client = httpx.post(
            f"{joch.base_url}/chat/completions",
            json={"model": "r", **HELLO},
            headers={"Authorization": "Bearer sesame"},
            timeout=20,
        )
    assert asked.json()["identity"]["agent"] == "default/reader"
    assert asked.json()["outcome"]["wouldServe"] == "openai:last"
    assert client.status_code == 401, "the admin token is no client's key"


def test_a_candidate_that_went_down_is_seen_by_the_next_dry_run(upstream: ScriptedServer) -> None:
    down = model("openai", upstream.script("down", refusal(429, retry_after="60")), "down")
    well = model("openai", upstream.script("well", chat_upstream()), "well")
    with running_joch(snapshot([down, well], [route("r", down.ref, well.ref)])) as joch:
        assert dry(joch).json()["outcome"]["wouldServe"] == down.ref
        call(joch)
        made = dry(joch).json()
    assert made["outcome"]["wouldServe"] == well.ref
    assert made["candidates"][0]["gates"][-1]["gate"] == "health"
