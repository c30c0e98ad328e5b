"""How far a failed attempt had come, for every word a failure can have, and what may follow: the failover table.

The table is that of the reliability design, section 3.1.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.replay import FAILURES, RULES, may_move, may_retry, replay_class
from translators.canonical import Reason, UpstreamError
from translators.formats import upstream_errors

ROOT = Path(__file__).resolve().parents[3]
WORD = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MAKERS = {"UpstreamError", "_error", "_told", "unreadable"}
"""What failures are made by, beside assignments and tables."""

# --- every word has a class ------------------------------------------------------------------------------------------


def words(node: ast.AST) -> Iterator[str]:
    """The texts below `node` that look like failure words. What they are compared with is none."""
    if isinstance(node, ast.Compare):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and WORD.fullmatch(node.value):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from words(child)


def is_reason(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"


def in_call(call: ast.Call) -> Iterator[str]:
    """The word handed to what makes a failure: by name, or as the first one behind the reason."""
    for keyword in call.keywords:
        if keyword.arg == "failure":
            yield from words(keyword.value)
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name not in MAKERS:
        return
    start = 0 if name == "unreadable" else next((at for at, each in enumerate(call.args) if is_reason(each)), None)
    if start is not None:
        yield from [word for argument in call.args[start:] for word in words(argument)][
            : 1 if name != "unreadable" else None
        ]


def in_assignment(statement: ast.Assign) -> Iterator[str]:
    """`failure = ...`, also in a list of targets and as a member."""
    for target in statement.targets:
        pairs = [(target, statement.value)]
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            pairs = list(zip(target.elts, statement.value.elts, strict=True))
        for each, value in pairs:
            if getattr(each, "id", getattr(each, "attr", "")) == "failure":
                yield from words(value)


def in_use() -> dict[str, set[str]]:
    """Failure words, with the files that spell them: calls, assignments, and tables of (reason, word, ...)."""
    found: dict[str, set[str]] = {}
    for path in (*(ROOT / "proxy").rglob("*.py"), *(ROOT / "translators").rglob("*.py")):
        if "conformance" in path.parts:  # its simulators fail in words of their own
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            spelled: list[str] = []
            if isinstance(node, ast.Call):
                spelled = list(in_call(node))
            elif isinstance(node, ast.Assign):
                spelled = list(in_assignment(node))
            elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and is_reason(node.elts[0]):
                spelled = list(words(node.elts[1]))
            for word in spelled:
                found.setdefault(word, set()).add(path.relative_to(ROOT).as_posix())
    return found


KNOWN = {*FAILURES, "http_other"}
REASONS = {reason.value for reason in Reason}


def test_every_word_in_use_has_a_class() -> None:
    unclassified = {word: sorted(files) for word, files in in_use().items() if word not in KNOWN}
    assert unclassified == {}, "say in FAILURES how far a request had come that failed like this"


def test_every_reason_is_a_word_and_no_word_has_gone_out_of_use() -> None:
    assert REASONS - FAILURES.keys() == set(), "the reason is the word of a failure that names none"
    assert FAILURES.keys() - in_use().keys() - REASONS == set(), "nobody fails like this any more"


def test_the_search_for_words_finds_each_way_of_spelling_them() -> None:
    found = in_use()
    spelled = {
        "connect_refused": "proxy/upstream.py",  # handed to a function of the file
        "dns_timeout": "proxy/upstream.py",  # one of two that are assigned together
        "header_overflow": "proxy/upstream.py",  # either this or that
        "overloaded": "translators/formats/upstream_errors.py",  # in a table, behind its reason
        "bad_utf8": "translators/formats/reading.py",  # handed to `unreadable`
        "inband_error": "translators/formats/google_generate/errors.py",  # a member among others
        "token_unavailable": "proxy/secrets/token_endpoint.py",  # in a table of reasons
        "http_4xx_retryable": "translators/providers/microsoft/errors.py",  # handed on, with a text before it
        "secret_missing": "proxy/adapters/reach.py",  # by name
    }
    assert {word: path for word, path in spelled.items() if path not in found.get(word, set())} == {}


# --- the failover table ----------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """One line of the table. `failures` are (word, status, whether work may be billed) that stand in it."""

    phase: str
    failures: tuple[tuple[str, int | None, bool], ...]
    retry: str
    move: str
    billed: bool
    how: dict[str, bool]


def fails(*names: str, status: int | None = None, billed: bool = False) -> tuple[tuple[str, int | None, bool], ...]:
    return tuple((name, status, billed) for name in names)


SENT = {"answered": False, "content": False, "tool_call": False}
ANSWERED = {**SENT, "answered": True}
TEXT = {**ANSWERED, "content": True}
CALLED = {**TEXT, "tool_call": True}
CUT = fails("reset_mid", "truncated", "idle_timeout", "no_terminal", "inband_error", "sse_garbage", billed=True)
LINES = (
    Line(
        "before any request byte (DNS, connect, TLS)",
        fails("dns", "dns_timeout", "connect_refused", "connect_timeout", "connect_failed", "tls", "tls_timeout"),
        "yes",
        "free",
        False,
        SENT,
    ),
    # "Once, on a fresh connection" is done by the HTTP client before it says that this happened.
    Line("pooled connection found closed", fails("stale_connection", billed=True), "no", "once", True, SENT),
    Line(
        "request sent, no response byte",
        fails("closed_before_headers", "reset_before_headers", "header_timeout", billed=True),
        "no",
        "once",
        True,
        SENT,
    ),
    Line(
        "clear refusal (429, 503, 529)",
        (*fails("rate_limited", status=429), *fails("overloaded", status=503), *fails("overloaded", status=529)),
        "short_wait",
        "free",
        False,
        SENT,
    ),
    Line(
        "500, 502, 504",
        (*fails("http_500", status=500, billed=True), *fails("http_5xx", status=502, billed=True)),
        "no",
        "once",
        True,
        SENT,
    ),
    Line(
        "400, 404, 422, content-policy refusal",
        (*fails("rejected_400", status=400), *fails("rejected_400", status=422), *fails("model_gone", status=404)),
        "no",
        "mended",
        False,
        SENT,
    ),
    Line("200, then error as first event", CUT, "no", "once", True, ANSWERED),
    Line("after first content, text only", CUT, "no", "no", True, TEXT),
    Line("after a tool call was emitted, partly or whole", CUT, "no", "no", True, CALLED),
)


def made(
    failure: str, status: int | None = None, *, billed: bool = False, reason: Reason = Reason.ERROR_5XX
) -> UpstreamError:
    return UpstreamError(reason, "x", failure=failure, http_status=status, billed_risk=billed)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.phase)
def test_the_lines_of_the_table(line: Line) -> None:
    for failure, status, billed in line.failures:
        name = replay_class(made(failure, status, billed=billed), **line.how)
        rule = RULES[name]
        assert (rule.retry, rule.move, rule.billed) == (line.retry, line.move, line.billed), f"{failure} is {name}"


@pytest.mark.parametrize("line", [line for line in LINES if line.how is SENT], ids=lambda line: line.phase)
def test_a_word_alone_says_it_too(line: Line) -> None:
    """An adapter of its own may use the word and say nothing of bills."""
    for failure, status, _ in line.failures:
        assert replay_class(made(failure, status), **SENT) == FAILURES[failure]
        assert RULES[FAILURES[failure]].move == line.move, f"{failure} is {FAILURES[failure]}"


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.phase)
def test_what_the_table_says_is_what_may_be_done(line: Line) -> None:
    (failure, status, billed), *_ = line.failures
    name = replay_class(made(failure, status, billed=billed), **line.how)
    count = int(billed)
    assert may_retry(name) is (line.retry != "no")
    assert may_retry(name, wait=9.9) is (line.retry != "no")
    assert may_retry(name, wait=10.1) is (line.retry == "yes")
    assert may_move(name, mended=True, billed=count, ambiguous=True) is (line.move != "no")
    assert may_move(name, mended=False, billed=count, ambiguous=True) is (line.move in ("free", "once"))
    assert may_move(name, mended=True, billed=count, ambiguous=False) is (line.move in ("free", "mended"))
    assert may_move(name, mended=True, billed=2, ambiguous=True) is (line.move == "free")


def test_an_answer_that_is_complete_needs_nothing() -> None:
    """The table's last line: the finish reason was there, `[DONE]` or usage were not."""
    assert replay_class(None, **TEXT) == "output_visible"
    assert replay_class(None, **CALLED) == "tool_call_emitted"
    assert replay_class(None, **ANSWERED) == "accepted"
    assert replay_class(None, **SENT) == "sent_unknown"


