"""Anthropic's own API: Claude by the Messages format.

What one model differs in is in the format's `models`, since Claude runs at other providers too; here stands what Anthropic's own
service needs beside it. The capability set is the upper bound over all its models; what one lacks is its record's to say.
Source: https://platform.claude.com/docs/en/api/overview
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.formats.anthropic_messages import PROVIDER as MESSAGES
from translators.formats.anthropic_messages.request import EXTENSIONS
from translators.formats.anthropic_messages.tools import HOSTED_TYPES
from translators.providers.provider import Provider

from .discovery import DISCOVERY
from .quirks import VERSION, adapt, amend, headers_of, prefix_bound, seal

PROVIDER = Provider(
    name="anthropic",
    formats=(MESSAGES,),
    paths={"anthropic_messages": "/v1/messages", "models": "/v1/models"},
    capabilities=CapabilitySet(
        flags={
            "text": True,
            "vision": True,
            "audio": False,
            "toolCalling": True,
            "structuredOutput": True,
            "jsonSchema": True,
            "streaming": True,
            "reasoning": True,
            "computerUse": False,  # its toolset has no counterpart in OpenAI's dialects
            "embeddings": False,
        },
        features={
            "customTools": False,
            **{f"ext:{name}": True for name in EXTENSIONS},
            "fileInput": True,
            "fileUrl": True,
            "forcedTool": True,  # models that refuse it are asked by instruction, and that is listed
            "hostedTools": HOSTED_TYPES,
            "imageUrl": True,
            "logitBias": False,
            "logprobs": False,
            "nChoices": False,
            "parallelTools": True,
            "penalties": False,
            "prediction": False,
            "promptCache": True,
            "seed": False,
            "serialTools": True,
            "stop": True,
        },
    ),
    base_url="https://api.anthropic.com",
    key_env=("ANTHROPIC_API_KEY",),
    auth="x-api-key",
    headers={"anthropic-version": VERSION},
    usage_option=False,
    adapt=adapt,
    amend=amend,
    discovery=DISCOVERY,
    headers_of=headers_of,
    seal=seal,
    prefix_bound=prefix_bound,
)

__all__ = ["PROVIDER"]
