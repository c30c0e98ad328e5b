from decimal import Decimal
from pathlib import Path

import pytest

from proxy.resources import Access, Constraints, Failover, Retry

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


LABELLED = (
    "apiVersion: joch.dev/v1alpha1\nkind: Model\nmetadata: {{ name: {name}, labels: {{ tier: {tier} }} }}\n"
    "spec: {{ provider: ollama, routing: {{ priority: {priority}, weight: {weight} }} }}\n---\n"
)


def test_what_a_route_may_spend_and_where_it_may_go(tmp_path: Path) -> None:
    limits = (
        "maxCostUsdPerExecution: 5, maxCostUsdPerCall: 0.1, maxTokensPerExecution: 50, maxCallsPerExecution: 7, "
        "dataResidency: eu, providers: { allow: [open*], deny: [ollama] }, maxZone: network, maxLatencyMs: 1500"
    )
    text = MODELS + route("r", f"strategy: {{ primary: a }}\nconstraints: {{ {limits} }}")
    assert loaded(tmp_path, text).snapshot.routes["r"].constraints == Constraints(
        max_cost_per_execution=Decimal(5),
        max_cost_per_call=Decimal("0.1"),
        max_tokens_per_execution=50,
        max_calls_per_execution=7,
        residency="EU",
        allow=("open*",),
        deny=("ollama",),
        max_zone="network",
        max_latency=1.5,
    )


def test_an_unknown_residency_code_is_an_error_that_names_the_known_ones(tmp_path: Path) -> None:
    problem = only(tmp_path, MODELS + route("r", "strategy: { primary: a }\nconstraints: { dataResidency: XX }"))
    assert (problem.code, problem.path) == ("E-RESIDENCY-CODE", "spec.constraints.dataResidency")
    assert "EU, US" in (problem.hint or "")


def test_a_balanced_step_shares_a_place_and_takes_its_weights_from_the_entry_or_the_model(tmp_path: Path) -> None:
    text = "".join(LABELLED.format(name=name, tier="x", priority=1, weight=4) for name in "xyz")
    text += route("r", "strategy: { primary: { balance: [x, { ref: y, weight: 2 }] }, fallback: [z] }")
    entries = loaded(tmp_path, text).snapshot.routes["r"].entries
    assert [(entry.ref, entry.step, entry.weight) for entry in entries] == [
        ("ollama:x", 0, 4),
        ("ollama:y", 0, 2),
        ("ollama:z", 1, None),
    ]


def test_a_selector_takes_all_that_have_the_labels_by_priority(tmp_path: Path) -> None:
    text = "".join(
        LABELLED.format(name=name, tier=tier, priority=priority, weight=1)
        for name, tier, priority in (("x", "low", 1), ("y", "low", 9), ("z", "high", 5))
    )
    text += route("r", "strategy: { primary: z, fallback: { selector: { matchLabels: { tier: low } } } }")
    entries = loaded(tmp_path, text).snapshot.routes["r"].entries
    assert [(entry.ref, entry.step) for entry in entries] == [("ollama:z", 0), ("ollama:y", 1), ("ollama:x", 1)]


def test_a_selector_that_finds_nothing_is_said_and_as_primary_refused(tmp_path: Path) -> None:
    nothing = "{ selector: { matchLabels: { tier: none } } }"
    assert told(tmp_path, MODELS + route("r", f"strategy: {{ primary: a, fallback: {nothing} }}")) == [
        ("W-SELECTOR-EMPTY", "spec.strategy.fallback[0].selector")
    ]
    codes = [code for code, _ in told(tmp_path, MODELS + route("r", f"strategy: {{ primary: {nothing} }}"))]
    assert "E-ROUTE-EMPTY" in codes


def test_how_a_route_retries_fails_over_sticks_and_sorts(tmp_path: Path) -> None:
    strategy = (
        "primary: a, stickySeconds: 0, order: latency, retry: { attempts: 2, backoffMs: 100 }, failover: { "
        "onBudgetExceeded: false, onRegionMismatch: false, onHealthDegraded: false, onAmbiguous: false, "
        "onSideEffects: block, lastResort: false }"
    )
    text = settings("{ retry: { maxBackoffMs: 9000 } }") + MODELS + route("r", f"strategy: {{ {strategy} }}")
    found = loaded(tmp_path, text).snapshot.routes["r"]
    assert (found.sticky_seconds, found.order) == (0.0, "latency")
    assert found.retry == Retry(attempts=2, backoff=0.1, max_backoff=9.0)
    assert found.failover == Failover(
        on_budget_exceeded=False,
        on_region_mismatch=False,
        on_health_degraded=False,
        on_ambiguous=False,
        on_side_effects="block",
        last_resort=False,
        declared=True,
    )


