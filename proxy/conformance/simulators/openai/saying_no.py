"""How the OpenAI-compatible ones say no: OpenAI itself, Azure, vLLM and llama.cpp, each with its own envelope and words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from proxy.conformance.simulators.script import Fault
from proxy.conformance.simulators.server import RefusedError, Reply, json_reply, sse

Wire = dict[str, Any]
Envelope = Callable[[int, str, str | None, str | None, str], Wire]
"""Status, message, code, param, type to the body."""


def openai_envelope(status: int, message: str, code: str | None, param: str | None, type: str) -> Wire:
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def vllm_envelope(status: int, message: str, code: str | None, param: str | None, type: str) -> Wire:
    names = {400: "BadRequestError", 404: "NotFoundError", 500: "InternalServerError", 503: "ServiceUnavailableError"}
    return {"error": {"message": message, "type": names.get(status, "BadRequestError"), "param": param, "code": status}}


def llama_envelope(status: int, message: str, code: str | None, param: str | None, type: str) -> Wire:
    names = {401: "authentication_error", 404: "not_found_error", 500: "server_error", 503: "unavailable_error"}
    if code == "context_length_exceeded":
        numbers = {"n_prompt_tokens": 9312, "n_ctx": 8192}
        return {"error": {"code": 400, "message": message, "type": "exceed_context_size_error", **numbers}}
    return {"error": {"code": status, "message": message, "type": names.get(status, "invalid_request_error")}}


class No:
    """One server's way of saying no. `words` are its own texts and codes for faults, where they are not OpenAI's."""

    def __init__(self, envelope: Envelope, words: dict[str, tuple[int, str, str | None]] | None = None) -> None:
        self._envelope, self._words = envelope, words or {}

    def refuse(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        type: str = "invalid_request_error",
    ) -> RefusedError:
        """A refusal to raise."""
        return RefusedError(json_reply(status, self._envelope(status, message, code, param, type)), message)

    def unsupported(self, name: str, *, param: str | None = None) -> RefusedError:
        message = f"Unsupported parameter: '{name}' is not supported with this model."
        return self.refuse(message, param=param or name, code="unsupported_parameter")

    def unknown(self, name: str) -> RefusedError:
        return self.refuse(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")

    def body_of(self, fault: Fault, key: str) -> tuple[int, Wire]:
        """Status and body of a fault."""
        status, message, code = self._words.get(fault.kind, _WORDS[fault.kind])
        if fault.leaks:
            message = f"{message} (key {key})"
        type = _TYPES.get(fault.kind, "invalid_request_error")
        if fault.kind == "content_filter" and fault.kind in self._words:
            return status, {"error": {**self._envelope(status, message, code, "prompt", type)["error"], **_FILTERED}}
        shown = 500 if status == 200 else status
        return status, self._envelope(shown, message, code, None, type)

    def fault(self, fault: Fault, key: str) -> Reply:
        """The whole answer that stands for a fault."""
        status, body = self.body_of(fault, key)
        headers = {"x-request-id": "req_0123456789"}
        if fault.wait is not None:
            headers["retry-after"] = str(int(fault.wait))
            headers["retry-after-ms"] = str(int(fault.wait * 1000))
        return json_reply(status, body, headers)


_TYPES = {
    "rate_limited": "tokens",
    "quota": "insufficient_quota",
    "overloaded": "server_error",
    "server_error": "server_error",
    "garbage": "server_error",
}
_WORDS: dict[str, tuple[int, str, str | None]] = {
    "bad_request": (
        400,
        "Invalid 'messages[0].content': expected a string, but got an object instead.",
        "invalid_type",
    ),
    "auth": (
        401,
        (
            "Incorrect API key provided: conforma***. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        ),
        "invalid_api_key",
    ),
    "forbidden": (403, "You are not allowed to sample from this model", None),
    "not_found": (404, "The model `no-more` does not exist or you do not have access to it.", "model_not_found"),
    "rate_limited": (
        429,
        (
            "Rate limit reached for the model in organization org-AbCdEfGh12345678 on tokens per min (TPM): Limit 30000, Used "
            "29000, Requested 2000. Please try again in 7s."
        ),
        "rate_limit_exceeded",
    ),
    "quota": (
        429,
        (
            "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
            "read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
        ),
        "insufficient_quota",
    ),
    "overloaded": (503, "The engine is currently overloaded, please try again later", None),
    "server_error": (500, "The server had an error while processing your request. Sorry about that!", None),
    "context_length": (
        400,
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. Please "
            "reduce the length of the messages."
        ),
        "context_length_exceeded",
    ),
    "content_filter": (
        400,
        "Your request was rejected as a result of our safety system.",
        "content_policy_violation",
    ),
    "garbage": (200, "The server had an error while processing your request. Sorry about that!", None),
}
_FILTERED = {
    "status": 400,
    "innererror": {
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {
            "hate": {"filtered": False, "severity": "safe"},
            "jailbreak": {"filtered": True, "detected": True},
        },
    },
}
_AZURE_WORDS: dict[str, tuple[int, str, str | None]] = {
    "auth": (
        401,
        (
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
            "subscription and use a correct regional API endpoint for your resource."
        ),
        "401",
    ),
    "not_found": (
        404,
        (
            "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
            "please wait a moment and try again."
        ),
        "DeploymentNotFound",
    ),
    "rate_limited": (
        429,
        (
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded token rate limit of your "
            "current pricing tier. Please retry after 7 seconds."
        ),
        "429",
    ),
    "overloaded": (
        503,
        "The service is temporarily unable to process your request. Please try again later.",
        "NoCapacity",
    ),
    "content_filter": (
        400,
        (
            "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your "
            "prompt and retry."
        ),
        "content_filter",
    ),
}
_VLLM_WORDS: dict[str, tuple[int, str, str | None]] = {
    "overloaded": (503, "The engine is currently busy, please try again later.", None),
    "server_error": (500, "Internal server error", None),
}
_LLAMA_WORDS: dict[str, tuple[int, str, str | None]] = {
    "auth": (401, "Invalid API Key", None),
    "overloaded": (503, "Loading model", None),
    "server_error": (500, "Compute error.", None),
    "context_length": (
        400,
        "request (9312 tokens) exceeds the available context size (8192 tokens), try increasing it",
        "context_length_exceeded",
    ),
}

OPENAI = No(openai_envelope)
AZURE = No(openai_envelope, _AZURE_WORDS)
VLLM = No(vllm_envelope, _VLLM_WORDS)
LLAMA_CPP = No(llama_envelope, _LLAMA_WORDS)


def in_band_chat(no: No, fault: Fault, key: str) -> bytes:
    """A fault in the middle of a chat stream."""
    return sse(json.dumps(no.body_of(fault, key)[1]).encode())


def in_band_responses(no: No, fault: Fault, key: str) -> bytes:
    """A fault in the middle of a Responses stream: what OpenAI really sends is nested."""
    error = {"type": "error", "sequence_number": 99, **no.body_of(fault, key)[1]}
    return sse(error, "error")
