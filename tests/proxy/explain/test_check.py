"""Whether a model could take over what an agent does: by its route, and by what its calls really used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from proxy.call import Result
from proxy.explain import report
from proxy.explain.check import Check, compatibility, result_of, word_for
from proxy.resources import Agent, Constraints, Environment, Pricing, Residency, Snapshot
from tests.support.explanations import able, explained, planned_call, tried
from tests.support.snapshots import model, route, snapshot
from translators.canonical import CapabilitySet, Need

NOWHERE = Residency()
PRICE = Pricing(input=Decimal(1000), output=Decimal(2000))


def target(**fields: Any) -> Any:
    return model("anthropic", "https://b.example", "b", **{"context_window": 1_000, **fields})


def called(*needs: str, environment: str | None = None) -> dict[str, Any]:
    """The explanation of a call of 12 + 100 tokens that needed these."""
    record = model("openai", "https://a.example/v1", "a")
    wanted = tuple(Need(name, "tools[0]") for name in needs)
    call = planned_call([record], route("r", record.ref), needs=wanted, environment=environment)
    (candidate,) = call.plan.candidates
    tried(call, candidate, Result("ok", http_status=200))
    return explained(call, served=candidate)


def checks(
    able_to: CapabilitySet | None = None,
    documents: Sequence[Any] = (),
    codes: Sequence[str] = (),
    record: Any = None,
    **of_route: Any,
) -> dict[str, Check]:
    record = record or target()
    found = compatibility(
        record, able_to or able(record), route("r", record.ref, **of_route), NOWHERE, codes, documents
    )
    return {each.id: each for each in found}


def test_what_the_route_demands_is_checked_without_any_call() -> None:
    blind = CapabilitySet(flags={"toolCalling": True})
    found = checks(blind, requirements={"toolCalling": True, "vision": True, "audio": False})
    assert (found["toolCalling"].level, found["vision"].level) == ("ok", "fail")
    assert "audio" not in found
    assert found["vision"].evidence == {"source": "route"}


def test_what_calls_used_is_checked_with_how_many_of_them_did() -> None:
    documents = [called("toolCalling"), called("toolCalling", "vision"), called()]
    found = checks(CapabilitySet(flags={"vision": True}), documents)
    assert (found["toolCalling"].level, found["toolCalling"].evidence) == ("fail", {"calls": 2})
    assert "used in 2 of 3 calls (tools[0])" in found["toolCalling"].detail
    assert (found["vision"].level, found["vision"].evidence) == ("ok", {"calls": 1})


def test_the_largest_need_of_route_and_calls_has_to_fit() -> None:
    assert checks(documents=[called()])["context"].level == "ok"
    assert checks(documents=[called()], record=target(context_window=111))["context"].level == "fail"
    assert checks(documents=[called()], record=target(context_window=112))["context"].level == "ok"
    assert checks(record=target(), context_window_min=1_001)["context"].level == "fail"
    assert checks(documents=[called()], record=target(context_window=None))["context"].level == "warn"
    assert "context" not in checks()


def test_residency_and_zone_of_route_and_environments_hold() -> None:
    american = target(regions=("us",), zone="vendor")
    own = checks(record=american, constraints=Constraints(residency="US"))
    assert own["residency"].level == "ok"
    assert checks(record=american, codes=["EU"])["residency"].level == "fail"
    assert checks(record=american, constraints=Constraints(max_zone="network"))["zone"].level == "fail"
    assert checks(record=american, constraints=Constraints(max_zone="vendor"))["zone"].level == "ok"


def test_the_price_of_the_same_tokens_is_told() -> None:
    found = checks(documents=[called(), called()], record=target(pricing=PRICE))["price"]
    assert (found.level, found.evidence["calls"]) == ("ok", 2)
    assert found.evidence["instead"] == 0.025
    assert found.evidence["usd"] == 2 * (11 * 0.001 + 7 * 0.002)
    assert checks(documents=[called()], record=target(pricing=None))["price"].level == "warn"


def test_tokens_from_a_cache_are_priced_as_such() -> None:
    made = called()
    made["candidates"][0]["attempt"]["usage"]["cachedInputTokens"] = 11
    cached = target(pricing=replace(PRICE, cached_input=Decimal(0)))
    assert checks(documents=[made], record=cached)["price"].evidence["usd"] == 7 * 0.002


def _installed(record: Any) -> Snapshot:
    made = snapshot([record], [route("r", record.ref)])
    return replace(
        made,
        agents={"researcher": Agent(name="researcher", route="r")},
        environments={"prod": Environment(name="prod", residency="EU")},
    )


def test_a_report_is_of_the_agents_route_and_the_environments_its_calls_came_from() -> None:
    american = target(regions=("us",))
    made = _installed(american)
    still = report("researcher", american, made, able(american), [called()])
    assert (still["route"], still["calls"], still["compatible"]) == ("r", 1, True)
    moved = report("researcher", american, made, able(american), [called(environment="prod")])
    assert not moved["compatible"]
    (failed,) = [each for each in moved["checks"] if each["level"] == "fail"]
    assert (failed["id"], failed["evidence"]) == ("residency", {"code": "EU"})


def test_an_agent_without_a_record_is_judged_by_the_route_of_its_calls() -> None:
    record = target()
    made = snapshot([record], [route("r", record.ref)])
    assert report("somebody", record, made, able(record), [called()])["route"] == "r"
    assert report("somebody", record, made, able(record), [])["route"] is None


def test_the_result_counts_failures_and_warnings() -> None:
    def made(*levels: Any) -> list[Check]:
        return [Check("x", level, "", {}) for level in levels]

    assert result_of(made("ok")) == "compatible"
    assert result_of(made("ok", "warn", "warn")) == "compatible, 2 warnings"
    assert result_of(made("fail", "warn")) == "not compatible: 1 failure, 1 warning"


def test_needs_are_told_in_plain_words() -> None:
    assert word_for("toolCalling") == "tool calling"
    assert word_for("feature:logprobs") == "logprobs"
