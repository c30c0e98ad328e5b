"""What of a client's own words counts."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.identity.claims import FIELDS, Claims, is_value
from translators.canonical import RequestError

from .calling import PARENT, SPAN, TRACE, headers


def claims(metadata: dict[str, str] | None = None, trusted: Any = FIELDS, **sent: str) -> Claims:
    return Claims(headers(**sent), metadata or {}, trusted)


def test_path_then_header_then_metadata() -> None:
    all_three = claims({"joch.agent": "m"}, X_Joch_Agent="h")
    assert all_three.field("agent", None, "p") == ("p", "path")
    assert all_three.field("agent") == ("h", "header")
    assert claims({"joch.agent": "m"}).field("agent") == ("m", "metadata")
    assert claims().field("agent") is None


@pytest.mark.parametrize("value", ["", "a b", "x" * 129, "näme", "a\tb", "a'--", "a\n", "%2e"])
@pytest.mark.parametrize("trusted", [FIELDS, ()])
def test_a_value_that_may_not_stand_in_an_event_is_refused_wherever_it_comes_from(value: str, trusted: Any) -> None:
    for place, asked in (
        ("X-Joch-Team", lambda: claims(trusted=trusted, X_Joch_Team=value).field("team")),
        ("metadata.joch.team", lambda: claims({"joch.team": value}, trusted).field("team")),
        ("path", lambda: claims(trusted=trusted).field("agent", None, value)),
    ):
        with pytest.raises(RequestError) as refused:
            asked()
        assert (refused.value.status, refused.value.body.param) == (400, place)
        assert value not in refused.value.body.message or value == "", "the message repeats what it refuses"


@pytest.mark.parametrize("value", ["a", "x" * 128, "A.z_0:9@b/c-d"])
def test_any_other_value_is_taken(value: str) -> None:
    assert is_value(value)
    assert claims(X_Joch_Team=value).field("team") == (value, "header")


def test_what_the_key_pins_beats_all_and_may_be_repeated() -> None:
    same = claims({"joch.team": "a"}, X_Joch_Team="a")
    assert same.field("team", "a") == ("a", "key")
    assert claims(trusted=()).field("team", "a") == ("a", "key")


@pytest.mark.parametrize("trusted", [FIELDS, ()])
def test_saying_otherwise_than_the_key_is_refused_wherever_it_is_said(trusted: Any) -> None:
    for where, asked in (
        ("X-Joch-Agent", lambda: claims(trusted=trusted, X_Joch_Agent="b").field("agent", "pinned-one")),
        (
            "metadata.joch.agent",
            lambda: claims({"joch.agent": "b"}, trusted, X_Joch_Agent="pinned-one").field("agent", "pinned-one"),
        ),
        ("path", lambda: claims(trusted=trusted).field("agent", "pinned-one", "b")),
    ):
        with pytest.raises(RequestError) as refused:
            asked()
        body = refused.value.body
        assert (refused.value.status, body.type, body.code, body.param) == (
            403,
            "permission_error",
            "IdentityMismatch",
            where,
        )
        assert "pinned-one" not in body.message, "the message tells whose key it is"


def test_what_nothing_pins_counts_only_where_the_client_is_trusted() -> None:
    given = claims({"joch.team": "m"}, ("execution",), X_Joch_Team="h", X_Joch_Execution="e")
    assert given.field("team") is None
    assert given.execution(by_trace=True) == ("e", "header")


def test_residency_has_names_of_its_own() -> None:
    given = claims({"joch.residency": "CH"}, X_Joch_Data_Residency="EU")
    assert [value for value, _, _ in given.said("residency")] == ["EU", "CH"]


@pytest.mark.parametrize(
    ("header", "agent"),
    [
        ("joch.agent=a", "a"),
        ("other=1, joch.agent = a ;p=1,joch.agent=second", "a"),
        ("joch.agent=team%2Fa", "team/a"),
        ("x-joch.agent=a", None),
        ("joch.agent", None),
        ("", None),
    ],
)
def test_baggage_is_read_as_its_standard_says(header: str, agent: str | None) -> None:
    found = claims(baggage=header).carried("agent", "joch.agent")
    assert found == (None if agent is None else (agent, "baggage"))


def test_baggage_is_held_to_the_same_rules() -> None:
    with pytest.raises(RequestError) as refused:
        claims(baggage="joch.agent=a%20b").carried("agent", "joch.agent")
    assert refused.value.body.param == "baggage joch.agent"
    assert claims(trusted=(), baggage="joch.agent=a").carried("agent", "joch.agent") is None


def test_a_traceparent_gives_trace_and_span() -> None:
    given = claims(traceparent=PARENT)
    assert (given.trace, given.parent_span) == (TRACE, SPAN)


@pytest.mark.parametrize(
    "parent",
    [
        "00-zz",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        PARENT.upper(),
        PARENT + "-x",
    ],
)
def test_a_malformed_traceparent_is_none(parent: str) -> None:
    given = claims(traceparent=parent)
    assert (given.trace, given.parent_span, given.execution(by_trace=True)) == (None, None, None)


def test_executions_by_header_metadata_baggage_and_trace_in_that_order() -> None:
    sent = {"X_Joch_Execution": "h", "baggage": "joch.execution.id=b", "traceparent": PARENT}
    member = {"joch.execution": "m"}
    found = []
    for drop in ("", "X_Joch_Execution", "member", "baggage"):
        sent.pop(drop, None)
        member = {} if drop == "member" else member
        found.append(claims(member, **sent).execution(by_trace=True))
    assert found == [("h", "header"), ("m", "metadata"), ("b", "baggage"), (f"exec-t-{TRACE[:16]}", "traceparent")]
    assert claims(traceparent=PARENT).execution(by_trace=False) is None
    assert claims(trusted=(), **sent).execution(by_trace=True) is None, "a client not trusted chose its execution"


def test_only_what_counts_is_noted() -> None:
    given = claims(X_Joch_Team="t")
    assert given.field("team") is not None
    assert given.sources == {}
    assert given.noted("team", ("t", "header")) == "t"
    assert given.noted("agent", None) is None
    assert given.sources == {"team": "header"}
