"""`POST /responses` to a canonical request. Hand-made checks, since this is on the path of every call.

Nothing is defaulted here: what the client left out stays unset. Members nobody here knows are kept as extensions.
Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from typing import Any, Literal

from translators.canonical import (
    Block,
    Origin,
    OutputSpec,
    ReasoningSpec,
    Request,
    RequestError,
    Sampling,
    Source,
    StateSpec,
    Text,
    Tool,
    ToolChoice,
)

from . import checks
from .items import FORMAT, INCLUDE_LOGPROBS, rest_of
from .parse_input import parse_input

TOOL_LIMIT = 512
METADATA_LIMIT = 16
MIN_OUTPUT_TOKENS = 16
"""The smallest `max_output_tokens` that OpenAI accepts."""

POINTERS = {
    "temperature": "/temperature",
    "topP": "/top_p",
    "maxOutputTokens": "/max_output_tokens",
    "reasoningEffort": "/reasoning/effort",
    "verbosity": "/text/verbosity",
}
"""Where parameters of Model and ModelRoute records stand in this format."""

CACHE_MEMBERS = ("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention")

_KNOWN = frozenset(
    {
        *CACHE_MEMBERS,
        "background",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
        "verbosity",
    }
)
_FUNCTION_MEMBERS = frozenset({"type", "name", "description", "parameters", "strict"})
_CUSTOM_MEMBERS = frozenset({"type", "name", "description", "format"})
_TEXT_MEMBERS = frozenset({"format", "verbosity"})
_REASONING_MEMBERS = frozenset({"effort", "summary", "generate_summary"})
_OPTION_MEMBERS = frozenset({"include_obfuscation"})
_HISTORY = ("input", "previous_response_id", "prompt", "conversation")


def parse_request(body: dict[str, Any], raw: bytes) -> Request:
    """The request that `body` spells. Raises `RequestError` in OpenAI's words."""
    state = _parse_state(body)
    text = checks.mapping(body, "text") or {}
    options = checks.mapping(body, "stream_options") or {}
    return Request(
        messages=_parse_messages(body),
        model=_parse_model(body),
        instructions=_parse_instructions(body),
        tools=_parse_tools(body),
        tool_choice=_parse_tool_choice(body),
        parallel_tool_calls=checks.boolean(body, "parallel_tool_calls"),
        output=_parse_output(text),
        sampling=_parse_sampling(body, state),
        reasoning=_parse_reasoning(body),
        stream=bool(checks.boolean(body, "stream")),
        include_obfuscation=checks.boolean(options, "include_obfuscation", "stream_options"),
        state=state,
        cache={key: value for key in CACHE_MEMBERS if (value := body.get(key)) is not None},
        # `client.responses.parse(verbosity=...)` leaks the argument to the top level.
        verbosity=checks.string(text, "verbosity", "text") or checks.string(body, "verbosity"),
        service_tier=checks.string(body, "service_tier"),
        user=checks.string(body, "user"),
        safety_identifier=checks.string(body, "safety_identifier"),
        moderation=body.get("moderation"),
        metadata=_parse_metadata(body),
        extensions=_parse_extensions(body, text, options),
        source=Source(format=FORMAT, body=body, raw=raw),
    )


def _parse_model(body: dict[str, Any]) -> str | None:
    model = checks.string(body, "model")
    if not model and body.get("prompt") is None:
        raise checks.missing("model")
    return model


def _parse_messages(body: dict[str, Any]) -> Any:
    value = body.get("input")
    if value is None or value == []:
        if all(body.get(key) is None for key in _HISTORY[1:]):
            raise RequestError(
                "One of 'input' or 'previous_response_id' or 'prompt' or 'conversation' must be provided.",
                param="input",
                code="missing_required_parameter",
            )
        return ()
    return parse_input(value)


def _parse_instructions(body: dict[str, Any]) -> tuple[Block, ...]:
    text = checks.string(body, "instructions")
    return () if text is None else (Text(text, origin=Origin("/instructions")),)


def _parse_state(body: dict[str, Any]) -> StateSpec:
    previous = checks.string(body, "previous_response_id")
    conversation = body.get("conversation")
    if conversation is not None and type(conversation) not in (str, dict):
        raise checks.invalid_type("conversation", "a string or an object", conversation)
    if previous is not None and conversation is not None:
        raise RequestError(
            "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are only providing "
            "one of them.",
            param="previous_response_id",
            code="mutually_exclusive_parameters",
        )
    include = checks.array(body, "include", of="strings") or []
    for index, value in enumerate(include):
        if type(value) is not str:
            raise checks.invalid_type(f"include[{index}]", "a string", value)
    return StateSpec(
        store=checks.boolean(body, "store"),
        previous_response_id=previous,
        conversation=conversation,
        background=checks.boolean(body, "background"),
        truncation=checks.one_of(body, "truncation", ("auto", "disabled")),
        include=tuple(include),
        max_tool_calls=checks.integer(body, "max_tool_calls", 1),
        context_management=checks.array(body, "context_management"),
        prompt=checks.mapping(body, "prompt"),
    )


def _parse_sampling(body: dict[str, Any], state: StateSpec) -> Sampling:
    return Sampling(
        temperature=checks.decimal(body, "temperature", 0, 2),
        top_p=checks.decimal(body, "top_p", 0, 1),
        max_output_tokens=checks.integer(body, "max_output_tokens", MIN_OUTPUT_TOKENS),
        logprobs=True if INCLUDE_LOGPROBS in state.include else None,
        top_logprobs=checks.integer(body, "top_logprobs", 0, 20),
    )


