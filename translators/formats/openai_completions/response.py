"""Whole answers and errors, both ways: `text_completion` objects and OpenAI's error envelope.

Strict about an answer's shape, lenient about what it leaves out. A completion is text alone: of a chat model's answer the text
and a refusal are shown, while reasoning and calls have no place here.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import (
    NO_USAGE,
    Choice,
    Message,
    Reason,
    Refusal,
    Response,
    Text,
    UpstreamError,
)
from translators.formats import RenderContext, Wire
from translators.formats.upstream_errors import in_band

from . import parts

OBJECT = "text_completion"
ID_PREFIX = "cmpl-"

_STANDARD = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "error"})


def parse_response(body: Wire, issuer: str) -> Response:
    """The answer in `body`. Raises `UpstreamError` for an error in disguise and for what is no answer.

    Nothing here is sealed, so `issuer` marks nothing.
    """
    if is_error(body):
        raise in_band(body)
    choices = body.get("choices")
    if type(choices) is not list or not choices:
        raise bad_shape("has no choices")
    created = body.get("created")
    return Response(
        id=word(body.get("id")) or "",
        model=word(body.get("model")) or "",
        choices=tuple(_choice(choice, position) for position, choice in enumerate(choices)),
        usage=parts.parse_usage(body.get("usage")) or NO_USAGE,
        created=created if type(created) is int else 0,
        fingerprint=word(body.get("system_fingerprint")),
        extensions=extensions(body),
    )


def _choice(choice: Any, position: int) -> Choice:
    if type(choice) is not dict or type(choice.get("text")) is not str:
        raise bad_shape("has a choice without text")
    text, logprobs = choice["text"], parts.parse_logprobs(choice.get("logprobs"))
    blocks = (Text(text, logprobs=logprobs),) if text or logprobs else ()
    finish, raw = parts.parse_finish(choice.get("finish_reason"))
    return Choice(index=index_of(choice, position), message=Message("assistant", blocks), finish=finish, finish_raw=raw)


def is_error(body: Wire) -> bool:
    """Whether an answer or event of status 200 is an error in one of its shapes."""
    return bool(body.get("error")) or ("choices" not in body and (body.get("object") == "error" or "detail" in body))


def bad_shape(what: str) -> UpstreamError:
    return UpstreamError(
        Reason.BAD_RESPONSE,
        f"The provider's answer {what}.",
        failure="bad_shape",
        billed_risk=True,
        http_status=200,
    )


def word(value: Any) -> str | None:
    return value if type(value) is str and value else None


def index_of(choice: Wire, position: int) -> int:
    index = choice.get("index")
    return index if type(index) is int else position


def extensions(body: Wire) -> Wire:
    """The top-level members that are a provider's own (Azure's filter results, llama.cpp's `timings`)."""
    return {key: value for key, value in body.items() if key not in _STANDARD and value is not None}


def render_response(response: Response, context: RenderContext) -> Wire:
    """The whole answer. Provider extras (`extensions`) stand beside the known members, never instead of them."""
    body: Wire = {
        "id": client_id(response.id, context),
        "object": OBJECT,
        "created": response.created or context.created,
        "model": response.model or context.request.model or "",
        "choices": [_rendered(choice) for choice in response.choices],
        "usage": parts.render_usage(response.usage),
        "system_fingerprint": response.fingerprint,
    }
    return {**response.extensions, **body}


def client_id(upstream: str, context: RenderContext) -> str:
    """The provider's id where it has the shape of completion ids, else a new one."""
    fits = upstream.startswith(ID_PREFIX) and len(upstream) <= 128
    return upstream if fits else context.new_id(ID_PREFIX)


def _rendered(choice: Choice) -> Wire:
    said = [block for block in choice.message.blocks if isinstance(block, (Text, Refusal))]
    return {
        "index": choice.index,
        "text": "".join(block.text for block in said),
        "logprobs": parts.render_logprobs(token for block in said for token in block.logprobs or ()),
        "finish_reason": parts.render_finish(choice.finish),
    }


def mend(body: Wire) -> Wire | None:
    """A corrected copy of a whole answer, or None when an SDK reads it as it is.

    Mended: another `object`, nulls among the counts, choices without an index, finish reasons that are absent or a vendor's
    own. Raises `UpstreamError` when a finish reason says that the provider failed.
    """
    return _mended(body, "stop")


def mend_event(chunk: Wire) -> Wire | None:
    """As `mend`, for one event of a stream, where a finish reason is absent until the end and a text may be."""
    return _mended(chunk, None)


def _mended(body: Wire, absent_finish: str | None) -> Wire | None:
    mended: Wire = {} if body.get("object") == OBJECT else {"object": OBJECT}
    usage = parts.mend_usage(body.get("usage"))
    if usage is not None:
        mended["usage"] = usage
    choices = [
        _mended_choice(choice, position, absent_finish) for position, choice in enumerate(body.get("choices") or [])
    ]
    if choices != body.get("choices"):
        mended["choices"] = choices
    return {**body, **mended} if mended else None


def _mended_choice(choice: Wire, position: int, absent_finish: str | None) -> Wire:
    raw = choice.get("finish_reason")
    finish = parts.wire_finish(raw) if type(raw) is str and raw else absent_finish
    better = {"index": index_of(choice, position), "text": word(choice.get("text")) or "", "finish_reason": finish}
    return {**choice, **better} if any(choice.get(key) != value for key, value in better.items()) else choice
