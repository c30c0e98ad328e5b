"""What the native API calls things: members, roles and kinds, for both directions. No checks and no decisions here.

Names are camelCase, kinds of blocks are snake_case. Source: the events reference, section 11, and the canonical model,
sections 3 and 10.
"""

from __future__ import annotations

from collections.abc import Mapping

from translators.canonical import Role

FORMAT = "joch_native"

OBJECT = "joch.model.response"

OWNER = ""
"""Whose blobs clients of this format send back without our seal: nobody's. Only what was sealed here is ever opened."""

REQUEST = frozenset(
    {
        "cache",
        "context",
        "explain",
        "extensions",
        "instructions",
        "messages",
        "metadata",
        "modalities",
        "model",
        "output",
        "parallelToolCalls",
        "reasoning",
        "route",
        "sampling",
        "toolChoice",
        "tools",
    }
)

SAMPLING: Mapping[str, str] = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
    "maxOutputTokens": "max_output_tokens",
    "stop": "stop",
    "seed": "seed",
    "n": "n",
    "logprobs": "logprobs",
    "topLogprobs": "top_logprobs",
    "logitBias": "logit_bias",
    "prediction": "prediction",
}
"""Members of `sampling` and the canonical fields they set."""

CONTEXT: Mapping[str, str] = {
    "executionId": "joch.execution",
    "sessionId": "joch.session",
    "turnId": "joch.turn",
    "agent": "joch.agent",
    "residency": "joch.residency",
}
"""Members of `context` and the metadata that say the same on the other surfaces. `user` is the request's own user."""

CACHE: Mapping[str, str] = {
    "key": "prompt_cache_key",
    "options": "prompt_cache_options",
    "retention": "prompt_cache_retention",
}
"""Members of `cache` and the canonical names of these hints."""

MESSAGE = frozenset({"role", "name", "content", "toolCalls", "toolResults", "contentOrder", "vendorMetadata"})
TOOL_CALL = frozenset({"id", "name", "arguments", "args", "kind", "namespace"})
TOOL_RESULT = frozenset({"callId", "content", "isError", "kind", "name", "cache"})

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}

MEDIA = frozenset({"image", "audio", "video", "file"})
ASSISTANT_ONLY = frozenset({"refusal", "reasoning", "reasoning_summary", "tool_call"})
RESULT_KINDS = MEDIA | {"media", "native", "text"}
"""What the result of a tool may hold."""

_MEDIUM = frozenset(
    {"uri", "data", "fileId", "mimeType", "provider", "filename", "detail", "transcript", "expiresAt", "cache"}
)
BLOCKS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text", "annotations", "logprobs", "cache"}),
    "refusal": frozenset({"text", "logprobs"}),
    "reasoning": frozenset({"text", "summary", "sealed", "cache"}),
    "reasoning_summary": frozenset({"text"}),
    "image": _MEDIUM,
    "audio": _MEDIUM,
    "video": _MEDIUM,
    "file": _MEDIUM,
    "media": _MEDIUM | {"kind"},
    "tool_call": TOOL_CALL,
    "tool_result": TOOL_RESULT,
    "hosted_tool": frozenset({"tool", "raw", "provider"}),
    "native": frozenset({"format", "raw"}),
}
"""Kinds of blocks and their members, `type` aside."""