# --- beyond the table ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "status", "billed", "expected"),
    [
        ("http_other", 418, False, "rejected"),
        ("http_other", 501, False, "rejected"),
        ("http_other", 599, True, "sent_unknown"),
        ("http_other", 299, True, "accepted"),
        ("http_other", None, True, "sent_unknown"),
        ("credential_rejected", 401, False, "rejected"),
        ("credential_rejected", None, False, "not_sent"),
        ("unsupported", 400, False, "rejected"),
        ("unsupported", None, False, "not_sent"),
        ("connect_failed", None, True, "sent_unknown"),
        ("loading", 503, False, "refused"),
        ("http_4xx_retryable", 409, False, "refused"),
        ("rejected_400", 400, True, "rejected"),
        ("a plugin's own word", None, True, "sent_unknown"),
    ],
)
def test_words_with_several_meanings(failure: str, status: int | None, billed: bool, expected: str) -> None:
    assert replay_class(made(failure, status, billed=billed), **SENT) == expected


@pytest.mark.parametrize("reason", list(Reason))
def test_a_failure_without_a_word_goes_by_its_reason(reason: Reason) -> None:
    assert replay_class(made("a plugin's own word", reason=reason), **SENT) == FAILURES[reason.value]
    assert replay_class(UpstreamError(reason, "x"), **SENT) in RULES


