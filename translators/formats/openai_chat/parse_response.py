"""A provider's whole `chat.completion` to canonical. Strict about its shape, lenient about what it leaves out.

Blocks come in the order reasoning, text, refusal, sound and pictures, calls: chat cannot express another.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import (
    NO_USAGE,
    Block,
    Choice,
    Finish,
    Message,
    Reason,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    UpstreamError,
)
from translators.formats import Wire
from translators.formats.upstream_errors import in_band

from . import content as read
from .calls import call_id, kind_of, name_of, text_of
from .finish import parse_finish
from .usage import parse_usage

_STANDARD = frozenset(
    {
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "service_tier",
        "system_fingerprint",
        "obfuscation",
        "error",
    }
)


def parse_response(body: Wire, issuer: str) -> Response:
    """The answer in `body`. Raises `UpstreamError` for an error in disguise and for what is no answer.

    `issuer` is the provider whose sealed reasoning this is.
    """
    if type(body) is not dict:
        raise bad_shape("is not an object")
    if is_error(body):
        raise in_band(body)
    choices = body.get("choices")
    if type(choices) is not list or not choices:
        raise bad_shape("has no choices")
    identity = word(body.get("id"))
    created = body.get("created")
    usage = parse_usage(body.get("usage"))
    return Response(
        id=identity or "",
        model=word(body.get("model")) or "",
        choices=tuple(_choice(choice, index, seed(body), issuer) for index, choice in enumerate(choices)),
        usage=NO_USAGE if usage is None else usage,
        created=created if type(created) is int else 0,
        service_tier=word(body.get("service_tier")),
        fingerprint=word(body.get("system_fingerprint")),
        extensions=extensions(body),
    )


def bad_shape(what: str) -> UpstreamError:
    return UpstreamError(
        Reason.BAD_RESPONSE,
        f"The provider's answer {what}.",
        failure="bad_shape",
        billed_risk=True,
        http_status=200,
    )


def is_error(body: Wire) -> bool:
    """Whether an answer of status 200 is an error in one of its shapes."""
    if body.get("error"):
        return True
    return "choices" not in body and (body.get("object") == "error" or "detail" in body)


def word(value: Any) -> str | None:
    return value if type(value) is str and value else None


def seed(body: Wire) -> str:
    """What tells this answer from others, for the ids of calls that have none."""
    return f"{body.get('id')}/{body.get('created')}"


def extensions(body: Wire) -> Wire:
    """The top-level members that are a provider's own (`citations`, `timings`, `x_groq`)."""
    if body.keys() <= _STANDARD:
        return {}
    return {key: value for key, value in body.items() if key not in _STANDARD and value is not None}


def finish_reason(choice: Wire) -> Any:
    """The reason a choice ended; older vision models of OpenAI put it into `finish_details`."""
    details = choice.get("finish_details")
    return choice.get("finish_reason") or (details.get("type") if type(details) is dict else None)


def _choice(choice: Any, position: int, identity: str, issuer: str) -> Choice:
    if type(choice) is not dict:
        raise bad_shape("has a choice that is not an object")
    if choice.get("error"):
        raise in_band(choice)
    reason = finish_reason(choice)
    message = choice.get("message")
    if message is None and reason == "content_filter":
        message = {}  # Azure leaves out what it filtered
    if type(message) is not dict:
        raise bad_shape("has a choice without a message")
    index = choice.get("index")
    index = index if type(index) is int else position
    blocks = (*_said(message, choice.get("logprobs"), issuer), *_calls(message, f"{identity}/{index}"))
    finish, raw = parse_finish(reason, calls=any(type(block) is ToolCall for block in blocks))
    if finish is Finish.OTHER and not blocks:
        raise bad_shape("is empty and ended for an unknown reason")
    return Choice(index=index, message=Message("assistant", blocks), finish=finish, finish_raw=raw)


def _said(message: Wire, logprobs: Any, issuer: str) -> list[Block]:
    content = message.get("content")
    if content is not None and type(content) not in (str, list, dict):
        raise bad_shape("has content that is neither text nor parts")
    blocks: list[Block] = []
    text, inner = read.split_content(content)
    reasoning, opaque = inner or read.reasoning_text(message), read.sealed(message, issuer)
    if reasoning or opaque:
        blocks.append(Reasoning(text=reasoning or None, opaque=opaque))
    annotations, probabilities = read.flat_annotations(message.get("annotations")), read.tokens(logprobs, "content")
    if text or annotations or probabilities:
        blocks.append(Text(text, annotations, probabilities))
    refusal = word(message.get("refusal"))
    if refusal:
        blocks.append(Refusal(refusal, read.tokens(logprobs, "refusal")))
    sound = read.audio(message.get("audio"), issuer)
    if sound is not None:
        blocks.append(sound)
    images = message.get("images")
    blocks += [media for node in images if (media := read.image(node))] if type(images) is list else []
    return blocks


def _calls(message: Wire, identity: str) -> list[ToolCall]:
    entries = message.get("tool_calls")
    if entries is None:
        entries = []
    if type(entries) is not list or not all(type(entry) is dict for entry in entries):
        raise bad_shape("has tool calls that are not a list of objects")
    calls = [
        ToolCall(word(entry.get("id")) or call_id(identity, index), name_of(entry), text_of(entry), kind_of(entry))
        for index, entry in enumerate(entries)
    ]
    legacy = message.get("function_call")
    if not calls and type(legacy) is dict and legacy.get("name"):
        entry = {"function": legacy}
        calls.append(ToolCall(call_id(identity, 0), name_of(entry), text_of(entry)))
    return calls
