"""Every step of name resolution, in its order, and what an unknown name is told."""

from __future__ import annotations

import pytest

from proxy.resources import Model, Snapshot
from proxy.routing import Resolver
from tests.support.snapshots import model, route, snapshot
from translators.canonical import RequestError

GPT = model("openai", "http://a", "gpt-5-thinking", model="gpt-5.5-thinking")
GPT4 = model("openai", "http://a", "gpt-4o")
CLAUDE = model("generic-openai", "http://b", "claude-sonnet", aliases=("sonnet-*",))
LOCAL = model("ollama", "http://c", "qwen3-local", model="qwen3:8b")
ROUTES = [
    route("research", GPT.ref, CLAUDE.ref, aliases=("best",)),
    route("gpt-4o", GPT4.ref, CLAUDE.ref),
    route("small", LOCAL.ref),
]
ALIASES = {"gpt-4o-mini*": "small", "tiny": "small", "alias-of-alias": "tiny", "local": LOCAL.ref}


def configured(**settings: object) -> Snapshot:
    return snapshot([GPT, GPT4, CLAUDE, LOCAL], ROUTES, ALIASES, **settings)


@pytest.mark.parametrize(
    ("name", "refs", "how"),
    [
        ("research", [GPT.ref, CLAUDE.ref], "route-name"),
        ("gpt-4o", [GPT4.ref, CLAUDE.ref], "route-name"),
        ("openai:gpt-4o", [GPT4.ref], "provider-ref"),
        ("openai:gpt-5.5-thinking", [GPT.ref], "provider-ref"),
        ("best", [GPT.ref, CLAUDE.ref], "alias"),
        ("tiny", [LOCAL.ref], "alias"),
        ("alias-of-alias", [LOCAL.ref], "alias"),
        ("local", [LOCAL.ref], "alias"),
        ("claude-sonnet", [CLAUDE.ref], "model-name"),
        ("gpt-5.5-thinking", [GPT.ref], "upstream-id"),
        ("qwen3:8b", [LOCAL.ref], "upstream-id"),
        ("gpt-4o-mini-2024-07-18", [LOCAL.ref], "glob-alias"),
        ("sonnet-4", [CLAUDE.ref], "glob-alias"),
    ],
)
def test_a_name_leads_to_its_candidates_by_the_first_step_that_knows_it(name: str, refs: list[str], how: str) -> None:
    found, step = Resolver(configured()).resolve(name)
    assert ([entry.ref for entry in found.entries], step) == (refs, how)


def test_an_unknown_name_is_told_what_is_close() -> None:
    with pytest.raises(RequestError) as refused:
        Resolver(configured()).resolve("gpt-4")
    assert refused.value.status == 404
    assert refused.value.body.code == "model_not_found"
    assert "'gpt-4o'" in refused.value.body.message


def test_the_snapshots_hint_says_what_would_fix_it() -> None:
    bare = snapshot([LOCAL])
    hinted = Snapshot(settings=bare.settings, models=bare.models, routes={}, hint="No OpenAI key was found.")
    with pytest.raises(RequestError, match="No OpenAI key was found"):
        Resolver(hinted).resolve("gpt-9")


def test_a_long_or_strange_name_is_echoed_cut_and_clean() -> None:
    with pytest.raises(RequestError) as refused:
        Resolver(configured()).resolve("evil'\r\n\x00" + "x" * 10_000)
    message = refused.value.body.message
    assert len(message) < 400
    assert all(char.isprintable() for char in message)


def test_the_default_route_serves_unknown_names_only_when_asked_to() -> None:
    resolver = Resolver(configured(default_route="small", unknown_model="default-route"))
    assert resolver.resolve("whatever") == (ROUTES[2], "default-route")
    with pytest.raises(RequestError):
        Resolver(configured(default_route="small")).resolve("whatever")


def test_a_missing_model_needs_a_default_route() -> None:
    assert Resolver(configured(default_route="small")).resolve(None)[0].name == "small"
    with pytest.raises(RequestError) as refused:
        Resolver(configured()).resolve(None)
    assert (refused.value.status, refused.value.body.param) == (400, "model")


def test_two_models_with_one_upstream_id_are_tried_by_priority() -> None:
    first = model("openai", "http://a", "cheap", model="same", priority=1)
    second = model("vllm", "http://b", "dear", model="same", priority=200)
    found, _ = Resolver(snapshot([first, second])).resolve("same")
    assert [entry.ref for entry in found.entries] == [second.ref, first.ref]


def implicit() -> Snapshot:
    template: Model = model("openai", "http://a", "template")
    bare = snapshot([LOCAL])
    return Snapshot(settings=bare.settings, models=bare.models, routes={}, implicit=((template, ("gpt-*", "o[0-9]*")),))


@pytest.mark.parametrize(("name", "upstream"), [("gpt-99", "gpt-99"), ("o4-mini", "o4-mini"), ("openai:any", "any")])
def test_a_provider_with_a_key_serves_models_nobody_declared(name: str, upstream: str) -> None:
    found, how = Resolver(implicit()).resolve(name)
    served = found.entries[0].model
    assert served is not None
    assert (served.model, served.origin, how) == (upstream, "implicit", "implicit")


def test_a_model_nobody_declared_is_known_by_the_catalogue() -> None:
    served = Resolver(implicit()).resolve("gpt-4.1")[0].entries[0].model
    assert served is not None
    assert (served.context_window, served.flags["reasoning"]) == (1_047_576, False)
    unknown = Resolver(implicit()).resolve("gpt-99")[0].entries[0].model
    assert unknown is not None
    assert (unknown.context_window, unknown.flags, unknown.pricing) == (None, {}, None)


def test_a_name_outside_the_patterns_is_not_implied() -> None:
    with pytest.raises(RequestError):
        Resolver(implicit()).resolve("llama3")


def test_every_listed_name_resolves() -> None:
    resolver = Resolver(configured())
    listed = list(resolver.names())
    assert ("research", "route", "research") in listed
    for name, _, _ in listed:
        resolver.resolve(name)


@pytest.mark.parametrize(
    "name",
    [
        "openai:../files",
        "openai:a/../../b",
        "openai:./a",
        "openai:/a",
        "openai:a//b",
        "openai:",
        "openai:a b",
        "openai:a?b",
        "openai:projects/q/x",
    ],
)
def test_a_made_up_id_leads_nowhere_but_to_a_model(name: str) -> None:
    with pytest.raises(RequestError) as caught:
        Resolver(implicit()).resolve(name)
    assert caught.value.body.code == "model_not_found"


@pytest.mark.parametrize(
    "name",
    ["openai:gpt-4o", "openai:ft:gpt-4.1:acme::id", "openai:org/model.v2", "openai:qwen3:8b", "openai:m@20260101"],
)
def test_ids_as_providers_have_them_are_ids(name: str) -> None:
    assert Resolver(implicit()).resolve(name)[1] == "implicit"
