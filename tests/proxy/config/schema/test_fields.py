from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from proxy.config.schema.fields import (
    BaseUrl,
    Headers,
    Milliseconds,
    Money,
    Number,
    Parameters,
    Record,
    Ref,
    Reference,
    Seconds,
    Timeouts,
)


class Everything(Record):
    money: Money | None = None
    some_ms: Milliseconds | None = None
    some_seconds: Seconds | None = None
    ref: Ref | None = None
    base_url: BaseUrl | None = None
    headers: Headers | None = None
    number: Number | None = None


def read(**members: Any) -> Everything:
    return Everything.model_validate(members)


@pytest.mark.parametrize("written", [0, 3, Decimal("0.10"), "1.25"])
def test_money_keeps_its_digits(written: Any) -> None:
    money = read(money=written).money
    assert isinstance(money, Decimal)
    assert str(money) == str(written)


@pytest.mark.parametrize("written", [-1, True, "1,5", "free", 1.5, [], "-2"])
def test_money_is_a_decimal_from_zero(written: Any) -> None:
    with pytest.raises(ValidationError):
        read(money=written)


@pytest.mark.parametrize(
    ("written", "seconds"), [(250, 0.25), ("30s", 30), ("1.5s", 1.5), ("500ms", 0.5), ("5m", 300), ("7d", 604800)]
)
def test_a_duration_has_the_unit_of_its_key_or_its_own(written: Any, seconds: float) -> None:
    assert read(someMs=written).some_ms == seconds


def test_whole_seconds() -> None:
    assert read(someSeconds=15).some_seconds == 15.0


@pytest.mark.parametrize("written", [0, -1, True, "soon", "5", "1 s", Decimal("1.5"), "400d", "0s"])
def test_what_is_no_duration(written: Any) -> None:
    with pytest.raises(ValidationError):
        read(someMs=written)


@pytest.mark.parametrize(
    ("written", "reference"),
    [
        ("openai:gpt-4o", Reference("openai:gpt-4o")),
        ("team/x", Reference("team/x")),
        ({"name": "x"}, Reference("x")),
        ({"name": "x", "namespace": "team"}, Reference("x", "team")),
        ({"name": "x", "key": "apiKey"}, Reference("x", None, "apiKey")),
    ],
)
def test_the_forms_of_a_reference(written: Any, reference: Reference) -> None:
    assert read(ref=written).ref == reference


@pytest.mark.parametrize(
    "written", ["", "  ", 7, {}, {"name": ""}, {"name": "x", "other": 1}, {"name": "x", "key": 1}, ["x"]]
)
def test_what_is_no_reference(written: Any) -> None:
    with pytest.raises(ValidationError):
        read(ref=written)


def test_a_base_url_is_normalised_and_one_with_credentials_refused() -> None:
    assert read(baseUrl="https://host/v1/").base_url == "https://host/v1"
    with pytest.raises(ValidationError, match="holds credentials"):
        read(baseUrl="https://user:pw@host")
    with pytest.raises(ValidationError):
        read(baseUrl=7)


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "cookie", "Host", "content-length", "a b", ""])
def test_headers_that_are_not_the_operators_to_set(name: str) -> None:
    with pytest.raises(ValidationError):
        read(headers={name: "x"})


@pytest.mark.parametrize("value", ["a\nb", "a\r", 7])
def test_a_header_is_one_line_of_text(value: Any) -> None:
    with pytest.raises(ValidationError):
        read(headers={"X-Team": value})


def test_null_is_absent_and_x_members_are_free() -> None:
    assert read(money=None, **{"x-note": object()}).model_fields_set == set()
    with pytest.raises(ValidationError):
        read(note=1)


def test_given_holds_what_was_written_by_the_names_that_count() -> None:
    assert Timeouts.model_validate({"firstByteMs": "2m", "totalMs": 1000}).given() == {
        "first_byte": 120.0,
        "total": 1.0,
    }
    parameters = Parameters.model_validate({"topP": Decimal("0.5"), "stop": "x", "seed": 3})
    assert parameters.given() == {"topP": 0.5, "stop": ["x"], "seed": 3}
