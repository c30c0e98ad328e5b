"""Who calls and what their tools do: keys, agents, teams, environments, tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.resources import Agent, ClientKey, Environment, Snapshot, Team, Tool

from .writing import loaded, model, only, problems, resource, route, settings, told

DIGEST = "ab" * 32
ROUTE = model("a", "provider: ollama") + route("main", "strategy: { primary: a }")


def read(tmp_path: Path, text: str) -> Snapshot:
    return loaded(tmp_path, ROUTE + text).snapshot


def test_a_key_is_known_by_its_digest_and_pins_what_it_says(tmp_path: Path) -> None:
    spec = (
        f'hash: "sha256:{DIGEST.upper()}"\nidentity: {{ agent: triage, team: support, labels: {{ env: prod }} }}\n'
        'expiresAt: "2027-01-31T12:00:00Z"\nallow: { routes: [main], models: "ollama:*" }\ntrustHeaders: [session]'
    )
    assert read(tmp_path, resource("ClientKey", "k", spec)).keys == {
        DIGEST: ClientKey(
            name="k",
            digest=DIGEST,
            agent="triage",
            team="support",
            labels={"env": "prod"},
            expires=1801396800.0,
            routes=("main",),
            models=("ollama:*",),
            trust_headers=("session",),
        )
    }


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("hash: abc", "E-TYPE"),
        ("identity: { agent: a }", "E-TYPE"),
        ("key: joch-0123", "E-SECRET-INLINE"),
        (f'hash: "sha256:{DIGEST}"\nexpiresAt: soon', "E-TYPE"),
        (f'hash: "sha256:{DIGEST}"\nidentty: {{}}', "E-UNKNOWN-FIELD"),
        ("secretRef: s", "E-NOT-YET"),
    ],
)
def test_a_key_that_cannot_be_used_is_an_error(tmp_path: Path, spec: str, code: str) -> None:
    assert code in [problem.code for problem in problems(tmp_path, ROUTE + resource("ClientKey", "k", spec))]


def test_two_keys_of_one_digest_are_an_error(tmp_path: Path) -> None:
    text = "".join(resource("ClientKey", name, f'hash: "sha256:{DIGEST}"') for name in ("k", "l"))
    assert told(tmp_path, ROUTE + text) == [("E-DUP-RESOURCE", "spec.hash")]


def test_keys_are_asked_for_where_there_are_any_unless_it_is_written_otherwise(tmp_path: Path) -> None:
    key = resource("ClientKey", "k", f'hash: "sha256:{DIGEST}"')
    assert read(tmp_path, "").settings.auth_mode == "open"
    assert read(tmp_path, key).settings.auth_mode == "keys"
    assert read(tmp_path, key + settings("{ auth: { mode: open } }")).settings.auth_mode == "open"
    assert read(tmp_path, settings("{ auth: { mode: keys } }")).settings.auth_mode == "keys"


def test_an_address_others_can_reach_needs_keys_or_the_operators_word(tmp_path: Path) -> None:
    everywhere = settings("{ listen: { address: 0.0.0.0 } }")
    assert told(tmp_path, ROUTE + everywhere) == [("E-OPEN-BIND", "spec.listen.address")]
    assert read(tmp_path, everywhere + resource("ClientKey", "k", f'hash: "sha256:{DIGEST}"')).settings.port == 8083


def test_an_agent_has_a_route_and_fields_of_the_larger_system_are_passed_over(tmp_path: Path) -> None:
    spec = (
        'modelRoute: { routeRef: main, mode: default }\nmodelPolicy: { allowed: ["ollama:*"] }\nmemory: { anything: 1 }'
    )
    agents = read(tmp_path, resource("Agent", "triage", spec, "team-a")).agents
    assert agents == {
        "team-a/triage": Agent(
            name="triage", namespace="team-a", route="main", force_route=False, allowed=("ollama:*",)
        )
    }


def test_an_agent_of_a_route_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    problem = only(tmp_path, ROUTE + resource("Agent", "x", "modelRoute: { routeRef: mian }"))
    assert (problem.code, problem.path) == ("E-REF", "spec.modelRoute.routeRef")


def test_limits_of_an_agent_that_are_not_kept_yet_are_said(tmp_path: Path) -> None:
    text = ROUTE + resource("Agent", "x", "budgets: { tokenLimitPerRun: 5 }")
    assert told(tmp_path, text) == [("W-UNENFORCED", "spec.budgets.tokenLimitPerRun")]


def test_teams_and_environments(tmp_path: Path) -> None:
    text = resource("Team", "support", "namespaces: [team-a]\nmodelPolicy: { allowed: [a] }")
    text += resource(
        "Environment", "prod", "region: eu\ncompliance: { dataResidency: eu }\ndefaults: { modelRouteRef: main }"
    )
    found = read(tmp_path, text)
    assert found.teams == {"support": Team(name="support", namespaces=("team-a",), allowed=("ollama:a",))}
    assert found.environments == {"prod": Environment(name="prod", region="eu", residency="EU", route="main")}


def test_tools_keep_their_order_and_may_be_globs(tmp_path: Path) -> None:
    text = resource("Tool", "send_email", "sideEffects: { level: communication }")
    text += resource("Tool", "Zendesk.*", "sideEffects: { level: read_only, idempotent: true }").replace(
        "name: Zendesk.*", 'name: "Zendesk.*"'
    )
    assert read(tmp_path, text).tools == (
        Tool(pattern="send_email", level="communication"),
        Tool(pattern="Zendesk.*", level="read_only", idempotent=True),
    )


def test_a_level_nobody_knows_counts_as_an_effect_and_is_said(tmp_path: Path) -> None:
    text = ROUTE + resource("Tool", "x", "sideEffects: { level: odd }")
    assert told(tmp_path, text) == [("W-EFFECT-UNKNOWN", "spec.sideEffects.level")]
    assert told(tmp_path, text.replace("odd", "unknown")) == [], "it says what leaving the record out says"


@pytest.mark.parametrize("word", ["read-only", "7", "Read_only"])
def test_a_level_that_is_no_word_is_an_error_with_a_hint(tmp_path: Path, word: str) -> None:
    problem = only(tmp_path, ROUTE + resource("Tool", "x", f"sideEffects: {{ level: {word} }}"))
    assert (problem.code, problem.path) == ("E-TYPE", "spec.sideEffects.level")
    assert "read_only" in (problem.hint or "")


ALLOWING = [
    ("Agent", "modelPolicy", "modelPolicy: {{ allowed: {} }}"),
    ("Team", "modelPolicy", "modelPolicy: {{ allowed: {} }}"),
    ("Environment", "modelPolicy", "modelPolicy: {{ allowed: {} }}"),
    ("ClientKey", "allow", f'hash: "sha256:{DIGEST}"\nallow: {{{{ models: {{}} }}}}'),
]


def allowed_by(snapshot: Snapshot, kind: str) -> tuple[str, ...] | None:
    match kind:
        case "Agent":
            return snapshot.agents["x"].allowed
        case "Team":
            return snapshot.teams["x"].allowed
        case "Environment":
            return snapshot.environments["x"].allowed
        case _:
            return snapshot.keys[DIGEST].models


@pytest.mark.parametrize(("kind", "_", "spec"), ALLOWING)
def test_a_model_that_is_allowed_by_name_is_kept_by_its_ref_and_globs_as_written(
    tmp_path: Path, kind: str, _: str, spec: str
) -> None:
    text = model("b", "provider: openai\nmodel: gpt-9") + resource(
        kind, "x", spec.format('[a, gpt-9, "ollama:*", "openai:gpt-4o-mini"]')
    )
    found = allowed_by(read(tmp_path, text), kind)
    assert found == ("ollama:a", "openai:b", "ollama:*", "openai:gpt-4o-mini")


@pytest.mark.parametrize(("kind", "member", "spec"), ALLOWING)
def test_a_model_that_is_allowed_and_not_there_is_an_error_with_the_nearest(
    tmp_path: Path, kind: str, member: str, spec: str
) -> None:
    models = ROUTE + model("qwen3", "provider: ollama")
    problem = only(tmp_path, models + resource(kind, "x", spec.format('["ollama:*", qwen]')))
    assert (problem.code, problem.hint) == ("E-REF", "did you mean qwen3?")
    assert problem.path in (f"spec.{member}.allowed[1]", f"spec.{member}.models[1]")
    declared_only = models + settings("implicitModels: off")
    problem = only(tmp_path, declared_only + resource(kind, "x", spec.format('["ollama:*", "ollama:qwen"]')))
    assert (problem.code, problem.hint) == ("E-REF", "did you mean ollama:qwen3?")


def test_an_id_of_two_models_must_say_which_is_allowed(tmp_path: Path) -> None:
    text = "".join(model(name, "provider: ollama\nmodel: q") for name in "bc")
    problem = only(tmp_path, ROUTE + text + resource("Agent", "x", "modelPolicy: { allowed: [q] }"))
    assert (problem.code, problem.hint) == ("E-REF-AMBIGUOUS", "write one of: ollama:b, ollama:c")


@pytest.mark.parametrize("written", ["[]", '["a*"]', '["olama:*"]'])
@pytest.mark.parametrize(("kind", "_", "spec"), ALLOWING)
def test_a_list_that_allows_no_model_is_said(tmp_path: Path, kind: str, _: str, spec: str, written: str) -> None:
    problem = only(tmp_path, ROUTE + resource(kind, "x", spec.format(written)))
    assert (problem.code, problem.resource) == ("W-SELECTOR-EMPTY", f"{kind}/default/x")
    assert problem.hint


@pytest.mark.parametrize("glob", ["open*", "openai:gpt-*", "*", "*:gpt-4o", "[no]*"])
def test_a_glob_may_be_of_models_that_nobody_declared(tmp_path: Path, glob: str) -> None:
    text = ROUTE + model("b") + resource("Agent", "x", f'modelPolicy: {{ allowed: ["{glob}"] }}')
    assert told(tmp_path, text) == []


def test_what_a_broken_model_would_have_been_is_not_missed(tmp_path: Path) -> None:
    text = model("m", "provider: vllm\napi: none") + ROUTE
    text += resource("Agent", "x", 'modelPolicy: { allowed: ["vllm:*"] }')
    text += resource("Agent", "y", "modelPolicy: { allowed: [m] }")
    assert told(tmp_path, text) == [("E-ENUM", "spec.api")]


def test_a_route_that_a_key_allows_by_name_is_kept_by_its_key(tmp_path: Path) -> None:
    text = resource("ModelRoute", "r", "strategy: { primary: a }", "team")
    text += resource("ClientKey", "k", f'hash: "sha256:{DIGEST}"\nallow: {{ routes: [r, main, "x-*"] }}', "team")
    assert read(tmp_path, text).keys[DIGEST].routes == ("team/r", "main", "x-*")


@pytest.mark.parametrize(
    ("written", "code", "path", "hint"),
    [
        ("[main, mian]", "E-REF", "[1]", "did you mean main?"),
        ('["x-*"]', "W-SELECTOR-EMPTY", "", None),
        ("[]", "W-SELECTOR-EMPTY", "", None),
    ],
)
def test_a_route_that_a_key_allows_and_that_is_not_there_is_said(
    tmp_path: Path, written: str, code: str, path: str, hint: str | None
) -> None:
    spec = f'hash: "sha256:{DIGEST}"\nallow: {{ routes: {written} }}'
    problem = only(tmp_path, ROUTE + resource("ClientKey", "k", spec))
    assert (problem.code, problem.path) == (code, f"spec.allow.routes{path}")
    assert problem.hint == hint if hint else problem.hint


def test_what_a_broken_route_would_have_been_is_not_missed(tmp_path: Path) -> None:
    text = ROUTE + route("r", "strategy: { primary: a }\nstrict: often")
    text += resource("ClientKey", "k", f'hash: "sha256:{DIGEST}"\nallow: {{ routes: [r] }}')
    text += resource("ClientKey", "l", f'hash: "sha256:{"cd" * 32}"\nallow: {{ routes: ["r*"] }}')
    assert told(tmp_path, text) == [("E-ENUM", "spec.strict")]


def test_an_agent_that_may_use_nothing_of_its_route_is_said(tmp_path: Path) -> None:
    text = ROUTE + model("b") + resource("Agent", "x", "modelRoute: { routeRef: main }\nmodelPolicy: { allowed: [b] }")
    problem = only(tmp_path, text)
    assert (problem.code, problem.path) == ("W-ROUTE-UNSATISFIABLE", "spec.modelPolicy.allowed")
    assert "ollama:a" in problem.message
    assert told(tmp_path, text.replace("allowed: [b]", "allowed: [b, a]")) == []


@pytest.mark.parametrize(
    ("written", "expired"),
    [("2026-11-24", True), ("2026-11-25", True), ("2026-11-25T00:00:01Z", False), ("2026-11-26", False)],
)
def test_a_key_that_has_expired_is_said(tmp_path: Path, written: str, expired: bool) -> None:
    text = ROUTE + resource("ClientKey", "k", f'hash: "sha256:{DIGEST}"\nexpiresAt: "{written}"')
    assert told(tmp_path, text) == ([("W-KEY-EXPIRED", "spec.expiresAt")] if expired else [])


def test_a_router_that_asks_for_keys_and_has_none_is_said(tmp_path: Path) -> None:
    asking = ROUTE + settings("{ auth: { mode: keys } }")
    problem = only(tmp_path, asking)
    assert (problem.code, problem.path) == ("W-KEY-MISSING", "spec.auth.mode")
    assert "joch keys create" in (problem.hint or "")
    assert told(tmp_path, asking + resource("ClientKey", "k", f'hash: "sha256:{DIGEST}"')) == []
    broken = asking + resource("ClientKey", "k", "hash: abc")
    assert [code for code, _ in told(tmp_path, broken)] == ["E-TYPE"], "there is one, and what is wrong with it is said"


GUARDED = model("a", "provider: ollama") + route(
    "r", "strategy: { primary: a }\naccess: { agents: { matchLabels: { tier: gold, team: x } } }"
)
LABELLED = (
    "apiVersion: joch.dev/v1alpha1\nkind: Agent\nmetadata: {{ name: {}, labels: {} }}\nspec: {{}}\n---\n"  # a template
)


def labelled_key(spec: str) -> str:
    return resource("ClientKey", "k", f'hash: "sha256:{DIGEST}"\nidentity: {spec}')


@pytest.mark.parametrize(
    ("callers", "met"),
    [
        ("", False),
        (LABELLED.format("x", "{ tier: gold }"), False),
        (LABELLED.format("x", "{ tier: gold, team: x, more: y }"), True),
        (labelled_key("{ labels: { tier: gold, team: x } }"), True),
        (LABELLED.format("x", "{ tier: gold }") + labelled_key("{ labels: { team: x } }"), True),
        (LABELLED.format("x", "{ tier: gold }") + labelled_key("{ agent: x, labels: { team: x } }"), True),
        (LABELLED.format("x", "{ tier: gold }") + labelled_key("{ agent: y, labels: { team: x } }"), False),
        (LABELLED.format("x", "{ tier: gold, team: x }") + labelled_key("{ labels: { team: y } }"), True),
    ],
)
def test_a_selector_that_matches_no_agent_is_said(tmp_path: Path, callers: str, met: bool) -> None:
    found = problems(tmp_path, GUARDED + callers)
    assert [(problem.code, problem.path, problem.message) for problem in found] == (
        [] if met else [("W-SELECTOR-EMPTY", "spec.access.agents", "selector matches no agents")]
    )
    assert met or "tier: gold, team: x" in (found[0].hint or "")


def test_an_agent_that_is_broken_may_be_the_one_a_selector_means(tmp_path: Path) -> None:
    text = GUARDED + LABELLED.format("x", "{ tier: gold, team: x }").replace("spec: {}", "spec: { budgets: 1 }")
    assert told(tmp_path, text) == [("E-TYPE", "spec.budgets")]


@pytest.mark.parametrize("kind", ["Team", "Environment"])
def test_two_of_a_name_in_two_namespaces_are_an_error(tmp_path: Path, kind: str) -> None:
    text = ROUTE + resource(kind, "x", "{}") + resource(kind, "x", "{}", "other")
    assert told(tmp_path, text) == [("E-DUP-RESOURCE", "metadata.name")]