def test_who_may_name_a_route(tmp_path: Path) -> None:
    for written, access in (
        ("{ agents: { matchLabels: { a: b } }, teams: x }", Access(labels={"a": "b"}, teams=("x",))),
        ("{ agents: { selector: { matchLabels: { a: b } } } }", Access(labels={"a": "b"})),
        ("{ agents: [one, two] }", Access(agents=("one", "two"))),
    ):
        text = MODELS + route("r", f"strategy: {{ primary: a }}\naccess: {written}")
        assert loaded(tmp_path, text).snapshot.routes["r"].access == access


def test_a_candidate_beyond_the_primarys_zone_is_said_never_to_be_asked(tmp_path: Path) -> None:
    text = model("near", "provider: ollama") + model("far", "provider: openai")
    problem = only(tmp_path, text + route("r", "strategy: { primary: near, fallback: [far] }"))
    assert (problem.code, problem.path) == ("W-ZONE", "spec.strategy.fallback[0]")
    assert "maxZone: vendor" in (problem.hint or "")
    allowed = "strategy: { primary: near, fallback: [far] }\nconstraints: { maxZone: vendor }"
    assert told(tmp_path, text + route("r", allowed)) == []


UNPRICED = resource("Model", "new", "provider: generic-openai\nendpoint: { baseUrl: https://x }\nauth: {}")
UNSATISFIABLE = [
    pytest.param("requirements: { computerUse: true }", "it lacks computerUse", id="beyond the provider"),
    pytest.param("requirements: { contextWindowMin: 2000 }", "below 2000", id="window"),
    pytest.param("requirements: { regions: [eu] }", "none of the regions eu", id="regions"),
    pytest.param("constraints: { dataResidency: EU }", "us is outside EU", id="residency"),
    pytest.param("constraints: { maxZone: network }", "zone vendor", id="zone"),
    pytest.param("constraints: { providers: { allow: [ollama] } }", "allows", id="allow"),
    pytest.param('constraints: { providers: { deny: ["open*", vllm] } }', "denies", id="deny"),
    pytest.param("constraints: { maxCostUsdPerCall: 1 }", "price is unknown", id="price per call"),
    pytest.param("constraints: { maxCostUsdPerExecution: 1 }", "price is unknown", id="price per execution"),
]


@pytest.mark.parametrize(("wish", "reason"), UNSATISFIABLE)
def test_a_route_that_nobody_can_serve_is_said_with_each_reason(tmp_path: Path, wish: str, reason: str) -> None:
    placed = "limits: { contextWindowTokens: 1000 }\nrouting: { regions: [us] }\n"
    own = "provider: vllm\nendpoint: { baseUrl: https://x.example }\n"
    text = resource("Model", "p", own + placed) + resource("Model", "q", own + placed)
    text += route("r", f"strategy: {{ primary: p, fallback: [q] }}\n{wish}")
    found = [problem for problem in problems(tmp_path, text) if problem.resource == "ModelRoute/default/r"]
    last = [problem for problem in found if problem.code == "W-ROUTE-UNSATISFIABLE"]
    assert [(problem.path, problem.hint is None) for problem in last] == [("spec.strategy", False)]
    assert last[0].message.count(reason) == 2
    single = {(problem.code, problem.path, bool(problem.hint)) for problem in found} - {
        (last[0].code, last[0].path, True)
    }
    code = "W-ZONE" if "maxZone" in wish else "W-CANDIDATE-DEAD"
    assert single == {(code, "spec.strategy.primary", True), (code, "spec.strategy.fallback[0]", True)}


def test_a_route_of_models_without_a_key_or_switched_off_is_unsatisfiable(tmp_path: Path) -> None:
    text = model("a") + model("b", "provider: ollama\ndisabled: true")
    text += route("r", "strategy: { primary: a, fallback: [b] }")
    found = {problem.code: problem.message for problem in problems(tmp_path, text, {})}
    assert "OPENAI_API_KEY is not set; ollama:b: it is disabled" in found["W-ROUTE-UNSATISFIABLE"]


