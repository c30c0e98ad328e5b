"""The built-in model `demo:echo`: answers offline, at once and always the same, so that a first call works with nothing set up.

It repeats what was said, word by word when streamed; calls tools when asked to; keeps to JSON schemas. It reads no clock
and draws no random number. Its token counts are words, and say that they are estimates.
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.providers.provider import AdapterProvider, ModelFacts

from .echo import Echo

CAPABILITIES = CapabilitySet(
    flags={
        "text": True,
        "vision": True,
        "audio": False,
        "toolCalling": True,
        "structuredOutput": True,
        "jsonSchema": True,
        "streaming": True,
        "reasoning": True,
        "computerUse": False,
        "embeddings": False,
    },
    features={
        "ext:*": True,
        "forcedTool": True,
        "imageUrl": True,
        "nChoices": True,
        "parallelTools": True,
        "seed": True,
        "serialTools": True,
        "stop": True,
    },
    context_window=1_000_000,
)


def build(facts: ModelFacts) -> Echo:
    """The adapter of one Model record. `facts.model` is only repeated in its answers."""
    return Echo(facts.model, CAPABILITIES)


PROVIDER = AdapterProvider(name="demo", capabilities=CAPABILITIES, build=build, models=("echo",))

__all__ = ["PROVIDER"]
