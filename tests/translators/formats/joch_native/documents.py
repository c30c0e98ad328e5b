"""The schemas of the native API as the design has them, and answers to hold against them. Checked by jsonschema-rs."""

from __future__ import annotations

import itertools
import json
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

from translators.canonical import (
    Block,
    CacheHint,
    Choice,
    Finish,
    HostedItem,
    Media,
    Message,
    Native,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    ToolCall,
    Usage,
)
from translators.formats import RenderContext
from translators.formats.joch_native import Told

_STRING = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_MONEY = {"type": ["number", "null"]}

BLOCK = {
    "type": "object",
    "properties": {"type": _STRING, "kind": _STRING},
    "anyOf": [{"required": ["type"]}, {"required": ["kind"]}],
}
MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
        "name": _STRING,
        "content": {"anyOf": [_STRING, {"type": "array", "items": BLOCK}]},
        "toolCalls": {"type": "array"},
        "toolResults": {"type": "array"},
        "vendorMetadata": {"type": "object"},
    },
}
_TOOL = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "kind": {"enum": ["function", "custom", "hosted"]},
        "name": _STRING,
        "description": _STRING,
        "parameters": {"type": "object"},
        "strict": {"type": "boolean"},
    },
}
REQUEST = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["route"]}, {"required": ["model"]}],
    "required": ["messages"],
    "properties": {
        "route": _STRING,
        "model": _STRING,
        "instructions": {"anyOf": [_STRING, {"type": "array", "items": BLOCK}]},
        "messages": {"type": "array", "minItems": 1, "items": MESSAGE},
        "tools": {"type": "array", "items": _TOOL},
        "toolChoice": {
            "anyOf": [
                {"enum": ["auto", "none", "required"]},
                {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": _STRING},
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "required": ["allowed"],
                    "properties": {
                        "allowed": {"type": "array", "items": _STRING},
                        "mode": {"enum": ["auto", "required"]},
                    },
                    "additionalProperties": False,
                },
            ]
        },
        "parallelToolCalls": {"type": "boolean"},
        "output": {
            "type": "object",
            "required": ["kind"],
            "properties": {
                "kind": {"enum": ["text", "json_object", "json_schema"]},
                "name": _STRING,
                "schema": {"type": "object"},
                "strict": {"type": "boolean"},
            },
        },
        "sampling": {"type": "object"},
        "reasoning": {
            "type": "object",
            "properties": {
                "effort": _STRING,
                "summary": {"enum": ["none", "auto", "concise", "detailed"]},
                "budgetTokens": {"type": "integer"},
            },
        },
        "modalities": {"type": "array", "items": {"enum": ["text", "audio", "image"]}},
        "cache": {"type": "object"},
        "metadata": {"type": "object", "additionalProperties": _STRING},
        "context": {
            "type": "object",
            "properties": dict.fromkeys(("executionId", "sessionId", "turnId", "agent", "user", "residency"), _STRING),
            "additionalProperties": False,
        },
        "extensions": {"type": "object", "additionalProperties": {"type": "object"}},
        "explain": {"type": "boolean"},
    },
}
"""RespondRequest of the events reference, section 11.1."""


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


USAGE = _object(
    {
        **dict.fromkeys(
            (
                "inputTokens",
                "cachedInputTokens",
                "cacheWriteTokens",
                "outputTokens",
                "reasoningTokens",
                "totalTokens",
            ),
            _COUNT,
        ),
        "source": {"enum": ["provider", "estimated", "partial", "none"]},
    }
)
RESPONSE = _object(
    {
        "id": {"type": "string", "pattern": "^mc_"},
        "object": {"const": "joch.model.response"},
        "createdAt": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "status": {"enum": ["completed", "incomplete", "failed", "requires_tool"]},
        "text": _STRING,
        "choices": {
            "type": "array",
            "items": _object(
                {
                    "index": _COUNT,
                    "finishReason": {
                        "enum": ["stop", "length", "tool_calls", "content_filter", "refusal", "error"],
                    },
                    "message": {**MESSAGE, "required": ["role", "content", "toolCalls", "vendorMetadata"]},
                    "finishRaw": _STRING,
                    "stopSequence": _STRING,
                },
                "finishRaw",
                "stopSequence",
            ),
        },
        "usage": USAGE,
        "cost": _object(
            {
                "usd": _MONEY,
                "known": {"type": "boolean"},
                "priceSource": {"enum": ["model", "catalog", "local", "none"]},
            }
        ),
        "routing": _object(
            {
                "route": _STRING,
                "servedBy": {"type": ["string", "null"]},
                "responseModel": {"type": ["string", "null"]},
                "region": {"type": ["string", "null"]},
                "fallbackIndex": {"type": ["integer", "null"]},
                "attempts": _COUNT,
                "executionId": _STRING,
                "executionCostUsd": _MONEY,
            }
        ),
        "decision": {"enum": ["allow", "modify", "deny"]},
        "warnings": {"type": "array", "items": {"type": "object"}},
        "explanation": {"type": "object"},
    },
    "text",
    "warnings",
    "explanation",
)
"""The response of the same section: the members of its example, all required but three."""

