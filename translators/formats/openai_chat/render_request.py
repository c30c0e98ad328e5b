"""A canonical request to the body of a chat provider, with every change listed.

Schemas, names and argument texts go through verbatim, and `strict` keeps its three states. Members that only the client's own
chat dialect knows (`extensions`, unknown members of messages and tools) return to it and are listed as dropped elsewhere. What
is a need (`translators.canonical.needs`) is expected to have been met by the choice of the provider.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import OutputSpec, Request, Sampling, Tool, ToolChoice
from translators.formats import Rendered, Wire

from .messages import FORMAT
from .render_messages import Losses, render_messages


def render_request(request: Request, model: str) -> Rendered:
    """The body for the upstream model id `model`."""
    losses = Losses(own=request.source is None or request.source.format == FORMAT)
    body: Wire = {"model": model, "messages": render_messages(request, losses)}
    tools = [shown for tool in request.tools if (shown := _tool(tool, losses)) is not None]
    if tools:
        body["tools"] = tools
        _tool_use(request, body)
    elif request.tool_choice is not None or request.parallel_tool_calls is not None:
        losses.drop("tool_choice", "there are no tools, and servers refuse it then")
    if request.output.kind != "text":
        body["response_format"] = _output(request.output)
    _sampling(request.sampling, body, _limit_name(request))
    _reasoning(request, body, losses)
    if request.stream:
        body["stream"] = True
        options = _stream_options(request)
        if options:
            body["stream_options"] = options
    _settings(request, body, losses)
    _state(request, losses, body)
    if losses.own:
        for key, value in request.extensions.items():
            body.setdefault(key, value)
    else:
        for key in request.extensions:
            losses.drop(f"extensions.{key}", "a member of another dialect")
    return Rendered(body, tuple(losses.transforms))


def _set(body: Wire, key: str, value: Any) -> None:
    if value is not None:
        body[key] = value


def _tool_use(request: Request, body: Wire) -> None:
    if request.tool_choice is not None:
        body["tool_choice"] = _choice(request.tool_choice, request.tools)
    _set(body, "parallel_tool_calls", request.parallel_tool_calls)


def _tool(tool: Tool, losses: Losses) -> Wire | None:
    if tool.kind == "hosted":
        if losses.own and tool.hosted is not None:
            return tool.hosted
        losses.drop(f"tools.{tool.name}", "a hosted tool of another dialect")
        return None
    if tool.kind == "custom":
        custom: Wire = {"name": tool.name}
        _set(custom, "description", tool.description)
        _set(custom, "format", _grammar(tool.format))
        return {"type": "custom", "custom": custom}
    function: Wire = {"name": tool.name}
    _set(function, "description", tool.description)
    _set(function, "parameters", tool.parameters)
    _set(function, "strict", tool.strict)
    shown: Wire = {"type": "function", "function": function}
    rest = tool.origin.rest if tool.origin is not None and losses.own else None
    if rest:
        function.update(rest.get("function", {}))
        shown.update({key: value for key, value in rest.items() if key != "function"})
    elif tool.cache is not None:
        losses.drop(f"tools.{tool.name}.cache", "chat has no cache breakpoint on a tool")
    return shown


def _grammar(form: Any) -> Any:
    if type(form) is dict and form.get("type") == "grammar":
        return {"type": "grammar", "grammar": {key: value for key, value in form.items() if key != "type"}}
    return form


def _choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> Any:
    if choice.mode == "named":
        if choice.kind == "hosted" or not choice.names:
            return choice.raw
        return _named(choice.names[0], choice.kind)
    if choice.mode == "allowed":
        kinds = {tool.name: tool.kind for tool in tools}
        listed = [_named(name, kinds.get(name, "function")) for name in choice.names]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.allowed_mode or "auto", "tools": listed}}
    return choice.mode


def _named(name: str, kind: str) -> Wire:
    return {"type": name} if kind == "hosted" else {"type": kind, kind: {"name": name}}


def _output(output: OutputSpec) -> Any:
    if output.kind == "json_object":
        shown: Wire = {"type": "json_object"}
        _set(shown, "schema", output.schema)
        return shown
    if output.kind == "grammar":
        return output.raw
    schema: Wire = {"name": output.name or "response"}
    _set(schema, "description", output.description)
    _set(schema, "schema", output.schema)
    _set(schema, "strict", output.strict)
    return {"type": "json_schema", "json_schema": schema}


def _limit_name(request: Request) -> str:
    """The client's own spelling of the output limit where it has one: some servers know only the older."""
    body = request.source.body if request.source is not None and request.source.format == FORMAT else {}
    old = body.get("max_tokens") is not None and body.get("max_completion_tokens") is None
    return "max_tokens" if old else "max_completion_tokens"


def _sampling(sampling: Sampling, body: Wire, limit: str) -> None:
    _set(body, "temperature", sampling.temperature)
    _set(body, "top_p", sampling.top_p)
    _set(body, "top_k", sampling.top_k)
    _set(body, "frequency_penalty", sampling.frequency_penalty)
    _set(body, "presence_penalty", sampling.presence_penalty)
    _set(body, limit, sampling.max_output_tokens)
    if sampling.stop is not None:
        body["stop"] = list(sampling.stop)
    _set(body, "seed", sampling.seed)
    _set(body, "n", sampling.n)
    _set(body, "logprobs", sampling.logprobs)
    if sampling.top_logprobs is not None:
        body["logprobs"] = True if sampling.logprobs is None else sampling.logprobs  # chat wants both
        body["top_logprobs"] = sampling.top_logprobs
    _set(body, "logit_bias", sampling.logit_bias)
    _set(body, "prediction", sampling.prediction)


def _reasoning(request: Request, body: Wire, losses: Losses) -> None:
    reasoning = request.reasoning
    if reasoning is None:
        return
    _set(body, "reasoning_effort", reasoning.effort)
    for name in ("summary", "budget_tokens", "raw"):
        if getattr(reasoning, name) is not None:
            losses.drop(f"reasoning.{name}", "chat knows only an effort")


def _stream_options(request: Request) -> Wire:
    options: Wire = {}
    if request.include_usage:
        options["include_usage"] = True
    _set(options, "include_obfuscation", request.include_obfuscation)
    return options


def _settings(request: Request, body: Wire, losses: Losses) -> None:
    if request.modalities != ("text",):
        body["modalities"] = list(request.modalities)
    _set(body, "audio", request.audio)
    _set(body, "verbosity", request.verbosity)
    _set(body, "service_tier", request.service_tier)
    _set(body, "user", request.user)
    _set(body, "safety_identifier", request.safety_identifier)
    _set(body, "moderation", request.moderation)
    _set(body, "web_search_options", request.web_search)
    for key, value in request.cache.items():
        body[key if key.startswith("prompt_cache_") else f"prompt_cache_{key}"] = value
    if request.metadata:
        body["metadata"] = dict(request.metadata)
    if not request.stream and (request.include_usage or request.include_obfuscation is not None):
        losses.add("stream_options", "dropped", "the answer is not streamed")


def _state(request: Request, losses: Losses, body: Wire) -> None:
    state = request.state
    _set(body, "store", state.store)
    for name in ("truncation", "max_tool_calls"):
        if getattr(state, name) is not None:
            losses.drop(f"state.{name}", "chat has no such setting")
    if state.include:
        losses.drop("state.include", "chat answers hold what there is")
