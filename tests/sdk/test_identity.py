"""Who an unmodified SDK app is, by what it can set without a change of code: environment, base URL, key; and by metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from proxy.resources import Access, Agent, ClientKey, Environment, Snapshot, Team
from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer
from tests.support.snapshots import model, route, snapshot

pytestmark = pytest.mark.sdk_core

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
TRIAGE_KEY, ANY_KEY, OLD_KEY = "joch-triage-canary", "joch-any-canary", "joch-old-canary"


def client_key(name: str, key: str, **fields: Any) -> tuple[str, ClientKey]:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return digest, ClientKey(name=name, digest=digest, **fields)


def configured(url: str, **settings: Any) -> Snapshot:
    """Two models, a route for all, one for the team "care", and the records of an agent with a route of its own."""
    made = snapshot(
        [model("openai", url, "m"), model("openai", url, "n", model="other")],
        [
            route("shared", "openai:n"),
            route("own", "openai:n"),
            route("care-only", "openai:m", access=Access(teams=("care",))),
        ],
        projects={"proj_lab": "lab-agent"},
        organizations={"org_care": "care"},
        **settings,
    )
    return replace(
        made,
        keys=dict(
            [
                client_key("triage", TRIAGE_KEY, agent="triage", environment="prod", user="robot"),
                client_key("any", ANY_KEY, routes=("shared",), models=("n",)),
                client_key("old", OLD_KEY, expires=1.0),
            ]
        ),
        agents={
            "forced": Agent(name="forced", route="own", labels={"team": "care"}),
            "triage": Agent(name="triage", team="care"),
        },
        teams={"care": Team(name="care")},
        environments={"prod": Environment(name="prod", route="shared")},
    )


@pytest.fixture(scope="module")
def anyone(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """Where keys do not matter, and clients may say who they are."""
    with running_joch(configured(upstream.script("up", chat_upstream()))) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """Where only those with a key come in."""
    with running_joch(configured(upstream.script("up", chat_upstream()), auth_mode="keys")) as running:
        yield running


def event_of(joch: RunningJoch, answer: Any) -> dict[str, Any]:
    """What was told of the call that `answer` came from. The SDK exposes the call's id as the request's."""
    (told,) = [event for event in joch.events.completed(answer._request_id) if event["type"] == "x.CallCompleted"]
    return told


def asked_by(joch: RunningJoch, key: str = "local", path: str = "/v1", **asked: Any) -> dict[str, Any]:
    with OpenAI(base_url=joch.root + path, api_key=key, max_retries=0) as app:
        return event_of(joch, app.chat.completions.create(**{**ASKED, **asked}))


# --- what an app says without a change of code --------------------------------------------------------------------


def test_the_environment_variable_for_headers_says_who_calls(
    anyone: RunningJoch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Joch-Agent: researcher\nX-Joch-Environment: dev")
    told = asked_by(anyone)
    assert told["agentRef"] == {"name": "researcher", "namespace": "default"}
    assert told["environment"] == "dev"
    assert told["framework"] == "openai-python"


async def test_the_asynchronous_client_reads_it_too(anyone: RunningJoch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Joch-Execution: run-7\nX-Joch-Session: chat-1\nX-Joch-Turn: t-3")
    async with AsyncOpenAI(base_url=anyone.base_url, api_key="local") as app:
        answer = await app.chat.completions.create(**ASKED)
    told = event_of(anyone, answer)
    assert (told["executionId"], told["executionIdSource"]) == ("run-7", "header")
    assert (told["sessionId"], told["turnId"]) == ("chat-1", "t-3")


@pytest.mark.parametrize("path", ["/a/researcher/v1", "/a/researcher"])
def test_a_base_url_says_who_calls(anyone: RunningJoch, path: str) -> None:
    assert asked_by(anyone, path=path)["agentRef"]["name"] == "researcher"


def test_a_base_url_with_an_agent_lists_models_too(anyone: RunningJoch) -> None:
    with OpenAI(base_url=anyone.root + "/a/triage/v1", api_key="local") as app:
        assert "care-only" in {each.id for each in app.models.list()}
        assert app.models.retrieve("care-only").id == "care-only"


def test_the_path_wins_over_the_header(anyone: RunningJoch) -> None:
    told = asked_by(anyone, path="/a/by-path/v1", extra_headers={"X-Joch-Agent": "by-header"})
    assert told["agentRef"]["name"] == "by-path"


def test_project_and_organization_say_who_calls_where_they_are_mapped(anyone: RunningJoch) -> None:
    with OpenAI(base_url=anyone.base_url, api_key="local", project="proj_lab", organization="org_care") as app:
        told = event_of(anyone, app.chat.completions.create(**ASKED))
    assert told["agentRef"]["name"] == "lab-agent"
    assert told["tenantId"] == "default/care"


def test_metadata_says_who_calls_and_ours_is_not_passed_on(anyone: RunningJoch, upstream: ScriptedServer) -> None:
    told = asked_by(
        anyone,
        metadata={"joch.agent": "by-metadata", "joch.execution": "run-8", "joch.trigger": "schedule", "app": "x"},
        store=True,
    )
    assert told["agentRef"]["name"] == "by-metadata"
    assert (told["executionId"], told["executionIdSource"]) == ("run-8", "metadata")
    assert upstream.requests[-1].json["metadata"] == {"app": "x"}


def test_an_app_that_says_nothing_is_followed_by_what_it_resends(anyone: RunningJoch) -> None:
    history: list[dict[str, Any]] = [{"role": "user", "content": "Plan a trip."}]
    found = []
    for step in range(3):
        found.append(asked_by(anyone, messages=history))
        history += [{"role": "assistant", "content": f"Step {step}."}, {"role": "user", "content": "Go on."}]
    assert len({each["executionId"] for each in found}) == 1
    assert len({each["turnId"] for each in found}) == 3
    assert {each["executionIdSource"] for each in found} == {"inferred"}
    other = asked_by(anyone, messages=[{"role": "user", "content": "Plan a feast."}])
    assert other["executionId"] != found[0]["executionId"]


def test_an_agent_with_a_route_of_its_own_uses_it_whatever_model_it_names(anyone: RunningJoch) -> None:
    assert asked_by(anyone, path="/a/forced/v1", model="m")["route"] == "own"
    assert asked_by(anyone, path="/a/forced/v1", model="shared")["route"] == "shared"
    told = asked_by(anyone, path="/a/forced/v1", extra_headers={"X-Joch-Route": "care-only"})
    assert told["route"] == "care-only"


# --- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_says_who_calls(guarded: RunningJoch) -> None:
    told = asked_by(guarded, TRIAGE_KEY)
    assert told["agentRef"]["name"] == "triage"
    assert told["environment"] == "prod"
    assert told["tenantId"] == "default/care"
    assert told["keyId"] == "ck_" + hashlib.sha256(TRIAGE_KEY.encode()).hexdigest()[:8]


def test_azures_client_sends_its_key_elsewhere(guarded: RunningJoch) -> None:
    with AzureOpenAI(base_url=guarded.base_url, api_key=TRIAGE_KEY, api_version="2025-01-01", max_retries=0) as app:
        assert "care-only" in {each.id for each in app.models.list()}


def test_a_known_key_says_who_calls_where_any_will_do(anyone: RunningJoch) -> None:
    assert asked_by(anyone, TRIAGE_KEY)["agentRef"]["name"] == "triage"


@pytest.mark.parametrize("key", ["sk-wrong-canary", OLD_KEY])
def test_a_wrong_key_is_the_sdks_authentication_error(guarded: RunningJoch, key: str) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        asked_by(guarded, key)
    assert refused.value.code == "invalid_api_key"
    assert refused.value.type == "invalid_request_error"
    assert "canary" not in str(refused.value)


def test_without_a_key_nothing_is_listed_either(guarded: RunningJoch) -> None:
    with OpenAI(base_url=guarded.base_url, api_key="sk-wrong", max_retries=0) as app:
        for ask in (app.models.list, lambda: app.models.retrieve("m")):
            with pytest.raises(openai.AuthenticationError):
                ask()


@pytest.mark.parametrize("said", [{"extra_headers": {"X-Joch-Agent": "boss"}}, {"metadata": {"joch.agent": "boss"}}])
def test_saying_otherwise_than_the_key_is_the_sdks_permission_error(guarded: RunningJoch, said: dict[str, Any]) -> None:
    with pytest.raises(openai.PermissionDeniedError) as refused:
        asked_by(guarded, TRIAGE_KEY, **said)
    assert refused.value.code == "IdentityMismatch"


def test_a_base_url_of_another_agent_is_refused(guarded: RunningJoch) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        asked_by(guarded, TRIAGE_KEY, path="/a/boss/v1")


def test_with_keys_nobody_is_believed_who_has_no_agent_in_its_key(guarded: RunningJoch) -> None:
    told = asked_by(guarded, ANY_KEY, model="shared", extra_headers={"X-Joch-Agent": "boss"})
    assert told["agentRef"]["name"] == "anonymous"


def test_what_a_key_may_not_name_does_not_exist_for_it(guarded: RunningJoch) -> None:
    with OpenAI(base_url=guarded.base_url, api_key=ANY_KEY, max_retries=0) as app:
        listed = {each.id for each in app.models.list()}
        assert listed == {"shared", "openai:n", "n"}
        for name in ("own", "care-only", "m", "openai:m"):
            with pytest.raises(openai.NotFoundError) as refused:
                app.chat.completions.create(**{**ASKED, "model": name})
            assert refused.value.code == "model_not_found"
            with pytest.raises(openai.NotFoundError):
                app.models.retrieve(name)
        assert app.chat.completions.create(**{**ASKED, "model": "shared"}).choices


def test_a_404_offers_nothing_that_is_not_the_callers(guarded: RunningJoch) -> None:
    for sent in ({"model": "care-onl"}, {"model": "shared", "extra_headers": {"X-Joch-Route": "care-onl"}}):
        with pytest.raises(openai.NotFoundError) as refused:
            asked_by(guarded, ANY_KEY, **sent)
        assert "care-only" not in str(refused.value), "a refusal tells of a route that is not the caller's"


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1", {"extra_headers": {"X-Joch-Agent": "no spaces"}}),
        ("/v1", {"metadata": {"joch.execution": "x" * 129}}),
        ("/a/x%20y/v1", {}),
        ("/v1", {"extra_headers": {"X-Joch-Trigger": "cron"}}),
        ("/v1", {"extra_headers": {"X-Joch-Data-Residency": "MARS"}}),
    ],
)
def test_what_may_not_stand_in_an_event_is_a_bad_request(anyone: RunningJoch, path: str, said: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError):
        asked_by(anyone, path=path, **said)


def test_a_header_narrows_residency_and_the_refusal_names_the_region(anyone: RunningJoch) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        asked_by(anyone, extra_headers={"X-Joch-Data-Residency": "EU"})
    assert refused.value.code == "RegionMismatch"
