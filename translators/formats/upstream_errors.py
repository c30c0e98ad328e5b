"""What a provider's refusal, or a stream that broke, means: an `UpstreamError`, for every format alike.

`by_status` holds the one table of HTTP statuses. Texts from providers pass through `clean` before anyone sees them: no
markup, no control characters, no keys, no addresses, 512 characters at most. No format's own vocabulary belongs here, and
nothing here reads a clock: a Retry-After date counts only relative to the response's own `Date`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from translators.canonical import Reason, UpstreamError
from translators.formats import json

TEXT_LIMIT = 512
"""The longest provider text shown to a client, in characters."""

WAIT_LIMIT = 300.0
"""The longest wait taken from a provider, in seconds."""

_ABSURD_WAIT = 86_400.0  # more than a day is no rate limit but a mistake: treated as absent

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MARKUP = re.compile(r"<\s*(?:!doctype|html|head|body|title|h1|center|pre|p|div)\b", re.IGNORECASE)
_TRACE = "Traceback (most recent call last)"
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>)]+", re.IGNORECASE)
_SECRET = re.compile(
    r"\bbearer\s+[\w.~+/=*-]+"
    r"|\b(?:sk|pk|rk|gsk|xai|hf|nvapi|fw|csk|pplx|org|proj|key)[-_][\w*-]{6,}"
    r"|\bAIza[\w-]{10,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\bya29\.[\w.-]+"  # tokens of identity services
    r"|\b(?:api[-_ ]?key|token|secret|password)[\"']?\s*[=:]\s*[\"']?[\w.~+/=*-]{8,}[\"']?",
    re.IGNORECASE,
)

_CONTEXT_WORDS = re.compile(
    r"maximum context length|context[ _](?:length|window|size)[^.]{0,40}\bexceed|exceed[^.]{0,60}\bcontext"
    r"|context length is only|reduce the length of (?:the|your) (?:input|prompt|messages)"
    r"|prompt is too long|prompt too long|input is too long|input length exceeds|too many input tokens"
    r"|longer than the (?:maximum )?(?:model|context)|exceeds the maximum number of tokens|context window",
    re.IGNORECASE,
)
_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error", "request_too_large"})
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"})
_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
_UNSUPPORTED_CODES = frozenset({"unsupported_parameter", "unsupported_value", "not_supported_error"})
_MODEL_CODES = frozenset({"model_not_found", "deploymentnotfound", "invalid_model"})
_KEY_CODES = frozenset({"invalid_api_key", "api_key_invalid"})
_GENERATION_CODES = frozenset({"tool_use_failed"})  # Groq: the model wrote a call that does not parse
_REGION_CODES = frozenset({"unsupported_country_region_territory"})

CREDENTIALS_TEXT = "The provider rejected the gateway's credentials."


def clean(text: str) -> str:
    """A provider's text made fit for a client; empty when it is markup. Keys, account ids and URLs are masked.

    A stack trace is cut off, for a server that says too much of itself.
    """
    if _MARKUP.search(text):
        return ""
    text = text.partition(_TRACE)[0]
    text = _CONTROL.sub(" ", text[: 8 * TEXT_LIMIT])
    text = _SECRET.sub("***", _URL.sub("(url)", text)).strip()
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait a provider asks for, in seconds, at most `WAIT_LIMIT`; None when absent, past or nonsense.

    Header names are lower-case. `retry-after-ms` wins over `retry-after`, which is seconds or an HTTP date (RFC 9110
    10.2.3); a date is taken relative to the `date` header and ignored without one.
    """
    return _wait(headers)[0]


def _wait(headers: Mapping[str, str]) -> tuple[float | None, tuple[str, ...]]:
    """The wait, and a word for the event log when it is not the one that was asked for."""
    milliseconds, value = _positive(headers.get("retry-after-ms")), headers.get("retry-after")
    if milliseconds == 0 and value is not None:
        milliseconds = None  # Azure says 0 beside a wait in seconds
    seconds = _positive(value) if milliseconds is None else milliseconds / 1000
    if seconds is None and value is not None:
        seconds = _seconds_between(headers.get("date"), value)
    if seconds is None or seconds > _ABSURD_WAIT:
        asked = value is not None or "retry-after-ms" in headers
        return None, ("header_ignored",) if asked else ()
    return min(seconds, WAIT_LIMIT), ("header_capped",) if seconds > WAIT_LIMIT else ()


