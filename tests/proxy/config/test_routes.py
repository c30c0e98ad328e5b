from pathlib import Path

import pytest

from proxy.config.routes import why_dead
from proxy.resources import Model, ModelRoute

from .writing import loaded, model, only, problems, resource, route, settings, told

MODELS = model("a") + model("b", "provider: ollama")


def test_a_route_as_written_is_the_record_everything_runs_with(tmp_path: Path) -> None:
    spec = """\
description: Both.
aliases: [x, "y-*"]
requirements: { toolCalling: true, vision: false, contextWindowMin: 500, maxOutputTokensMin: 10 }
strategy:
  primary: { ref: a, parameters: { temperature: 1 }, timeouts: { firstByteMs: 5s } }
  fallback: [b]
  failover: { onError: false, maxAttempts: 2, onContentFilter: true }
parameters: { maxOutputTokens: 7 }
"""
    found = loaded(tmp_path, MODELS + route("r", spec)).snapshot.routes["r"]
    assert (found.description, found.aliases, found.parameters) == ("Both.", ("x", "y-*"), {"maxOutputTokens": 7})
    assert (found.context_window_min, found.max_output_min) == (500, 10)
    assert found.requirements == {"toolCalling": True, "vision": False}
    first, second = found.entries
    assert first.clocks is not None
    assert (first.parameters, first.clocks.first_byte, first.clocks.idle) == ({"temperature": 1.0}, 5.0, 60.0)
    assert (second.ref, second.clocks) == ("ollama:b", None)
    assert (found.failover.on_error, found.failover.on_rate_limited, found.failover.max_attempts) == (False, False, 2)
    assert (found.failover.on_content_filter, found.failover.declared) == (True, True)


def test_a_route_without_its_own_failover_takes_that_of_the_settings(tmp_path: Path) -> None:
    text = (
        settings("{ failover: { maxAttempts: 5, onRateLimited: false } }")
        + MODELS
        + route("r", "strategy: { primary: a }")
    )
    found = loaded(tmp_path, text).snapshot.routes["r"].failover
    assert (found.max_attempts, found.on_error, found.on_rate_limited, found.declared) == (5, True, False, False)


@pytest.mark.parametrize("spec", ["{}", "strategy: {}", "strategy: { fallback: [a] }", "strategy: { primary: null }"])
def test_a_route_needs_a_primary(tmp_path: Path, spec: str) -> None:
    assert told(tmp_path, MODELS + route("r", spec)) == [("E-ROUTE-EMPTY", "spec.strategy")]


def test_a_candidate_listed_twice_is_a_warning(tmp_path: Path) -> None:
    problem = only(tmp_path, MODELS + route("r", "strategy: { primary: a, fallback: [b, 'openai:a'] }"))
    assert (problem.code, problem.path) == ("W-CANDIDATE-TWICE", "spec.strategy.fallback[1]")


def test_dead_candidates_are_named_and_a_route_of_them_is_unsatisfiable(tmp_path: Path) -> None:
    text = model("a", "provider: openai\ncapabilities: { vision: true }") + model(
        "b", "provider: ollama\ndisabled: true"
    )
    text += route("r", "requirements: { toolCalling: true }\nstrategy: { primary: a, fallback: [b] }")
    found = [(problem.code, problem.message) for problem in problems(tmp_path, text)]
    assert sorted(found) == [
        ("W-CANDIDATE-DEAD", "ollama:b cannot serve: it is disabled"),
        ("W-CANDIDATE-DEAD", "openai:a cannot serve: it lacks toolCalling"),
        (
            "W-ROUTE-UNSATISFIABLE",
            "no candidate can serve this route (openai:a: it lacks toolCalling; ollama:b: it is disabled)",
        ),
    ]


@pytest.mark.parametrize(
    ("members", "dead"),
    [
        ({}, False),
        ({"flags": {"vision": True}}, True),
        ({"flags": {"toolCalling": True}}, False),
        ({"context_window": 99}, True),
        ({"context_window": 100}, False),
        ({"max_output": 9}, True),
        ({"secret_problem": "no key"}, True),
        ({"disabled": True}, True),
    ],
)
def test_only_what_is_known_kills_a_candidate(members: dict[str, object], dead: bool) -> None:
    wanted = ModelRoute(
        name="r",
        entries=(),
        requirements={"toolCalling": True, "text": True},
        context_window_min=100,
        max_output_min=10,
    )
    model_record = Model(name="m", provider="p", model="m", **members)
    assert bool(why_dead(model_record, wanted)) is dead


@pytest.mark.parametrize(
    ("constraint", "path"),
    [
        ("maxCostUsdPerExecution: 5", "maxCostUsdPerExecution"),
        ("maxCostUsdPerCall: 0.1", "maxCostUsdPerCall"),
        ("maxTokensPerExecution: 5", "maxTokensPerExecution"),
        ("maxCallsPerExecution: 5", "maxCallsPerExecution"),
        ("dataResidency: EU", "dataResidency"),
        ("providers: { allow: [ollama] }", "providers"),
    ],
)
def test_a_promise_that_is_not_kept_is_said(tmp_path: Path, constraint: str, path: str) -> None:
    text = MODELS + route("r", f"strategy: {{ primary: a }}\nconstraints: {{ {constraint} }}")
    assert told(tmp_path, text) == [("W-UNENFORCED", f"spec.constraints.{path}")]


def test_access_rules_are_not_enforced_and_say_so(tmp_path: Path) -> None:
    text = MODELS + route("r", "strategy: { primary: a }\naccess: { agents: { matchLabels: { a: b } }, teams: [x] }")
    assert told(tmp_path, text) == [("W-UNENFORCED", "spec.access.agents"), ("W-UNENFORCED", "spec.access.teams")]


def test_a_route_outside_default_is_called_by_its_namespace(tmp_path: Path) -> None:
    text = MODELS + resource("ModelRoute", "r", "strategy: { primary: a }", "team")
    found = loaded(tmp_path, text).snapshot.routes
    assert {key: (route.name, route.namespace) for key, route in found.items()} == {"team/r": ("team/r", "team")}
