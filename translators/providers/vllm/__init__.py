"""vLLM's OpenAI-compatible server (facts as of 0.33). Generation goes to its chat API.

Its /responses serves only when the Model record says `api: responses`: it keeps state in memory of one process and lacks
log probabilities for some models, so a Responses client is better served by translation. Tool choices go out as they are;
"auto" needs server flags, whose absence is told as an unsupported request, so that another candidate may serve.
Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server/
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.formats.model_list import parse_entries
from translators.formats.openai_chat import PROVIDER as CHAT
from translators.formats.openai_completions import PROVIDER as COMPLETIONS
from translators.formats.openai_responses import PROVIDER as RESPONSES
from translators.providers.provider import Discovered, Discovery, Probe, Provider, chat_unless_told

from .errors import classify
from .quirks import adapt, amend


def parse_models(body: object) -> tuple[Discovered, ...]:
    """`max_model_len` is the whole window. Modalities, tool and reasoning parsers are not told, hence unknown."""
    return tuple(
        Discovered(
            model=entry["id"],
            context_window=entry["max_model_len"] if type(entry.get("max_model_len")) is int else None,
            detail=entry["root"] if isinstance(entry.get("root"), str) else "",
        )
        for entry in parse_entries(body)
    )


PROVIDER = Provider(
    name="vllm",
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
            "videoInput": True,
        },
    ),
    base_url="http://localhost:8000/v1",
    key_env=("VLLM_API_KEY",),
    local=True,
    choose=chat_unless_told,
    adapt=adapt,
    amend=amend,
    classify=classify,
    discovery=Discovery(list=Probe(path="/models"), parse_list=parse_models),
)

__all__ = ["PROVIDER"]
