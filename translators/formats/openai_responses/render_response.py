"""A canonical response to the whole Response object: every member SDKs and strict readers look for, always.

What the provider did not say is echoed from the request, with the API's own defaults where the request is silent too.
Members: https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from typing import Any

from translators.canonical import (
    NO_USAGE,
    Choice,
    Finish,
    JochError,
    OutputSpec,
    Refusal,
    Request,
    Response,
    Text,
    Tool,
    ToolChoice,
    Usage,
)
from translators.formats import RenderContext

from .errors import failed_code
from .items import own_rest
from .parse_response import UNFINISHED
from .render_output import Ids, render_output, seal_of

_REASONS = frozenset({"max_output_tokens", "max_messages", "content_filter", "steered"})


def render_response(response: Response, context: RenderContext) -> dict[str, Any]:
    """The first choice of `response` as a Response object; this API has no others."""
    choice = response.choices[0] if response.choices else None
    status, reason = status_of(choice, response.incomplete_reason)
    identity = response_id(response.id, context)
    output: list[dict[str, Any]] = []
    if choice is not None:
        output = render_output(
            choice.message.blocks,
            Ids(context.new_id),
            seal=seal_of(context),
            incomplete=status == "incomplete",
        )
    wire = {**response.extensions, **render_echo(context.request)}
    wire.update(
        id=identity,
        created_at=response.created or context.created,
        model=response.model or context.request.model or "",
    )
    if response.service_tier is not None:
        wire["service_tier"] = response.service_tier
    usage = None if status in UNFINISHED else render_usage(response.usage)
    return finished(wire, context, status=status, reason=reason, output=output, usage=usage)


def response_id(given: str, context: RenderContext) -> str:
    """The provider's id where it is one of this API, else a new one."""
    return given if given.startswith("resp_") else context.new_id("resp_")


def status_of(choice: Choice | None, reason: str | None) -> tuple[str, str | None]:
    """Status of the response, and the reason when it is incomplete."""
    if choice is None:
        return "completed", None
    refused = any(isinstance(block, Refusal) for block in choice.message.blocks)
    return status_of_finish(choice.finish, choice.finish_raw, reason, refused=refused)


def status_of_finish(finish: Finish, raw: str | None, reason: str | None, *, refused: bool) -> tuple[str, str | None]:
    """As `status_of`. A refusal that is said in words is a complete answer; one that is not was filtered."""
    if finish is Finish.LENGTH:
        return "incomplete", reason if reason in _REASONS else "max_output_tokens"
    if finish is Finish.CONTENT_FILTER or (finish is Finish.REFUSAL and not refused):
        return "incomplete", "content_filter"
    if finish is Finish.OTHER and raw in UNFINISHED:
        return str(raw), None
    return "completed", None


def finished(
    wire: dict[str, Any],
    context: RenderContext,
    *,
    status: str,
    reason: str | None,
    output: list[dict[str, Any]],
    usage: dict[str, Any] | None,
) -> dict[str, Any]:
    """`wire` (echoes and identity) with how it ended."""
    return {
        **wire,
        "status": status,
        "completed_at": max(wire["created_at"], context.created) if status == "completed" else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": output,
        "usage": usage,
    }


def render_failed(
    wire: dict[str, Any], error: JochError, output: list[dict[str, Any]], usage: dict[str, Any] | None
) -> dict[str, Any]:
    """`wire` as the response object of `response.failed`."""
    return {
        **wire,
        "status": "failed",
        "error": {"code": failed_code(error), "message": error.body.message},
        "output": output,
        "usage": usage,
    }


def render_usage(usage: Usage) -> dict[str, Any]:
    """All counts as integers: SDKs and agents build their own records of them, strictly."""
    usage = NO_USAGE if usage.source == "none" else usage
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }


