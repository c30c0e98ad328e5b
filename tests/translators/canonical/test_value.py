"""Records of the hub: compared by content, immutable here, and plain where speed counts."""

import dataclasses
import os
import subprocess
import sys

import pytest

from translators.canonical import Message, Text, named_value, value


def test_records_are_really_immutable_while_the_tests_run() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Text("a").text = "b"


def test_records_are_equal_and_hash_alike_when_their_content_is() -> None:
    one, other = (Message("user", (Text("a"),), extra={}) for _ in range(2))
    assert one == other
    assert hash(Text("a")) == hash(Text("a"))
    assert Text("a") != Text("b")


def test_both_forms_are_slotted_dataclasses() -> None:
    @value
    class Point:
        x: int
        y: int = 0

    @named_value
    class Named:
        x: int

    assert (Point(1), Named(x=1).x) == (Point(1, 0), 1)
    assert not hasattr(Point(1), "__dict__")
    with pytest.raises(TypeError):
        Named(1)


def test_outside_the_tests_python_does_not_enforce_it() -> None:
    env = {name: content for name, content in os.environ.items() if name != "JOCH_FROZEN"}
    code = (
        "from translators.canonical import Text; t = Text('a'); t.text = 'b'; print(t.text, hash(t) == hash(Text('b')))"
    )
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert said.stdout == "b True\n"
