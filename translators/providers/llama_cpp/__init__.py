"""llama.cpp's llama-server (facts as of late 2026). Generation goes to its chat API.

Its /responses, which it converts to chat itself, serves only when the Model record says `api: responses`. While it loads a
model it answers 503 to everything: that is a candidate which is not ready yet, not one that is broken.
Source: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.formats.openai_chat import PROVIDER as CHAT
from translators.formats.openai_completions import PROVIDER as COMPLETIONS
from translators.formats.openai_responses import PROVIDER as RESPONSES
from translators.providers.provider import Provider, chat_unless_told

from .discovery import DISCOVERY
from .errors import classify
from .quirks import adapt, amend

PROVIDER = Provider(
    name="llama-cpp",
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
            "computerUse": False,
            "embeddings": True,
        },
        features={
            "customTools": False,
            "ext:*": True,
            "fileInput": False,
            "forcedTool": True,
            "grammar": True,
            "hostedTools": (),
            "imageUrl": True,
            "logitBias": True,
            "logprobs": True,
            "nChoices": True,
            "native:openai_chat": True,
            "native:openai_completions": True,
            "parallelTools": True,
            "penalties": True,
            "prediction": False,
            "promptCache": False,
            "seed": True,
            "serialTools": True,
            "stop": True,
        },
    ),
    base_url="http://localhost:8080/v1",
    key_env=("LLAMA_API_KEY",),
    local=True,
    choose=chat_unless_told,
    adapt=adapt,
    amend=amend,
    classify=classify,
    discovery=DISCOVERY,
    health="/health",
)

__all__ = ["PROVIDER"]