def render_echo(request: Request) -> dict[str, Any]:
    """The response object as it stands before anything was generated, without its identity."""
    state, sampling, reasoning = request.state, request.sampling, request.reasoning
    cache = request.cache
    wire: dict[str, Any] = {
        "id": "",
        "object": "response",
        "created_at": 0,
        "completed_at": None,
        "status": "in_progress",
        "background": bool(state.background),
        "error": None,
        "incomplete_details": None,
        "instructions": _instructions(request),
        "max_output_tokens": sampling.max_output_tokens,
        "max_tool_calls": state.max_tool_calls,
        "model": request.model or "",
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": state.previous_response_id,
        "prompt_cache_key": cache.get("prompt_cache_key"),
        "reasoning": {
            **(reasoning.raw or {} if reasoning else {}),
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "safety_identifier": request.safety_identifier,
        "service_tier": request.service_tier or "default",
        "store": state.store is not False,
        "temperature": 1.0 if sampling.temperature is None else sampling.temperature,
        "text": {"format": render_format(request.output), "verbosity": request.verbosity or "medium"},
        "tool_choice": "auto"
        if request.tool_choice is None
        else render_tool_choice(request.tool_choice, request.tools),
        "tools": [render_tool(tool) for tool in request.tools],
        "top_logprobs": sampling.top_logprobs or 0,
        "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
        "truncation": state.truncation or "disabled",
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "usage": None,
        "user": request.user,
        "metadata": dict(request.metadata),
    }
    if state.conversation is not None:
        conversation = state.conversation
        wire["conversation"] = conversation if isinstance(conversation, dict) else {"id": conversation}
    for key in ("prompt_cache_options", "prompt_cache_retention"):
        if key in cache:
            wire[key] = cache[key]
    if state.prompt is not None:
        wire["prompt"] = state.prompt
    return wire


def _instructions(request: Request) -> str | None:
    texts = [block.text for block in request.instructions if isinstance(block, Text)]
    return "\n\n".join(texts) if texts else None


def render_format(output: OutputSpec) -> dict[str, Any]:
    """`text.format`: flat, where chat nests it. The schema goes as it came."""
    if output.kind == "grammar" and isinstance(output.raw, dict):
        return output.raw
    if output.kind != "json_schema":
        return {"type": "text" if output.kind == "grammar" else output.kind}
    wire: dict[str, Any] = {"type": "json_schema", "name": output.name or "response", "schema": output.schema or {}}
    if output.description is not None:
        wire["description"] = output.description
    if output.strict is not None:
        wire["strict"] = output.strict
    return wire


def render_tool(tool: Tool) -> dict[str, Any]:
    """A tool in this API's flat spelling, with `strict` written out: absent, it would mean "try"."""
    if tool.kind == "hosted":
        return tool.hosted or {"type": tool.name}
    if tool.kind == "custom":
        wire = {**own_rest(tool.origin), "type": "custom", "name": tool.name}
        if tool.description is not None:
            wire["description"] = tool.description
        if tool.format is not None:
            wire["format"] = tool.format
        return wire
    return {
        **own_rest(tool.origin),
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": bool(tool.strict),
    }


def render_tool_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> Any:
    """`tool_choice`, flat. A choice this API's own client made goes back as it was said."""
    if choice.mode in ("auto", "none", "required"):
        return choice.mode
    if _is_flat(choice.raw):
        return choice.raw
    kinds = {tool.name: tool.kind for tool in tools}
    if choice.mode == "named":
        name = choice.names[0]
        return {"type": name} if choice.kind == "hosted" else {"type": choice.kind, "name": name}
    allowed = [
        {"type": name} if kinds.get(name) == "hosted" else {"type": kinds.get(name, "function"), "name": name}
        for name in choice.names
    ]
    return {"type": "allowed_tools", "mode": choice.allowed_mode or "auto", "tools": allowed}


def _is_flat(raw: object) -> bool:
    """Whether a raw choice is spelled as here: chat nests the name, or the list of tools, one level deeper."""
    if not isinstance(raw, dict):
        return False
    kind = raw.get("type")
    if kind == "allowed_tools":
        return "tools" in raw
    return kind not in ("function", "custom") or "name" in raw
