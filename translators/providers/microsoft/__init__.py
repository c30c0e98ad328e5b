"""Microsoft: Azure OpenAI and Foundry. A model is a deployment, and what it really is stands in `features.baseModel`.

One resource has four surfaces (see `surfaces`), of which the v1 API is the default. The capability set is the upper bound
over all that can be deployed. Source: https://learn.microsoft.com/azure/ai-foundry/openai/
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.formats.anthropic_messages import PROVIDER as MESSAGES
from translators.formats.openai_chat import PROVIDER as CHAT
from translators.formats.openai_completions import PROVIDER as COMPLETIONS
from translators.formats.openai_responses import PROVIDER as RESPONSES
from translators.providers.provider import Provider

from .choice import choose
from .claude import headers_of, prefix_bound
from .errors import classify
from .quirks import adapt, amend
from .surfaces import base_of, path_of, scopes_of, seal

HOSTED_TOOLS = (
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "mcp",
    "web_search",
    "web_search_preview",
)
"""Types of tools that Azure's Responses API runs. Which of them a deployment has depends on its model and region."""

PROVIDER = Provider(
    name="microsoft",
    formats=(CHAT, RESPONSES, COMPLETIONS, MESSAGES),
    paths={
        "openai_chat": "/openai/v1/chat/completions",
        "openai_responses": "/openai/v1/responses",
        "openai_completions": "/openai/v1/completions",
        "anthropic_messages": "/anthropic/v1/messages",
        "embeddings": "/openai/v1/embeddings",
        "models": "/openai/v1/models",
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
            "affinity:microsoft": True,
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
    key_env=("AZURE_OPENAI_API_KEY",),
    auth="api-key",
    choose=choose,
    adapt=adapt,
    amend=amend,
    classify=classify,
    base_of=base_of,
    path_of=path_of,
    headers_of=headers_of,
    scopes_of=scopes_of,
    seal=seal,
    prefix_bound=prefix_bound,
)

__all__ = ["PROVIDER"]
