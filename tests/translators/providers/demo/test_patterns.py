import re

import pytest

from translators.providers.demo.patterns import matching


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "abc",
        "^a|b$",
        r"^\d{3}-\w+\s?$",
        "^[a-f0-9]{8}$",
        "^[^a-z]+$",
        r"^(?P<year>\d{4})-(?:0[1-9]|1[0-2])$",
        "^(?<name>x)y*?z$",
        r"^\x41é\.$",
        "^.{2,4}$",
        r"^[\w.+-]+@[\w-]+\.[a-z]{2,}$",
        "^[]a]$",
        "^[a-]$",
        r"^[\d\-]{3}$",
    ],
)
def test_what_is_made_matches(pattern):
    made = matching(pattern)
    assert made is not None
    assert re.search(pattern.replace("(?<", "(?P<"), made)


def test_a_least_length_is_filled_by_repetition():
    made = matching("^[A-Z][a-z]*$", 10)
    assert made is not None
    assert len(made) >= 10
    assert re.fullmatch("[A-Z][a-z]*", made)


def test_turns_differ_where_there_is_room():
    assert len({matching("^[a-c]$", 0, turn) for turn in range(3)}) == 3


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)b", "(", "a)", "[", "a{99999}", "[^\\w\\W]", "x" * 2000])
def test_what_cannot_be_made_is_told(pattern):
    assert matching(pattern) is None
