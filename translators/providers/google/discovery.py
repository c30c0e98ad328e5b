"""What Google tells of its models: the Gemini API their windows, their methods and whether they think; Vertex their names alone.

Source: https://ai.google.dev/api/models, https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/publishers.models/list
"""

from __future__ import annotations

from typing import Any

from translators.formats import Wire
from translators.providers.provider import Discovered, Discovery, Probe


def parse_models(body: Any) -> tuple[Discovered, ...]:
    """The models that answer or embed. What is no such list has none."""
    if not isinstance(body, dict):
        return ()
    entries = body.get("models") or body.get("publisherModels")
    if not isinstance(entries, list):
        return ()
    named = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]
    return tuple(found for entry in named if (found := _model(entry)) is not None)


def _model(entry: Wire) -> Discovered | None:
    name = str(entry["name"]).rpartition("/")[2]
    if not name:
        return None
    methods = entry.get("supportedGenerationMethods")
    if not isinstance(methods, list):
        return Discovered(model=name)
    answers = "generateContent" in methods
    embeds = "embedContent" in methods or "batchEmbedContents" in methods
    if not answers and not embeds:
        return None
    window, most = entry.get("inputTokenLimit"), entry.get("outputTokenLimit")
    flags = {"text": answers, "streaming": answers, "embeddings": embeds}
    if isinstance(thinking := entry.get("thinking"), bool):
        flags["reasoning"] = thinking
    elif answers:
        flags["reasoning"] = False  # the member is left out where it is false
    if not answers:
        flags["reasoning"] = flags["toolCalling"] = flags["structuredOutput"] = flags["jsonSchema"] = False
    return Discovered(
        model=name,
        flags=flags,
        context_window=window if type(window) is int and window > 0 else None,
        detail=f"up to {most} tokens out" if answers and type(most) is int else "",
    )


DISCOVERY = Discovery(list=Probe(path="/v1beta/models?pageSize=1000"), parse_list=parse_models)
