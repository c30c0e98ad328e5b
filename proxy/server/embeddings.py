"""POST /v1/embeddings. SDKs ask for base64 by default and decode whatever comes, so what was asked for is what they get.

The wire is OpenAI's embeddings reference; a provider that only gives floats has them packed as little-endian float32.
"""

from __future__ import annotations

import base64
import struct
from typing import Any

from aiohttp import web

from translators.canonical import Message, Need, Request, RequestError, Text, UpstreamError
from translators.canonical.errors import Reason
from translators.formats import ClientFormat
from translators.formats.json import dumps

from .body import read_json
from .core import Core
from .generate import make_call

_MAX_INPUTS = 2048
_NEEDS = (Need("embeddings", "POST /embeddings"),)


async def embed(request: web.BaseRequest, core: Core, client: ClientFormat, call_id: str) -> web.StreamResponse:
    """Check, plan, ask, and give the vectors in the encoding that was asked for."""
    settings = core.live.current.snapshot.settings
    body, _ = await read_json(request, settings.max_body_bytes, core.body_seconds)
    check(body)
    parsed = Request(messages=(Message("user", _texts(body["input"])),), model=body.get("model"))
    call = make_call(request, core, client, parsed, call_id, _NEEDS)
    call.generates, call.input_counted = False, _tokens(body["input"])
    await core.enter(call)
    try:
        answer, headers = await core.gateway.post(call, "embeddings", {**body, "encoding_format": "float"})
        rendered = render(answer, base64_wanted=body.get("encoding_format") == "base64")
    finally:
        core.admission.leave()
    return web.Response(
        body=dumps(rendered), headers={"x-request-id": call_id, **headers}, content_type="application/json"
    )


def check(body: dict[str, Any]) -> None:
    """Raises `RequestError` 400 for what OpenAI refuses as well."""
    if body.get("input") is None:
        raise RequestError("you must provide an input", param="input", code="missing_required_parameter")
    entries = body["input"] if isinstance(body["input"], list) else [body["input"]]
    if not entries or len(entries) > _MAX_INPUTS:
        raise RequestError(f"'input' must have 1 to {_MAX_INPUTS} entries.", param="input", code="invalid_value")
    if not (all(type(entry) is int for entry in entries) or all(_is_entry(entry) for entry in entries)):
        message = "'input' must be a non-empty string, a list of them, or lists of token ids."
        raise RequestError(message, param="input", code="invalid_type")
    if body.get("encoding_format") not in (None, "float", "base64"):
        raise RequestError(
            "'encoding_format' must be 'float' or 'base64'.", param="encoding_format", code="invalid_value"
        )
    dimensions = body.get("dimensions")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise RequestError("'dimensions' must be a positive integer.", param="dimensions", code="invalid_type")
    if not isinstance(body.get("model", ""), str):
        raise RequestError("'model' must be a string.", param="model", code="invalid_type")


def render(answer: dict[str, Any], *, base64_wanted: bool) -> dict[str, Any]:
    """The provider's answer in the client's encoding, in input order. Raises `UpstreamError` for a wrong shape."""
    try:
        rows = sorted(answer["data"], key=lambda row: row["index"])
        vectors = [_vector(row["embedding"]) for row in rows]
    except (KeyError, TypeError, ValueError, struct.error):
        raise UpstreamError(
            Reason.BAD_RESPONSE,
            "The provider's embeddings have an unknown shape.",
            failure="bad_shape",
            billed_risk=True,
        ) from None
    encode = _packed if base64_wanted else list
    usage = answer.get("usage") or {}
    tokens = usage.get("prompt_tokens") or 0
    return {
        **answer,
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": encode(vector)} for index, vector in enumerate(vectors)
        ],
        "usage": {**usage, "prompt_tokens": tokens, "total_tokens": usage.get("total_tokens") or tokens},
    }


def _is_entry(entry: Any) -> bool:
    if isinstance(entry, str):
        return bool(entry)
    return isinstance(entry, list) and bool(entry) and all(type(token) is int for token in entry)


def _texts(given: Any) -> tuple[Text, ...]:
    entries = given if isinstance(given, list) else [given]
    return tuple(Text(entry) for entry in entries if isinstance(entry, str))


def _tokens(given: Any) -> int:
    """How many tokens of the input came as their ids."""
    entries = given if isinstance(given, list) else []
    return sum(1 if type(entry) is int else len(entry) for entry in entries if not isinstance(entry, str))


def _vector(given: Any) -> list[float]:
    if isinstance(given, str):
        data = base64.b64decode(given, validate=True)
        return list(struct.unpack(f"<{len(data) // 4}f", data))
    return [float(value) for value in given]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
