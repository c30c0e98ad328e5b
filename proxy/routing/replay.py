"""How far a request had come when it failed, and so whether it may be sent again. Tables, and the lookups in them.

    not_sent             nothing reached the provider
    refused              the provider would not take it now, and did nothing
    rejected             the provider will not take it as it is, and did nothing
    sent_unknown         it was sent; whether work was done, and is billed, nobody knows
    accepted             the provider began to answer, and bills what it did; nothing of it was shown
    output_visible       the client has seen a part of the answer
    tool_call_emitted    the client has seen a tool call, or a part of one, and may act on it

The class is read from what the failure says of itself: its word, else its reason; the HTTP status where one word has several
meanings; and whether work may be billed, which moves a class only to the careful side. Nothing here waits, counts or sends.
Source: reliability design, section 3.1. Its "yes" for failovers after which work may be billed is "once" here: `onAmbiguous`
allows one such step a call, whatever the failure was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from translators.canonical import UpstreamError, value

ReplayClass: TypeAlias = Literal[
    "not_sent", "refused", "rejected", "sent_unknown", "accepted", "output_visible", "tool_call_emitted"
]

SHORT_WAIT = 10.0
"""The longest wait, in seconds, after which a provider that refused is worth a second try."""


@value
class Rule:
    """`retry`: may the same candidate be asked again; "short_wait": if it does not ask for a longer wait.

    `move`: may another candidate be asked. "free": always; "once": once a call, as the work may be paid twice; "mended": if
    the reason says that another may do better, and as with "once", for what a filter read may be billed. `billed`: may the
    provider have worked.
    """

    retry: Literal["yes", "short_wait", "no"]
    move: Literal["free", "once", "mended", "no"]
    billed: bool


RULES: Mapping[str, Rule] = {
    "not_sent": Rule("yes", "free", billed=False),
    "refused": Rule("short_wait", "free", billed=False),
    "rejected": Rule("no", "mended", billed=False),
    "sent_unknown": Rule("no", "once", billed=True),
    "accepted": Rule("no", "once", billed=True),
    "output_visible": Rule("no", "no", billed=True),
    "tool_call_emitted": Rule("no", "no", billed=True),
}

FAILURES: Mapping[str, ReplayClass] = {
    # The way there: name, address, connection, TLS.
    "dns": "not_sent",
    "dns_timeout": "not_sent",
    "address_blocked": "not_sent",
    "egress_blocked": "not_sent",
    "connect_refused": "not_sent",
    "connect_timeout": "not_sent",
    "connect_failed": "not_sent",
    "tls": "not_sent",
    "tls_timeout": "not_sent",
    # What is missing on this side.
    "base_url_missing": "not_sent",
    "secret_missing": "not_sent",
    "token_not_set_up": "not_sent",
    "token_unavailable": "not_sent",
    "nesting": "not_sent",
    "strict_loss": "not_sent",
    # Sent, and no answer that says what became of it. A pooled connection that was closed is tried anew by the HTTP client,
    # once; "stale_connection" is what is left when that failed too.
    "stale_connection": "sent_unknown",
    "closed_before_headers": "sent_unknown",
    "reset_before_headers": "sent_unknown",
    "header_timeout": "sent_unknown",
    "total_timeout": "sent_unknown",
    "protocol_error": "sent_unknown",
    "header_overflow": "sent_unknown",
    "http_500": "sent_unknown",
    "http_5xx": "sent_unknown",
    # Not now.
    "rate_limited": "refused",
    "overloaded": "refused",
    "loading": "refused",
    "http_4xx_retryable": "refused",
    # Not like this, or not for us.
    "rejected_400": "rejected",
    "context_too_long": "rejected",
    "model_gone": "rejected",
    "credential_rejected": "rejected",
    "provider_quota": "rejected",
    "redirect": "rejected",
    "signature_rejected": "rejected",
    # An answer had begun.
    "truncated": "accepted",
    "reset_mid": "accepted",
    "idle_timeout": "accepted",
    "ping_only": "accepted",
    "no_terminal": "accepted",
    "inband_error": "accepted",
    "too_big": "accepted",
    "bad_content_type": "accepted",
    "bad_encoding": "accepted",
    "bad_json": "accepted",
    "bad_order": "accepted",
    "bad_shape": "accepted",
    "bad_utf8": "accepted",
    "sse_garbage": "accepted",
    "paused": "accepted",
    "tool_use_failed": "accepted",
    "adapter_error": "accepted",
    # Reasons, which are the word where an adapter gives none; "schema_invalid" and "unsupported" are used as words too.
    "connect": "not_sent",
    "timeout": "sent_unknown",
    "error_5xx": "sent_unknown",
    "quota": "rejected",
    "auth": "rejected",
    "not_found": "rejected",
    "bad_response": "accepted",
    "stream_cut": "accepted",
    "invalid_request": "rejected",
    "content_filter": "rejected",
    "context_length": "rejected",
    "unsupported": "rejected",
    "unavailable": "not_sent",
    "schema_invalid": "accepted",
    "region": "rejected",
    "cancelled": "sent_unknown",
}
"""The class of every failure word in use, of an attempt whose answer had not begun. "http_other" goes by its status."""

_OURS_WITHOUT_STATUS = frozenset({"credential_rejected", "unsupported"})
"""Words that also stand for what was found out before anything was sent: no token to be had, a request that cannot be said."""

_THE_SAME_AGAIN = frozenset(
    {
        *(
            "address_blocked",
            "egress_blocked",
            "base_url_missing",
            "credential_rejected",
            "secret_missing",
            "token_not_set_up",
        ),
        *("nesting", "strict_loss", "unsupported"),
    }
)
"""Failures on this side that a second try at the same candidate meets again."""


def replay_class(error: UpstreamError | None, *, answered: bool, content: bool, tool_call: bool) -> ReplayClass:
    """How far the request of an attempt had come.

    `answered`: the answer's headers were in, with a status of success; `content`: the client has seen something of the answer;
    `tool_call`: what it has seen holds a tool call. `error` None: it did not fail by the provider's doing.
    """
    if content:
        return "tool_call_emitted" if tool_call else "output_visible"
    if error is None:
        return "accepted" if answered else "sent_unknown"
    found = _unanswered(error)
    if answered and (error.billed_risk or found == "sent_unknown"):
        return "accepted"
    return found


def _unanswered(error: UpstreamError) -> ReplayClass:
    if error.failure == "http_other":
        return _by_status(error.http_status)
    found = FAILURES.get(error.failure) or FAILURES[error.reason.value]
    if error.failure in _OURS_WITHOUT_STATUS and error.http_status is None:
        found = "not_sent"
    if error.billed_risk and found in ("not_sent", "refused"):
        return "sent_unknown"  # the failure itself says that more may have happened than its word does
    return found


def _by_status(status: int | None) -> ReplayClass:
    """A status with no meaning of its own. Two hundred and odd: the work was done, in a way nobody understands."""
    if status is None or (status >= 500 and status != 501):
        return "sent_unknown"
    return "accepted" if 200 <= status < 300 else "rejected"


def may_retry(replay: str, *, wait: float | None = None, failure: str = "") -> bool:
    """Whether the same candidate may be asked again. `wait` is what it asks for, in seconds; None where it names no time.

    `failure` is the failure's word, where it is known: what is wrong on this side stays wrong. A class that is none: no.
    """
    rule = RULES.get(replay)
    if rule is None or failure in _THE_SAME_AGAIN:
        return False
    return rule.retry == "yes" or (rule.retry == "short_wait" and (wait is None or wait <= SHORT_WAIT))


def may_move(replay: str, *, mended: bool, billed: int, ambiguous: bool) -> bool:
    """Whether another candidate may be asked, as far as the state of the request is concerned.

    `mended`: the failure's reason says that another candidate may do better, and the route lets it. `billed` counts the
    failures of the call so far whose work may be billed, this one included. `ambiguous`: the route's `onAmbiguous`.
    """
    rule = RULES.get(replay)
    if rule is None or rule.move == "no" or (rule.move == "mended" and not mended):
        return False
    return rule.move == "free" or billed <= (1 if ambiguous else 0)