@pytest.mark.parametrize("word", ["rate_limited", "connect_refused", "rejected_400"])
def test_after_an_answer_began_only_a_failure_that_says_so_was_free(word: str) -> None:
    assert replay_class(made(word), **ANSWERED) == FAILURES[word], "an adapter of its own is believed"
    assert replay_class(made(word, billed=True), **ANSWERED) == "accepted", "the second request of a paused answer"


@pytest.mark.parametrize("status", range(300, 600))
def test_what_the_status_table_calls_free_is_not_repeated_as_if_it_were_not(status: int) -> None:
    error = upstream_errors.by_status(status, {}, message="x")
    assert RULES[replay_class(error, **SENT)].billed is error.billed_risk, f"{error.failure} of status {status}"


@pytest.mark.parametrize(
    "word", ["secret_missing", "base_url_missing", "token_not_set_up", "unsupported", "strict_loss", "address_blocked"]
)
def test_what_is_wrong_on_this_side_stays_wrong(word: str) -> None:
    name = replay_class(made(word), **SENT)
    assert name == "not_sent"
    assert may_retry(name)
    assert not may_retry(name, failure=word)


def test_a_token_service_that_does_not_answer_may_answer_soon() -> None:
    assert may_retry("not_sent", failure="token_unavailable")


def test_no_class_is_no_leave() -> None:
    assert not may_retry("")
    assert not may_move("", mended=True, billed=0, ambiguous=True)


ERRORS = st.builds(
    made,
    st.sampled_from([*sorted(KNOWN), "own"]),
    st.none() | st.integers(200, 599),
    billed=st.booleans(),
    reason=st.sampled_from(list(Reason)),
)


@given(ERRORS, st.booleans(), st.booleans(), st.booleans(), st.integers(0, 3), st.booleans())
def test_nothing_the_client_saw_and_nothing_billed_is_done_again(
    error: UpstreamError, answered: bool, content: bool, tool_call: bool, billed: int, ambiguous: Any
) -> None:
    name = replay_class(error, answered=answered, content=content, tool_call=tool_call)
    count = max(billed, int(error.billed_risk))
    if content or error.billed_risk:
        assert not may_retry(name)
    if content or (error.billed_risk and not ambiguous) or (error.billed_risk and count > 1):
        assert not may_move(name, mended=True, billed=count, ambiguous=ambiguous)
