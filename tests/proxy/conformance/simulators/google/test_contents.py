"""What Google demands of a conversation, signatures above all."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from proxy.conformance.simulators.google import DUMMY
from proxy.conformance.simulators.script import Call, Say, Thought
from tests.proxy.conformance.simulators.asking import PNG, Gemini, says

Wire = dict[str, Any]
TOOLS = [{"functionDeclarations": [{"name": "look"}, {"name": "hear"}]}]
HI: Wire = {"role": "user", "parts": [{"text": "Hi"}]}


def user(*parts: Wire) -> Wire:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Wire) -> Wire:
    return {"role": "model", "parts": list(parts)}


CALL: Wire = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": DUMMY}
SEEN: Wire = {"functionResponse": {"name": "look", "response": {"output": "x"}}}

GOOD = {
    "a question": [HI],
    "a turn of the model": [HI, model({"text": "Ho"}), HI],
    "a call and its result": [HI, model(CALL), user(SEEN)],
    "an image": [user({"text": "?"}, {"inlineData": {"mimeType": "image/png", "data": PNG}})],
    "the proto's spelling": [user({"inline_data": {"mime_type": "image/png", "data": PNG}})],
}


@pytest.mark.parametrize("contents", GOOD.values(), ids=GOOD)
def test_what_it_takes(contents: list[Wire]) -> None:
    assert Gemini().refusal(contents=contents, tools=TOOLS) is None


BAD: dict[str, tuple[list[Wire], str]] = {
    "no contents": ([], "contents is not specified"),
    "a role nobody knows": ([{"role": "assistant", "parts": [{"text": "x"}]}], "valid role: user, model"),
    "no parts": ([{"role": "user", "parts": []}], "contents.parts must not be empty"),
    "nothing but empty text": ([user({"text": ""})], "must have a text parameter"),
    "a member nobody knows": ([user({"text": "x", "cache": 1})], 'Unknown name "cache"'),
    "OpenAI's content": ([{"role": "user", "content": "x"}], 'Unknown name "content"'),
    "two kinds in a part": ([user({"text": "x", "functionCall": {"name": "look"}})], "required oneof field 'data'"),
    "the model first": ([model({"text": "x"}), HI], "first content"),
    "the model last": ([HI, model({"text": "x"})], "end with a user role"),
    "a call without its result": ([HI, model(CALL), HI], "number of function response parts"),
    "fewer results than calls": (
        [HI, model(CALL, {"functionCall": {"name": "hear", "args": {}}}), user(SEEN)],
        "number of function response parts",
    ),
    "a result without a call": ([HI, user(SEEN)], "immediately after a function call turn"),
    "results in another order": (
        [
            HI,
            model(CALL, {"functionCall": {"name": "hear", "args": {}}}),
            user({"functionResponse": {"name": "hear", "response": {}}}, SEEN),
        ],
        "matches the function call `look`",
    ),
    "a call after an answer": ([HI, model({"text": "x"}), model(CALL), user(SEEN)], "immediately after a user turn"),
    "arguments as text": ([HI, model({"functionCall": {"name": "look", "args": "{}"}}), user(SEEN)], "Struct"),
    "a result that is no object": (
        [HI, model(CALL), user({"functionResponse": {"name": "look", "response": "x"}})],
        "Struct",
    ),
    "another id": (
        [
            HI,
            model({**CALL, "functionCall": {**CALL["functionCall"], "id": "a"}}),
            user({"functionResponse": {**SEEN["functionResponse"], "id": "b"}}),
        ],
        "does not match function call id",
    ),
    "a type it does not read": (
        [user({"inlineData": {"mimeType": "image/bmp", "data": PNG}})],
        "Unsupported MIME type: image/bmp",
    ),
    "a data URL where base64 stands": (
        [user({"inlineData": {"mimeType": "image/png", "data": "data:x,y"}})],
        "Base64 decoding failed",
    ),
    "an image that is another": ([user({"inlineData": {"mimeType": "image/jpeg", "data": PNG}})], "Unable to process"),
    "any address": (
        [user({"fileData": {"fileUri": "https://example.com/a.png", "mimeType": "image/png"}})],
        "Cannot fetch content",
    ),
}


@pytest.mark.parametrize(("contents", "words"), BAD.values(), ids=BAD)
def test_what_it_refuses(contents: list[Wire], words: str) -> None:
    why = Gemini().refusal(contents=contents, tools=TOOLS)
    assert why is not None
    assert words in why


class Loop:
    """Two steps of a tool loop: two calls at once, then one."""

    def __init__(self, name: str = "gemini-3.5-flash") -> None:
        self.gemini = Gemini(name)
        self.rest: Wire = {"tools": TOOLS}
        self.contents = [HI]
        for answer in (says(Thought("x"), Call("look", '{"a":1}'), Call("look", '{"a":1}')), says(Call("hear", "{}"))):
            said = self.gemini.answer(answer, contents=self.contents, **self.rest)["candidates"][0]["content"]
            results = [
                {"functionResponse": {**{k: v for k, v in part["functionCall"].items() if k != "args"}, "response": {}}}
                for part in said["parts"]
            ]
            self.contents = [*self.contents, said, user(*results)]

    def refusal(self) -> str | None:
        return self.gemini.refusal(contents=self.contents, **self.rest)


def test_signatures_that_come_back_as_they_were() -> None:
    loop = Loop()
    signed = [["thoughtSignature" in part for part in content["parts"]] for content in loop.contents[1::2]]
    assert signed == [[True, False], [True]], "the first call of every step is signed"
    assert loop.refusal() is None


@pytest.mark.parametrize("step", [1, 3])
def test_a_signature_that_was_lost(step: int) -> None:
    loop = Loop()
    del loop.contents[step]["parts"][0]["thoughtSignature"]
    assert "missing a thought_signature" in (loop.refusal() or "")


def test_a_signature_on_the_second_call() -> None:
    loop = Loop()
    parts = loop.contents[1]["parts"]
    parts[1]["thoughtSignature"] = parts[0].pop("thoughtSignature")
    assert "missing a thought_signature" in (loop.refusal() or "")


def test_a_signature_of_another_step() -> None:
    loop = Loop()
    loop.contents[1]["parts"][0]["thoughtSignature"] = loop.contents[3]["parts"][0]["thoughtSignature"]
    assert loop.refusal() == "Corrupted thought signature."


def test_a_signature_that_nobody_made() -> None:
    loop = Loop()
    loop.contents[1]["parts"][0]["thoughtSignature"] = "QUJD"
    assert loop.refusal() == "Invalid thought signature."


def test_arguments_that_were_changed_behind_a_signature() -> None:
    loop = Loop()
    loop.contents[1]["parts"][0]["functionCall"]["args"] = {"a": 2}
    assert loop.refusal() == "Corrupted thought signature."


def test_the_stand_in_is_for_the_first_call_alone() -> None:
    loop = Loop()
    loop.contents[1]["parts"][0]["thoughtSignature"] = DUMMY
    assert loop.refusal() is None
    loop.contents[1]["parts"][1]["thoughtSignature"] = DUMMY
    assert loop.refusal() == "Invalid thought signature."


def test_a_finished_turn_needs_no_signatures() -> None:
    loop = Loop()
    for content in loop.contents[1::2]:
        content["parts"][0].pop("thoughtSignature")
    loop.contents = [*loop.contents, model({"text": "done"}), HI]
    assert loop.refusal() is None


def test_an_older_model_asks_for_none() -> None:
    loop = Loop("gemini-2.5-flash")
    for content in loop.contents[1::2]:
        content["parts"][0].pop("thoughtSignature", None)
    assert loop.refusal() is None


def test_a_text_is_signed_as_it_is() -> None:
    gemini = Gemini()
    said = gemini.answer(says(Say(("Hello",))))["candidates"][0]["content"]
    assert gemini.refusal(contents=[HI, said, HI]) is None
    merged = copy.deepcopy(said)
    merged["parts"][0]["text"] += " there"
    assert gemini.refusal(contents=[HI, merged, HI]) == "Corrupted thought signature."
