"""Anthropic's errors have Anthropic's envelope, and say what they are asked to say."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from anthropic.types import ErrorResponse

from proxy.conformance.simulators.anthropic.saying_no import fault, in_band
from proxy.conformance.simulators.script import Fault, FaultKind

KINDS = [kind for kind in get_args(FaultKind) if kind not in ("gateway", "empty")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_is_an_error_response(kind: FaultKind) -> None:
    reply = fault(Fault(kind=kind, wait=7, leaks=True), "the-key")
    body = json.loads(reply.body)
    ErrorResponse.model_validate(body)
    assert "the-key" in body["error"]["message"]
    assert reply.headers["retry-after"] == "7"


def test_a_fault_in_a_stream_is_an_event() -> None:
    assert in_band(Fault(kind="overloaded"), "").startswith(b"event: error\ndata: {")
