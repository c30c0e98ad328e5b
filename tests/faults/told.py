"""What an app may see of a fault, as values: an answer, an error response, or an answer that breaks off with an error.

`check` of each says in words what differs. What holds for all of them, whatever the fault, is in `check_always`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import openai

from tests.support.snapshots import KEY

from .sdk import PROMPT, Seen, error_object

_MEMBERS = {"message", "type", "param", "code"}
_UNFIT = re.compile(
    r"[a-z]+://|<\s*/?\s*[a-z!]|Traceback|\bFile \"|\.py\b|aiohttp|127\.0\.0\.1|sk-[\w-]{4}", re.IGNORECASE
)
_FAILED_STREAM = (b"[DONE]", b"response.completed")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A complete answer that says `text`. A stream ends with its terminal, once, and in the ordinary way."""

    text: str

    def check(self, seen: Seen, stream: bool) -> None:
        assert seen.error is None, f"an answer was expected, the SDK raised {seen.error!r}"
        assert seen.tape.status == 200
        assert seen.text == self.text
        assert seen.tape.clean, "the body did not end properly"
        if stream and b"event: response." not in seen.tape.raw:
            assert seen.tape.raw.count(b"data: [DONE]") == 1
            assert seen.tape.raw.endswith(b"data: [DONE]\n\n")


@dataclass(frozen=True, kw_only=True)
class Told:
    """An HTTP error in OpenAI's envelope. `should_retry` is the header's value, None when it must be absent.

    `wait` is the wait told, in seconds, give or take `slack`.
    """

    exception: type[openai.APIStatusError]
    status: int
    type: str
    code: str | None
    should_retry: str | None
    param: str | None = None
    says: str = ""
    wait: float | None = None
    slack: float = 0.05

    def check(self, seen: Seen, stream: bool) -> None:
        error = seen.error
        assert type(error) is self.exception, f"{self.exception.__name__} was expected, seen: {error!r} {seen.text!r}"
        assert isinstance(error, openai.APIStatusError)
        assert error.status_code == self.status
        assert (error.type, error.code, error.param) == (self.type, self.code, self.param)
        headers = seen.tape.headers
        assert headers["content-type"] == "application/json"
        assert headers.get("x-should-retry") == self.should_retry
        assert self.says in error_object(seen)["message"]
        if self.wait is not None:
            told = float(headers["retry-after-ms"]) / 1000
            assert abs(told - self.wait) <= self.slack, f"a wait of {self.wait} s was expected, {told} s were told"
            assert float(headers["retry-after"]) >= told
        check_error(seen)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """`text`, then an explicit error in the stream, which then ends in the ordinary way: no `[DONE]`, no reset."""

    text: str
    code: str
    type: str = "server_error"
    says: str = ""

    def check(self, seen: Seen, stream: bool) -> None:
        assert type(seen.error) is openai.APIError, f"APIError was expected, seen: {seen.error!r} {seen.text!r}"
        assert seen.tape.status == 200
        assert seen.text == self.text
        error = error_object(seen) if b"event: response." not in seen.tape.raw else dict(seen.error.body or {})
        assert (error["type"], error["code"]) == (self.type, self.code)
        assert self.says in error["message"]
        assert seen.tape.clean, "the body must end properly behind the error, a reset could discard it"
        for terminal in _FAILED_STREAM:
            assert terminal not in seen.tape.raw, "a failed stream must not look complete"


Expected = Answered | Told | Broken


def check_error(seen: Seen) -> None:
    """The envelope: all four members, and a message fit for anyone's eyes."""
    error = error_object(seen)
    assert error.keys() - {"details"} == _MEMBERS
    message = error["message"]
    assert isinstance(message, str)
    assert message
    assert len(message) <= 600
    unfit = _UNFIT.search(message)
    assert unfit is None, f"{unfit[0]!r} has no place in {message!r}"


def check_always(seen: Seen) -> None:
    """Whatever happened: the call has an id, and neither the key nor the prompt comes back."""
    assert seen.call_id.startswith("mc_")
    everything = seen.tape.raw + str(seen.tape.headers).encode()
    for secret in (KEY, PROMPT):
        assert secret.encode() not in everything
    for leak in (b"<html", b"Traceback", b"://"):
        assert leak not in seen.tape.raw.lower()


UPERR = Told(
    exception=openai.InternalServerError, status=502, type="server_error", code="upstream_error", should_retry=None
)
INVALID = Told(
    exception=openai.InternalServerError,
    status=502,
    type="server_error",
    code="upstream_invalid_response",
    should_retry=None,
)
TIMEOUT = Told(
    exception=openai.InternalServerError, status=504, type="server_error", code="upstream_timeout", should_retry="false"
)
SHED = Told(exception=openai.InternalServerError, status=503, type="server_error", code="overloaded", should_retry=None)
QUOTA = Told(
    exception=openai.RateLimitError,
    status=429,
    type="insufficient_quota",
    code="insufficient_quota",
    should_retry="false",
)


def rate(wait: float | None = None, slack: float = 0.05) -> Told:
    """A rate limit, with the wait in both headers. Beyond ten seconds the SDK is told not to retry by itself."""
    return Told(
        exception=openai.RateLimitError,
        status=429,
        type="rate_limit_error",
        code="rate_limit_exceeded",
        should_retry="true" if wait is None or wait <= 10 else "false",
        wait=wait,
        slack=slack,
    )


def bad(code: str | None = "invalid_value", param: str | None = None, says: str = "") -> Told:
    """The client's own mistake, in the provider's cleaned words."""
    return Told(
        exception=openai.BadRequestError,
        status=400,
        type="invalid_request_error",
        code=code,
        should_retry="false",
        param=param,
        says=says,
    )
