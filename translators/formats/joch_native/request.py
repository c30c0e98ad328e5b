"""The body of `POST /v1/model/respond` and `/v1/model/stream` to a canonical request.

Strict, since this API is our own: members nobody here knows are refused with the name that was probably meant. Nothing is
defaulted, reordered or normalised. What `context` says travels as the metadata and the user that say it on the other
surfaces, so that identity is found the same way. Whether an answer is streamed is the path's to say, not the body's.
Source: the events reference, section 11.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from translators.canonical import OutputSpec, ReasoningSpec, Request, Sampling, Source
from translators.formats import Wire

from . import checks
from .messages import parse_instructions, parse_messages
from .names import CACHE, CONTEXT, FORMAT, REQUEST, SAMPLING
from .tools import parse_tool_choice, parse_tools

POINTERS = {
    "temperature": "/sampling/temperature",
    "topP": "/sampling/topP",
    "topK": "/sampling/topK",
    "maxOutputTokens": "/sampling/maxOutputTokens",
    "reasoningEffort": "/reasoning/effort",
    "stop": "/sampling/stop",
    "seed": "/sampling/seed",
}
"""Where parameters of Model and ModelRoute records stand in this format."""

METADATA_LIMIT = 16

_ELSEWHERE = {
    **{name: f"'sampling.{name}'" for name in SAMPLING},
    "maxTokens": "'sampling.maxOutputTokens'",
    "maxCompletionTokens": "'sampling.maxOutputTokens'",
    "responseFormat": "'output'",
    "text": "'output'",
    "reasoningEffort": "'reasoning.effort'",
    "input": "'messages'",
    "prompt": "'messages'",
    "system": "'instructions'",
    "functions": "'tools'",
    "user": "'context.user'",
    "promptCacheKey": "'cache.key'",
    "stream": "POST /v1/model/stream",
    **{name: f"'context.{name}'" for name in CONTEXT},
}
"""What other APIs call things, and where they are here."""

_OUTPUT = frozenset({"kind", "name", "schema", "strict", "description"})
_OUTPUT_KINDS = ("text", "json_object", "json_schema")
_REASONING = frozenset({"effort", "summary", "budgetTokens"})
_SUMMARIES = ("none", "auto", "concise", "detailed")
_MODALITIES = ("text", "audio", "image")
_TEXT = OutputSpec()


def parse_request(body: Wire, raw: bytes) -> Request:
    """The request that `body` (parsed from `raw`) makes. Raises `RequestError` naming the member at fault."""
    source = Source(format=FORMAT, body=body, raw=raw)
    body = checks.members(body, "", REQUEST, _ELSEWHERE)
    checks.boolean(body, "explain")
    tools = parse_tools(body)
    metadata, user = _parse_context(body)
    return Request(
        messages=parse_messages(body),
        model=_parse_model(body),
        instructions=parse_instructions(body),
        tools=tools,
        tool_choice=parse_tool_choice(body, tools),
        parallel_tool_calls=checks.boolean(body, "parallelToolCalls"),
        output=_parse_output(body),
        sampling=_parse_sampling(body),
        reasoning=_parse_reasoning(body),
        modalities=_parse_modalities(body),
        cache=_parse_cache(body),
        user=user,
        metadata=metadata,
        extensions=_parse_extensions(body),
        source=source,
    )


def _parse_model(body: Wire) -> str:
    """Whom to ask: the route, where one is named, else the model."""
    if "route" not in body and "model" not in body:
        text = "Name a 'route' or a 'model': one of them is required."
        raise checks.invalid("route", text, "missing_required_parameter")
    model = checks.name(body, "model") if "model" in body else ""
    return checks.name(body, "route") if "route" in body else model


def _parse_output(body: Wire) -> OutputSpec:
    if "output" not in body:
        return _TEXT
    output = checks.members(body["output"], "output", _OUTPUT, {"type": "'kind'"})
    kind = checks.one_of(output, "kind", _OUTPUT_KINDS, "output")
    if kind is None:
        raise checks.missing("output.kind")
    schema = checks.mapping(output, "schema", "output")
    if kind == "json_schema":
        if schema is None:
            raise checks.missing("output.schema")
        return OutputSpec(
            kind="json_schema",
            name=checks.string(output, "name", "output"),
            schema=schema,
            strict=checks.boolean(output, "strict", "output"),
            description=checks.string(output, "description", "output"),
        )
    extra = next((name for name in output if name != "kind"), None)
    if extra is not None:
        raise checks.invalid(f"output.{extra}", f"'{extra}' is for output of kind 'json_schema'.")
    return OutputSpec(kind="json_object") if kind == "json_object" else _TEXT


_Read = Callable[[Wire], Any]
_AT = "sampling"
_READERS: dict[str, _Read] = {
    "temperature": lambda given: checks.number(given, "temperature", _AT, 0, 2),
    "topP": lambda given: checks.number(given, "topP", _AT, 0, 1),
    "topK": lambda given: checks.integer(given, "topK", _AT, low=0),
    "frequencyPenalty": lambda given: checks.number(given, "frequencyPenalty", _AT, -2, 2),
    "presencePenalty": lambda given: checks.number(given, "presencePenalty", _AT, -2, 2),
    "maxOutputTokens": lambda given: checks.integer(given, "maxOutputTokens", _AT, low=1),
    "stop": lambda given: _parse_stop(given),
    "seed": lambda given: checks.integer(given, "seed", _AT),
    "n": lambda given: checks.integer(given, "n", _AT, low=1, high=128),
    "logprobs": lambda given: checks.boolean(given, "logprobs", _AT),
    "topLogprobs": lambda given: checks.integer(given, "topLogprobs", _AT, low=0, high=20),
    "logitBias": lambda given: _parse_logit_bias(given),
    "prediction": lambda given: checks.mapping(given, "prediction", _AT),
}
"""Only what a body has is read."""


def _parse_sampling(body: Wire) -> Sampling:
    if "sampling" not in body:
        return Sampling()
    given = checks.members(body["sampling"], _AT, frozenset(SAMPLING))
    if "topLogprobs" in given and given.get("logprobs") is not True:
        raise checks.invalid("sampling.topLogprobs", "'topLogprobs' needs 'logprobs' to be true.")
    return Sampling(**{SAMPLING[name]: _READERS[name](given) for name in given})


def _parse_stop(given: Wire) -> tuple[str, ...] | None:
    stop = given["stop"]
    if type(stop) is str:
        return (stop,)
    if type(stop) is not list:
        raise checks.wrong_type("sampling.stop", "a string or an array of strings", stop)
    return checks.strings(given, "stop", _AT)


def _parse_logit_bias(given: Wire) -> dict[str, float] | None:
    bias = checks.mapping(given, "logitBias", _AT)
    for token in bias or {}:
        checks.number(bias or {}, token, "sampling.logitBias", -100, 100)
    return bias


def _parse_reasoning(body: Wire) -> ReasoningSpec | None:
    if "reasoning" not in body:
        return None
    reasoning = checks.members(body["reasoning"], "reasoning", _REASONING)
    summary = checks.one_of(reasoning, "summary", _SUMMARIES, "reasoning")
    return ReasoningSpec(
        effort=checks.string(reasoning, "effort", "reasoning"),
        summary=None if summary == "none" else summary,
        budget_tokens=checks.integer(reasoning, "budgetTokens", "reasoning", low=0),
    )


def _parse_modalities(body: Wire) -> tuple[str, ...]:
    modalities = checks.strings(body, "modalities")
    if modalities is None:
        return ("text",)
    for index, modality in enumerate(modalities):
        if modality not in _MODALITIES:
            raise checks.unsupported(f"modalities[{index}]", modality, _MODALITIES)
    return modalities


def _parse_cache(body: Wire) -> dict[str, Any]:
    if "cache" not in body:
        return {}
    cache = checks.members(body["cache"], "cache", frozenset(CACHE))
    checks.string(cache, "key", "cache")
    checks.string(cache, "retention", "cache")
    checks.mapping(cache, "options", "cache")
    return {CACHE[name]: value for name, value in cache.items()}


def _parse_context(body: Wire) -> tuple[dict[str, str], str | None]:
    """The metadata with what `context` says, and the user. Saying two different things is a mistake."""
    metadata = dict(_parse_metadata(body))
    if "context" not in body:
        return metadata, None
    context = checks.members(body["context"], "context", frozenset((*CONTEXT, "user")))
    for name, key in CONTEXT.items():
        value = checks.string(context, name, "context")
        if value is None:
            continue
        if metadata.get(key, value) != value:
            raise checks.invalid(f"context.{name}", f"'context.{name}' and 'metadata.{key}' say different things.")
        metadata[key] = value
    return metadata, checks.string(context, "user", "context")


def _parse_metadata(body: Wire) -> dict[str, str]:
    metadata = checks.mapping(body, "metadata") or {}
    if len(metadata) > METADATA_LIMIT:
        text = f"Invalid 'metadata': expected at most {METADATA_LIMIT} members, but got {len(metadata)}."
        raise checks.invalid("metadata", text, "object_above_max_properties")
    for key, value in metadata.items():
        if type(value) is not str:
            raise checks.wrong_type(f"metadata.{key[:64]}", "a string", value)
        if len(key) > 64 or len(value) > 512:
            text = "Invalid 'metadata': keys have at most 64 characters and values at most 512."
            raise checks.invalid(f"metadata.{key[:64]}", text, "string_above_max_length")
    return metadata


def _parse_extensions(body: Wire) -> dict[str, Any]:
    """Members of a provider's own API, by their names there. Each is a need: who does not know it is not asked."""
    extensions = checks.mapping(body, "extensions") or {}
    for name in extensions:
        checks.mapping(extensions, name, "extensions")
    return extensions
