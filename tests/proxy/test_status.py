"""How candidates are, as operators are told: by what the router decides by, without an address or a key."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from proxy.resources import Constraints, Failover, HealthSettings, Pricing
from proxy.routing import Health, Quotas
from proxy.status import Status
from tests.support.explanations import able
from tests.support.snapshots import KEY, key, model, route, snapshot

NOW = 1_000.0
SETTINGS = HealthSettings(consecutive_failures=1, open_seconds=30.0, max_open_seconds=30.0)


class Bindings:
    """In the place of the adapters: a model can do what its record says."""

    def of(self, record: Any) -> Any:
        class Binding:
            def capabilities(self) -> Any:
                return able(record)

        return Binding()


def installed() -> tuple[Any, Health, Status]:
    """a is well, b is down, c was told to wait, d is disabled, e has no key, f was never asked."""
    plain = {"base_url": "https://secret-host.example/v1"}
    models = [
        model("openai", name="a", pricing=Pricing(input=Decimal("1.25"), output=Decimal(10)), **plain),
        model("openai", name="b", regions=("us", "eu"), **plain),
        model("openai", name="c", region="eu", **plain),
        model("openai", name="d", disabled=True, secret=key(), **plain),
        model("openai", name="e", secret_problem="the variable X is not set", **plain),
        model("openai", name="f", flags={"toolCalling": False}, context_window=8_000, **plain),
    ]
    the_route = route(
        "r",
        *(record.ref for record in models),
        requirements={"toolCalling": True},
        context_window_min=1_000,
        constraints=Constraints(max_cost_per_call=Decimal(5), residency="EU"),
        failover=Failover(on_budget_exceeded=False),
    )
    made = snapshot(models, [the_route], aliases={"gpt": "r", "other": "elsewhere"})
    health = Health(SETTINGS, lambda: 0.5)
    for ref in ("openai:a", "openai:b", "openai:c"):
        ticket = health.began(ref, NOW - 1)
        if ref == "openai:a":
            health.succeeded(ref, NOW - 1, 0.5, 0.2, ticket)
        elif ref == "openai:b":
            health.failed(ref, NOW - 1, local=False, ticket=ticket)
        else:
            health.refused(ref, NOW - 1, 20.0, overloaded=False, ticket=ticket)
    bindings: Any = Bindings()
    return made, health, Status(bindings, health, Quotas(), lambda: NOW)


def test_every_model_has_its_state_and_figures() -> None:
    made, _, status = installed()
    rows = {row["ref"]: row for row in status.health(made)}
    assert {ref.partition(":")[2]: row["health"] for ref, row in rows.items()} == {
        "a": "Healthy",
        "b": "Unhealthy",
        "c": "RateLimited",
        "d": "Disabled",
        "e": "Disabled",
        "f": "Unknown",
    }
    well, down, waiting = rows["openai:a"], rows["openai:b"], rows["openai:c"]
    assert (well["p50Ms"], well["firstContentP50Ms"], well["samples"], well["errorRate"]) == (500.0, 200.0, 1, 0.0)
    assert (down["state"], down["untilSeconds"] > 0, down["errorRate"]) == ("open", True, 1.0)
    assert waiting["untilSeconds"] == 19.0
    assert rows["openai:e"]["detail"] == "the variable X is not set"


def test_no_address_and_no_key_is_told() -> None:
    made, _, status = installed()
    text = json.dumps([status.health(made), status.route(made, made.routes["r"])])
    assert "secret-host" not in text
    assert KEY not in text
    assert "test-provider-key" not in text


def test_the_metric_has_a_figure_for_each_model() -> None:
    made, _, status = installed()
    assert status.gauges(made)["openai:a",] == 3.0
    assert status.gauges(made)["openai:b",] == 1.0
    assert status.gauges(made)["openai:c",] == 1.0
    assert status.gauges(made)["openai:f",] == 0.0


def test_a_router_serves_while_one_usable_model_is_not_down() -> None:
    made, _, status = installed()
    assert status.serves(made)
    only_down = replace(made, models={ref: made.models[ref] for ref in ("openai:b", "openai:d", "openai:e")})
    assert not status.serves(only_down)
    assert status.condition("openai:b").name == "Unhealthy"


def test_a_route_is_told_with_what_it_demands_and_how_each_candidate_stands() -> None:
    made, _, status = installed()
    told = status.route(made, made.routes["r"])
    assert told["answersTo"] == ["r", "gpt"]
    assert told["requirements"] == ["toolCalling", "contextWindow >= 1000"]
    assert (told["constraints"]["maxCostUsdPerCall"], told["constraints"]["dataResidency"]) == (5.0, "EU")
    on, _, off = told["failover"].partition("   not: ")
    assert "error" in on.split()
    assert "budget" in off.split()
    verdicts = {row["ref"].partition(":")[2]: row["verdict"].partition(":")[0] for row in told["candidates"]}
    assert verdicts == {
        "a": "region",
        "b": "health",
        "c": "health",
        "d": "disabled",
        "e": "auth",
        "f": "requirement",
    }
    assert told["warnings"] == ["no candidate can be asked now"]
    first, second, third = told["candidates"][:3]
    assert (first["price"], second["price"]) == (["1.25", "10"], None)
    assert (second["regions"], third["regions"]) == (["us", "eu"], ["eu"])


def test_a_route_whose_candidates_can_be_asked_has_no_warning() -> None:
    made, _, status = installed()
    told = status.route(made, route("plain", "openai:a"))
    assert (told["warnings"], told["candidates"][0]["verdict"]) == ([], "ok")
