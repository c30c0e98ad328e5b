import copy
import pickle
from pathlib import Path

import pytest

from proxy.resources import SecretRef, SecretSource
from proxy.secrets import MASK, SecretError, SecretResolver, SecretValue

CANARY = "canary-5b1f-value"


def env_ref(variable: str = "KEY") -> SecretRef:
    return SecretRef(name="my-key", source=SecretSource(type="env", location=variable))


def file_ref(path: Path) -> SecretRef:
    return SecretRef(name="my-key", source=SecretSource(type="file", location=str(path)))


def test_a_variable_is_read_when_asked_not_before() -> None:
    env: dict[str, str] = {}
    resolver = SecretResolver(env)
    with pytest.raises(SecretError, match="environment variable KEY is not set") as caught:
        resolver.resolve(env_ref())
    assert (caught.value.name, caught.value.fault) == ("my-key", "missing")
    env["KEY"] = CANARY
    assert resolver.resolve(env_ref()).reveal() == CANARY
    env["KEY"] = "rotated"
    assert resolver.resolve(env_ref()).reveal() == "rotated"


@pytest.mark.parametrize(("written", "value"), [("a\n", "a"), ("a\r\n", "a"), ("a", "a"), (" a ", " a ")])
def test_one_trailing_newline_of_a_file_is_dropped(tmp_path: Path, written: str, value: str) -> None:
    (tmp_path / "key").write_bytes(written.encode())
    assert SecretResolver({}).resolve(file_ref(tmp_path / "key")).reveal() == value


def test_a_rotated_file_is_seen_by_the_next_call(tmp_path: Path) -> None:
    resolver, path = SecretResolver({}), tmp_path / "key"
    path.write_text("one\n")
    assert resolver.resolve(file_ref(path)).reveal() == "one"
    path.write_text("two\n")
    assert resolver.resolve(file_ref(path)).reveal() == "two"
    path.unlink()
    with pytest.raises(SecretError, match="no such file"):
        resolver.resolve(file_ref(path))


@pytest.mark.parametrize("inside", ["a\nb", "a\rb", "a\0b", "a\n\n", "\na"])
def test_a_value_that_would_split_a_header_is_invalid(tmp_path: Path, inside: str) -> None:
    (tmp_path / "key").write_bytes(inside.encode())
    found = SecretResolver({}).problem(file_ref(tmp_path / "key"))
    assert found is not None
    assert found.fault == "invalid"
    found = SecretResolver({"KEY": inside}).problem(env_ref())
    assert found is not None
    assert found.fault == "invalid"


@pytest.mark.parametrize("value", ["", "   "])
def test_an_empty_value_is_missing(value: str) -> None:
    found = SecretResolver({"KEY": value}).problem(env_ref())
    assert found is not None
    assert found.fault == "missing"


def test_a_file_that_is_no_secret_is_invalid(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 65_537)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("large", "binary"):
        found = SecretResolver({}).problem(file_ref(tmp_path / name))
        assert found is not None, name
        assert found.fault == "invalid", name


def test_no_error_holds_the_value(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for written in (f"{CANARY}\nb".encode(), f"{CANARY}".encode() + b"\xff"):
        path.write_bytes(written)
        with pytest.raises(SecretError) as caught:
            SecretResolver({}).resolve(file_ref(path))
        error = caught.value
        assert CANARY not in str(error) + repr(error)
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None


def test_a_value_shows_itself_to_nobody() -> None:
    value = SecretValue("my-key", CANARY)
    shown = [repr(value), str(value), f"{value}", f"{value:>20}", "%s" % value, repr([value]), repr({"key": value})]  # noqa: UP031  # the old way must be safe too
    assert [text for text in shown if CANARY in text] == []
    assert shown[0] == MASK
    assert CANARY.encode() not in pickle.dumps(value)
    assert pickle.loads(pickle.dumps(value)).reveal() == MASK  # noqa: S301  # made one line above
    assert copy.copy(value).reveal() == MASK
    assert not hasattr(value, "__dict__")


def test_values_are_neither_compared_nor_hashed() -> None:
    value = SecretValue("my-key", CANARY)
    with pytest.raises(TypeError):
        _ = value == SecretValue("my-key", CANARY)
    with pytest.raises(TypeError):
        hash(value)


def test_a_document_may_have_lines(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text('{\n "a": 1\n}\n')
    resolver, ref = SecretResolver({}), file_ref(tmp_path / "key.json")
    assert resolver.document(ref).reveal() == '{\n "a": 1\n}'
    assert resolver.problem(ref, lines=True) is None
    fault = resolver.problem(ref)
    assert fault is not None
    assert fault.fault == "invalid"
    with pytest.raises(SecretError, match="is empty"):
        SecretResolver({"KEY": " "}).document(env_ref())
