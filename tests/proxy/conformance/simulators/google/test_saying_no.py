"""Google's errors have Google's envelope, and the details that tell one 429 or 400 from another."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from proxy.conformance.simulators.google.saying_no import bad_key, fault, in_band, unknown_field
from proxy.conformance.simulators.script import Fault, FaultKind

KINDS = [kind for kind in get_args(FaultKind) if kind not in ("gateway", "empty", "content_filter")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_is_a_status_object(kind: FaultKind) -> None:
    error = json.loads(fault(Fault(kind=kind, leaks=True), "the-key", stream=False).body)["error"]
    assert {"code", "message", "status"} <= set(error)
    assert "the-key" in error["message"]


def test_waiting_and_days_stand_in_the_details() -> None:
    error = json.loads(fault(Fault(kind="rate_limited", wait=34.5), "", stream=False).body)["error"]
    assert [detail.get("retryDelay") for detail in error["details"]] == [None, "34.5s"]
    assert "PerDay" in fault(Fault(kind="quota"), "", stream=False).body.decode()


def test_a_bad_key_is_a_400_with_its_reason() -> None:
    assert bad_key().reply.status == 400
    assert b"API_KEY_INVALID" in bad_key().reply.body


def test_a_blocked_prompt_is_an_answer_without_candidates() -> None:
    reply = fault(Fault(kind="content_filter"), "", stream=False)
    assert (reply.status, "candidates" in json.loads(reply.body)) == (200, False)


def test_an_unknown_field_is_named_with_its_place() -> None:
    assert unknown_field("x", "contents[0]").why.endswith("Unknown name \"x\" at 'contents[0]': Cannot find field.")
    assert in_band(Fault(kind="overloaded"), "").startswith(b'data: {"error"')
