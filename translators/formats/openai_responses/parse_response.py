"""A whole answer of a Responses provider to a canonical response. What it does not look like an answer raises.

The items of `output` become the blocks of one assistant message, each with its item's id, type, status and phase, so that
they can be told apart and put together again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.canonical import (
    NO_USAGE,
    Block,
    Choice,
    Finish,
    HostedItem,
    Message,
    Native,
    Reason,
    Refusal,
    Response,
    ToolCall,
    UpstreamError,
    Usage,
)

from .errors import parse_failure
from .items import (
    CUSTOM_CALL_MEMBERS,
    FORMAT,
    FUNCTION_CALL_MEMBERS,
    HOSTED,
    MESSAGE_MEMBERS,
    OUTPUT_TEXT_MEMBERS,
    REASONING_MEMBERS,
    REFUSAL_MEMBERS,
    item_origin,
    parse_output_text,
    parse_reasoning,
    rest_of,
)

UNFINISHED = ("queued", "in_progress", "cancelled")
"""Statuses of background responses: no answer yet, or never. They ride as `finish_raw` of `Finish.OTHER`."""

_RESULT_ITEMS = frozenset({"function_call_output", "custom_tool_call_output"})
"""Outputs in an answer: calls that the provider ran by itself (programmatic tool calling)."""

MODELLED = frozenset(
    {
        "background",
        "completed_at",
        "conversation",
        "created_at",
        "error",
        "frequency_penalty",
        "id",
        "incomplete_details",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "object",
        "output",
        "output_text",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "status",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "usage",
        "user",
    }
)
"""Members that are canonical, or that echo the request. The rest of an answer is kept as extensions."""


def parse_response(body: dict[str, Any], issuer: str) -> Response:
    """The answer in `body`. `issuer` marks sealed blobs. Raises `UpstreamError` for failures and for other shapes."""
    if not isinstance(body, dict):
        raise bad_shape("The provider's answer is not an object.")
    status = body.get("status")
    if status == "failed" or (body.get("error") and "output" not in body):
        raise parse_failure({"response": body})
    output = body.get("output")
    if not isinstance(output, list):
        raise bad_shape("The provider's answer has no list of output items.")
    blocks: list[Block] = []
    for ordinal, item in enumerate(output):
        blocks += parse_output_item(item, ordinal, issuer)
    finish, reason = parse_finish(body, called=any(isinstance(block, ToolCall) for block in blocks))
    choice = Choice(
        index=0,
        message=Message("assistant", tuple(blocks)),
        finish=finish,
        finish_raw=status if isinstance(status, str) else None,
    )
    return Response(
        id=_text(body, "id"),
        model=_text(body, "model"),
        choices=(choice,),
        usage=parse_usage(body),
        created=parse_created(body),
        incomplete_reason=reason,
        service_tier=parse_service_tier(body),
        extensions=parse_extensions(body),
    )


def bad_shape(message: str) -> UpstreamError:
    return UpstreamError(Reason.BAD_RESPONSE, message, failure="bad_shape", billed_risk=True)


def _text(wire: Mapping[str, Any], key: str) -> str:
    value = wire.get(key)
    if not isinstance(value, str):
        raise bad_shape(f"The provider's answer has no text member '{key}'.")
    return value


def parse_output_item(item: object, ordinal: int, issuer: str) -> list[Block]:
    """The blocks of one output item: a message has one per part, any other item is one. Raises for broken items."""
    if not isinstance(item, dict):
        raise bad_shape("An output item of the provider's answer is not an object.")
    kind = _text(item, "type")
    if kind == "message":
        return _parse_message(item, ordinal)
    return [parse_single_item(item, kind, ordinal, issuer)]


def _parse_message(item: dict[str, Any], ordinal: int) -> list[Block]:
    content = item.get("content")
    if not isinstance(content, list):
        raise bad_shape("A message of the provider's answer has no list of content parts.")
    rest = rest_of(item, MESSAGE_MEMBERS)
    return [parse_part(part, item, ordinal, rest if not index else None) for index, part in enumerate(content)]


def parse_part(part: object, item: dict[str, Any], ordinal: int, item_rest: dict[str, Any] | None = None) -> Block:
    """One part of message `item`. What is not modelled of the message rides on its first block, as "message"."""
    if not isinstance(part, dict):
        raise bad_shape("A content part of the provider's answer is not an object.")
    kind = _text(part, "type")
    known = {"output_text": OUTPUT_TEXT_MEMBERS, "refusal": REFUSAL_MEMBERS}.get(kind)
    rest = rest_of(part, known) if known else None
    if item_rest:
        rest = {**(rest or {}), "message": item_rest}
    origin = item_origin(item, "message", ordinal, None, rest)
    if kind == "output_text":
        return parse_output_text(part, _text(part, "text"), origin)
    if kind == "refusal":
        return Refusal(_text(part, "refusal"), origin=origin)
    return Native(FORMAT, part, origin)


def parse_single_item(item: dict[str, Any], kind: str, ordinal: int, issuer: str) -> Block:
    """The block that an item other than a message is."""
    if kind == "reasoning":
        return parse_reasoning(item, item_origin(item, kind, ordinal, None, rest_of(item, REASONING_MEMBERS)), issuer)
    if kind in ("function_call", "custom_tool_call"):
        custom = kind == "custom_tool_call"
        namespace = item.get("namespace")
        known = CUSTOM_CALL_MEMBERS if custom else FUNCTION_CALL_MEMBERS
        return ToolCall(
            id=_text(item, "call_id"),
            name=_text(item, "name"),
            arguments=_text(item, "input" if custom else "arguments"),
            kind="custom" if custom else "function",
            namespace=namespace if isinstance(namespace, str) else None,
            origin=item_origin(item, kind, ordinal, None, rest_of(item, known)),
        )
    origin = item_origin(item, kind, ordinal, None, None)
    if kind in _RESULT_ITEMS:
        return HostedItem("programmatic_tool_calling", item, issuer, origin)
    if (tool := HOSTED.get(kind)) is not None:
        return HostedItem(tool, item, issuer, origin)
    return Native(FORMAT, item, origin)


def parse_finish(body: Mapping[str, Any], *, called: bool) -> tuple[Finish, str | None]:
    """Why the answer ended, and the provider's own reason when it is incomplete."""
    status = body.get("status")
    if status == "incomplete":
        details = body.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        word = reason if isinstance(reason, str) else "max_output_tokens"
        return (Finish.CONTENT_FILTER if word == "content_filter" else Finish.LENGTH), word
    if status in UNFINISHED:
        return Finish.OTHER, None
    return (Finish.TOOL_CALLS if called else Finish.STOP), None


