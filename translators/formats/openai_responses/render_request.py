"""A canonical request, whatever dialect it came in, to the body of `POST /responses`.

Two defaults differ from chat's and are therefore always written for its requests: `store` (true here) and a function's
`strict` (tried here when absent). What this API has no member for is listed as a `Transform`; routing keeps such requests
away where it matters.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Request, Sampling, Text, Tool, Transform
from translators.formats import Rendered

from .items import FORMAT, INCLUDE_LOGPROBS, INCLUDE_SEALED
from .parse_request import CACHE_MEMBERS, MIN_OUTPUT_TOKENS
from .render_items import render_items
from .render_response import render_format, render_tool, render_tool_choice

_ABSENT = "this API has no such parameter"
_EFFORTS = ((1024, "low"), (8192, "medium"), (24576, "high"))
"""Budgets of reasoning tokens, up to which an effort is meant; more is "xhigh"."""


def render_request(request: Request, model: str) -> Rendered:
    """The body for `model`, the provider's own name of it, and every change that was made on the way."""
    native = request.source is not None and request.source.format == FORMAT
    losses: list[Transform] = []
    store = request.state.store if native else bool(request.state.store)
    body: dict[str, Any] = {"model": model}
    _instructions(request, body, losses)
    body["input"] = render_items(request.messages, keep_ids=native and store is not False, losses=losses)
    _tools(request, body, losses, native=native)
    _text(request, body, losses)
    _sampling(request, body, losses)
    _reasoning(request, body, losses)
    _state(request, body, store=store, native=native)
    _rest(request, body, losses, native=native)
    return Rendered(body, tuple(losses))


def _instructions(request: Request, body: dict[str, Any], losses: list[Transform]) -> None:
    texts = [block.text for block in request.instructions if isinstance(block, Text)]
    if texts:
        body["instructions"] = "\n\n".join(texts)
    if len(texts) < len(request.instructions):
        losses.append(Transform("instructions", "dropped", "only text can be an instruction"))
    if any(isinstance(block, Text) and block.cache for block in request.instructions):
        losses.append(Transform("instructions.cache", "dropped", "instructions have no cache breakpoint"))


def _tools(request: Request, body: dict[str, Any], losses: list[Transform], *, native: bool) -> None:
    tools = [_tool(tool, native=native) for tool in request.tools]
    for index, tool in enumerate(request.tools):
        if tool.cache is not None:
            losses.append(Transform(f"tools[{index}].cache", "dropped", "tools have no cache breakpoint here"))
    if request.web_search is not None:
        tools.append(_web_search(request.web_search))
        losses.append(Transform("web_search", "mapped", "as the web_search tool"))
    if tools:
        body["tools"] = tools
    if request.tool_choice is not None:
        body["tool_choice"] = render_tool_choice(request.tool_choice, request.tools)
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _tool(tool: Tool, *, native: bool) -> dict[str, Any]:
    wire = render_tool(tool)
    if tool.kind != "function":
        return wire
    if native and tool.strict is None:
        del wire["strict"]
    if wire["description"] is None:
        del wire["description"]
    if wire["parameters"] is None and not native:
        wire["parameters"] = {"type": "object", "properties": {}, "additionalProperties": False}
    return wire


def _web_search(options: Any) -> dict[str, Any]:
    """Chat's `web_search_options`, whose location is nested under "approximate"."""
    wire: dict[str, Any] = {"type": "web_search"}
    if not isinstance(options, dict):
        return wire
    if (size := options.get("search_context_size")) is not None:
        wire["search_context_size"] = size
    location = options.get("user_location")
    if isinstance(location, dict):
        inner = location.get("approximate")
        wire["user_location"] = {"type": "approximate", **(inner if isinstance(inner, dict) else location)}
    return wire


