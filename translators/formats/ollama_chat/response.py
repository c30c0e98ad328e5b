"""An answer of /api/chat to canonical, and the parts a stream's lines share with it.

Ollama gives no response id, and older servers give calls no id either: such an id is derived from the answer, so that
parsing the same bytes twice yields the same ids. It reports no reasoning or cached tokens of their own.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from translators.canonical import (
    NO_USAGE,
    Block,
    Choice,
    Finish,
    Message,
    Reason,
    Reasoning,
    Response,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
)
from translators.formats import Wire, json
from translators.formats.upstream_errors import in_band

from .errors import refusal

_FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    # What a request without messages is answered with: the model was put into memory, or out of it.
    "load": Finish.STOP,
    "unload": Finish.STOP,
}

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_response(body: Wire, issuer: str) -> Response:
    """The whole answer. Raises `UpstreamError` for an error inside it, a shape that is not Ollama's, or a cut answer."""
    raise_error(body)
    message = message_of(body)
    if body.get("done") is not True:
        raise bad_shape("an answer that is not done")
    blocks: list[Block] = []
    if thinking := text_of(message, "thinking"):
        blocks.append(Reasoning(text=thinking))
    if content := text_of(message, "content"):
        blocks.append(Text(content, logprobs=logprobs_of(body)))
    blocks.extend(Calls().parse(body, message))
    finish, raw = finish_of(body, called=any(isinstance(block, ToolCall) for block in blocks))
    return Response(
        id="",
        model=model_of(body),
        choices=(Choice(index=0, message=Message("assistant", tuple(blocks)), finish=finish, finish_raw=raw),),
        usage=usage_of(body),
        created=created_of(body),
    )


class Calls:
    """Numbers the calls of one answer, over all its lines, and gives an id to those that came without a usable one."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self.count = 0

    def parse(self, body: Wire, message: Wire) -> Iterator[ToolCall]:
        calls = message.get("tool_calls")
        if calls is None:
            return
        if not isinstance(calls, list):
            raise bad_shape("tool calls that are no list")
        for call in calls:
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
                raise bad_shape("a tool call without a name")
            arguments = _arguments_of(function)
            id = call.get("id")
            if not isinstance(id, str) or not id or id in self._seen:
                id = self._derived(body, function["name"], arguments)
            self._seen.add(id)
            self.count += 1
            yield ToolCall(id, function["name"], arguments)

    def _derived(self, body: Wire, name: str, arguments: str) -> str:
        facts = "\0".join((str(body.get("created_at")), model_of(body), str(self.count), name, arguments))
        digest = hashlib.sha256(facts.encode("utf-8", "surrogatepass")).digest()
        return "call_" + base64.b32encode(digest[:10]).decode("ascii").lower()


def _arguments_of(function: Wire) -> str:
    arguments = function.get("arguments")
    if isinstance(arguments, str):  # not Ollama itself, but servers that imitate it
        return arguments or "{}"
    return json.dumps({} if arguments is None else arguments).decode()


def raise_error(body: Wire) -> None:
    """Raises when `body` is an error: what Ollama sends as the last line of a stream that broke."""
    if (error := body.get("error")) is None:
        return
    if not isinstance(error, str):
        raise in_band(body)
    status = body.get("status_code")
    failure = refusal(status if isinstance(status, int) and 400 <= status <= 599 else 500, {}, error)
    failure.failure, failure.billed_risk, failure.http_status = "inband_error", True, 200
    raise failure


def message_of(body: Wire) -> Wire:
    message = body.get("message")
    if not isinstance(message, dict):
        raise bad_shape("no message")
    return message


def text_of(message: Wire, member: str) -> str:
    value = message.get(member)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_shape(f"{member} that is no text")
    return value


def model_of(body: Wire) -> str:
    model = body.get("model")
    return model if isinstance(model, str) else ""


def created_of(body: Wire) -> int:
    """`created_at` (RFC 3339, down to nanoseconds) in unix seconds; 0 when it cannot be read."""
    found = _TIMESTAMP.fullmatch(str(body.get("created_at")))
    if found is None:
        return 0
    *moment, sign, hours, minutes = found.groups()
    offset = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    try:
        return calendar.timegm((*map(int, moment), 0, 0, 0)) - offset
    except (ValueError, OverflowError):
        return 0


def finish_of(body: Wire, *, called: bool) -> tuple[Finish, str | None]:
    """The finish and Ollama's own word. An empty word is what a runner that died leaves behind."""
    raw = body.get("done_reason")
    if raw == "":
        raise UpstreamError(
            Reason.STREAM_CUT,
            "The provider stopped before the answer was complete.",
            failure="no_terminal",
            billed_risk=True,
        )
    # Servers before 0.1.40 or so send no reason at all; LENGTH then shows nowhere.
    finish = _FINISHES.get(raw, Finish.OTHER) if isinstance(raw, str) else Finish.STOP
    if called and finish is Finish.STOP:
        finish = Finish.TOOL_CALLS
    return finish, raw if isinstance(raw, str) else None


def usage_of(body: Wire) -> Usage:
    """The counts of the last line. Old servers leave out the prompt's count when it was cached whole: then "partial"."""
    prompt, output = body.get("prompt_eval_count"), body.get("eval_count")
    if not _is_count(prompt) and not _is_count(output):
        return NO_USAGE
    whole = _is_count(prompt) and _is_count(output)
    return Usage(
        input=prompt if isinstance(prompt, int) and prompt > 0 else 0,
        output=output if isinstance(output, int) and output > 0 else 0,
        source="provider" if whole else "partial",
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def logprobs_of(body: Wire) -> tuple[Wire, ...] | None:
    """Ollama's flat list in the shape of OpenAI's `content` entries."""
    entries = body.get("logprobs")
    if not isinstance(entries, list) or not entries:
        return None
    return tuple(
        {
            "token": entry.get("token", ""),
            "logprob": entry.get("logprob", 0.0),
            "bytes": entry.get("bytes"),
            "top_logprobs": [
                {"token": top.get("token", ""), "logprob": top.get("logprob", 0.0), "bytes": top.get("bytes")}
                for top in entry.get("top_logprobs") or ()
            ],
        }
        for entry in entries
        if isinstance(entry, dict)
    )


def bad_shape(what: str) -> UpstreamError:
    return UpstreamError(Reason.BAD_RESPONSE, f"The provider sent {what}.", failure="bad_shape", billed_risk=True)