def parse_usage(body: Mapping[str, Any]) -> Usage:
    """Token counts; `NO_USAGE` when the provider gave none that are numbers."""
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return NO_USAGE
    count_in, count_out = usage.get("input_tokens"), usage.get("output_tokens")
    if type(count_in) is not int or type(count_out) is not int:
        return NO_USAGE
    details_in, details_out = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    tools = body.get("tool_usage")
    searches = _count(tools.get("web_search"), "num_requests") if isinstance(tools, dict) else 0
    written = details_in.get("cache_write_tokens_details") if isinstance(details_in, dict) else None
    return Usage(
        input=count_in,
        output=count_out,
        cached=_count(details_in, "cached_tokens"),
        cache_write=_count(details_in, "cache_write_tokens"),
        cache_write_1h=_count(written, "ttl_12h_tokens"),  # OpenAI's longer one of two, billed as such
        reasoning=_count(details_out, "reasoning_tokens"),
        tool_requests={"web_search": searches} if searches else {},
    )


def _count(details: object, key: str) -> int:
    value = details.get(key) if isinstance(details, dict) else None
    return value if type(value) is int else 0


def parse_created(body: Mapping[str, Any]) -> int:
    """Unix seconds; some servers send a float, some nothing."""
    created = body.get("created_at")
    return int(created) if isinstance(created, (int, float)) and 0 <= created < 2**53 else 0


def parse_service_tier(body: Mapping[str, Any]) -> str | None:
    tier = body.get("service_tier")
    return tier if isinstance(tier, str) else None


def parse_extensions(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in MODELLED and value is not None}
