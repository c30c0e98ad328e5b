"""Any endpoint that speaks OpenAI's chat completions; its /responses when the Model record says `api: responses`, or when a
Responses client needs what only that dialect can say.

Where it is must be said; a key may be. It is lenient: what the client wrote goes out as it is, unknown members included,
since only the endpoint knows what it takes. The capability set is therefore an upper bound over all such endpoints.
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.formats.model_list import parse_entries
from translators.formats.openai_chat import PROVIDER as CHAT
from translators.formats.openai_completions import PROVIDER as COMPLETIONS
from translators.formats.openai_responses import PROVIDER as RESPONSES
from translators.providers.provider import Discovered, Discovery, Probe, Provider, chat_unless_told, sealed_by_host

# Endpoints give the window under different names: vLLM, OpenRouter and DeepSeek's kin, Mistral, Groq.
_WINDOWS = ("max_model_len", "context_length", "max_context_length", "context_window")


def parse_models(body: object) -> tuple[Discovered, ...]:
    return tuple(
        Discovered(
            model=entry["id"],
            context_window=next((entry[name] for name in _WINDOWS if type(entry.get(name)) is int), None),
        )
        for entry in parse_entries(body)
    )


PROVIDER = Provider(
    name="generic-openai",
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
            "audioOutput": True,
            "customTools": True,
            "ext:*": True,
            "fileInput": True,
            "fileUrl": True,
            "forcedTool": True,
            "grammar": True,
            "hostedTools": True,
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
            "videoInput": True,
        },
    ),
    choose=chat_unless_told,
    seal=sealed_by_host,
    discovery=Discovery(list=Probe(path="/models"), parse_list=parse_models),
)

__all__ = ["PROVIDER"]
