"""What is verified: a provider, the simulator that plays it, and the Model records that lead there.

A provider of joch's own is played by the simulator of the real one, with its newest models and an older one where those
differ. Any other provider is played by the simulator of its first wire format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from translators import providers
from translators.providers.provider import Provider

from .simulators.anthropic import AnthropicMessages
from .simulators.google import GoogleGenerate
from .simulators.ollama import Ollama
from .simulators.openai import (
    AZURE_FLAVOUR,
    GENERIC_FLAVOUR,
    LLAMA_FLAVOUR,
    OPENAI_FLAVOUR,
    VLLM_FLAVOUR,
    OpenAiCompatible,
)
from .simulators.server import Dialect

PRICES = {
    "inputPerMillionTokens": 2,
    "cachedInputPerMillionTokens": 0.2,
    "cacheWritePerMillionTokens": 2.5,
    "outputPerMillionTokens": 10,
}
"""What every simulated model costs, in US dollars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`name` is unique; `plays` is the simulator's name in scenarios. `base` is appended to its address.

    `models` has the main one first; `records` what a Model's spec has beside the usual, by upstream id. `tells` are the parts
    of usage its API has words for. `shows` says whether it shows thoughts, by client dialect. `declines`: its API has a place
    for refusals.
    """

    name: str
    provider: str
    plays: str
    make: Callable[[], Dialect]
    models: tuple[str, ...]
    base: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tells: frozenset[str] = frozenset({"cached", "reasoning"})
    keyed: bool = True
    declines: bool = False

    def record(self, model: str, root: str) -> dict[str, Any]:
        """The Model resource for one of its models, as it would stand in a configuration."""
        spec: dict[str, Any] = {
            "provider": self.provider,
            "model": model,
            "endpoint": {"type": "hosted", "baseUrl": root + self.base},
            "auth": {"secretRef": {"name": "conformance"}} if self.keyed else {},
            "pricing": PRICES,
        }
        for more in (self.spec, self.records.get(model, {})):
            spec |= {
                key: {**spec.get(key, {}), **value} if isinstance(value, Mapping) else value
                for key, value in more.items()
            }
        return {
            "apiVersion": "model.joch.dev/v1alpha1",
            "kind": "Model",
            "metadata": {"name": name_of(model)},
            "spec": spec,
        }


def name_of(model: str) -> str:
    """A resource's name for an upstream id: letters, digits and dashes."""
    return "".join(char if char.isalnum() else "-" for char in model).strip("-").lower()


_DEPLOYMENTS = {"prod-gpt": "gpt-5.4", "prod-old": "gpt-4.1", "prod-next": "gpt-6.2-sol"}


def _azure() -> Dialect:
    return OpenAiCompatible(AZURE_FLAVOUR, deployments=_DEPLOYMENTS)


