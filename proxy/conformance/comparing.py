"""Whether what was heard and seen is what should have been, in plain words where it is not. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .clients import Seen
from .scenario import Step
from .simulators.facts import Facts, Turn
from .simulators.script import Answer
from .targets import Target

_SPACE = re.compile(r"\s+")
_MISSING = object()


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


def _joined(turns: list[Turn]) -> list[Turn]:
    """Neighbouring texts of one speaker as one, whitespace aside."""
    made: list[Turn] = []
    for who, what in turns:
        if made and made[-1][0] == who and who in ("system", "user", "assistant"):
            made[-1] = (who, f"{made[-1][1]} {_plain(what)}")
        else:
            made.append((who, _plain(what)))
    return made


def shown(turn: Turn) -> str:
    """A turn for people."""
    what = turn[1] if len(turn[1]) <= 60 else turn[1][:57] + "..."
    return f"{turn[0]}: {what!r}"


def wrong_turns(expected: list[Turn], heard: list[Turn], how: str, *, emulated: bool) -> Iterator[str]:
    """What of the conversation did not arrive as it was said; `how` is a step's `turns`."""
    if how == "some":
        yield from _wrong_order(expected, heard)
        return
    if how == "unordered":
        expected, heard = sorted(_joined(expected)), sorted(_joined(heard))
    system = " ".join(what for who, what in _joined(heard) if who == "system")
    for who, what in expected:
        if who == "system" and _plain(what) not in system:
            yield f"the system text {what[:60]!r} did not arrive"
    plain = [what for who, what in _joined(expected) if who == "system"]
    if system and not emulated and system != " ".join(plain):
        yield f"the system text is not the client's alone: {system[:120]!r}"
    wanted = [turn for turn in _joined(expected) if turn[0] != "system"]
    came = [turn for turn in _joined(heard) if turn[0] != "system"]
    for position, turn in enumerate(wanted):
        if position >= len(came):
            yield f"this did not arrive: {shown(turn)}"
            return
        if came[position] != turn:
            yield f"turn {position + 1} should be {shown(turn)}, and is {shown(came[position])}"
            return
    if len(came) > len(wanted):
        yield f"this was not said by anybody: {shown(came[len(wanted)])}"


def _wrong_order(expected: list[Turn], heard: list[Turn]) -> Iterator[str]:
    position = 0
    texts = [what for _, what in _joined(heard)]
    for who, what in expected:
        found = next((index for index in range(position, len(texts)) if _plain(what) in texts[index]), None)
        if found is None:
            yield f"this did not arrive in its order: {shown((who, what))}"
            return
        position = found


def wrong_facts(expected: Mapping[str, Any], facts: Facts) -> Iterator[str]:
    """What of the request did not arrive as asked."""
    said = facts.said()
    for name, wanted in expected.items():
        found = said.get(name, _MISSING)
        if isinstance(wanted, list) and isinstance(found, tuple):
            found = list(found)
        if wanted == "any":
            wanted = found if found is not None else "something"
        if found != wanted:
            yield f"{name} should be {wanted!r}, and is {None if found is _MISSING else found!r}"


def at(body: Any, pointer: str) -> Any:
    """What stands at a JSON pointer (RFC 6901), or nothing."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(body, list) and key.lstrip("-").isdigit() and -len(body) <= int(key) < len(body):
            body = body[int(key)]
        elif isinstance(body, dict) and key in body:
            body = body[key]
        else:
            return _MISSING
    return body


def wrong_members(expected: Mapping[str, Any], body: Any) -> Iterator[str]:
    """What does not stand in the body where it should; null is for what must not stand there."""
    for pointer, wanted in expected.items():
        found = at(body, pointer)
        if wanted is None and found is not _MISSING:
            yield f"{pointer} must not be there"
        elif wanted is not None and found != wanted:
            yield f"{pointer} should be {wanted!r}, and is {'absent' if found is _MISSING else repr(found)}"


def expected_usage(answer: Answer, target: Target) -> dict[str, int]:
    """Usage as far as the provider's API tells it."""
    tokens = answer.tokens
    return {
        "input": tokens.input,
        "output": tokens.output,
        "cached": tokens.cached if "cached" in target.tells else 0,
        "written": tokens.written if "written" in target.tells else 0,
        "reasoning": tokens.reasoning if "reasoning" in target.tells else 0,
    }


