"""Errors of the four servers: their envelopes, their words, their headers."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from proxy.conformance.simulators.openai.saying_no import (
    AZURE,
    LLAMA_CPP,
    OPENAI,
    VLLM,
    No,
    in_band_chat,
    in_band_responses,
)
from proxy.conformance.simulators.script import Fault, FaultKind

KINDS = [kind for kind in get_args(FaultKind) if kind not in ("gateway", "empty")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("no", [OPENAI, AZURE, VLLM, LLAMA_CPP], ids=["openai", "azure", "vllm", "llama-cpp"])
def test_every_fault_has_a_body(no: No, kind: FaultKind) -> None:
    reply = no.fault(Fault(kind=kind, wait=7, leaks=True), "the-key")
    error = json.loads(reply.body)["error"]
    assert "the-key" in error["message"]
    assert reply.headers["retry-after-ms"] == "7000"


def test_each_has_its_own_envelope() -> None:
    def error(no: No, kind: FaultKind) -> dict[str, object]:
        body = no.body_of(Fault(kind=kind), "")[1]["error"]
        assert isinstance(body, dict)
        return body

    assert set(error(OPENAI, "bad_request")) == {"message", "type", "param", "code"}
    assert error(VLLM, "bad_request")["code"] == 400
    assert error(LLAMA_CPP, "context_length")["n_ctx"] == 8192
    assert error(AZURE, "rate_limited")["code"] == "429"
    assert "innererror" in error(AZURE, "content_filter")


def test_in_a_stream() -> None:
    assert in_band_chat(OPENAI, Fault(kind="overloaded"), "").startswith(b'data: {"error"')
    assert in_band_responses(OPENAI, Fault(kind="overloaded"), "").startswith(b"event: error\n")
