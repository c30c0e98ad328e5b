"""The plan: which candidates stand, in which order, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.resources import Model, RouteEntry, Snapshot
from proxy.routing import Plan, plan
from proxy.routing.rests import Rest
from tests.support.snapshots import model, route, snapshot
from translators.canonical import FLAGS, CapabilitySet, Need

BLIND = model("openai", "http://a", "blind", context_window=8_000)
SEEING = model("openai", "http://a", "seeing", context_window=200_000)
FLAGS_OF = {BLIND.ref: {"vision": False}, SEEING.ref: {}}


def capabilities_of(record: Model) -> CapabilitySet:
    flags = {**dict.fromkeys(FLAGS, True), **FLAGS_OF[record.ref]}
    return CapabilitySet(flags=flags, context_window=record.context_window)


def planned(
    needs: tuple[Need, ...] = (),
    rests: Mapping[str, Rest] | None = None,
    models: tuple[Model, ...] = (BLIND, SEEING),
    **route_fields: object,
) -> Plan:
    the_route = route("r", *(record.ref for record in models), **route_fields)
    records: Snapshot = snapshot(list(models), [the_route])
    return plan(records, the_route, needs, capabilities_of, lambda ref: (rests or {}).get(ref), now=100.0)


def refs(result: Plan) -> list[str]:
    return [candidate.model.ref for candidate in result.candidates]


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


def test_a_disabled_model_and_one_without_its_key_are_skipped() -> None:
    off = model("openai", "http://a", "blind", disabled=True)
    keyless = model("openai", "http://a", "seeing", secret=None, secret_problem="OPENAI_API_KEY is not set")
    result = planned(models=(off, keyless))
    assert refs(result) == []
    assert [(skip.gate, skip.detail) for skip in result.skips] == [
        ("disabled", "disabled in the configuration"),
        ("auth", "OPENAI_API_KEY is not set"),
    ]


def test_a_resting_candidate_gives_way_to_one_that_is_awake() -> None:
    result = planned(rests={BLIND.ref: Rest(105.0, told=False)})
    assert refs(result) == [SEEING.ref]
    assert result.skips[0].wait == 5.0


def test_a_guess_never_refuses_a_call_by_itself() -> None:
    rests = {BLIND.ref: Rest(109.0, told=False), SEEING.ref: Rest(103.0, told=False)}
    assert refs(planned(rests=rests)) == [SEEING.ref]


def test_a_wait_the_provider_named_is_kept() -> None:
    rests = {BLIND.ref: Rest(109.0, told=True), SEEING.ref: Rest(103.0, told=True)}
    result = planned(rests=rests)
    assert refs(result) == []
    assert [skip.wait for skip in result.skips] == [9.0, 3.0]


def test_parameters_of_the_entry_win_over_the_route_and_the_model() -> None:
    record = model("openai", "http://a", "seeing", default_parameters={"temperature": 0.1, "topP": 0.5, "seed": 1})
    the_route = route("r", parameters={"temperature": 0.2, "topP": 0.6})
    entry = RouteEntry(ref=record.ref, parameters={"temperature": 0.3})
    the_route = type(the_route)(name="r", entries=(entry,), parameters=the_route.parameters)
    result = plan(snapshot([record], [the_route]), the_route, (), capabilities_of, lambda _: None, 0.0)
    assert result.candidates[0].parameters == {"temperature": 0.3, "topP": 0.6, "seed": 1}
