"""Who calls and within which execution, as far as an unmodified app can say: headers, metadata, traceparent.

Precedence per field follows the configuration reference, section 7. Values are checked here, since they end up in events.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from multidict import CIMultiDictProxy

from proxy.call import Identity
from translators.canonical import Request, RequestError

_VALUE = re.compile(r"[A-Za-z0-9._:@/-]{1,128}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_FRAMEWORKS = (
    ("Agents/Python", "openai-agents-sdk"),
    ("OpenAI/Python", "openai-python"),
    ("AsyncOpenAI/Python", "openai-python"),
    ("OpenAI/JS", "openai-node"),
    ("langchain", "langchain"),
    ("crewai", "crewai"),
    ("codex", "codex"),
)
_FIELDS = ("agent", "namespace", "team", "environment", "session", "turn")
_PLACES = tuple((field, f"X-Joch-{field.title()}", f"joch.{field}") for field in _FIELDS)


def identify(headers: CIMultiDictProxy[str], request: Request | None, call_id: str) -> Identity:
    """The identity of a call. Raises `RequestError` 400 for a value that may not stand in an event."""
    metadata: Mapping[str, str] = request.metadata if request is not None else {}
    values = {field: _field(headers, metadata, header, key) for field, header, key in _PLACES}
    parent = headers.get("traceparent")
    trace = _TRACEPARENT.fullmatch(parent) if parent else None
    execution, source = _execution(headers, metadata, trace.group(1) if trace else None, call_id)
    user = request.safety_identifier or request.user if request is not None else None
    return Identity(
        execution=execution,
        execution_source=source,
        agent=values["agent"] or "anonymous",
        namespace=values["namespace"] or "default",
        team=values["team"],
        environment=values["environment"],
        session=values["session"],
        turn=values["turn"],
        user_hash=hashlib.sha256(user.encode()).hexdigest()[:16] if user else None,
        framework=_framework(headers.get("User-Agent", "")),
        trace=trace.group(1) if trace else None,
    )


def _execution(
    headers: CIMultiDictProxy[str], metadata: Mapping[str, str], trace: str | None, call_id: str
) -> tuple[str, str]:
    if "X-Joch-Execution" in headers:
        return _checked(headers["X-Joch-Execution"], "X-Joch-Execution"), "header"
    if "joch.execution" in metadata:
        return _checked(metadata["joch.execution"], "metadata.joch.execution"), "metadata"
    if trace is not None:
        return f"exec-t-{trace[:16]}", "traceparent"
    return f"exec-auto-{call_id[-12:].lower()}", "inferred"


def _field(headers: CIMultiDictProxy[str], metadata: Mapping[str, str], header: str, key: str) -> str | None:
    value = headers.get(header)
    if value is not None:
        return _checked(value, header)
    return _checked(metadata[key], f"metadata.{key}") if key in metadata else None


def _checked(value: str, where: str) -> str:
    if _VALUE.fullmatch(value) is None:
        raise RequestError(
            f"{where} must be 1 to 128 characters of letters, digits and . _ : @ / -", param=where, code="invalid_value"
        )
    return value


def _framework(user_agent: str) -> str | None:
    for mark, name in _FRAMEWORKS:
        if mark in user_agent:
            return name
    return None
