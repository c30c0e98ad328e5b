"""The plan: which candidates stand, in which order, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from proxy.resources import Constraints, Failover, Model, Pricing, Residency, RouteEntry, Snapshot
from proxy.routing import WELL, Condition, Moment, Plan, Size, Skip, Spent, Terms, again, plan, survey
from tests.support.snapshots import model, route, snapshot
from translators.canonical import FLAGS, CapabilitySet, Need

BLIND = model("openai", "http://a", "blind", context_window=8_000)
SEEING = model("openai", "http://a", "seeing", context_window=200_000)
NOW = 100.0


def capabilities_of(record: Model) -> CapabilitySet:
    flags = {**dict.fromkeys(FLAGS, True), "vision": record.name != "blind"}
    return CapabilitySet(flags=flags, context_window=record.context_window, max_output=record.max_output)


def moment(conditions: Mapping[str, Condition] | None = None, **fields: Any) -> Moment:
    return Moment(now=NOW, condition_of=lambda ref, now: (conditions or {}).get(ref, WELL), **fields)


def planned(
    needs: tuple[Need, ...] = (),
    conditions: Mapping[str, Condition] | None = None,
    models: tuple[Model, ...] = (BLIND, SEEING),
    *,
    entries: tuple[RouteEntry, ...] = (),
    terms: Mapping[str, Any] | None = None,
    now: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    **route_fields: Any,
) -> Plan:
    the_route = route("r", *(record.ref for record in models), **route_fields)
    if entries:
        the_route = type(the_route)(name="r", entries=entries, **route_fields)
    records: Snapshot = snapshot(list(models), [the_route], **(settings or {}))
    return plan(
        records, the_route, Terms(needs=needs, **(terms or {})), capabilities_of, moment(conditions, **(now or {}))
    )


def refs(result: Plan) -> list[str]:
    return [candidate.model.ref for candidate in result.candidates]


def gates(result: Plan) -> list[tuple[str, str]]:
    return [(skip.ref, skip.gate) for skip in result.skips]


def test_candidates_keep_the_order_of_the_route() -> None:
    assert refs(planned()) == [BLIND.ref, SEEING.ref]


def test_a_candidate_that_lacks_a_need_is_skipped_with_the_place_that_asks_for_it() -> None:
    result = planned((Need("vision", "messages[0].content[1]"),))
    assert refs(result) == [SEEING.ref]
    (skip,) = result.skips
    assert (skip.ref, skip.gate, skip.missing) == (BLIND.ref, "request", ("vision",))
    assert "messages[0].content[1]" in skip.detail


def test_the_index_is_the_place_in_the_route_not_in_what_is_left() -> None:
    assert planned((Need("vision", "x"),)).candidates[0].index == 1


def test_a_requirement_of_the_route_binds_even_when_the_request_has_no_need() -> None:
    assert refs(planned(requirements={"vision": True})) == [SEEING.ref]
    assert refs(planned(context_window_min=100_000)) == [SEEING.ref]
    here = model("openai", "http://a", "here", regions=("EU-west",))
    assert refs(planned(models=(SEEING, here), required_regions=("eu-west",))) == [here.ref]


def test_a_disabled_model_and_one_without_its_key_are_skipped() -> None:
    off = model("openai", "http://a", "blind", disabled=True)
    keyless = model("openai", "http://a", "seeing", secret=None, secret_problem="OPENAI_API_KEY is not set")
    result = planned(models=(off, keyless))
    assert refs(result) == []
    assert [(skip.gate, skip.detail) for skip in result.skips] == [
        ("disabled", "disabled in the configuration"),
        ("auth", "OPENAI_API_KEY is not set"),
    ]


def test_what_the_caller_may_not_use_is_skipped() -> None:
    result = planned(terms={"allowed": (("openai:*",), ("*:seeing",))})
    assert (refs(result), gates(result)) == ([SEEING.ref], [(BLIND.ref, "access")])


def test_providers_that_the_route_denies_or_does_not_allow_are_skipped() -> None:
    other = model("anthropic", "http://b", "other")
    for limits in (Constraints(deny=("open*",)), Constraints(allow=("anthropic",))):
        result = planned(models=(SEEING, other), constraints=limits)
        assert (refs(result), gates(result)) == ([other.ref], [(SEEING.ref, "provider")]), limits


# --- residency and zones -----------------------------------------------------------------------------------------------

US = model("openai", "https://api.openai.com/v1", "us", regions=("us",))
EU = model("anthropic", "https://eu.example", "eu", regions=("eu",))
HOME = model("ollama", "http://127.0.0.1:11434", "home", regions=("on-prem",), zone="device")


def test_only_candidates_inside_the_residency_are_left() -> None:
    result = planned(models=(US, EU), constraints=Constraints(residency="EU"))
    assert (refs(result), gates(result)) == ([EU.ref], [(US.ref, "region")])
    assert result.candidates[0].region == "eu"


def test_a_code_of_the_caller_binds_like_one_of_the_route_and_both_must_hold() -> None:
    assert refs(planned(models=(US, EU), terms={"residency": ("EU",)})) == [EU.ref]
    assert refs(planned(models=(US, EU), terms={"residency": ("EU",)}, constraints=Constraints(residency="US"))) == []


def test_a_local_model_is_where_the_router_is() -> None:
    far, near = Residency(locality="us-east"), Residency(locality="eu-central")
    for residency, left in ((far, []), (near, [HOME.ref])):
        result = planned(models=(HOME,), constraints=Constraints(residency="EU"), settings={"residency": residency})
        assert refs(result) == left


def test_nothing_travels_farther_than_to_the_primary_unless_the_route_says_so() -> None:
    result = planned(models=(HOME, US))
    assert (refs(result), gates(result)) == ([HOME.ref], [(US.ref, "zone")])
    assert refs(planned(models=(HOME, US), constraints=Constraints(max_zone="vendor"))) == [HOME.ref, US.ref]
    assert refs(planned(models=(US, HOME))) == [US.ref, HOME.ref]
    assert refs(planned(models=(US, HOME), constraints=Constraints(max_zone="network"))) == [HOME.ref]


# --- size --------------------------------------------------------------------------------------------------------------


def test_a_prompt_that_fits_no_window_is_skipped_with_both_figures() -> None:
    result = planned(now={"size": Size(least=7_000, most=7_700, output=2_000, method="size")})
    assert refs(result) == [SEEING.ref]
    (skip,) = result.skips
    assert (skip.gate, skip.missing) == ("request", ("contextWindow",))
    assert (skip.evidence["have"], skip.evidence["need"]) == (8_000, 9_000)


def test_more_output_than_a_model_gives_is_skipped() -> None:
    short = model("openai", "http://a", "short", max_output=4_000)
    result = planned(models=(short, SEEING), now={"size": Size(output=4_001)})
    assert [(skip.ref, skip.missing) for skip in result.skips] == [(short.ref, ("maxOutput",))]
    assert refs(planned(models=(short, SEEING), now={"size": Size(output=4_000)})) == [short.ref, SEEING.ref]


# --- health ------------------------------------------------------------------------------------------------------------

OPEN = Condition("open", until=105.0, since=98.0, admits=False, spare=True, cause="5 failures in a row")


def test_an_open_candidate_is_the_last_resort_behind_one_that_is_well() -> None:
    result = planned(conditions={BLIND.ref: OPEN})
    assert (refs(result), gates(result)) == ([SEEING.ref, BLIND.ref], [(BLIND.ref, "health")])
    result = planned(conditions={BLIND.ref: OPEN}, failover=Failover(last_resort=False))
    assert (refs(result), gates(result)) == ([SEEING.ref], [(BLIND.ref, "health")])


def test_a_rest_that_the_provider_named_is_kept_to_even_when_nobody_is_left() -> None:
    told = Condition("resting", until=NOW + 20, told=True, since=90.0, admits=False)
    result = planned(conditions={BLIND.ref: told, SEEING.ref: told})
    assert refs(result) == []
    assert [skip.wait for skip in result.skips] == [20.0, 20.0]


def test_a_guess_never_refuses_a_call_by_itself_and_the_longest_open_one_is_used() -> None:
    later = Condition("open", until=109.0, since=99.0, admits=False, spare=True)
    result = planned(conditions={BLIND.ref: later, SEEING.ref: OPEN})
    assert (refs(result), gates(result)) == ([SEEING.ref], [(BLIND.ref, "health")])


def test_without_last_resort_a_guess_does_refuse() -> None:
    result = planned(conditions={BLIND.ref: OPEN, SEEING.ref: OPEN}, failover=Failover(last_resort=False))
    assert refs(result) == []


def test_without_a_place_of_the_panic_rule_nobody_is_asked() -> None:
    full = Condition("open", until=105.0, since=98.0, admits=False)
    assert refs(planned(conditions={BLIND.ref: full, SEEING.ref: full})) == []


def test_a_half_open_candidate_takes_one_call_as_its_probe_and_no_second() -> None:
    free, taken = Condition("half_open", admits=True), Condition("half_open", admits=False)
    assert refs(planned(conditions={BLIND.ref: free})) == [BLIND.ref, SEEING.ref]
    assert refs(planned(conditions={BLIND.ref: taken})) == [SEEING.ref]


def test_a_degraded_candidate_stands_behind_those_that_are_well() -> None:
    degraded = {BLIND.ref: Condition("degraded", error_rate=0.3)}
    assert refs(planned(conditions=degraded)) == [SEEING.ref, BLIND.ref]
    assert refs(planned(conditions=degraded, failover=Failover(on_health_degraded=False))) == [BLIND.ref, SEEING.ref]


def test_health_is_not_looked_at_where_the_route_says_so() -> None:
    assert refs(planned(conditions={BLIND.ref: OPEN}, failover=Failover(on_health_degraded=False))) == [
        BLIND.ref,
        SEEING.ref,
    ]


def test_a_slow_candidate_is_dropped_while_another_remains() -> None:
    slow, quick = Condition("healthy", p95=3.0), Condition("healthy", p95=1.0)
    limits = Constraints(max_latency=2.0)
    result = planned(conditions={BLIND.ref: slow, SEEING.ref: quick}, constraints=limits)
    assert (refs(result), gates(result)) == ([SEEING.ref], [(BLIND.ref, "health")])
    assert refs(planned(conditions={BLIND.ref: slow, SEEING.ref: slow}, constraints=limits)) == [BLIND.ref, SEEING.ref]


# --- limits and money --------------------------------------------------------------------------------------------------

PRICE = Pricing(input=Decimal(10), output=Decimal(30))
DEAR = model("openai", "http://a", "dear", pricing=PRICE)
CHEAP = model("openai", "http://a", "cheap", pricing=Pricing(input=Decimal(1), output=Decimal(2)))
SIZE = Size(least=1_000, most=1_000, reserve=1_000)


def test_a_models_own_limit_passes_it_over_with_the_wait() -> None:
    wait = {"wait_of": lambda record, tokens: 3.0 if record is BLIND and tokens == 2_000 else 0.0, "size": SIZE}
    limited = model("openai", "http://a", "blind", requests_per_minute=1)
    wait["wait_of"] = lambda record, tokens: 3.0 if record is limited and tokens == 2_000 else 0.0
    result = planned(models=(limited, SEEING), now=wait)
    assert (refs(result), result.skips[0].gate, result.skips[0].wait) == ([SEEING.ref], "limit", 3.0)


def test_a_candidate_too_dear_for_what_is_left_gives_way_to_one_that_fits() -> None:
    spent = Spent(execution=Decimal("0.95"), held=Decimal("0.02"))
    limits = Constraints(max_cost_per_execution=Decimal(1))
    result = planned(models=(DEAR, CHEAP), constraints=limits, now={"size": SIZE, "spent": spent})
    assert (refs(result), gates(result)) == ([CHEAP.ref], [(DEAR.ref, "budget")])
    assert result.candidates[0].estimate == Decimal("0.003")
    assert result.skips[0].evidence["estimate"] == Decimal("0.04")
    assert (result.skips[0].evidence["spent"], result.skips[0].evidence["held"]) == (Decimal("0.95"), Decimal("0.02"))
    assert "0.97 of 1 are spent or held" in result.skips[0].detail


def test_the_limit_itself_may_be_reached() -> None:
    limits = Constraints(max_cost_per_execution=Decimal("0.04"), max_cost_per_call=Decimal("0.04"))
    assert refs(planned(models=(DEAR,), constraints=limits, now={"size": SIZE})) == [DEAR.ref]
    over = Constraints(max_cost_per_call=Decimal("0.039999"))
    assert refs(planned(models=(DEAR,), constraints=over, now={"size": SIZE})) == []


def test_what_the_call_itself_has_spent_counts_towards_its_own_limit() -> None:
    limits = Constraints(max_cost_per_call=Decimal("0.05"))
    spent = Spent(call=Decimal("0.02"))
    assert refs(planned(models=(DEAR, CHEAP), constraints=limits, now={"size": SIZE, "spent": spent})) == [CHEAP.ref]


def test_an_unknown_price_fits_under_no_limit_unless_that_is_allowed() -> None:
    unknown = model("openai", "http://a", "unknown")
    limits = Constraints(max_cost_per_call=Decimal(1))
    result = planned(models=(unknown, CHEAP), constraints=limits, now={"size": SIZE})
    assert (refs(result), gates(result)) == ([CHEAP.ref], [(unknown.ref, "budget")])
    allowed = planned(models=(unknown, CHEAP), constraints=limits, now={"size": SIZE, "unknown_cost": "allow"})
    assert refs(allowed) == [unknown.ref, CHEAP.ref]


def test_calls_and_tokens_of_an_execution_are_limited_too() -> None:
    calls = Constraints(max_calls_per_execution=3)
    assert refs(planned(models=(CHEAP,), constraints=calls, now={"spent": Spent(calls=2)})) == [CHEAP.ref]
    assert refs(planned(models=(CHEAP,), constraints=calls, now={"spent": Spent(calls=3)})) == []
    assert refs(planned(models=(CHEAP,), constraints=calls, now={"spent": Spent(calls=3), "counted": True})) == [
        CHEAP.ref
    ]
    tokens = Constraints(max_tokens_per_execution=5_000)
    assert refs(planned(models=(CHEAP,), constraints=tokens, now={"spent": Spent(tokens=3_000), "size": SIZE}))
    assert not refs(planned(models=(CHEAP,), constraints=tokens, now={"spent": Spent(tokens=3_001), "size": SIZE}))


# --- flags of the route ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flag", "fields"),
    [
        ("on_capability_mismatch", {"needs": (Need("vision", "x"),)}),
        ("on_region_mismatch", {"models": (US, EU), "constraints": Constraints(residency="EU")}),
        (
            "on_budget_exceeded",
            {
                "models": (DEAR, CHEAP),
                "constraints": Constraints(max_cost_per_call=Decimal("0.01")),
                "now": {"size": SIZE},
            },
        ),
        (
            "on_rate_limited",
            {"now": {"wait_of": lambda record, tokens: 9.0 if record is BLIND else 0.0}},
        ),
    ],
)
def test_a_reason_that_is_off_ends_the_call_at_the_candidate_it_befell(flag: str, fields: dict[str, Any]) -> None:
    on = planned(**fields)
    assert len(on.candidates) == 1
    assert on.ended is None
    off = planned(**fields, failover=Failover(**{flag: False}))
    assert refs(off) == []
    assert off.ended is not None
    assert off.ended.index == 0


def test_candidates_before_the_one_that_ends_the_call_are_tried() -> None:
    models = (SEEING, BLIND, model("openai", "http://a", "third"))
    result = planned((Need("vision", "x"),), models=models, failover=Failover(on_capability_mismatch=False))
    assert refs(result) == [SEEING.ref]


# --- the order ---------------------------------------------------------------------------------------------------------


def balanced(*weights: int) -> tuple[tuple[Model, ...], tuple[RouteEntry, ...]]:
    models = tuple(model("openai", "http://a", f"m{index}") for index in range(len(weights)))
    entries = tuple(RouteEntry(ref=m.ref, step=0, weight=w) for m, w in zip(models, weights, strict=True))
    return models, entries


def test_a_balanced_step_comes_first_as_often_as_its_weights_say() -> None:
    models, entries = balanced(7, 2, 1)
    orders = [refs(planned(models=models, entries=entries, now={"draw": n / 1000})) for n in range(1000)]
    firsts = Counter(order[0] for order in orders)
    assert [firsts[m.ref] for m in models] == [700, 200, 100]
    seconds = Counter(order[1] for order in orders if order[0] == models[0].ref)
    assert seconds[models[1].ref] == pytest.approx(2 * seconds[models[2].ref], rel=0.05)
    assert all(sorted(order) == sorted(m.ref for m in models) for order in orders)


def test_a_warm_candidate_comes_first_in_its_step_and_only_there() -> None:
    models, entries = balanced(1, 1)
    for draw in (0.0, 0.99):
        assert refs(planned(models=models, entries=entries, now={"draw": draw, "warm": models[1].ref}))[0] == (
            models[1].ref
        )
    unwell = {models[1].ref: Condition("degraded")}
    assert refs(planned(models=models, entries=entries, conditions=unwell, now={"warm": models[1].ref}))[0] == (
        models[0].ref
    )
    steps = tuple(RouteEntry(ref=m.ref, step=n) for n, m in enumerate(models))
    assert refs(planned(models=models, entries=steps, now={"warm": models[1].ref}))[0] == models[0].ref


def test_by_latency_the_quicker_one_of_a_step_comes_first_and_the_unknown_before_it() -> None:
    models = tuple(model("openai", "http://a", name) for name in "abc")
    entries = tuple(RouteEntry(ref=m.ref, step=0) for m in models)
    conditions = {models[0].ref: Condition("healthy", first_p50=0.9), models[1].ref: Condition("healthy", p50=0.4)}
    result = planned(models=models, entries=entries, conditions=conditions, order="latency")
    assert refs(result) == [models[2].ref, models[1].ref, models[0].ref]


# --- later attempts ----------------------------------------------------------------------------------------------------


def test_what_changed_since_the_plan_is_seen_before_a_later_attempt() -> None:
    the_route = route("r", BLIND.ref, SEEING.ref)
    records = snapshot([BLIND, SEEING], [the_route])
    surveyed = survey(records, the_route, Terms(needs=()), capabilities_of)
    candidate = plan(records, the_route, Terms(needs=()), capabilities_of, moment()).candidates[1]
    assert again(surveyed, candidate, moment()) is None
    skip = again(surveyed, candidate, moment({SEEING.ref: OPEN}))
    assert isinstance(skip, Skip)
    assert skip.gate == "health"


def test_a_last_resort_is_asked_as_long_as_it_has_a_place_and_nothing_else_speaks_against_it() -> None:
    the_route = route("r", BLIND.ref, SEEING.ref)
    records = snapshot([BLIND, SEEING], [the_route])
    surveyed = survey(records, the_route, Terms(needs=()), capabilities_of)
    resort = plan(records, the_route, Terms(needs=()), capabilities_of, moment({BLIND.ref: OPEN})).candidates[1]
    full = Condition("open", until=105.0, since=98.0, admits=False)
    told = Condition("resting", until=NOW + 20, told=True, admits=False)
    for condition, asked in ((OPEN, True), (WELL, True), (full, False), (told, False)):
        skip = again(surveyed, resort, moment({BLIND.ref: condition}))
        assert (skip is None) is asked, condition