ASKING = jsonschema_rs.validator_for(REQUEST)
ANSWERING = jsonschema_rs.validator_for(RESPONSE)


def check_answer(document: Any) -> None:
    """Raises for a document that is not as the schema says."""
    ANSWERING.validate(document)


TOLD = Told(
    id="mc_01",
    created_at="2026-11-22T10:15:33.951Z",
    route="research-default",
    execution_id="exec-123",
    served_by="google:gemini-pro",
    response_model="gemini-3-pro",
    region="eu",
    fallback_index=2,
    attempts=3,
    execution_cost=1.846152,
    cost=0.006152,
    price_source="model",
)


def sealing(blobs: tuple[Opaque, ...]) -> str:
    """A seal that a test can read."""
    return json.dumps([[blob.issuer, blob.kind, blob.data] for blob in blobs])


def context(request: Request | None = None, **fields: Any) -> RenderContext:
    numbers = itertools.count(1)
    asked = request or Request(messages=(Message("user", (Text("hi"),)),))
    given = {"issuer": "google:gemini", "seal": sealing, **fields}
    return RenderContext(
        request=asked, new_id=lambda prefix: f"{prefix}{next(numbers)}", created=1_790_000_000, **given
    )


def answer(*blocks: Block, finish: Finish = Finish.STOP, **members: Any) -> Response:
    """An answer of one choice."""
    choice = Choice(index=0, message=Message("assistant", blocks), finish=finish)
    usage = Usage(input=11, output=7, cached=3, cache_write=1, reasoning=2)
    return Response(**{"id": "r-1", "model": "m", "created": 7, "choices": (choice,), "usage": usage, **members})


CITATION = {"type": "url_citation", "url": "https://example.com", "title": "t", "start_index": 0, "end_index": 2}

BLOCKS: dict[str, Block] = {
    "text": Text("hello, wörld 😀", (CITATION,), ({"token": "h", "logprob": -0.5},), CacheHint("5m")),
    "empty text": Text(""),
    "refusal": Refusal("no", ({"token": "n", "logprob": -1},)),
    "open thought": Reasoning(text="let me see", cache=CacheHint()),
    "summaries": Reasoning(summary=("first", "second")),
    "sealed thought": Reasoning(summary=("s",), opaque=(Opaque("google:gemini", "thought_signature", "blob"),)),
    "call": ToolCall("call_a", "f", '{"x": [1, 2]}'),
    "call with broken arguments": ToolCall("call_b", "f", '{"x": '),
    "call without arguments": ToolCall("call_c", "f", ""),
    "custom call": ToolCall("call_d", "g", "free text", "custom", "tools"),
    "picture by url": Media(kind="image", url="https://example.com/a.png", detail="low", cache=CacheHint("1h")),
    "picture": Media(kind="image", data="QUJD", mime="image/png"),
    "picture of no type": Media(kind="image", data="QUJD"),
    "sound": Media(kind="audio", data="QUJD", mime="audio/wav", transcript="hi", expires_at=9, file_id="audio_1"),
    "film": Media(kind="video", url="https://example.com/a.mp4", mime="video/mp4"),
    "file": Media(kind="file", file_id="file-1", provider="openai", filename="a.pdf"),
    "hosted": HostedItem("web_search", {"type": "web_search_call", "id": "ws_1"}, "openai"),
    "native": Native("openai_responses", {"type": "novelty", "x": [None]}),
}
"""One block of every kind, each with all that it can hold."""


def blocks() -> st.SearchStrategy[Block]:
    """Blocks of every kind with words of any kind in them."""
    words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
    return st.one_of(
        st.sampled_from(list(BLOCKS.values())),
        words.map(Text),
        words.map(Refusal),
        st.lists(words, min_size=1, max_size=3).map(lambda parts: Reasoning(summary=tuple(parts))),
        st.builds(ToolCall, st.uuids().map(str), st.just("f"), words),
    )
