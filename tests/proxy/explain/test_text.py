"""Explanations as people read them: every candidate with its story, in the same few lines whatever became of it."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.call import Result, Switch
from proxy.explain import as_text, table
from proxy.explain.text import HEADERS
from proxy.resources import Constraints
from tests.support.explanations import explained, planned_call, tried
from tests.support.snapshots import model, route
from translators.canonical import RequestError, Transform

OK = Result("ok", http_status=200)
BUSY = Result("error", "rate_limited", "rate_limited", http_status=429, retry_after=20.0, replay="refused")


def three() -> dict[str, Any]:
    """A call that was refused by a, could not use b, and was served by c."""
    models = [model("openai", "https://a.example/v1", name, disabled=name == "b") for name in "abc"]
    limits = Constraints(max_calls_per_execution=9)
    call = planned_call(models, route("r", *(record.ref for record in models), constraints=limits))
    first, last = call.plan.candidates
    tried(call, first, BUSY, Switch(trigger="onRateLimited", allowed=True, to="openai:c", why="nothing was done yet"))
    attempt = tried(call, last, OK)
    attempt.transforms = (Transform("sampling.stop", "mapped", "to stop_sequences"),)
    made = explained(call, served=last)
    made["execution"] |= {"callsBefore": 2, "costUsdBefore": 1.84}
    return made


def test_every_candidate_has_its_story() -> None:
    assert as_text(three()).splitlines() == [
        "exec-1  call mc_1  2026-11-25 09:46:40Z  agent default/researcher  asked r -> route r (route-name)",
        "needs     text (messages)  contextWindow>=112 (12 input + 100 output tokens)",
        "limits    maxCallsPerExecution 9",
        "run cost  1.84 USD in 2 calls before this one",
        "",
        "0  openai:a                     FAILED    429 rate_limited after 250 ms, retry after 20 s",
        "     gates  all passed: health Unknown",
        "     next  onRateLimited: switched to openai:c (nothing was done yet)",
        "1  openai:b                     REJECTED",
        "     gate  disabled: disabled in the configuration",
        "     would take  Model openai:b disabled = False, then strategy.primary = openai:b",
        "2  openai:c                     SERVED    200, first content 100 ms, 250 ms",
        "     gates  all passed: health Unknown",
        "     changed  sampling.stop mapped: to stop_sequences",
        "",
        "result    200, served by openai:c, fallback index 2, 0.0125 USD, total 500 ms, router 500 ms",
    ]


def test_one_candidate_can_be_asked_for_alone() -> None:
    told = as_text(three(), why_not="openai:b")
    assert "openai:b" in told
    assert "openai:a " not in told
    assert "result " in told


def test_a_candidate_that_ended_the_call_says_so() -> None:
    call = planned_call([model("openai", "https://a.example/v1", "a")], route("r", "openai:a"))
    switch = Switch(trigger="onRateLimited", allowed=False, why="onRateLimited is off")
    tried(call, call.plan.candidates[0], BUSY, switch)
    told = as_text(explained(call, "error", RequestError("no", status=429, type="rate_limit_error", code=None)))
    assert "     next  onRateLimited: the call ended here (onRateLimited is off)" in told
    assert "result    429, rate_limit_error, 0 USD" in told, "an error without a code is told by its type"


def test_a_client_that_left_got_no_status() -> None:
    call = planned_call([model("openai", "https://a.example/v1", "a")], route("r", "openai:a"))
    made = explained(call, "client_gone")
    assert "result    the client left, 0 USD" in as_text(made)
    assert table([made])[0][HEADERS.index("STATUS")] == "-"


def test_what_a_dry_run_would_do() -> None:
    models = [model("openai", "https://a.example/v1", "a", disabled=True)]
    refused = planned_call(models, route("r", "openai:a"))
    error = RequestError("no", status=503, type="server_error", code="no_candidate")
    assert "result    would be refused: no_candidate" in as_text(explained(refused, error=error, dry_run=True))
    asked = planned_call([model("openai", "https://a.example/v1", "a")], route("r", "openai:a"))
    assert "result    would ask openai:a first" in as_text(explained(asked, dry_run=True))


def test_a_turn_that_decided_is_told() -> None:
    assert as_text({**three(), "turn": {"failoverGuard": "allowed: read-only history"}}).endswith(
        "turn      allowed: read-only history\n"
    )


def test_a_row_for_each_call() -> None:
    (row,) = table([three()])
    assert dict(zip(HEADERS, row, strict=True)) == {
        "CALL": "mc_1",
        "TIME": "2026-11-25 09:46:40Z",
        "ROUTE": "r",
        "ASKED": "r",
        "SERVED BY": "openai:c",
        "ATTEMPTS": "2",
        "STATUS": "200",
        "COST USD": "0.0125",
        "MS": "500",
    }


@pytest.mark.parametrize(("cost", "shown"), [(None, "unknown"), (0.0, "0"), (12.5, "12.5"), (0.0000004, "0")])
def test_money_is_told_to_a_millionth_and_what_is_unknown_is_not_nothing(cost: float | None, shown: str) -> None:
    made = three()
    made["outcome"]["costUsd"] = cost
    assert table([made])[0][HEADERS.index("COST USD")] == shown
