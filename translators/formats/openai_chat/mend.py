"""A whole chat answer of a chat provider on its way to a chat client, corrected where an SDK would break.

Most answers are fine and stay as they are, bytes and all. The body is never changed in place.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Reason, UpstreamError
from translators.formats import Wire

from . import content as read
from .calls import call_id, kind_of, text_of
from .finish import wire_finish
from .parse_response import finish_reason, seed
from .usage import mend_usage

_OBJECT = "chat.completion"


def mend(body: Wire) -> Wire | None:
    """A corrected copy of a whole answer, or None when it is fine.

    Raises `UpstreamError` when a choice says that it failed.
    """
    usage = body.get("usage")
    counted = dict(usage) if type(usage) is dict else None  # mending replaces members, never what is in them
    changed: Wire = {"usage": counted} if mend_usage(counted) else {}
    if body.get("object") != _OBJECT:
        changed["object"] = _OBJECT
    choices = body.get("choices")
    if type(choices) is not list:
        raise UpstreamError(
            Reason.BAD_RESPONSE, "The provider's answer has no choices.", failure="bad_shape", billed_risk=True
        )
    mended = [_choice(choice, position, seed(body)) for position, choice in enumerate(choices)]
    if any(choice is not None for choice in mended):
        changed["choices"] = [new if new is not None else old for new, old in zip(mended, choices, strict=True)]
    return {**body, **changed} if changed else None


def _choice(choice: Any, position: int, identity: str) -> Wire | None:
    if type(choice) is not dict:
        return None
    message = choice.get("message") or {}
    changed: Wire = {}
    index = choice.get("index")
    if type(index) is not int:
        index = changed["index"] = position
    better = _message(message, f"{identity}/{index}")
    if better:
        changed["message"] = {**message, **better}
        for key in ("tool_calls", "function_call"):
            if key in better and not better[key]:  # an empty one makes clients think that a tool was called
                del changed["message"][key]
    raw = finish_reason(choice)
    finish = wire_finish(raw if type(raw) is str else "stop", calls=bool(message.get("tool_calls")))
    if finish != choice.get("finish_reason"):
        changed["finish_reason"] = finish
    return {**choice, **changed} if changed else None


def _message(message: Wire, identity: str) -> Wire:
    """The members that must be other than they are."""
    changed: Wire = {}
    if message.get("role") != "assistant":
        changed["role"] = "assistant"
    content = message.get("content")
    if content is None and "content" not in message:
        changed["content"] = None
    elif content is not None and type(content) is not str:
        changed["content"], reasoning = read.split_content(content)
        if reasoning and not message.get("reasoning_content"):
            changed["reasoning_content"] = reasoning
    if "refusal" not in message:
        changed["refusal"] = None
    calls = message.get("tool_calls")
    if type(calls) is list:
        mended = [_call(call, position, identity) for position, call in enumerate(calls)]
        if mended != calls or not calls:
            changed["tool_calls"] = mended
    legacy = message.get("function_call")
    if type(legacy) is dict and not legacy.get("name"):
        changed["function_call"] = None
    return changed


def _call(call: Any, position: int, identity: str) -> Any:
    """A call with id, type and arguments that are a string, never an empty one."""
    if type(call) is not dict:
        return call
    kind = kind_of(call)
    named = call.get(kind)
    text = text_of(call)
    if kind == "function" and text.strip() in ("", "null"):
        text = "{}"
    key = "input" if kind == "custom" else "arguments"
    return {
        **call,
        "id": call.get("id") or call_id(identity, position),
        "type": kind,
        kind: {**(named if type(named) is dict else {}), key: text},
    }
