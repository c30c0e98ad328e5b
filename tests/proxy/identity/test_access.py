"""What a caller may name, which route is its own, and that what it may not name does not exist for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.identity import Identity, default_route, route_name, visible
from proxy.resources import Access, Agent, ClientKey, Environment, Model, ModelRoute, RouteEntry, Settings, Snapshot
from translators.canonical import RequestError

GPT = Model(name="gpt", provider="openai", model="gpt")
QWEN = Model(name="qwen", provider="ollama", model="qwen3:8b")


def who(**fields: Any) -> Identity:
    return Identity(execution="e", execution_source="inferred", **fields)


def route(name: str, *refs: str, **fields: Any) -> ModelRoute:
    return ModelRoute(name=name, entries=tuple(RouteEntry(ref=ref) for ref in refs or ("openai:gpt",)), **fields)


def configured(*routes: ModelRoute, environments: tuple[Environment, ...] = (), **settings: Any) -> Snapshot:
    return Snapshot(
        settings=Settings(**settings),
        models={model.ref: model for model in (GPT, QWEN)},
        routes={each.name: each for each in routes},
        environments={each.name: each for each in environments},
    )


# --- visible ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("access", "seen"),
    [
        (None, True),
        (Access(agents=("triage",)), True),
        (Access(agents=("other", "triage")), True),
        (Access(agents=("other",)), False),
        (Access(labels={"tier": "gold"}), True),
        (Access(labels={"tier": "gold", "app": "x"}), True),
        (Access(labels={"tier": "gold", "region": "eu"}), False),
        (Access(labels={"tier": "silver"}), False),
        (Access(teams=("care",)), True),
        (Access(teams=("other",)), False),
        (Access(agents=("other",), teams=("care",)), True),
        (Access(), False),
    ],
)
def test_a_route_is_for_those_its_access_names(access: Access | None, seen: bool) -> None:
    triage = who(agent="triage", team="care", labels={"tier": "gold", "app": "x"})
    assert visible(route("r", access=access), triage) is seen


def test_a_caller_without_a_team_is_in_none() -> None:
    assert not visible(route("r", access=Access(teams=("care",))), who())


@pytest.mark.parametrize(
    ("written", "home", "namespace", "seen"),
    [
        ("triage", "default", "default", True),
        ("triage", "support", "support", True),
        ("triage", "support", "default", True),
        ("triage", "default", "support", False),
        ("triage", "support", "sales", False),
        ("support/triage", "default", "support", True),
        ("support/triage", "default", "default", False),
        ("support/triage", "default", "sales", False),
    ],
)
def test_an_agent_of_another_namespace_has_another_name(written: str, home: str, namespace: str, seen: bool) -> None:
    wanted = route("r", access=Access(agents=(written,)), namespace=home)
    assert visible(wanted, who(agent="triage", namespace=namespace)) is seen


@pytest.mark.parametrize(
    ("globs", "seen"), [(None, True), (("r",), True), (("x", "r*"), True), (("x",), False), ((), False)]
)
def test_a_key_says_which_routes_it_may_name(globs: tuple[str, ...] | None, seen: bool) -> None:
    identity = who(key=ClientKey(name="k", digest="d", routes=globs))
    assert visible(route("r1" if globs == ("x", "r*") else "r"), identity) is seen
    assert visible(route("~openai:gpt", implicit=True), identity), "a model is no route: its globs are `models`"


@pytest.mark.parametrize(
    ("allowed", "gpt", "qwen"),
    [
        ((), True, True),
        ((("openai:*",),), True, False),
        ((("*:qwen",), ("ollama:*", "openai:*")), False, True),
        ((("openai:*",), ("ollama:*",)), False, False),
        (((),), False, False),
    ],
)
def test_a_model_must_be_on_every_list(allowed: tuple[tuple[str, ...], ...], gpt: bool, qwen: bool) -> None:
    identity = who(allowed=allowed)
    assert (visible(GPT, identity), visible(QWEN, identity)) == (gpt, qwen)
    assert visible(route("~openai:gpt", implicit=True), identity) is gpt
    assert visible(route("both", "openai:gpt", "ollama:qwen"), identity) is (gpt or qwen)


# --- which route --------------------------------------------------------------------------------------------------

FORCED = who(agent="triage", record=Agent(name="triage", route="care"))
FREE = who(agent="triage", record=Agent(name="triage", route="care", force_route=False))
ROUTES = configured(
    route("care"), route("research"), route("secret", access=Access(agents=("other",))), default_route="research"
)


@pytest.mark.parametrize(
    ("identity", "requested", "header", "found"),
    [
        (who(), "gpt", None, None),
        (who(), "research", None, ("research", "route-name")),
        (who(), None, None, None),
        (who(), "gpt", "research", ("research", "header")),
        (FORCED, "gpt", None, ("care", "agent")),
        (FORCED, None, None, ("care", "agent")),
        (FORCED, "research", None, ("research", "route-name")),
        (FORCED, "research", "care", ("care", "header")),
        (FORCED, "secret", None, ("care", "agent")),
        (who(), "secret", None, None),
        (FREE, "gpt", None, None),
        (who(agent="x", record=Agent(name="x")), "gpt", None, None),
        (who(agent="x", record=Agent(name="x", route="gone")), "gpt", None, None),
    ],
)
def test_header_then_name_then_the_agents_own(
    identity: Identity, requested: str | None, header: str | None, found: tuple[str, str] | None
) -> None:
    assert route_name(identity, ROUTES, requested, header) == found


def test_a_name_is_looked_for_in_the_callers_namespace_first() -> None:
    given = configured(route("r"), route("support/r", namespace="support"), route("q"))
    support, sales = who(namespace="support"), who(namespace="sales")
    for requested, header, how in (("r", None, "route-name"), (None, "r", "header")):
        assert route_name(support, given, requested, header) == ("support/r", how)
        assert route_name(sales, given, requested, header) == ("r", how)
    assert route_name(support, given, "q", None) == ("q", "route-name")
    assert route_name(sales, given, "support/r", None) == ("support/r", "route-name")


@pytest.mark.parametrize("name", ["secret", "nowhere", "gpt", "", "x" * 5000, "a'\nb"])
def test_a_header_that_names_no_route_of_the_callers_is_404(name: str) -> None:
    with pytest.raises(RequestError) as refused:
        route_name(who(), ROUTES, "research", name)
    body = refused.value.body
    assert (refused.value.status, body.code) == (404, "model_not_found")
    assert body.message.isprintable()
    assert len(body.message) < 300


def test_what_a_caller_may_not_name_is_not_offered_to_it() -> None:
    with pytest.raises(RequestError) as refused:
        route_name(who(), ROUTES, None, "secrets")
    assert "'secret'" not in refused.value.body.message, "the message tells of a route that is not the caller's"
    with pytest.raises(RequestError) as refused:
        route_name(who(), ROUTES, None, "reserch")
    assert "'research'" in refused.value.body.message


def test_the_default_is_the_agents_then_the_environments_then_the_settings() -> None:
    given = configured(
        route("care"),
        environments=(Environment(name="prod", route="prod-route"), Environment(name="dev")),
        default_route="research",
    )
    assert default_route(replace(FREE, environment="prod"), given) == "care"
    assert default_route(who(environment="prod"), given) == "prod-route"
    for environment in ("dev", "unknown", None):
        assert default_route(who(environment=environment), given) == "research"
    assert default_route(who(), configured()) is None