@pytest.mark.parametrize("unknown", ["allow", "catalog", "deny"])
def test_an_unknown_price_is_no_obstacle_where_it_is_allowed(tmp_path: Path, unknown: str) -> None:
    text = settings(f"{{ cost: {{ unknown: {unknown} }} }}") + UNPRICED
    text += route("r", "strategy: { primary: new }\nconstraints: { maxCostUsdPerCall: 1 }")
    codes = {code for code, _ in told(tmp_path, text)}
    assert ("W-ROUTE-UNSATISFIABLE" in codes) == (unknown != "allow")


def test_one_candidate_that_can_serve_is_enough(tmp_path: Path) -> None:
    text = model("us", "provider: openai\nrouting: { regions: [us] }")
    text += model("eu", "provider: vllm\nendpoint: { baseUrl: https://x, region: eu }")
    text += route("r", "strategy: { primary: us, fallback: [eu] }\nconstraints: { dataResidency: EU }")
    assert told(tmp_path, text) == [("W-CANDIDATE-DEAD", "spec.strategy.primary")]


@pytest.mark.parametrize(
    ("flag", "wish"),
    [
        ("onRegionMismatch", "constraints: { dataResidency: EU }"),
        ("onCapabilityMismatch", "requirements: { regions: [eu] }"),
        ("onBudgetExceeded", "constraints: { maxCostUsdPerCall: 1 }"),
    ],
)
def test_a_call_that_ends_at_a_dead_candidate_never_comes_to_the_next(tmp_path: Path, flag: str, wish: str) -> None:
    own = "provider: vllm\nendpoint: {{ baseUrl: https://x, region: {0} }}\nrouting: {{ regions: [{0}] }}"
    text = resource("Model", "p", own.format("us")) + model("q", own.format("eu"))
    ending = f"failover: {{ {flag}: false }}"
    dead_first = text + route("r", f"strategy: {{ primary: p, fallback: [q], {ending} }}\n{wish}")
    found = {problem.code: problem for problem in problems(tmp_path, dead_first) if "Route" in problem.resource}
    assert "no call comes so far" in found["W-ROUTE-UNSATISFIABLE"].message
    assert f"failover.{flag} is false" in found["W-CANDIDATE-DEAD"].message
    dead_last = text + route("r", f"strategy: {{ primary: q, fallback: [p], {ending} }}\n{wish}")
    assert "W-ROUTE-UNSATISFIABLE" not in {code for code, _ in told(tmp_path, dead_last)}


def test_a_route_outside_default_is_called_by_its_namespace(tmp_path: Path) -> None:
    text = MODELS + resource("ModelRoute", "r", "strategy: { primary: a }", "team")
    found = loaded(tmp_path, text).snapshot.routes
    assert {key: (route.name, route.namespace) for key, route in found.items()} == {"team/r": ("team/r", "team")}


@pytest.mark.parametrize(
    ("strategy", "path"),
    [
        ("balance: [{ balance: [a] }]", "balance[0].balance"),
        ("balance: [{ selector: { matchLabels: { x: y } } }]", "balance[0].selector"),
        ("balance: [a, b], timeouts: { firstByteMs: 1 }", "timeouts"),
        ("balance: [a, b], parameters: { seed: 1 }", "parameters"),
        ("balance: [a, b], weight: 2", "weight"),
    ],
)
def test_what_a_balance_cannot_say_is_an_error_with_a_hint(tmp_path: Path, strategy: str, path: str) -> None:
    problem = only(tmp_path, MODELS + route("r", f"strategy: {{ primary: {{ {strategy} }} }}"))
    assert (problem.code, problem.path) == ("E-TYPE", f"spec.strategy.primary.{path}")
    assert problem.hint


@pytest.mark.parametrize("verb", ["allow", "deny"])
def test_a_misspelt_provider_in_a_constraint_is_an_error(tmp_path: Path, verb: str) -> None:
    text = MODELS + route("r", f"strategy: {{ primary: a }}\nconstraints: {{ providers: {{ {verb}: [opnai] }} }}")
    problem = only(tmp_path, text)
    assert (problem.code, problem.path) == ("E-PROVIDER", f"spec.constraints.providers.{verb}[0]")
    assert problem.hint == "did you mean openai?"


@pytest.mark.parametrize("access", ["{}", "{ agents: [] }", "{ teams: [] }"])
def test_access_for_nobody_is_an_error(tmp_path: Path, access: str) -> None:
    problem = only(tmp_path, MODELS + route("r", f"strategy: {{ primary: a }}\naccess: {access}"))
    assert (problem.code, problem.path) == ("E-TYPE", "spec.access")