def _positive(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _seconds_between(start: str | None, end: str) -> float | None:
    if start is None:
        return None
    try:
        seconds = (parsedate_to_datetime(end) - parsedate_to_datetime(start)).total_seconds()
    except (TypeError, ValueError):  # not dates, or one of them without a zone
        return None
    return seconds if seconds > 0 else None


def by_status(
    status: int,
    headers: Mapping[str, str],
    *,
    message: str,
    code: str | None = None,
    param: str | None = None,
    type: str | None = None,
) -> UpstreamError:
    """The failure that a provider's HTTP answer stands for.

    `message`, `code`, `param`, `type` are the provider's own words; `headers` have lower-case names. What the client did
    wrong keeps the provider's cleaned text, code and param with status 400; for the rest the reason decides.
    """
    words = {word.lower() for word in (code, type) if word}
    text = clean(message)
    if special := _by_words(status, words, text, code, param):
        return special
    kind = _kind(status)
    if kind is None:
        error = UpstreamError(
            Reason.INVALID_REQUEST,
            text or f"The provider rejected the request with status {status}.",
            failure="rejected_400" if status in (400, 422) else "http_other",
            code=code,
            param=param,
        )
    else:
        reason, failure, billed_risk, default = kind
        wait, notes = _wait(headers) if status in (408, 409, 425, 429) or status >= 500 else (None, ())
        error = UpstreamError(
            reason,
            default if reason is Reason.AUTH else text or default,
            failure=failure,
            billed_risk=billed_risk,
            param=param if reason is Reason.UNSUPPORTED else None,
            retry_after=wait,
        )
        error.notes = notes
    error.http_status, error.upstream_code = status, code
    return error


def _kind(status: int) -> tuple[Reason, str, bool, str] | None:
    """Reason, failure word, billed risk and text of a status; None for what the client did wrong."""
    match status:
        case 401 | 403:
            return Reason.AUTH, "credential_rejected", False, CREDENTIALS_TEXT
        case 402:
            return Reason.QUOTA, "provider_quota", False, "The provider account is out of credit."
        case 404:
            return Reason.NOT_FOUND, "model_gone", False, "The provider does not serve this model."
        case 408 | 409 | 425:
            return Reason.ERROR_5XX, "http_4xx_retryable", False, f"The provider answered with status {status}."
        case 429:
            return Reason.RATE_LIMITED, "rate_limited", False, "The provider's rate limit was reached."
        case 500:
            return Reason.ERROR_5XX, "http_500", True, "The provider had an internal error."
        case 501:
            return Reason.UNSUPPORTED, "http_other", False, "The provider does not support this request."
        case 502 | 504:
            return Reason.ERROR_5XX, "http_5xx", True, f"The provider answered with status {status}."
        case 503 | 529:
            return Reason.ERROR_5XX, "overloaded", False, "The provider is overloaded."
        case _ if 400 <= status < 500:
            return None
        case _ if 300 <= status < 400:
            return (
                Reason.BAD_RESPONSE,
                "redirect",
                False,
                "The provider answered with a redirect, which is not followed.",
            )
        case _ if status >= 500:
            return Reason.ERROR_5XX, "http_other", True, f"The provider answered with status {status}."
        case _:
            return Reason.BAD_RESPONSE, "http_other", True, f"The provider answered with status {status}."


def _by_words(status: int, words: set[str], text: str, code: str | None, param: str | None) -> UpstreamError | None:
    """What the provider's own words say more precisely than its status does."""
    error: UpstreamError | None = None
    if words & _QUOTA_CODES:
        error = UpstreamError(
            Reason.QUOTA, text or "The provider account's quota is used up.", failure="provider_quota"
        )
    elif words & _KEY_CODES:
        error = UpstreamError(Reason.AUTH, CREDENTIALS_TEXT, failure="credential_rejected")
    elif words & _GENERATION_CODES:
        error = UpstreamError(
            Reason.BAD_RESPONSE,
            text or "The model's tool call could not be read.",
            failure="tool_use_failed",
            billed_risk=True,
        )
    elif words & _REGION_CODES:
        error = UpstreamError(Reason.REGION, "The provider does not serve this region.", failure="credential_rejected")
    elif status in (400, 403, 413, 422, 500) and (words & _CONTEXT_CODES or _CONTEXT_WORDS.search(text)):
        error = _context(text, param)
    elif status == 413:
        error = UpstreamError(
            Reason.CONTEXT_LENGTH,
            text or "The request is too large for the provider.",
            failure="context_too_long",
            status=413,
            code="request_too_large",
            param=param,
        )
    elif words & _FILTER_CODES:
        error = UpstreamError(
            Reason.CONTENT_FILTER, text or "The provider's filter refused the request.", failure="rejected_400"
        )
    elif status in (400, 422) and words & _MODEL_CODES:
        error = UpstreamError(Reason.NOT_FOUND, text or "The provider does not serve this model.", failure="model_gone")
    elif status in (400, 422, 501) and (words & _UNSUPPORTED_CODES or "does not support" in text):
        error = UpstreamError(
            Reason.UNSUPPORTED,
            text or "The provider does not support this request.",
            failure="rejected_400",
            code=code,
            param=param,
        )
    if error is not None:
        error.http_status, error.upstream_code = status, code
    return error


def _context(text: str, param: str | None) -> UpstreamError:
    # Apps look for OpenAI's wording in the text, so it is there whatever the provider said.
    if "maximum context length" not in text:
        text = f"This model's maximum context length was exceeded. {text}".strip()
    return UpstreamError(Reason.CONTEXT_LENGTH, text, failure="context_too_long", param=param or "messages")


def message_of(body: bytes) -> tuple[str | None, str | None, str | None, str | None]:
    """Message, type, code and param of an error body, in any of the shapes seen in the wild.

    Known: `{error:{…}}`, `{error:"…"}`, `{object:"error",…}`, `{detail:…}`, `{message}`, `{errors:[…]}`, `[{error}]`,
    plain text. The message is None for markup and for what says nothing; it is not cleaned yet.
    """
    try:
        value = json.loads(body)
    except ValueError:
        text = body[: 8 * TEXT_LIMIT].decode("utf-8", "replace").strip()
        return (text or None) if not _MARKUP.search(text) else None, None, None, None
    return describe(value)


def describe(value: Any) -> tuple[str | None, str | None, str | None, str | None]:
    """As `message_of`, for a body that is parsed already. A numeric code is a status, hence not returned as code."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        return value or None, None, None, None
    if not isinstance(value, dict):
        return None, None, None, None
    error = value.get("error") or value
    if isinstance(error, str):
        flat = value.get("message")
        return (
            flat if isinstance(flat, str) and flat else error,
            _word(value.get("type")),
            _word(value.get("code")),
            None,
        )
    if not isinstance(error, dict):
        return None, None, None, None
    kind = _word(error.get("type")) or _word(error.get("status"))
    return _message(error), kind, _word(error.get("code")), _word(error.get("param"))


def _message(error: dict[str, Any]) -> str | None:
    for key in ("message", "detail", "error", "msg", "errors", "error_description", "title"):
        value = error.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, dict) and (inner := _message(value)):
            return inner
        if isinstance(value, list):
            parts = [part for item in value[:4] if (part := _listed(item))]
            if parts:
                return "; ".join(parts)
    return None


def _listed(item: Any) -> str | None:
    """One entry of a list of errors; FastAPI's carry `loc` and `msg`."""
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return None
    text, place = _message(item), item.get("loc")
    if text and isinstance(place, list):
        return f"{'.'.join(str(step) for step in place)}: {text}"
    return text


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value and not value.isdigit() else None


def in_band(value: Any) -> UpstreamError:
    """The failure that an error inside an answer of status 200 stands for: as the status it carries, else a 5xx.

    `value` is the parsed body or event that holds the error. The failure word is always "inband_error".
    """
    message, kind, code, param = describe(value)
    status = _carried_status(value, kind, code)
    error = by_status(status, {}, message=message or "", code=code, param=param, type=kind)
    if error.reason is Reason.AUTH:
        error.upstream_code = code
    elif not clean(message or "") and error.reason is Reason.ERROR_5XX:
        error = UpstreamError(error.reason, "The provider reported an error.", upstream_code=code)
    error.failure, error.billed_risk, error.http_status = "inband_error", True, 200
    return error


def _carried_status(value: Any, kind: str | None, code: str | None) -> int:
    if isinstance(value, list) and value:
        value = value[0]
    places = [value, value.get("error")] if isinstance(value, dict) else []
    for place in reversed(places):
        for key in ("code", "status", "status_code", "statusCode", "http_status"):
            found = place.get(key) if isinstance(place, dict) else None
            if isinstance(found, str) and found.isdigit():
                found = int(found)
            if isinstance(found, int) and 400 <= found <= 599:
                return found
    words = f"{kind or ''} {code or ''}".lower()
    for word, status in (
        ("rate_limit", 429),
        ("resource_exhausted", 429),
        ("overloaded", 529),
        ("unavailable", 503),
        ("authentication", 401),
        ("permission", 403),
        ("not_found", 404),
        ("invalid_request", 400),
        ("badrequest", 400),
        ("invalid_argument", 400),
    ):
        if word in words:
            return status
    return 500


def cut() -> UpstreamError:
    """The stream stopped before its own end."""
    return UpstreamError(
        Reason.STREAM_CUT,
        "The provider's stream stopped before its end.",
        failure="no_terminal",
        billed_risk=True,
        http_status=200,
    )


def unreadable(failure: str) -> UpstreamError:
    """An event that is no event: `failure` is "sse_garbage" or "bad_utf8"."""
    return UpstreamError(
        Reason.BAD_RESPONSE,
        "The provider sent an event that cannot be read.",
        failure=failure,
        billed_risk=True,
        http_status=200,
    )
