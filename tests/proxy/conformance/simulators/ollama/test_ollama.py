"""What Ollama refuses, and that its answers are Ollama's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.conformance.simulators.script import Call, Fault, Say, Thought
from tests.proxy.conformance.simulators.asking import PNG, ollama, refusal, says

LOOK = {"type": "function", "function": {"name": "look"}}
CALLED = {"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": "{}"}}]}

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a list as content": ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "cannot unmarshal array"),
    "arguments as text": ({"messages": [CALLED]}, "cannot unmarshal string"),
    "a role nobody knows": ({"messages": [{"role": "developer", "content": "x"}]}, "invalid role: developer"),
    "a data URL for an image": (
        {"messages": [{"role": "user", "content": "x", "images": [f"data:image/png;base64,{PNG}"]}]},
        "illegal base64",
    ),
    "an effort nobody knows": ({"think": "xhigh"}, "invalid think value"),
    "a seed that is text": ({"options": {"seed": "7"}}, 'option "seed" must be of type integer'),
    "OpenAI's response_format": ({"format": 7}, "invalid format"),
    "a prompt that may be cut": ({"truncate": True}, "cut without a word"),
    "nothing said": ({"messages": []}, "only load the model"),
}


@pytest.mark.parametrize(("members", "words"), BAD.values(), ids=BAD)
def test_what_it_refuses(members: dict[str, Any], words: str) -> None:
    why = refusal(*ollama(**members))
    assert why is not None
    assert words in why


def test_what_it_takes() -> None:
    assert (
        refusal(*ollama(options={"temperature": 0.2, "num_ctx": 4096, "unknown": {}}, think=False, format="json"))
        is None
    )


def test_a_stream_is_lines_and_calls_come_whole() -> None:
    dialect, asked = ollama(tools=[LOOK])
    answer = says(Thought("Hm."), Say(("a", "b")), Call("look", '{"at":"sky"}'))
    lines = [json.loads(event.data) for event in dialect.events(answer, asked)]
    assert "".join(line["message"]["content"] for line in lines) == "ab"
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    whole = json.loads(dialect.whole(answer, asked).body)["message"]
    assert whole["thinking"] == "Hm."
    assert whole["tool_calls"][0]["function"]["arguments"] == {"at": "sky"}
    first, second = (json.loads(dialect.whole(answer, asked).body)["message"]["tool_calls"][0]["id"] for _ in range(2))
    assert first != second


def test_errors_are_one_member() -> None:
    dialect, asked = ollama()
    assert json.loads(dialect.fault(Fault(kind="not_found"), asked, "").body) == {"error": "model 'no-more' not found"}
    assert dialect.broken(Fault(kind="overloaded"), "").endswith(b"}\n")
