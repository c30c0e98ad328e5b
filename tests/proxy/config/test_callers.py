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
    assert found.teams == {"support": Team(name="support", namespaces=("team-a",), allowed=("a",))}
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


@pytest.mark.parametrize("kind", ["Team", "Environment"])
def test_two_of_a_name_in_two_namespaces_are_an_error(tmp_path: Path, kind: str) -> None:
    text = ROUTE + resource(kind, "x", "{}") + resource(kind, "x", "{}", "other")
    assert told(tmp_path, text) == [("E-DUP-RESOURCE", "metadata.name")]
