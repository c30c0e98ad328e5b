"""What plays whom."""

from __future__ import annotations

import pytest

from proxy.conformance.targets import TARGETS, VARIANTS, NotVerifiableError, name_of, of
from translators import providers
from translators.canonical import CapabilitySet
from translators.formats.openai_chat import PROVIDER as CHAT
from translators.providers.provider import Provider

EIGHT = {"anthropic", "generic-openai", "google", "llama-cpp", "microsoft", "ollama", "openai", "vllm"}


def test_each_of_the_eight_has_one_target_and_its_variants_follow() -> None:
    assert [target.name for target in TARGETS] == [target.provider for target in TARGETS]
    assert {target.provider for target in TARGETS} == EIGHT
    assert of("microsoft")[0].name == "microsoft"
    assert {target.provider for target in VARIANTS} <= EIGHT


def test_somebody_elses_provider_is_played_by_its_format(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Provider(name="acme", formats=(CHAT,), paths={}, capabilities=CapabilitySet(flags={}))
    monkeypatch.setattr(providers, "load", lambda name: record)
    (target,) = of("acme")
    assert (target.provider, target.plays) == ("acme", "generic-openai")


def test_what_has_no_wire_cannot_be_simulated() -> None:
    with pytest.raises(NotVerifiableError, match="answers by itself"):
        of("demo")


def test_a_record_is_a_whole_resource() -> None:
    azure = next(target for target in TARGETS if target.name == "microsoft")
    record = azure.record("prod-old", "http://127.0.0.1:1")
    assert record["metadata"]["name"] == "prod-old"
    assert record["spec"]["capabilities"]["features"]["baseModel"] == "gpt-4.1"
    assert name_of("Qwen/Qwen3-32B") == "qwen-qwen3-32b"
