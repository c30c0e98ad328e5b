"""OpenAI's own API: chat completions and responses, embeddings, legacy completions.

The capability set is the upper bound over all its models; what one model lacks is its record's to say.
Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.formats.model_list import parse_entries
from translators.formats.openai_chat import PROVIDER as CHAT
from translators.formats.openai_completions import PROVIDER as COMPLETIONS
from translators.formats.openai_responses import PROVIDER as RESPONSES
from translators.providers.provider import Discovered, Discovery, Probe, Provider

from .choice import choose
from .quirks import adapt, amend

HOSTED_TOOLS = (
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "programmatic_tool_calling",
    "shell",
    "tool_search",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
)
"""Types of tools that OpenAI itself runs or understands, as the Responses API spells them (2026)."""


def parse_models(body: object) -> tuple[Discovered, ...]:
    return tuple(Discovered(model=entry["id"]) for entry in parse_entries(body))


PROVIDER = Provider(
    name="openai",
    formats=(CHAT, RESPONSES, COMPLETIONS),
    paths={
        "openai_chat": "/chat/completions",
        "openai_responses": "/responses",
        "openai_completions": "/completions",
        "embeddings": "/embeddings",
        "models": "/models",
    },
    capabilities=CapabilitySet(
        flags={
            "text": True,
            "vision": True,
            "audio": True,
            "toolCalling": True,
            "structuredOutput": True,
            "jsonSchema": True,
            "streaming": True,
            "reasoning": True,
            "computerUse": True,
            "embeddings": True,
        },
        features={
            "affinity:openai": True,
            "audioOutput": True,
            "customTools": True,
            "ext:*": True,
            "fileInput": True,
            "fileUrl": True,
            "forcedTool": True,
            "hostedTools": HOSTED_TOOLS,
            "imageUrl": True,
            "logitBias": True,
            "logprobs": True,
            "moderation": True,
            "nChoices": True,
            "native:openai_chat": True,
            "native:openai_completions": True,
            "native:openai_responses": True,
            "parallelTools": True,
            "penalties": True,
            "prediction": True,
            "promptCache": True,
            "seed": True,
            "serialTools": True,
            "state": True,
            "stop": True,
        },
    ),
    base_url="https://api.openai.com/v1",
    key_env=("OPENAI_API_KEY",),
    choose=choose,
    adapt=adapt,
    amend=amend,
    discovery=Discovery(list=Probe(path="/models"), parse_list=parse_models),
)

__all__ = ["PROVIDER"]