def _parse_reasoning(body: dict[str, Any]) -> ReasoningSpec | None:
    reasoning = checks.mapping(body, "reasoning")
    if reasoning is None:
        return None
    return ReasoningSpec(
        effort=checks.string(reasoning, "effort", "reasoning"),
        summary=checks.string(reasoning, "summary", "reasoning")
        or checks.string(reasoning, "generate_summary", "reasoning"),
        raw=rest_of(reasoning, _REASONING_MEMBERS),
    )


def _parse_output(text: dict[str, Any]) -> OutputSpec:
    shape = checks.mapping(text, "format", "text")
    if shape is None:
        return _PLAIN
    match checks.required_string(shape, "type", "text.format"):
        case "text":
            return _PLAIN
        case "json_object":
            return OutputSpec(kind="json_object")
        case "grammar":
            return OutputSpec(kind="grammar", raw=shape)
        case "json_schema":
            schema = checks.mapping(shape, "schema", "text.format")
            if schema is None:
                raise checks.missing("text.format.schema")
            return OutputSpec(
                kind="json_schema",
                name=checks.required_string(shape, "name", "text.format"),
                schema=schema,
                strict=checks.boolean(shape, "strict", "text.format"),
                description=checks.string(shape, "description", "text.format"),
            )
        case kind:
            raise checks.invalid_value("text.format.type", kind, ("text", "json_object", "json_schema"))


_PLAIN = OutputSpec()


def _parse_metadata(body: dict[str, Any]) -> dict[str, str]:
    metadata = checks.mapping(body, "metadata") or {}
    if len(metadata) > METADATA_LIMIT:
        raise RequestError(
            f"Invalid 'metadata': too many properties. Expected an object with at most {METADATA_LIMIT} properties, "
            f"but got an object with {len(metadata)} properties instead.",
            param="metadata",
            code="object_above_max_properties",
        )
    for key, value in metadata.items():
        if type(value) is not str:
            raise checks.invalid_type(f"metadata.{key}", "a string", value)
    return metadata


def _parse_extensions(body: dict[str, Any], text: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Unknown members, verbatim. Unknown members of `text` and `stream_options` stay under those names."""
    extensions = rest_of(body, _KNOWN) or {}
    for name, found in (("text", rest_of(text, _TEXT_MEMBERS)), ("stream_options", rest_of(options, _OPTION_MEMBERS))):
        if found:
            extensions[name] = found
    return extensions


def _parse_tools(body: dict[str, Any]) -> tuple[Tool, ...]:
    tools = checks.array(body, "tools")
    if not tools:
        return ()
    if len(tools) > TOOL_LIMIT:
        raise checks.too_long("tools", TOOL_LIMIT, len(tools))
    return tuple(_parse_tool(tool, index) for index, tool in enumerate(tools))


def _parse_tool(tool: Any, index: int) -> Tool:
    at = f"tools[{index}]"
    if type(tool) is not dict:
        raise checks.invalid_type(at, "an object", tool)
    kind = checks.required_string(tool, "type", at)
    pointer = f"/tools/{index}"
    if kind == "function":
        # Chat's nested spelling is a common mistake; OpenAI answers it with the missing flat name.
        name = checks.required_string(tool, "name", at)
        return Tool(
            name=name,
            description=checks.string(tool, "description", at),
            parameters=checks.mapping(tool, "parameters", at),
            strict=checks.boolean(tool, "strict", at),
            origin=Origin(pointer, index, kind, rest=rest_of(tool, _FUNCTION_MEMBERS)),
        )
    if kind == "custom":
        return Tool(
            name=checks.required_string(tool, "name", at),
            kind="custom",
            description=checks.string(tool, "description", at),
            format=checks.mapping(tool, "format", at),
            origin=Origin(pointer, index, kind, rest=rest_of(tool, _CUSTOM_MEMBERS)),
        )
    return Tool(name=kind, kind="hosted", hosted=tool, origin=Origin(pointer, index, kind))


_MODES: dict[str, Literal["auto", "none", "required"]] = {"auto": "auto", "none": "none", "required": "required"}


def _parse_tool_choice(body: dict[str, Any]) -> ToolChoice | None:
    choice = body.get("tool_choice")
    if choice is None:
        return None
    if type(choice) is str:
        mode = _MODES.get(choice)
        if mode is None:
            raise checks.invalid_value("tool_choice", choice, ("none", "auto", "required"))
        return ToolChoice(mode=mode)
    if type(choice) is not dict:
        raise checks.invalid_type("tool_choice", "a string or an object", choice)
    kind = checks.required_string(choice, "type", "tool_choice")
    if kind == "allowed_tools":
        return _parse_allowed(choice)
    if kind in ("function", "custom"):
        name = checks.required_string(choice, "name", "tool_choice")
        return ToolChoice(mode="named", names=(name,), kind="function" if kind == "function" else "custom", raw=choice)
    return ToolChoice(mode="named", names=(kind,), kind="hosted", raw=choice)


def _parse_allowed(choice: dict[str, Any]) -> ToolChoice:
    names: list[str] = []
    for index, tool in enumerate(checks.array(choice, "tools", "tool_choice") or []):
        at = f"tool_choice.tools[{index}]"
        if type(tool) is not dict:
            raise checks.invalid_type(at, "an object", tool)
        names.append(checks.string(tool, "name", at) or checks.required_string(tool, "type", at))
    mode = checks.one_of(choice, "mode", ("auto", "required"), "tool_choice")
    return ToolChoice(
        mode="allowed",
        names=tuple(names),
        allowed_mode="required" if mode == "required" else "auto",
        raw=choice,
    )
