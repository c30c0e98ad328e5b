"""The table of the guard, line by line, and the words its judgements are told in."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.effects import UNKNOWN, Act, Acted, Effect, Judgement, Mode, document, judge, notice, payload
from proxy.resources import EFFECTS

READS = Act("look_up", Effect("read_only"), "r")
WRITES = Act("send_email", Effect("communication"), "w")
AGAIN = Act("put_record", Effect("external_write", idempotent=True), "i")
OWN_WORD = Act("warp", Effect("quantum"), "q")
UNSAID = Act("anything", Effect(UNKNOWN), "u")
UNREACHABLE = Act("the tool gateway does not answer", Effect(UNKNOWN), "", "unreachable")
MODES: tuple[Mode, ...] = ("guard", "announce", "block", "allow")


def by(source: Any, act: Act) -> Act:
    return Act(act.tool, act.effect, "" if source == "gateway" else f"{act.id}2", source)


def history(*done: Act, in_flight: tuple[Act, ...] = (), hosted: tuple[Act, ...] = ()) -> Acted:
    return Acted(
        calls=len(done) + len(in_flight) + len(hosted),
        known=tuple(act for act in done if act.effect.known),
        unknown=tuple(act.tool for act in done if not act.effect.known),
        in_flight=in_flight,
        hosted=hosted,
        results=tuple(act.id for act in done),
    )


def verdict(judgement: Judgement) -> str:
    if not judgement.allowed:
        assert not judgement.announced, "what is blocked is not announced as done"
        return "blocked"
    return "announced" if judgement.announced else "silent"


SILENT = ("silent",) * 4
ANNOUNCED = ("announced", "announced", "blocked", "silent")
BLOCKED = ("blocked", "announced", "blocked", "silent")


@pytest.mark.parametrize(
    ("acted", "open_calls", "level", "expected"),
    [
        (history(), (), "none", SILENT),
        (history(READS), (), "read_only", SILENT),
        (history(hosted=(READS,)), (), "read_only", SILENT),
        (history(in_flight=(READS,)), (), "read_only", SILENT),
        (history(), (by("ledger", READS),), "read_only", SILENT),
        (history(), (by("gateway", READS),), "read_only", SILENT),
        (history(UNSAID), (), "possible", ANNOUNCED),
        (history(READS, UNSAID), (), "possible", ANNOUNCED),
        (history(hosted=(UNSAID,)), (), "possible", ANNOUNCED),
        (history(AGAIN), (), "known", ANNOUNCED),
        (history(AGAIN, UNSAID), (), "known", ANNOUNCED),
        (history(WRITES), (), "known", BLOCKED),
        (history(OWN_WORD), (), "known", BLOCKED),
        (history(hosted=(WRITES,)), (), "known", BLOCKED),
        (history(READS, AGAIN, UNSAID, WRITES), (), "known", BLOCKED),
        (history(in_flight=(AGAIN,)), (), "in_flight", ANNOUNCED),
        (history(in_flight=(UNSAID,)), (), "in_flight", ANNOUNCED),
        (history(in_flight=(WRITES,)), (), "in_flight", BLOCKED),
        (history(WRITES, in_flight=(UNSAID,)), (), "in_flight", BLOCKED),
        (history(), (by("ledger", AGAIN),), "in_flight", ANNOUNCED),
        (history(), (by("ledger", UNSAID),), "in_flight", ANNOUNCED),
        (history(), (by("ledger", WRITES),), "in_flight", BLOCKED),
        (history(), None, "in_flight", ANNOUNCED),
        (history(), (by("gateway", AGAIN),), "in_flight", ANNOUNCED),
        (history(), (by("gateway", UNSAID),), "in_flight", BLOCKED),
        (history(), (by("gateway", WRITES),), "in_flight", BLOCKED),
        (history(READS), (UNREACHABLE,), "in_flight", BLOCKED),
    ],
)
def test_the_table(acted: Acted, open_calls: tuple[Act, ...] | None, level: str, expected: tuple[str, ...]) -> None:
    made = [judge(acted, open_calls, mode) for mode in MODES]
    assert tuple(map(verdict, made)) == expected, "guard, announce, block, allow"
    assert {judgement.level for judgement in made} == {level}


@pytest.mark.parametrize("level", EFFECTS[1:])
def test_every_declared_level_but_the_harmless_one_blocks(level: str) -> None:
    assert verdict(judge(history(Act("t", Effect(level), "t")), (), "guard")) == "blocked"


# --- what is in flight -----------------------------------------------------------------------------------------------


def test_a_result_in_the_request_counts_for_more_than_a_ledger_that_lags_behind() -> None:
    lagging = (
        Act("look_up", Effect("read_only"), "r", "ledger"),
        Act("send_email", Effect("communication"), "w", "ledger"),
    )
    made = judge(history(READS, WRITES), lagging, "guard")
    assert (made.level, made.in_flight) == ("known", 0)


def test_one_call_that_two_know_of_is_one_call() -> None:
    same = Act(WRITES.tool, WRITES.effect, WRITES.id, "ledger")
    assert judge(history(in_flight=(WRITES,)), (same,), "guard").in_flight == 1
    assert judge(history(in_flight=(WRITES,)), (same, by("gateway", WRITES)), "guard").in_flight == 1
    assert judge(history(in_flight=(WRITES,)), (by("ledger", WRITES),), "guard").in_flight == 2


def test_of_two_who_know_of_a_call_the_worse_word_counts() -> None:
    assert verdict(judge(history(), (by("ledger", UNSAID), by("gateway", UNSAID)), "guard")) == "blocked"
    milder = Act(WRITES.tool, Effect("read_only"), "", "gateway")
    assert verdict(judge(history(in_flight=(WRITES,)), (milder,), "guard")) == "blocked"


def test_a_call_in_flight_may_be_one_of_a_tool_that_has_acted_before() -> None:
    made = judge(history(WRITES), (by("ledger", WRITES),), "announce")
    assert (made.level, made.in_flight) == ("in_flight", 1)


@pytest.mark.parametrize(
    ("acted", "open_calls", "expected"),
    [
        (history(READS, AGAIN), (by("ledger", READS),), True),
        (history(READS), (by("ledger", UNSAID),), False),
        (history(READS), (by("gateway", WRITES),), False),
        (history(UNSAID), (), False),
        (history(READS), None, False),
    ],
)
def test_idempotent_is_what_nobody_can_say_otherwise_of(acted: Acted, open_calls: Any, expected: bool) -> None:
    assert judge(acted, open_calls, "guard").idempotent is expected


# --- properties ------------------------------------------------------------------------------------------------------

EFFECT = st.builds(Effect, st.sampled_from([*EFFECTS, UNKNOWN, "own"]), st.booleans())
ACT = st.builds(Act, st.sampled_from("abc"), EFFECT, st.sampled_from(["", "1", "2", "3"]))
OPEN = st.builds(
    Act, st.sampled_from("abc"), EFFECT, st.sampled_from("123"), st.sampled_from(["ledger", "gateway", "unreachable"])
)
ACTS = st.lists(ACT, max_size=3)
TURNS = st.builds(
    lambda done, flying, hosted: history(*done, in_flight=tuple(flying), hosted=tuple(hosted)), ACTS, ACTS, ACTS
)
OPENS = st.lists(OPEN, max_size=3).map(tuple)
STRICTER = {"silent": 0, "announced": 1, "blocked": 2}


@given(TURNS, st.none() | OPENS)
def test_the_modes_are_ordered_and_nothing_that_may_have_an_effect_goes_in_silence(
    acted: Acted, open_calls: Any
) -> None:
    made = {mode: judge(acted, open_calls, mode) for mode in MODES}
    strictness = [STRICTER[verdict(made[mode])] for mode in ("allow", "announce", "guard", "block")]
    assert strictness == sorted(strictness)
    quiet = made["guard"].level in ("none", "read_only")
    assert (verdict(made["announce"]) == "silent") is quiet
    assert (verdict(made["guard"]) == "silent") is quiet
    if verdict(made["guard"]) == "announced":
        assert made["guard"].idempotent or UNKNOWN in levels_of(acted, open_calls)


def levels_of(acted: Acted, open_calls: Any) -> set[str]:
    acts = (*acted.in_flight, *acted.hosted, *(open_calls or ()))
    unsaid = bool(acted.unknown) or open_calls is None
    return {act.effect.level for act in acts} | ({UNKNOWN} if unsaid else set())


@given(TURNS, OPENS, EFFECT, st.sampled_from(MODES))
def test_one_more_act_never_makes_a_judgement_milder(acted: Acted, opens: Any, effect: Effect, mode: Mode) -> None:
    hosted = (*acted.hosted, Act("more", effect))
    more = Acted(acted.calls + 1, acted.known, acted.unknown, acted.in_flight, hosted, acted.results)
    before, after = judge(acted, opens, mode), judge(more, opens, mode)
    assert STRICTER[verdict(before)] <= STRICTER[verdict(after)]


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acted", "open_calls", "mode", "detail"),
    [
        (history(), (), "guard", "allowed: no tool has acted"),
        (history(READS), (), "block", "allowed: read-only history"),
        (history(WRITES), (), "guard", "blocked: has acted: send_email (communication)"),
        (history(WRITES), (), "allow", "allowed: has acted: send_email (communication)"),
        (history(AGAIN), (), "guard", "announced: has acted: put_record (external_write, idempotent)"),
        (history(UNSAID), (), "guard", "announced: undeclared: anything"),
        (history(READS), (UNREACHABLE,), "guard", "blocked: in flight: the tool gateway does not answer"),
        (history(READS), None, "guard", "announced: in flight: the tool ledger cannot be read"),
        (
            history(UNSAID, AGAIN, in_flight=(WRITES,)),
            (),
            "block",
            "blocked: in flight: send_email (communication); has acted: put_record (external_write, idempotent); undeclared: anything",
        ),
    ],
)
def test_the_detail_says_what_decided(acted: Acted, open_calls: Any, mode: Mode, detail: str) -> None:
    assert judge(acted, open_calls, mode).detail == detail


def test_names_of_clients_do_not_make_the_detail_endless() -> None:
    acts = [Act(f"{place}{'n' * 500}", Effect("financial"), str(place)) for place in range(1000)]
    detail = judge(history(*acts), (), "guard").detail
    assert len(detail) < 500
    assert detail.endswith(" and 995 more")


@pytest.mark.parametrize(
    ("acted", "mode", "expected"),
    [
        (history(UNSAID), "guard", "failover;side-effects=possible"),
        (history(WRITES), "announce", "failover;side-effects=known"),
        (history(in_flight=(WRITES,)), "announce", "failover;side-effects=in_flight"),
        (history(READS), "announce", ""),
        (history(WRITES), "guard", ""),
        (history(WRITES), "allow", ""),
    ],
)
def test_the_header_tells_of_what_was_announced_only(acted: Acted, mode: Mode, expected: str) -> None:
    assert notice(judge(acted, (), mode)) == expected


@given(TURNS, st.none() | OPENS, st.sampled_from(MODES))
def test_the_header_is_a_dictionary_of_rfc_9651(acted: Acted, open_calls: Any, mode: Mode) -> None:
    word = notice(judge(acted, open_calls, mode))
    assert word == "" or re.fullmatch(
        r"[a-z*][a-z0-9_.*-]*;[a-z*][a-z0-9_.*-]*=[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*", word
    )


def test_the_event_says_what_was_known() -> None:
    acted = history(READS, UNSAID, hosted=(AGAIN, Act("shell", Effect(UNKNOWN))))
    made = judge(acted, (by("ledger", WRITES),), "announce")
    assert payload(acted, made) == {
        "idempotent": False,
        "sideEffects": {
            "known": [{"tool": "look_up", "level": "read_only"}, {"tool": "put_record", "level": "external_write"}],
            "unknown": ["anything", "shell"],
            "inFlight": 1,
        },
        "policy": made.detail,
    }


def test_the_explanation_of_a_turn_is_the_one_of_the_event_reference() -> None:
    acted = history(READS)
    assert document(acted, judge(acted, (), "guard")) == {
        "toolCalls": 1,
        "sideEffects": ["read_only"],
        "unknownTools": [],
        "inFlight": 0,
        "failoverGuard": "allowed: read-only history",
    }
