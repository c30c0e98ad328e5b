"""Nothing a client says disappears: put a marker into every member of a request and look for it behind every provider.

After the translation each marker is in the bytes for the provider, in the list of changes, or a need that excludes the
provider. There is no fourth outcome. The members are those of the openai SDK's own parameter types, so that a new one fails
here until somebody has thought about it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from tests.translators.formats.joch_native import markers
from translators import exchange, providers
from translators.canonical import Request, RequestError, Transform, UpstreamError
from translators.canonical.needs import needs
from translators.continuity import only_own
from translators.formats import joch_native, openai_chat, openai_responses
from translators.providers.provider import ModelFacts, Provider

MARK = "canary-7f3a"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJcOkw7zDtsOfCg=="
FUNCTION = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "additionalProperties": False}
USER = {"role": "user", "content": "hello"}

MODELS = {
    "anthropic": "claude-opus-4-6",
    "generic-openai": "some-model",
    "google": "gemini-3.8-flash",
    "llama-cpp": "qwen3",
    "microsoft": "gpt-4.1",
    "ollama": "qwen3",
    "openai": "gpt-4.1",
    "vllm": "qwen3",
}


def tool(**members: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": FUNCTION, **members}}


def parts(*more: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "look"}, *more]}]}


def loop(call: dict[str, Any] | None = None, result: dict[str, Any] | None = None, **turn: Any) -> dict[str, Any]:
    function = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x":"y"}'}}
    return {
        "messages": [
            USER,
            {"role": "assistant", "content": None, "tool_calls": [{**function, **(call or {})}], **turn},
            {"role": "tool", "tool_call_id": "call_1", "content": "done", **(result or {})},
        ],
        "tools": [tool()],
    }


CHAT_BASE: dict[str, Any] = {"model": "m", "messages": [USER]}
CHAT: dict[str, list[dict[str, Any]]] = {
    "audio": [{"modalities": ["text", "audio"], "audio": {"voice": MARK, "format": "mp3"}}],
    "frequency_penalty": [{"frequency_penalty": 0.7313}],
    "function_call": [{"functions": [{"name": "f", "parameters": FUNCTION}], "function_call": {"name": "f"}}],
    "functions": [{"functions": [{"name": "f", "description": MARK, "parameters": FUNCTION}]}],
    "logit_bias": [{"logit_bias": {"7313": 50}}],
    "logprobs": [{"logprobs": True}],
    "max_completion_tokens": [{"max_completion_tokens": 7313}],
    "max_tokens": [{"max_tokens": 7313}],
    "messages": [
        {"messages": [{"role": "system", "content": MARK}, USER]},
        {"messages": [{"role": "developer", "content": MARK}, USER]},
        {"messages": [USER, {"role": "assistant", "content": "a"}, {"role": "system", "content": MARK}, USER]},
        {"messages": [{"role": "user", "content": MARK}]},
        {"messages": [{"role": "user", "content": "hello", "name": MARK}]},
        {"messages": [USER, {"role": "assistant", "content": MARK}, USER]},
        {"messages": [USER, {"role": "assistant", "content": None, "refusal": MARK}, USER]},
        {"messages": [USER, {"role": "assistant", "content": "a", "reasoning_content": MARK}, USER]},
        {"messages": [USER, {"role": "assistant", "content": None, "audio": {"id": MARK}}, USER]},
        parts({"type": "text", "text": MARK}),
        parts({"type": "text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit"}}),
        parts({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}),
        parts({"type": "image_url", "image_url": {"url": f"https://example.com/{MARK}.png"}}),
        parts({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}),
        parts({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}),
        parts({"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": f"{MARK}.pdf"}}),
        parts({"type": "file", "file": {"file_id": MARK}}),
        loop(),
        loop({"function": {"name": "f", "arguments": json.dumps({"x": MARK})}}),
        loop({"function": {"name": "f", "arguments": f"not json {MARK}"}}),
        loop({"id": f"call_{MARK}"}, {"tool_call_id": f"call_{MARK}"}),
        loop({"extra_content": {"google": {"thought_signature": MARK}}}),
        loop(result={"content": MARK}),
        loop(result={"content": [{"type": "text", "text": MARK}]}),
        loop(content=MARK),
    ],
    "metadata": [{"metadata": {"k": MARK}}],
    "modalities": [{"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "mp3"}}],
    "moderation": [{"moderation": {"mode": MARK}}],
    "n": [{"n": 3}],
    "parallel_tool_calls": [{"tools": [tool()], "parallel_tool_calls": False}],
    "prediction": [{"prediction": {"type": "content", "content": MARK}}],
    "presence_penalty": [{"presence_penalty": 0.7313}],
    "prompt_cache_key": [{"prompt_cache_key": MARK}],
    "prompt_cache_options": [{"prompt_cache_options": {"mode": MARK}}],
    "prompt_cache_retention": [{"prompt_cache_retention": "24h"}],
    "reasoning_effort": [{"reasoning_effort": effort} for effort in ("none", "minimal", "low", "high", "xhigh", "max")],
    "response_format": [
        {"response_format": {"type": "json_object"}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "shape",
                    "description": "what to fill in",
                    "strict": True,
                    "schema": {**FUNCTION, "properties": {"x": {"type": "string", "description": MARK}}},
                },
            }
        },
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "shape", "schema": {**FUNCTION, "properties": {"x": {"const": MARK}}}},
            }
        },
    ],
    "safety_identifier": [{"safety_identifier": MARK}],
    "seed": [{"seed": 7313}],
    "service_tier": [{"service_tier": "flex"}],
    "stop": [{"stop": MARK}, {"stop": [MARK, "b", "c", "d"]}],
    "store": [{"store": True}],
    "stream_options": [{"stream": True, "stream_options": {"include_obfuscation": False}}],
    "temperature": [{"temperature": 0.7313}, {"temperature": 1.7313}],
    "tool_choice": [
        {"tools": [tool()], "tool_choice": "none"},
        {"tools": [tool()], "tool_choice": "required"},
        {"tools": [tool(), tool(name="g")], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        {
            "tools": [tool(), tool(name="g")],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]},
            },
        },
    ],
    "tools": [
        {"tools": [tool(description=MARK)]},
        {"tools": [tool(name=MARK)]},
        {"tools": [tool(strict=True)]},
        {"tools": [tool(parameters={**FUNCTION, "properties": {"x": {"type": "string", "description": MARK}}})]},
        {"tools": [tool(parameters={**FUNCTION, "properties": {"x": {"type": "string", "pattern": MARK}}})]},
        {"tools": [tool(parameters={**FUNCTION, "properties": {"x": {"type": "string", "default": MARK}}})]},
        {"tools": [tool(parameters={**FUNCTION, "properties": {"x": {"enum": ["a", MARK]}}})]},
        {
            "tools": [
                tool(
                    parameters={**FUNCTION, "properties": {"x": {"$ref": "#/$defs/D"}}, "$defs": {"D": {"const": MARK}}}
                )
            ]
        },
        {"tools": [{"type": "custom", "custom": {"name": "c", "description": MARK}}]},
    ],
    "top_logprobs": [{"logprobs": True, "top_logprobs": 3}],
    "top_p": [{"top_p": 0.7313}],
    "user": [{"user": MARK}],
    "verbosity": [{"verbosity": "low"}],
    "web_search_options": [{"web_search_options": {"search_context_size": "high"}}],
    "extra_body": [{"some_vendor_member": MARK}],
}

FLAT_TOOL = {"type": "function", "name": "f", "parameters": FUNCTION, "strict": False}
RESPONSES_BASE: dict[str, Any] = {"model": "m", "input": "hello"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"x":"y"}'}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}


def said(*items: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": "hello"}, *items]}


RESPONSES: dict[str, list[dict[str, Any]]] = {
    "access_programs": [{"access_programs": [MARK]}],
    "background": [{"background": True}],
    "background_options": [{"background_options": {"k": MARK}}],
    "context_management": [{"context_management": [{"type": "compaction", "k": MARK}]}],
    "conversation": [{"conversation": MARK}],
    "image": [{"image": {"k": MARK}}],
    "include": [{"include": ["message.output_text.logprobs"]}],
    "input": [
        {"input": MARK},
        said({"role": "user", "content": [{"type": "input_text", "text": MARK}]}),
        said({"role": "user", "content": [{"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}]}),
        said({"role": "user", "content": [{"type": "input_image", "image_url": f"https://example.com/{MARK}.png"}]}),
        said({"role": "user", "content": [{"type": "input_image", "file_id": MARK, "detail": "auto"}]}),
        said(
            {
                "role": "user",
                "content": [
                    {
                        "type": "input_file",
                        "filename": f"{MARK}.pdf",
                        "file_data": f"data:application/pdf;base64,{PDF}",
                    }
                ],
            }
        ),
        said({"role": "user", "content": [{"type": "input_file", "file_url": f"https://example.com/{MARK}.pdf"}]}),
        said({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": MARK}]}),
        said({"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": MARK}]}),
        said({"role": "developer", "content": MARK}),
        said({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": MARK}]}),
        said({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": MARK}),
        {**said({**CALL, "arguments": json.dumps({"x": MARK})}, RESULT), "tools": [FLAT_TOOL]},
        {**said(CALL, {**RESULT, "output": MARK}), "tools": [FLAT_TOOL]},
        {**said(CALL, {**RESULT, "output": [{"type": "input_text", "text": MARK}]}), "tools": [FLAT_TOOL]},
        {
            **said(CALL, {**RESULT, "output": [{"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}]}),
            "tools": [FLAT_TOOL],
        },
        said({"type": "custom_tool_call", "call_id": "c", "name": "c", "input": MARK}),
        said(
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": MARK},
            }
        ),
        said({"type": "item_reference", "id": MARK}),
        said({"type": "brand_new_item", "k": MARK}),
    ],
    "instructions": [{"instructions": MARK}],
    "max_output_tokens": [{"max_output_tokens": 7313}],
    "max_tool_calls": [{"max_tool_calls": 7}],
    "metadata": [{"metadata": {"k": MARK}}],
    "moderation": [{"moderation": {"mode": MARK}}],
    "parallel_tool_calls": [{"tools": [FLAT_TOOL], "parallel_tool_calls": False}],
    "previous_response_id": [{"previous_response_id": MARK}],
    "prompt": [{"prompt": {"id": MARK}}],
    "prompt_cache_key": [{"prompt_cache_key": MARK}],
    "prompt_cache_options": [{"prompt_cache_options": {"mode": MARK}}],
    "prompt_cache_retention": [{"prompt_cache_retention": "24h"}],
    "reasoning": [
        {"reasoning": {"effort": "high"}},
        {"reasoning": {"summary": "auto"}},
        {"reasoning": {"effort": "low", "context": MARK}},
    ],
    "safety_identifier": [{"safety_identifier": MARK}],
    "service_tier": [{"service_tier": "flex"}],
    "store": [{"store": True}],
    "stream_options": [{"stream": True, "stream_options": {"include_obfuscation": False}}],
    "temperature": [{"temperature": 0.7313}],
    "text": [
        {"text": {"verbosity": "low"}},
        {"text": {"format": {"type": "json_object"}}},
        {
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "shape",
                    "schema": {**FUNCTION, "properties": {"x": {"type": "string", "description": MARK}}},
                }
            }
        },
    ],
    "tool_choice": [
        {"tools": [FLAT_TOOL], "tool_choice": "none"},
        {"tools": [FLAT_TOOL], "tool_choice": "required"},
        {"tools": [FLAT_TOOL, {**FLAT_TOOL, "name": "g"}], "tool_choice": {"type": "function", "name": "g"}},
        {
            "tools": [FLAT_TOOL, {**FLAT_TOOL, "name": "g"}],
            "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "g"}]},
        },
    ],
    "tools": [
        {"tools": [{**FLAT_TOOL, "description": MARK}]},
        {"tools": [{**FLAT_TOOL, "strict": True}]},
        {"tools": [{"type": "custom", "name": "c", "description": MARK}]},
        {"tools": [{"type": "web_search", "filters": {"allowed_domains": [f"{MARK}.example"]}}]},
        {"tools": [{"type": "web_search", "user_location": {"type": "approximate", "city": MARK}}]},
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
        {"tools": [{"type": "file_search", "vector_store_ids": [MARK]}]},
        {"tools": [{"type": "mcp", "server_label": "l", "server_url": f"https://{MARK}.example"}]},
        {"tools": [{"type": "image_generation"}]},
    ],
    "top_logprobs": [{"top_logprobs": 3, "include": ["message.output_text.logprobs"]}],
    "top_p": [{"top_p": 0.7313}],
    "truncation": [{"truncation": "auto"}],
    "user": [{"user": MARK}],
    "extra_body": [{"some_vendor_member": MARK}],
}

DIALECTS = {
    "chat": (openai_chat.CLIENT, CHAT_BASE, CHAT),
    "responses": (openai_responses.CLIENT, RESPONSES_BASE, RESPONSES),
    "native": (joch_native.CLIENT, markers.BASE, markers.MEMBERS),
}


class Sent:
    """What became of one request on its way to one provider."""

    def __init__(self, dialect: str, provider: Provider, body: dict[str, Any]) -> None:
        client = DIALECTS[dialect][0]
        self.client_error: RequestError | None = None
        self.refusal: UpstreamError | None = None
        self.wire, self.changes, self.missing = "", frozenset[Transform](), frozenset[str]()
        try:
            request = client.parse_request(copy.deepcopy(body), json.dumps(body).encode())
        except RequestError as error:
            self.client_error = error
            return
        self.missing = frozenset(need.name for need in provider.capabilities.missing(needs(request)))
        if self.missing:
            return
        try:
            self._render(client, provider, request)
        except UpstreamError as error:
            self.refusal = error

    def _render(self, client: Any, provider: Provider, request: Request) -> None:
        facts = ModelFacts(model=MODELS[provider.name])
        own = only_own(request, provider.seal(provider.name, facts))
        wire_format = provider.choose(provider.formats, client.name, own.request, facts)
        adapted = provider.adapt(own.request, facts)
        lane = exchange.choose(client, wire_format, adapted.request, "issuer")
        amended: list[dict[str, Any]] = []

        def amend(wire: dict[str, Any]) -> dict[str, Any]:
            amended.append(provider.amend(wire, facts))
            return amended[-1]

        body = lane.render_request(adapted.request, facts.model, amend, ask_usage=provider.usage_option)
        headers = provider.headers_of(amended[-1], facts) if provider.headers_of and amended else {}
        self.wire = body.data.decode() + json.dumps(dict(headers))
        self.changes = frozenset((*own.transforms, *adapted.transforms, *body.transforms))


def cases() -> Iterator[Any]:
    for dialect, (_, _, samples) in DIALECTS.items():
        for member, variants in samples.items():
            for number, variant in enumerate(variants):
                for name in MODELS:
                    yield pytest.param(dialect, name, variant, id=f"{dialect}-{member}-{number}-{name}")


def outcome(dialect: str, provider: Provider, variant: dict[str, Any]) -> str | None:
    """In the bytes, listed, needed, or refused; None when the marker is gone."""
    base = DIALECTS[dialect][1]
    plain, marked = Sent(dialect, provider, base), Sent(dialect, provider, {**base, **variant})
    if marked.client_error is not None:
        return f"refused to the client: {marked.client_error.body.param}" if marked.client_error.body.param else None
    if marked.missing - plain.missing:
        return "a need"
    if marked.refusal is not None:
        return "refused, naming it" if marked.refusal.body.param else None
    if MARK in json.dumps(variant):
        if MARK in marked.wire:
            return "in the bytes"
    elif marked.wire != plain.wire:
        return "in the bytes"
    return "listed" if marked.changes - plain.changes else None


@pytest.mark.parametrize(("dialect", "name", "variant"), list(cases()))
def test_nothing_a_client_says_disappears(dialect: str, name: str, variant: dict[str, Any]) -> None:
    provider = providers.load(name)
    assert isinstance(provider, Provider)
    assert outcome(dialect, provider, variant), f"{json.dumps(variant)[:300]} left no trace on its way to {name}"


@pytest.mark.parametrize(
    ("dialect", "declared"), [("chat", CompletionCreateParamsBase), ("responses", ResponseCreateParamsBase)]
)
def test_every_member_of_the_sdk_s_own_types_has_a_marker(dialect: str, declared: Any) -> None:
    assert set(declared.__annotations__) - {"model"} - set(DIALECTS[dialect][2]) == set()


def test_the_canary_can_die() -> None:
    """A provider that drops `seed` without a word is found out."""
    openai = providers.load("openai")
    assert isinstance(openai, Provider)

    class Silent(Provider):
        """As openai, but it forgets."""

    silent = Silent(
        **{field: getattr(openai, field) for field in Provider.__dataclass_fields__ if field not in ("amend",)},
        amend=lambda body, facts: {key: value for key, value in body.items() if key != "seed"},
    )
    assert outcome("chat", openai, {"seed": 7313}) == "in the bytes"
    assert outcome("chat", silent, {"seed": 7313}) is None
