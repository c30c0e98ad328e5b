"""The request body: read within limits, then checked as JSON before anything is made of it.

Every refusal says what to change. The checks are ordered by cost: most bodies pass on counts over their bytes alone.
Limits follow the reliability design, sections 2.7 and 4.6.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from translators.canonical import RequestError
from translators.formats.json import dumps, loads

MAX_DEPTH = 64
MAX_NODES = 50_000
_OFF_LOOP_BYTES = 256 * 1024
_BRACKETS_ONLY = bytes(set(range(256)) - set(b"{}[]"))
_SPACE = b" \t\r\n"
_DECISIVE = ("model", "stream", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "store", "tool_choice")
_QUOTED = tuple(b'"%b"' % name.encode() for name in _DECISIVE)
_NEVER_OURS = ("api_base", "base_url", "api_key", "extra_headers")


async def read_json(request: web.BaseRequest, limit: int, patience: float) -> tuple[dict[str, Any], bytes]:
    """The body as a JSON object, and its bytes. `patience` is how long the client may pause while sending, in seconds.

    Raises `RequestError`: 413 too large, 415 not plain JSON, 408 too slow, 400 for everything inside.
    """
    _check_headers(request, limit)
    raw = await _read(request, limit, patience)
    if len(raw) > _OFF_LOOP_BYTES:
        return await asyncio.to_thread(parse_object, raw), raw
    return parse_object(raw), raw


def parse_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`. Raises `RequestError` 400 saying where and what."""
    try:
        body = loads(raw)
    except ValueError as error:
        raise _not_json(raw, error) from None
    if not isinstance(body, dict):
        raise RequestError("The request body must be a JSON object.", code="invalid_json")
    _check_size(raw, body)
    _check_duplicates(raw, body)
    for name in _NEVER_OURS:
        if name in body:
            raise RequestError(
                f"Unrecognized request argument supplied: {name}. Where calls go is configured on the server.",
                param=name,
                code="unknown_parameter",
            )
    return body


def _check_headers(request: web.BaseRequest, limit: int) -> None:
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise RequestError(
            f"Content-Encoding {encoding[:20]!r} is not accepted: send the body uncompressed.",
            status=415,
            type="unsupported_content_encoding",
            code="unsupported_content_encoding",
        )
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestError(
            "Unsupported Content-Type: send the body as application/json.",
            status=415,
            code="unsupported_content_type",
        )
    if (request.content_length or 0) > limit:
        raise _too_large(limit)


async def _read(request: web.BaseRequest, limit: int, patience: float) -> bytes:
    if request.content.is_eof():  # it came with the headers, as most do
        raw = request.content.read_nowait()
        if len(raw) > limit:
            raise _too_large(limit)
        return raw
    pieces: list[bytes] = []
    size = 0
    try:
        while True:
            async with asyncio.timeout(patience):
                piece = await request.content.readany()
            if not piece:
                break
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
            pieces.append(piece)
    except TimeoutError:
        raise RequestError(
            "The request body did not arrive in time.", status=408, code="request_timeout", should_retry=None
        ) from None
    except web.RequestPayloadError:
        raise RequestError("The request body could not be read.", code="invalid_body") from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _not_json(raw: bytes, error: ValueError) -> RequestError:
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return RequestError("The request body must be UTF-8 without a byte order mark.", code="invalid_json")
    try:
        raw.decode()
    except UnicodeDecodeError as broken:
        message = f"The request body is not valid UTF-8 at byte {broken.start}."
        return RequestError(message, code="invalid_json")
    if "recursion" in str(error).lower() or "depth" in str(error).lower():
        return _too_deep()
    where = getattr(error, "pos", None)
    place = "" if where is None else f" at character {where}"
    reason = str(getattr(error, "msg", "")).partition(":")[0]
    message = f"We could not parse the JSON body of your request{place}" + (f": {reason}." if reason else ".")
    return RequestError(message, code="invalid_json")


def _check_size(raw: bytes, body: dict[str, Any]) -> None:
    if len(raw) < 2 * MAX_DEPTH:  # a level takes two bytes, a value one and a comma
        return
    brackets = raw.translate(None, _BRACKETS_ONLY)
    many = len(raw) > MAX_NODES and raw.count(b",") + len(brackets) > MAX_NODES
    if many or not _shallow(brackets):
        _walk(body)


def _shallow(brackets: bytes) -> bool:
    """Whether the brackets, strings' own included, cancel out within the depth limit."""
    for _ in range(MAX_DEPTH):
        if not brackets:
            return True
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return not brackets


def _walk(body: Any) -> None:
    nodes = 0
    level = [body]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            members = node.values() if isinstance(node, dict) else node
            nodes += len(node)
            below.extend(member for member in members if isinstance(member, (dict, list)))
        if nodes > MAX_NODES:
            message = f"The request body has more than {MAX_NODES} values; the limit protects the server."
            raise RequestError(message, code="request_too_complex")
        if not below:
            return
        level = below
    raise _too_deep()


def _check_duplicates(raw: bytes, body: dict[str, Any]) -> None:
    """A key given twice is resolved silently by parsers, and differently: for decisive keys that is refused.

    A body that is, white space aside, what its value dumps to has none, and most are; the others are searched.
    """
    compact = dumps(body)
    if compact == raw or compact.translate(None, _SPACE) == raw.translate(None, _SPACE):
        return
    if all(raw.count(name) < 2 for name in _QUOTED):
        return
    pairs: list[tuple[str, Any]] = []

    def remember(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs[:] = found  # objects end inside out: the last one seen is the body itself
        return dict(found)

    json.loads(raw, object_pairs_hook=remember)
    names = [name for name, _ in pairs]
    for name in _DECISIVE:
        if names.count(name) > 1:
            raise RequestError(f"The member {name!r} is given more than once.", param=name, code="duplicate_parameter")


def _too_deep() -> RequestError:
    return RequestError(f"The request body nests deeper than {MAX_DEPTH} levels.", code="request_too_complex")


def _too_large(limit: int) -> RequestError:
    return RequestError(
        f"The request body is larger than {limit} bytes.",
        status=413,
        type="request_too_large",
        code="request_too_large",
    )
