"""What is declared of a tool: the exact name first, then globs in their order, else what the settings say of all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.effects import UNKNOWN, Effect, Levels
from proxy.resources import EFFECTS, Tool


def tool(pattern: str, level: str, *, idempotent: bool = False) -> Tool:
    return Tool(pattern=pattern, level=level, idempotent=idempotent)


def test_an_exact_name_wins_over_a_glob_that_is_declared_before_it() -> None:
    levels = Levels((tool("zendesk.*", "external_write"), tool("zendesk.search", "read_only")))
    assert levels.of("zendesk.search").level == "read_only"
    assert levels.of("zendesk.reply").level == "external_write"


def test_of_two_globs_the_first_declared_one_wins() -> None:
    levels = Levels(
        (tool("crm.get_*", "read_only"), tool("crm.*", "external_write"), tool("crm.get_all", "privileged"))
    )
    assert levels.of("crm.get_one").level == "read_only"
    assert levels.of("crm.delete").level == "external_write"
    assert levels.of("crm.get_all").level == "privileged"


def test_of_two_records_for_one_name_the_first_counts() -> None:
    assert Levels((tool("a", "financial"), tool("a", "read_only"))).of("a").level == "financial"


def test_names_are_told_apart_by_case_and_matched_whole() -> None:
    levels = Levels((tool("get_*", "read_only"),))
    assert levels.of("Get_it") == levels.of("forget_it") == Effect(UNKNOWN)


def test_the_more_precise_name_is_looked_up_first_and_the_next_where_nobody_knows_it() -> None:
    levels = Levels((tool("crm.send", "communication"), tool("send", "read_only")))
    assert levels.of("crm.send", "send").level == "communication"
    assert levels.of("erp.send", "send").level == "read_only"
    assert levels.declared("erp.other", "other") is None


def test_what_nobody_declared_has_the_level_of_the_settings() -> None:
    assert Levels(()).of("a") == Effect(UNKNOWN, idempotent=False)
    assert Levels((), "communication").of("a") == Effect("communication", idempotent=False)
    assert Levels((), "read_only").declared("a") is None


@pytest.mark.parametrize(
    ("effect", "known", "harmless", "repeatable"),
    [
        (Effect("read_only"), True, True, True),
        (Effect("financial"), True, False, False),
        (Effect("financial", idempotent=True), True, False, True),
        (Effect("a word of the operator's"), True, False, False),
        (Effect(UNKNOWN), False, False, False),
        (Effect(UNKNOWN, idempotent=True), False, False, False),
    ],
)
def test_what_an_effect_says_of_itself(effect: Effect, known: bool, harmless: bool, repeatable: bool) -> None:
    assert (effect.known, effect.harmless, effect.repeatable) == (known, harmless, repeatable)


NAMES = st.text("ab.*?", min_size=1, max_size=4)
TOOLS = st.lists(st.builds(tool, NAMES, st.sampled_from(EFFECTS)), max_size=6).map(tuple)


@given(TOOLS, st.lists(st.text("ab.", min_size=1, max_size=4), max_size=8))
def test_what_is_remembered_is_what_would_be_found_anew(tools: tuple[Tool, ...], names: list[str]) -> None:
    levels = Levels(tools)
    assert [levels.of(name) for name in (*names, *names)] == [Levels(tools).of(name) for name in (*names, *names)]


def test_names_that_clients_make_up_are_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.effects.levels._REMEMBERED", 10)
    levels = Levels((tool("n*", "read_only"),))
    for number in range(50):
        assert levels.of(f"n{number}").level == "read_only"
    assert len(levels._remembered) == 10


def test_a_name_of_absurd_length_is_not_kept() -> None:
    levels = Levels((tool("n*", "read_only"),))
    assert levels.of("n" * 100_000).level == "read_only"
    assert levels._remembered == {}