def wrong_answer(answer: Answer, seen: Seen, step: Step, target: Target, *, usage: bool) -> Iterator[str]:
    """What the client saw that the model did not say, or the other way round."""
    yield from seen.complaints
    sees = step.sees
    if seen.error is not None and "error" not in sees:
        yield f"the client got an error: {seen.error['message']} (code {seen.error['code']})"
        return
    if "error" in sees:
        yield from wrong_error(sees["error"], seen)
        if sees["error"].get("in_band") is not True:
            return
    text = sees.get("text", answer.text)
    if _plain(seen.text) != _plain(text):
        yield f"the text should be {text[:80]!r}, and is {seen.text[:80]!r}"
    if "error" in sees:
        return
    if answer.choices and seen.texts != [answer.text, *("".join(pieces) for pieces in answer.choices)]:
        yield f"there should be {len(answer.choices) + 1} choices, and there are {len(seen.texts)}"
    wanted = [(call.name, call.parsed) for call in answer.calls]
    came = [(name, _parsed(arguments)) for _, name, arguments in seen.calls]
    if came != wanted:
        yield f"the tool calls should be {wanted!r}, and are {came!r}"
    yield from _wrong_rest(answer, seen, step, target, usage=usage)


def _wrong_rest(answer: Answer, seen: Seen, step: Step, target: Target, *, usage: bool) -> Iterator[str]:
    sees = step.sees
    finish = sees.get("finish", "tool_calls" if answer.calls else answer.finish)
    finishes = finish if isinstance(finish, list) else [finish]
    if seen.finish not in finishes:
        yield f"the finish should be {' or '.join(map(repr, finishes))}, and is {seen.finish!r}"
    declined = sees.get("refusal", answer.declined)
    if declined is not None and seen.refusal != declined:
        yield f"the refusal should be {declined[:60]!r}, and is {seen.refusal[:60]!r}"
    thoughts = "".join(thought.text for thought in answer.thoughts)
    if sees.get("thoughts") == "shown" and seen.reasoning != thoughts:
        yield f"the thoughts shown should be {thoughts[:60]!r}, and are {seen.reasoning[:60]!r}"
    if "logprobs" in sees and seen.logprobs != sees["logprobs"]:
        yield f"there should be log probabilities of {sees['logprobs']} tokens, and are of {seen.logprobs}"
    if usage and sees.get("usage") != "any":
        expected = expected_usage(answer, target)
        if seen.usage is None:
            yield "there is no usage"
        elif seen.usage != expected:
            yield f"usage should be {expected}, and is {seen.usage}"


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def wrong_error(expected: Mapping[str, Any], seen: Seen) -> Iterator[str]:
    """What of an error is not as the client should see it."""
    if seen.error is None:
        yield f"there should be an error, and the client got {seen.text[:60]!r} with the finish {seen.finish!r}"
        return
    error = seen.error
    in_band = expected.get("in_band", False)
    if in_band != "either" and seen.in_band != in_band:
        yield f"the error should come {'in the stream' if in_band else 'as an HTTP status'}, and does not"
    for name in ("status", "type", "code", "param"):
        if name in expected and (name != "status" or not in_band):
            wanted = expected[name] if isinstance(expected[name], list) else [expected[name]]
            if error[name] not in wanted:
                yield f"the error's {name} should be {' or '.join(map(repr, wanted))}, and is {error[name]!r}"
    message = str(error["message"] or "")
    for words in expected.get("has", ()):
        if words.lower() not in message.lower():
            yield f"the error should say {words!r}, and says {message[:120]!r}"
    for words in expected.get("lacks", ()):
        if words.lower() in seen.raw.lower():
            yield f"the error must not say {words!r}, and says {message[:120]!r}"
    if "retry_after" in expected:
        wait = seen.headers.get("retry-after")
        if wait is None or float(wait) != expected["retry_after"]:
            yield f"retry-after should be {expected['retry_after']}, and is {wait}"
    if "should_retry" in expected and seen.headers.get("x-should-retry") != expected["should_retry"]:
        yield f"x-should-retry should be {expected['should_retry']}, and is {seen.headers.get('x-should-retry')}"
