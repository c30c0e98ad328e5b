"""How far a failed attempt had come, and what may be done again: the failover table as data.

Source: the reliability design, 3.1. Repeating what was never sent costs nothing; repeating what a provider may have worked on
may be paid twice; repeating what the client has seen would be another answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from translators.canonical import Reason, UpstreamError, value

ReplayClass = Literal[
    "not_sent", "refused", "rejected", "sent_unknown", "accepted", "output_visible", "tool_call_emitted"
]


@value
class Replay:
    """What a class permits. `retry`: the same candidate again; `failover`: another one; `billed`: it may be paid."""

    retry: bool
    failover: bool
    billed: bool


TABLE: Mapping[str, Replay] = {
    "not_sent": Replay(retry=True, failover=True, billed=False),
    "refused": Replay(retry=True, failover=True, billed=False),
    "rejected": Replay(retry=False, failover=True, billed=False),
    "sent_unknown": Replay(retry=False, failover=True, billed=True),
    "accepted": Replay(retry=False, failover=True, billed=True),
    "output_visible": Replay(retry=False, failover=False, billed=True),
    "tool_call_emitted": Replay(retry=False, failover=False, billed=True),
}
"""What each class permits. A rejection is the caller's to mend or the operator's: the failure's reason says whether another
candidate may do better; what is billed may be repeated once a call (`Failover.on_ambiguous`).
"""

_BUSY = frozenset({Reason.RATE_LIMITED, Reason.UNAVAILABLE})
_BUSY_STATUSES = frozenset({408, 409, 425, 429, 503, 529})


def replay_class(error: UpstreamError, *, answered: bool, content: bool, tool_call: bool) -> ReplayClass:
    """The class of a failure. `answered`: the answer's headers were in; `content`, `tool_call`: the client has seen some."""
    if content:
        return "tool_call_emitted" if tool_call else "output_visible"
    if not error.billed_risk:
        if error.reason in _BUSY or error.http_status in _BUSY_STATUSES:
            return "refused"
        return "not_sent" if error.http_status is None and not answered else "rejected"
    return "accepted" if answered else "sent_unknown"


def may_retry(replay: str, *, wait: float | None) -> bool:
    """Whether the same candidate may be asked again after a failure of class `replay`.

    `wait` is what the provider asks for in seconds, if it does. Nothing else than the class decides here; how long a call
    may wait is the retry policy's.
    """
    return replay in TABLE and TABLE[replay].retry and (wait is None or wait >= 0)
