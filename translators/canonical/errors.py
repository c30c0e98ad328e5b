"""Everything that can go wrong, by whose fault, with the decision kept as data.

    JochError
    ├── RequestError      the client's: it never left the proxy
    └── UpstreamError     the provider's, or the way to it

What a kind of upstream failure means (the status the client sees, whether another candidate may be tried, whether the
work may already be billed) stands in the one table `HANDLING`. Nothing else matches on messages or statuses.
Sources: design notes on reliability (error contract) and OpenAI's error reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from .blocks import JSON


@unique
class Reason(StrEnum):
    """Why an attempt failed: the closed list that events, metrics and explanations use."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    ERROR_5XX = "error_5xx"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    AUTH = "auth"
    NOT_FOUND = "not_found"
    BAD_RESPONSE = "bad_response"
    STREAM_CUT = "stream_cut"
    INVALID_REQUEST = "invalid_request"
    CONTENT_FILTER = "content_filter"
    CONTEXT_LENGTH = "context_length"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"
    SCHEMA_INVALID = "schema_invalid"
    REGION = "region"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Handling:
    """`status`, `type`, `code`: what the client sees. `failover`: may another candidate be tried before content."""

    status: int
    type: str
    code: str
    failover: bool
    should_retry: bool | None  # x-should-retry; None leaves the SDK its own policy


HANDLING: dict[Reason, Handling] = {
    Reason.CONNECT: Handling(502, "server_error", "upstream_error", True, None),
    Reason.TIMEOUT: Handling(504, "server_error", "upstream_timeout", True, False),
    Reason.ERROR_5XX: Handling(502, "server_error", "upstream_error", True, None),
    Reason.RATE_LIMITED: Handling(429, "rate_limit_error", "rate_limit_exceeded", True, True),
    Reason.QUOTA: Handling(429, "insufficient_quota", "insufficient_quota", True, False),
    Reason.AUTH: Handling(502, "server_error", "upstream_error", True, None),
    Reason.NOT_FOUND: Handling(502, "server_error", "upstream_error", True, None),
    Reason.BAD_RESPONSE: Handling(502, "server_error", "upstream_invalid_response", True, None),
    Reason.STREAM_CUT: Handling(502, "server_error", "incomplete", True, None),
    Reason.INVALID_REQUEST: Handling(400, "invalid_request_error", "invalid_value", False, False),
    Reason.CONTENT_FILTER: Handling(400, "invalid_request_error", "content_filter", False, False),
    Reason.CONTEXT_LENGTH: Handling(400, "invalid_request_error", "context_length_exceeded", True, False),
    Reason.UNSUPPORTED: Handling(400, "invalid_request_error", "unsupported_parameter", True, False),
    Reason.UNAVAILABLE: Handling(503, "server_error", "no_candidate_available", True, False),
    Reason.SCHEMA_INVALID: Handling(502, "server_error", "SchemaValidationFailed", True, True),
    Reason.REGION: Handling(502, "server_error", "upstream_error", True, None),
    Reason.CANCELLED: Handling(499, "server_error", "cancelled", False, False),
}


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """OpenAI's error object. All four keys are always sent. `details` is ours, beside them."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None
    details: dict[str, JSON] | None = None


class JochError(Exception):
    """Anything that ends a call with an error the client can read."""

    status: int
    body: ErrorBody
    should_retry: bool | None = None
    retry_after: float | None = None  # seconds


class RequestError(JochError):
    """The client's mistake, found before anything was sent. `param` names the member at fault."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = "invalid_value",
        status: int = 400,
        type: str = "invalid_request_error",
        should_retry: bool | None = False,
        retry_after: float | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = ErrorBody(message, type, code, param, details)
        self.should_retry = should_retry
        self.retry_after = retry_after


class UpstreamError(JochError):
    """An attempt failed.

    `failure` is the precise class for the event log ("connect_refused", "bad_json", "http_500"); `billed_risk` says
    whether the provider may have done the work; `http_status` and `upstream_code` are what the provider said;
    `retry_after` is in seconds, already sanitised. `message` must be fit for the client: no key, no URL, no stack.
    `notes` are further words for the event log ("header_ignored").
    """

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        failure: str | None = None,
        billed_risk: bool = False,
        http_status: int | None = None,
        upstream_code: str | None = None,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        handling = HANDLING[reason]
        self.reason = reason
        self.failure = failure or reason.value
        self.billed_risk = billed_risk
        self.http_status = http_status
        self.upstream_code = upstream_code
        self.status = status if status is not None else handling.status
        self.body = ErrorBody(message, type or handling.type, code or handling.code, param, details)
        self.should_retry = handling.should_retry
        self.retry_after = retry_after

    @property
    def falls_forward(self) -> bool:
        """Whether another candidate may do better, provided nothing of this one was shown yet."""
        return HANDLING[self.reason].failover


_HINTS = (
    "audio",
    "cache",
    "extensions.",
    "include_obfuscation",
    "metadata",
    "safety_identifier",
    "service_tier",
    "state.include",
    "state.store",
    "state.truncation",
    "user",
    "verbosity",
)
_HINT_ENDS = (".cache", ".detail", ".name", ".role", ".strict")


@dataclass(frozen=True, slots=True)
class Transform:
    """One change a translation made, for the loss report.

    `field` names the place in canonical words ("sampling.stop", "tools[0].strict"); `action` is mapped (said otherwise, the
    same meaning), emulated (asked for by other means), reshaped or dropped.
    """

    field: str
    action: str  # mapped | emulated | reshaped | dropped
    detail: str = ""

    @property
    def is_semantic(self) -> bool:
        """Whether the model is asked for something else than the client said. Hints may go without that."""
        return self.action != "mapped" and not (self.field.startswith(_HINTS) or self.field.endswith(_HINT_ENDS))
