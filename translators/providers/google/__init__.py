"""Google: the Gemini API, Vertex AI with Google's own models, and Claude as Vertex resells it.

Where a call goes and by which name is in `places`; what one model or endpoint lacks in `families` and `quirks`. The capability set
is the upper bound over all of them. Keys travel in a header, never in the address, which ends in logs.
Source: https://ai.google.dev/api, https://cloud.google.com/vertex-ai/generative-ai/docs
"""

from __future__ import annotations

from translators.canonical import CapabilitySet
from translators.formats.anthropic_messages import PROVIDER as MESSAGES
from translators.formats.google_generate import PROVIDER as GENERATE
from translators.formats.google_generate.request import EXTENSIONS
from translators.formats.google_generate.tools import BUILT_IN
from translators.providers.provider import ModelFacts, Provider

from .choice import choose
from .discovery import DISCOVERY
from .embeddings import parse_embeddings, render_embeddings
from .places import GEMINI, SCOPE, base_of, path_of
from .quirks import adapt, amend, classify, prefix_bound, seal


def scopes_of(facts: ModelFacts) -> tuple[str, ...]:
    return (SCOPE,)


PROVIDER = Provider(
    name="google",
    formats=(GENERATE, MESSAGES),
    # The Gemini API's; `path_of` has the model's own.
    paths={
        "google_generate": "/v1beta/models",
        "anthropic_messages": "/v1/publishers/anthropic/models",
        "embeddings": "/v1beta/models",
        "models": "/v1beta/models",
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
            "audioOutput": False,
            "customTools": False,
            **{f"ext:{name}": True for name in EXTENSIONS},
            "fileInput": True,
            "fileUrl": False,  # Vertex fetches some: a record may say so
            "forcedTool": True,
            "hostedTools": tuple(BUILT_IN),
            "imageOutput": True,
            "imageUrl": False,
            "logitBias": False,
            "logprobs": True,
            "nChoices": True,  # up to 2.5
            "parallelTools": True,
            "penalties": True,  # up to 2.0, and 2.5 on Vertex
            "prediction": False,
            "promptCache": True,
            "seed": True,
            "serialTools": False,
            "stop": True,
            "videoInput": True,
        },
    ),
    base_url=GEMINI,
    key_env=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    auth="x-goog-api-key",
    usage_option=False,
    choose=choose,
    adapt=adapt,
    amend=amend,
    classify=classify,
    render_embeddings=render_embeddings,
    parse_embeddings=parse_embeddings,
    discovery=DISCOVERY,
    base_of=base_of,
    path_of=path_of,
    scopes_of=scopes_of,
    seal=seal,
    prefix_bound=prefix_bound,
)

__all__ = ["PROVIDER"]
