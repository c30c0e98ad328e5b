"""Ollama, by its native API: its OpenAI-compatible one can neither set the context window nor refuse to cut a prompt.

`num_ctx` is sent with every request and is constant per model, as a change makes Ollama load the model anew. Legacy
completions are not offered. Source: https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.formats.ollama_chat import PROVIDER as CHAT
from translators.providers.provider import Provider

from .discovery import DISCOVERY
from .embeddings import parse_embeddings, render_embeddings
from .quirks import adapt, amend

PROVIDER = Provider(
    name="ollama",
    formats=(CHAT,),
    paths={"ollama_chat": "/api/chat", "embeddings": "/api/embed", "models": "/api/tags"},
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
            # The runner's own settings, as its users write them into `extra_body`.
            "ext:keep_alive": True,
            "ext:min_p": True,
            "ext:num_keep": True,
            "ext:options": True,
            "ext:repeat_last_n": True,
            "ext:repeat_penalty": True,
            "ext:typical_p": True,
            "fileInput": False,
            "forcedTool": True,  # by instruction, and listed as such
            "hostedTools": (),
            "imageUrl": False,
            "logitBias": False,
            "logprobs": True,
            "nChoices": False,
            "parallelTools": True,
            "penalties": True,
            "prediction": False,
            "promptCache": False,
            "seed": True,
            "serialTools": False,
            "stop": True,
        },
    ),
    base_url="http://localhost:11434",
    key_env=("OLLAMA_API_KEY",),
    local=True,
    usage_option=False,
    adapt=adapt,
    amend=amend,
    render_embeddings=render_embeddings,
    parse_embeddings=parse_embeddings,
    discovery=DISCOVERY,
    health="/api/version",
)

__all__ = ["PROVIDER"]
