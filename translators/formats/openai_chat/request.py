"""What a client asks on /v1/chat/completions, checked by hand, to a canonical request.

Null means absent, an empty `tools` too. Members this API does not know become `extensions`, verbatim. Nothing is defaulted,
reordered or normalised: the body stays beside the result as its `source`. Source of names, ranges and error codes: OpenAI API
reference (chat completions, 2026) and recorded refusals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from translators.canonical import OutputSpec, ReasoningSpec, Request, Sampling, Source, StateSpec
from translators.formats import Wire, json

from . import checks
from .messages import FORMAT, parse_messages
from .tools import parse_tool_choice, parse_tools

POINTERS = {
    "temperature": "/temperature",
    "topP": "/top_p",
    "topK": "/top_k",
    "maxOutputTokens": "/max_completion_tokens",
    "reasoningEffort": "/reasoning_effort",
    "verbosity": "/verbosity",
    "stop": "/stop",
    "seed": "/seed",
}

_CACHE = ("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")
_SAMPLING = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "frequency_penalty",
        "presence_penalty",
        "max_completion_tokens",
        "max_tokens",
        "stop",
        "seed",
        "n",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "prediction",
    }
)
KNOWN = frozenset(
    {
        "messages",
        "model",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "modalities",
        "audio",
        "stream",
        "stream_options",
        "store",
        "verbosity",
        "service_tier",
        "user",
        "safety_identifier",
        "moderation",
        "web_search_options",
        "metadata",
        *_SAMPLING,
        *_CACHE,
    }
)
"""Every member of the request body that has a canonical place."""

_GRAMMARS = ("grammar", "regex", "structural_tag")
_FORMATS = ("text", "json_object", "json_schema")
_NO_SAMPLING = Sampling()
_TEXT = OutputSpec()
_TOOLS_SIZE = 1024 * 1024


def parse_request(body: Wire, raw: bytes) -> Request:
    """The request that `body` (parsed from `raw`) makes. Raises `RequestError` naming the member at fault."""
    tools = parse_tools(body)
    if tools and len(raw) > _TOOLS_SIZE and len(json.dumps(body.get("tools") or body["functions"])) > _TOOLS_SIZE:
        raise checks.invalid(
            "tools", f"Invalid 'tools': expected at most {_TOOLS_SIZE} bytes.", "string_above_max_length"
        )
    rest: dict[str, Any] = {}
    keys = body.keys()
    if not keys <= KNOWN:
        rest["extensions"] = {key: value for key, value in body.items() if key not in KNOWN}
    stream = checks.boolean(body, "stream") is True
    if body.get("stream_options") is not None:
        _stream_options(body, rest, stream=stream)
    for key in ("verbosity", "service_tier", "user", "safety_identifier"):
        if key in keys:
            rest[key] = checks.string(body, key)
    if "reasoning_effort" in keys and (effort := checks.string(body, "reasoning_effort")) is not None:
        rest["reasoning"] = ReasoningSpec(effort=effort)
    if "store" in keys and (store := checks.boolean(body, "store")) is not None:
        rest["state"] = StateSpec(store=store)
    if "metadata" in keys:
        rest["metadata"] = _metadata(body)
    if "functions" in keys or "function_call" in keys:
        rest["legacy_functions"] = body.get("functions") is not None or body.get("function_call") is not None
    _rare(body, rest)
    return Request(
        messages=parse_messages(body),
        model=checks.string(body, "model"),
        tools=tools,
        tool_choice=parse_tool_choice(body, tools),
        parallel_tool_calls=checks.boolean(body, "parallel_tool_calls"),
        output=_output(body) if "response_format" in keys else _TEXT,
        sampling=_NO_SAMPLING if keys.isdisjoint(_SAMPLING) else _sampling(body),
        stream=stream,
        source=Source(format=FORMAT, body=body, raw=raw),
        **rest,
    )


def _stream_options(body: Wire, rest: dict[str, Any], *, stream: bool) -> None:
    options = checks.required_mapping(body, "stream_options", "")
    if not stream:
        raise checks.invalid(
            "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        )
    rest["include_usage"] = checks.boolean(options, "include_usage", "stream_options.") is True
    rest["include_obfuscation"] = checks.boolean(options, "include_obfuscation", "stream_options.")


def _metadata(body: Wire) -> dict[str, str]:
    metadata = checks.mapping(body, "metadata") or {}
    if len(metadata) > 16:
        raise checks.invalid(
            "metadata",
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            f"but got an object with {len(metadata)} properties instead.",
            "object_above_max_properties",
        )
    for key, value in metadata.items():
        if type(value) is not str:
            raise checks.wrong_type(f"metadata.{key[:64]}", "a string", value)
        if len(key) > 64 or len(value) > 512:
            raise checks.invalid(
                f"metadata.{key[:64]}",
                "Invalid 'metadata': keys have at most 64 characters and values at most 512.",
                "string_above_max_length",
            )
    return metadata


def _rare(body: Wire, rest: dict[str, Any]) -> None:
    """Members that few requests have."""
    cache = {key: body[key] for key in _CACHE if body.get(key) is not None}
    if cache:
        checks.string(body, "prompt_cache_key")
        checks.mapping(body, "prompt_cache_options")
        checks.string(body, "prompt_cache_retention")
        rest["cache"] = cache
    for key, name in (("moderation", "moderation"), ("web_search_options", "web_search"), ("audio", "audio")):
        if body.get(key) is not None:
            rest[name] = checks.required_mapping(body, key, "")
    modalities = body.get("modalities")
    if modalities is not None:
        if type(modalities) is not list or not all(type(item) is str for item in modalities):
            raise checks.wrong_type("modalities", "an array of strings", modalities)
        rest["modalities"] = tuple(modalities)
        if "audio" in modalities and "audio" not in rest:
            raise checks.missing("audio")


def _output(body: Wire) -> OutputSpec:
    spec = checks.mapping(body, "response_format")
    if spec is None:
        return _TEXT
    kind = checks.required_string(spec, "type", "response_format.")
    if kind == "text":
        return _TEXT
    if kind == "json_object":  # llama.cpp takes a schema here
        return OutputSpec(kind="json_object", schema=checks.mapping(spec, "schema", "response_format."))
    if kind in _GRAMMARS:
        return OutputSpec(kind="grammar", raw=spec)
    if kind != "json_schema":
        raise checks.unsupported_value("response_format.type", kind, _FORMATS)
    schema = checks.required_mapping(spec, "json_schema", "response_format.")
    where = "response_format.json_schema."
    return OutputSpec(
        kind="json_schema",
        name=checks.name(schema, where),
        schema=checks.mapping(schema, "schema", where),
        strict=checks.boolean(schema, "strict", where),
        description=checks.string(schema, "description", where),
    )


_Read = Callable[[Wire], Any]
_SAMPLING_READERS: dict[str, tuple[str, _Read]] = {
    "temperature": ("temperature", lambda body: checks.number(body, "temperature", 0, 2)),
    "top_p": ("top_p", lambda body: checks.number(body, "top_p", 0, 1)),
    "top_k": ("top_k", lambda body: checks.integer(body, "top_k")),
    "frequency_penalty": ("frequency_penalty", lambda body: checks.number(body, "frequency_penalty", -2, 2)),
    "presence_penalty": ("presence_penalty", lambda body: checks.number(body, "presence_penalty", -2, 2)),
    "max_tokens": ("max_output_tokens", lambda body: checks.integer(body, "max_tokens", 1)),
    "stop": ("stop", lambda body: _stop(body)),
    "seed": ("seed", lambda body: checks.integer(body, "seed")),
    "n": ("n", lambda body: checks.integer(body, "n", 1, 128)),
    "logprobs": ("logprobs", lambda body: checks.boolean(body, "logprobs")),
    "top_logprobs": ("top_logprobs", lambda body: checks.integer(body, "top_logprobs", 0, 20)),
    "logit_bias": ("logit_bias", lambda body: _logit_bias(body)),
    "prediction": ("prediction", lambda body: checks.mapping(body, "prediction")),
}
"""Member to canonical field and reader: only what a body has is read."""


def _sampling(body: Wire) -> Sampling:
    given: dict[str, Any] = {}
    for member in body:
        known = _SAMPLING_READERS.get(member)
        if known is not None:
            given[known[0]] = known[1](body)
    limit = checks.integer(body, "max_completion_tokens", 1)
    if limit is not None:
        given["max_output_tokens"] = limit
    if given.get("top_logprobs") is not None and given.get("logprobs") is not True:
        raise checks.invalid("top_logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
    return Sampling(**given)


def _stop(body: Wire) -> tuple[str, ...] | None:
    stop = body.get("stop")
    if stop is None:
        return None
    if type(stop) is str:
        return (stop,)
    if type(stop) is not list or not all(type(item) is str for item in stop):
        raise checks.wrong_type("stop", "a string or an array of strings", stop)
    if len(stop) > 4:
        raise checks.too_long("stop", 4, len(stop))
    return tuple(stop)


def _logit_bias(body: Wire) -> dict[str, float] | None:
    bias = checks.mapping(body, "logit_bias")
    for token, value in (bias or {}).items():
        if type(value) is not int and type(value) is not float:
            raise checks.wrong_type(f"logit_bias.{token[:64]}", "a decimal", value)
        if not -100 <= value <= 100:
            raise checks.invalid("logit_bias", "Invalid 'logit_bias': values must be between -100 and 100.")
    return bias