def _text(request: Request, body: dict[str, Any], losses: list[Transform]) -> None:
    output = request.output
    text: dict[str, Any] = {}
    if output.kind != "text":
        text["format"] = render_format(output)
    if output.kind == "json_schema" and output.schema is None:
        losses.append(Transform("output.schema", "reshaped", "an empty schema: this API requires one"))
    if output.kind == "json_object" and output.schema is not None:
        losses.append(Transform("output.schema", "dropped", "json_object takes no schema here"))
    if output.kind == "grammar" and text["format"].get("type") == "text":
        losses.append(Transform("output.grammar", "dropped", _ABSENT))
    if request.verbosity is not None:
        text["verbosity"] = request.verbosity
    if text:
        body["text"] = text


def _sampling(request: Request, body: dict[str, Any], losses: list[Transform]) -> None:
    sampling = request.sampling
    for key in ("temperature", "top_p", "top_logprobs"):
        if (value := getattr(sampling, key)) is not None:
            body[key] = value
    limit = sampling.max_output_tokens
    if limit is not None:
        if limit < MIN_OUTPUT_TOKENS:
            losses.append(
                Transform("sampling.max_output_tokens", "reshaped", f"raised from {limit} to {MIN_OUTPUT_TOKENS}")
            )
        body["max_output_tokens"] = max(limit, MIN_OUTPUT_TOKENS)
    losses += [Transform(f"sampling.{key}", "dropped", _ABSENT) for key in _unsupported(sampling)]


def _unsupported(sampling: Sampling) -> list[str]:
    """Parameters that are set and mean something. One choice is what this API gives anyway."""
    names = ("stop", "seed", "logit_bias", "frequency_penalty", "presence_penalty", "prediction", "top_k")
    found = [name for name in names if getattr(sampling, name) is not None]
    return [*found, "n"] if sampling.n not in (None, 1) else found


def _reasoning(request: Request, body: dict[str, Any], losses: list[Transform]) -> None:
    spec = request.reasoning
    if spec is None:
        return
    wire: dict[str, Any] = dict(spec.raw) if isinstance(spec.raw, dict) else {}
    effort = spec.effort
    if spec.budget_tokens is not None:
        if effort is None:
            effort = next((word for budget, word in _EFFORTS if spec.budget_tokens <= budget), "xhigh")
        losses.append(Transform("reasoning.budget_tokens", "mapped", f"as effort {effort}"))
    if effort is not None:
        wire["effort"] = effort
    if spec.summary is not None:
        wire["summary"] = spec.summary
    if wire:
        body["reasoning"] = wire


def _state(request: Request, body: dict[str, Any], *, store: bool | None, native: bool) -> None:
    state = request.state
    if store is not None:
        body["store"] = store
    include = list(state.include)
    if not native and not store:
        # Reasoning then lives nowhere but in the conversation, so it must come back sealed.
        include.append(INCLUDE_SEALED)
    if request.sampling.logprobs and INCLUDE_LOGPROBS not in include:
        include.append(INCLUDE_LOGPROBS)
    if include:
        body["include"] = list(dict.fromkeys(include))
    for key in (
        "previous_response_id",
        "conversation",
        "background",
        "truncation",
        "max_tool_calls",
        "context_management",
        "prompt",
    ):
        if (value := getattr(state, key)) is not None:
            body[key] = value


def _rest(request: Request, body: dict[str, Any], losses: list[Transform], *, native: bool) -> None:
    for key in CACHE_MEMBERS:
        if key in request.cache:
            body[key] = request.cache[key]
    for key in ("service_tier", "user", "safety_identifier", "moderation"):
        if (value := getattr(request, key)) is not None:
            body[key] = value
    if request.metadata:
        body["metadata"] = dict(request.metadata)
    if request.stream:
        body["stream"] = True
    if request.include_obfuscation is not None:
        body["stream_options"] = {"include_obfuscation": request.include_obfuscation}
    if request.modalities != ("text",):
        losses.append(Transform("modalities", "dropped", "this API answers in text"))
    if request.audio is not None:
        losses.append(Transform("audio", "dropped", _ABSENT))
    for key, value in request.extensions.items():
        if not native:
            losses.append(Transform(f"extensions.{key}", "dropped", "a member of another dialect"))
        elif isinstance(value, dict) and isinstance(known := body.get(key), dict):
            body[key] = {**value, **known}
        else:
            body[key] = value
