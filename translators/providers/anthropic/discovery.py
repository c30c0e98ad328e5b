"""What Anthropic tells of its models: GET /v1/models lists ids with their limits and capabilities.

Source: https://platform.claude.com/docs/en/api/models-list and the SDK's `ModelInfo`
"""

from __future__ import annotations

from typing import Any

from translators.formats import Wire
from translators.formats.model_list import parse_entries
from translators.providers.provider import Discovered, Discovery, Probe

PAGE = 1000
"""The most models in one answer; there are a few dozen."""

_FLAGS = {
    "image_input": ("vision",),
    "structured_outputs": ("structuredOutput", "jsonSchema"),
    "thinking": ("reasoning",),
}


def parse_models(body: Any) -> tuple[Discovered, ...]:
    """The models that can still be asked: a retired one stays in the list, and answers nothing."""
    return tuple(_discovered(entry) for entry in parse_entries(body) if entry.get("lifecycle") != "retired")


def _discovered(entry: Wire) -> Discovered:
    window = entry.get("max_input_tokens")
    name = entry.get("display_name")
    return Discovered(
        model=entry["id"],
        flags=_flags_of(entry.get("capabilities")),
        context_window=window if type(window) is int and window > 0 else None,
        detail=name if isinstance(name, str) else "",
    )


def _flags_of(told: Any) -> dict[str, bool]:
    """Flags by the model's `capabilities`; none where it has none, as under old API versions."""
    if not isinstance(told, dict):
        return {}
    flags = {"text": True, "toolCalling": True, "streaming": True, "audio": False, "embeddings": False}
    for name, ours in _FLAGS.items():
        capability = told.get(name)
        supported = capability.get("supported") if isinstance(capability, dict) else None
        if isinstance(supported, bool):
            flags |= dict.fromkeys(ours, supported)
    return flags


DISCOVERY = Discovery(list=Probe(path=f"/v1/models?limit={PAGE}"), parse_list=parse_models)
