"""How far a failed attempt had come, for every word a failure can have, and what may follow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.routing.replay import FAILURES, RULES, may_move, may_retry, replay_class
from translators.canonical import Reason, UpstreamError

ROOT = Path(__file__).parents[3]
WORD = re.compile(r'failure="([a-z_0-9]+)"|_error\(\s*Reason\.\w+,\s*(?:message|"[^"]*"),\s*"([a-z_]+)"')


def words_in_use() -> set[str]:
    """Every failure word that the sources spell out."""
    sources = [*(ROOT / "proxy").rglob("*.py"), *(ROOT / "translators").rglob("*.py")]
    found = [WORD.findall(path.read_text()) for path in sources if "conformance" not in path.parts]
    return {one or other for pairs in found for one, other in pairs}


def test_every_word_a_failure_can_have_has_a_class() -> None:
    words = words_in_use()
    assert len(words) > 30, "the sources spell failures otherwise than this test looks for them"
    assert words - FAILURES.keys() == set(), "say in FAILURES how far a request had come then"


@pytest.mark.parametrize(
    ("failure", "state", "expected"),
    [
        ("connect_refused", {}, "not_sent"),
        ("reset_before_headers", {}, "sent_unknown"),
        ("header_timeout", {}, "sent_unknown"),
        ("rate_limited", {"status": 429}, "refused"),
        ("overloaded", {"status": 529}, "refused"),
        ("http_500", {"status": 500}, "sent_unknown"),
        ("rejected_400", {"status": 400}, "rejected"),
        ("inband_error", {"answered": True}, "accepted"),
        ("truncated", {"answered": True}, "accepted"),
        ("reset_mid", {"answered": True, "content": True}, "output_visible"),
        ("reset_mid", {"answered": True, "content": True, "tool_call": True}, "tool_call_emitted"),
    ],
)
def test_the_rows_of_the_failover_table(failure: str, state: dict[str, object], expected: str) -> None:
    refused = expected in ("refused", "rejected", "not_sent")
    error = UpstreamError(
        Reason.CONNECT,
        "x",
        failure=failure,
        billed_risk=not refused,
        http_status=state.get("status"),  # type: ignore[arg-type]  # an int or nothing
    )
    how = {name: bool(state.get(name)) for name in ("answered", "content", "tool_call")}
    assert replay_class(error, **how) == expected


def test_only_what_was_not_sent_or_plainly_refused_is_asked_again_of_the_same() -> None:
    again = {name for name in RULES if may_retry(name, wait=None)}
    assert again == {"not_sent", "refused"}
    assert may_retry("refused", wait=9.0)
    assert not may_retry("refused", wait=11.0), "a provider that asks for long is left alone"
    assert not may_retry("not_sent", wait=None, failure="secret_missing"), "what is wrong here stays wrong"


def test_what_the_client_has_seen_is_never_done_again() -> None:
    for name in ("output_visible", "tool_call_emitted"):
        assert not may_move(name, mended=True, billed=0, ambiguous=True)


def test_what_may_be_billed_is_repeated_once_and_only_where_the_route_lets_it() -> None:
    for name in ("sent_unknown", "accepted"):
        assert may_move(name, mended=True, billed=1, ambiguous=True)
        assert not may_move(name, mended=True, billed=2, ambiguous=True)
        assert not may_move(name, mended=True, billed=1, ambiguous=False)
