"""Every member of a native request with a marker in it, for the test that looks for markers behind every provider."""

from __future__ import annotations

from typing import Any

MARK = "canary-7f3a"
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_PDF = "JVBERi0xLjQKJcOkw7zDtsOfCg=="
_SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "additionalProperties": False}
_USER = {"role": "user", "content": "hello"}
_TOOL = {"name": "f", "parameters": _SCHEMA}
_MARKED = {**_SCHEMA, "properties": {"x": {"type": "string", "description": MARK}}}

BASE: dict[str, Any] = {"model": "m", "messages": [_USER]}


def _said(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, *blocks]}]}


def _turn(*blocks: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"messages": [_USER, {"role": "assistant", "content": [*blocks], **members}, _USER]}


def _loop(call: dict[str, Any] | None = None, result: dict[str, Any] | None = None) -> dict[str, Any]:
    made = {"id": "call_1", "name": "f", "arguments": '{"x":"y"}', **(call or {})}
    given = {"callId": made["id"], "content": "done", **(result or {})}
    turn = {"role": "assistant", "content": "", "toolCalls": [made]}
    return {"messages": [_USER, turn, {"role": "tool", "content": "", "toolResults": [given]}], "tools": [_TOOL]}


MEMBERS: dict[str, list[dict[str, Any]]] = {
    "instructions": [{"instructions": MARK}, {"instructions": [{"type": "text", "text": MARK}]}],
    "messages": [
        {"messages": [{"role": role, "content": MARK}, _USER]} for role in ("system", "developer", "user", "assistant")
    ]
    + [
        {"messages": [{**_USER, "name": MARK}]},
        _said({"type": "text", "text": MARK}),
        _said({"type": "text", "text": "x", "cache": {"ttl": "5m"}}),
        _said({"type": "image", "uri": f"https://example.com/{MARK}.png"}),
        _said({"type": "image", "data": _PNG, "mimeType": "image/png"}),
        _said({"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"}),
        _said({"type": "video", "uri": f"https://example.com/{MARK}.mp4"}),
        _said({"type": "file", "data": _PDF, "mimeType": "application/pdf", "filename": f"{MARK}.pdf"}),
        _said({"type": "file", "fileId": MARK}),
        _said({"type": "native", "format": "elsewhere", "raw": {"type": MARK}}),
        _turn({"type": "refusal", "text": MARK}),
        _turn({"type": "reasoning", "text": MARK}, {"type": "text", "text": "x"}),
        _turn({"type": "reasoning", "sealed": MARK}, {"type": "text", "text": "x"}),
        _turn({"type": "hosted_tool", "tool": "web_search", "raw": {"type": "web_search_call", "id": MARK}}),
        _loop(call={"arguments": f'{{"x":"{MARK}"}}'}),
        _loop(call={"id": f"call_{MARK}"}),
        _loop(call={"kind": "custom", "arguments": MARK}, result={"kind": "custom"}),
        _loop(result={"content": MARK}),
        _loop(result={"isError": True, "content": MARK}),
        _loop(result={"content": [{"type": "image", "data": _PNG, "mimeType": "image/png"}]}),
    ],
    "tools": [
        {"tools": [{**_TOOL, "name": MARK}]},
        {"tools": [{**_TOOL, "description": MARK}]},
        {"tools": [{**_TOOL, "parameters": _MARKED}]},
        {"tools": [{**_TOOL, "strict": True}]},
        {"tools": [{"kind": "custom", "name": MARK}]},
        {"tools": [{"kind": "hosted", "name": "web_search", "parameters": {"user_location": {"city": MARK}}}]},
    ],
    "toolChoice": [{"tools": [_TOOL], "toolChoice": choice} for choice in ("none", "required", {"name": "f"})]
    + [{"tools": [_TOOL, {**_TOOL, "name": "g"}], "toolChoice": {"allowed": ["f"], "mode": "required"}}],
    "parallelToolCalls": [{"tools": [_TOOL], "parallelToolCalls": False}],
    "output": [
        {"output": {"kind": "json_object"}},
        {"output": {"kind": "json_schema", "name": "n", "schema": _MARKED, "strict": True}},
        {"output": {"kind": "json_schema", "schema": _SCHEMA, "description": MARK}},
    ],
    "sampling": [
        {"sampling": {"temperature": 0.7313}},
        {"sampling": {"topP": 0.7313}},
        {"sampling": {"topK": 7}},
        {"sampling": {"frequencyPenalty": 0.7313}},
        {"sampling": {"presencePenalty": 0.7313}},
        {"sampling": {"maxOutputTokens": 7313}},
        {"sampling": {"stop": [MARK]}},
        {"sampling": {"seed": 7313}},
        {"sampling": {"n": 2}},
        {"sampling": {"logprobs": True, "topLogprobs": 3}},
        {"sampling": {"logitBias": {"7313": 5}}},
        {"sampling": {"prediction": {"type": "content", "content": MARK}}},
    ],
    "reasoning": [
        {"reasoning": {"effort": "low"}},
        {"reasoning": {"summary": "auto"}},
        {"reasoning": {"budgetTokens": 2048}},
    ],
    "modalities": [{"modalities": ["text", "audio"]}, {"modalities": ["text", "image"]}],
    "cache": [{"cache": {"key": MARK}}, {"cache": {"retention": "24h"}}, {"cache": {"options": {"mode": MARK}}}],
    "metadata": [{"metadata": {"a": MARK}}],
    "context": [{"context": {"user": MARK}}],
    "extensions": [{"extensions": {"some_vendor_member": {"x": MARK}}}],
}
"""Variants of each member that can reach a provider. Whom to ask and what to explain is ours alone."""