_AZURE_RECORDS = {name: {"capabilities": {"features": {"baseModel": model}}} for name, model in _DEPLOYMENTS.items()}
TARGETS = (
    Target(
        name="openai",
        provider="openai",
        plays="openai",
        make=lambda: OpenAiCompatible(OPENAI_FLAVOUR),
        models=("gpt-5.4", "gpt-4.1", "gpt-6.2-sol"),
        base="/v1",
        declines=True,
    ),
    Target(
        name="anthropic",
        provider="anthropic",
        plays="anthropic",
        make=AnthropicMessages,
        models=("claude-opus-4-8", "claude-opus-5-5", "claude-sonnet-4-5"),
        tells=frozenset({"cached", "written", "reasoning"}),
    ),
    Target(
        name="google",
        provider="google",
        plays="google",
        make=GoogleGenerate,
        models=("gemini-3.5-flash", "gemini-4-hydrogen", "gemini-2.5-flash"),
    ),
    Target(
        name="microsoft",
        provider="microsoft",
        plays="azure",
        make=_azure,
        models=("prod-gpt", "prod-old", "prod-next"),
        records=_AZURE_RECORDS,
        declines=True,
    ),
    Target(
        name="ollama",
        provider="ollama",
        plays="ollama",
        make=Ollama,
        models=("qwen3:8b", "qwen3-vl:8b"),
        tells=frozenset(),
        keyed=False,
        spec={"limits": {"contextWindowTokens": 32768}},
    ),
    Target(
        name="vllm",
        provider="vllm",
        plays="vllm",
        make=lambda: OpenAiCompatible(VLLM_FLAVOUR),
        models=("Qwen/Qwen3-32B", "Qwen/Qwen3-VL-32B"),
        base="/v1",
    ),
    Target(
        name="llama-cpp",
        provider="llama-cpp",
        plays="llama-cpp",
        make=lambda: OpenAiCompatible(LLAMA_FLAVOUR),
        models=("qwen3-1.7b", "qwen3-vl-2b"),
        base="/v1",
        tells=frozenset({"cached"}),
    ),
    Target(
        name="generic-openai",
        provider="generic-openai",
        plays="generic-openai",
        make=lambda: OpenAiCompatible(GENERIC_FLAVOUR),
        models=("someone/some-model",),
        base="/v1",
    ),
)
_PLACE = {"project": "joch-conformance", "location": "global"}
_TOKEN = {"auth": {"type": "bearer"}}
VARIANTS: tuple[Target, ...] = (
    Target(
        name="google (Vertex AI)",
        provider="google",
        plays="google",
        make=lambda: GoogleGenerate(vertex=True),
        models=("gemini-3.5-flash", "gemini-2.5-flash"),
        spec={"endpoint": _PLACE, **_TOKEN},
    ),
    Target(
        name="google (Claude on Vertex AI)",
        provider="google",
        plays="anthropic",
        make=lambda: AnthropicMessages(vertex=True),
        models=("claude-opus-4-8",),
        spec={"endpoint": _PLACE, **_TOKEN},
        tells=frozenset({"cached", "written", "reasoning"}),
    ),
    Target(
        name="microsoft (Claude in Foundry)",
        provider="microsoft",
        plays="anthropic",
        make=lambda: AnthropicMessages(prefix="/anthropic"),
        models=("claude-opus-4-8",),
        spec={"capabilities": {"features": {"surface": "anthropic"}}},
        tells=frozenset({"cached", "written", "reasoning"}),
    ),
    Target(
        name="microsoft (classic deployments)",
        provider="microsoft",
        plays="azure",
        make=_azure,
        models=("prod-gpt", "prod-old"),
        records=_AZURE_RECORDS,
        spec={"endpoint": {"apiVersion": "2025-04-01-preview"}, "capabilities": {"features": {"surface": "classic"}}},
        declines=True,
    ),
)
"""Other places of the same providers: verified with them, not shown in a column of their own."""

_BY_FORMAT: Mapping[str, tuple[str, Callable[[], Dialect], tuple[str, ...], frozenset[str]]] = {
    "openai_chat": (
        "generic-openai",
        lambda: OpenAiCompatible(GENERIC_FLAVOUR),
        ("model-1",),
        frozenset({"cached", "reasoning"}),
    ),
    "openai_responses": (
        "openai",
        lambda: OpenAiCompatible(OPENAI_FLAVOUR),
        ("gpt-5.4",),
        frozenset({"cached", "reasoning"}),
    ),
    "anthropic_messages": (
        "anthropic",
        AnthropicMessages,
        ("claude-opus-4-8",),
        frozenset({"cached", "written", "reasoning"}),
    ),
    "google_generate": ("google", GoogleGenerate, ("gemini-3.5-flash",), frozenset({"cached", "reasoning"})),
    "ollama_chat": ("ollama", Ollama, ("qwen3:8b",), frozenset()),
}


class NotVerifiableError(LookupError):
    """No simulator speaks the provider's format, or it is no provider that is reached over HTTP."""


def of(provider: str) -> tuple[Target, ...]:
    """The targets of a provider, the one for the matrix first. Raises `NotVerifiableError`."""
    own = tuple(target for target in (*TARGETS, *VARIANTS) if target.provider == provider)
    if own:
        return own
    record = providers.load(provider)
    if not isinstance(record, Provider):
        raise NotVerifiableError(f"{provider} answers by itself: there is no wire to simulate. Use --live.")
    known = next((known.name for known in record.formats if known.name in _BY_FORMAT), None)
    if known is None:
        formats = ", ".join(known.name for known in record.formats)
        raise NotVerifiableError(f"{provider} speaks {formats}, which no simulator does.")
    plays, make, models, tells = _BY_FORMAT[known]
    base = "/v1" if known.startswith("openai_") else ""
    return (
        Target(
            name=provider, provider=provider, plays=plays, make=make, models=models, base=base, tells=tells, keyed=True
        ),
    )
