"""Calls and their results, as Anthropic wants them: every call answered in the very next user turn, results first and in order.

A call without a result gets one that says so, a result without its call becomes text, a use of the provider's own tools that was
never answered goes; all are listed. Ids that the API does not take, or that an earlier turn used already, are replaced, the same
way in call and result.
Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use and recorded refusals
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import deque

from translators.canonical import Transform
from translators.formats import Wire

from .hosted import is_use

NO_RESULT = "[no result recorded]"

_FIT_ID = re.compile(r"[a-zA-Z0-9_-]+")


def fitting_id(given: str) -> str:
    """`given` where the API takes it, else a digest of it."""
    if _FIT_ID.fullmatch(given):
        return given
    digest = hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest()
    return "toolu_" + base64.b32encode(digest)[:24].decode("ascii").lower()


def paired(turns: list[Wire], transforms: list[Transform]) -> list[Wire]:
    """`turns`, which alternate, with each batch of calls followed by its results. The turns given are changed."""
    made: list[Wire] = []
    used: dict[str, int] = {}  # each id, and the number that the last call of that name got
    asked: list[tuple[str, Wire]] = []  # of the turn before: the id the client used, and the call
    for turn in turns:
        if asked and turn["role"] != "user":
            made.append({"role": "user", "content": _results(asked, [], transforms)})
            asked = []
        if turn["role"] == "user":
            given = [block for block in turn["content"] if block["type"] == "tool_result"]
            if given or asked:
                rest = [block for block in turn["content"] if block["type"] != "tool_result"]
                results = _results(asked, given, transforms)
                orphans = [told for result in given for told in _told(result, transforms)]
                turn["content"] = [*results, *orphans, *rest]
            asked = []
        elif turn["role"] == "assistant":
            asked = [_renamed(block, used) for block in turn["content"] if block["type"] == "tool_use"]
        made.append(turn)
    if asked:
        made.append({"role": "user", "content": _results(asked, [], transforms)})
    return made


def finished(turns: list[Wire], transforms: list[Transform]) -> list[Wire]:
    """`turns` without what the provider's own tools were asked and never answered, which it refuses to see again.

    Such a use stands where an answer was cut. One that waits for results of the client, and for nothing else, stays.
    """
    kept: list[Wire] = []
    for at, turn in enumerate(turns):
        uses = {block.get("id") for block in turn["content"] if is_use(block["type"])}
        if turn["role"] == "assistant" and uses and at + 1 < len(turns):
            following = turns[at + 1]["content"]
            if any(block["type"] != "tool_result" for block in following):
                cut = uses - {block.get("tool_use_id") for block in turn["content"]}
                content = [block for block in turn["content"] if not (is_use(block["type"]) and block.get("id") in cut)]
                if len(content) < len(turn["content"]):
                    turn = {**turn, "content": content}
                    transforms.append(Transform("messages", "dropped", "a tool of the provider that was cut off"))
        kept.append(turn)
    return kept


def _renamed(call: Wire, used: dict[str, int]) -> tuple[str, Wire]:
    """The id the call came with, and the call under one that no earlier call has."""
    given = identity = call["id"]
    while identity in used:
        used[given] += 1
        identity = f"{given}_{used[given]}"
    used[identity] = 1
    call["id"] = identity
    return given, call


def _results(asked: list[tuple[str, Wire]], given: list[Wire], transforms: list[Transform]) -> list[Wire]:
    """A result for each call, in the order of the calls. What answers one is taken out of `given`."""
    waiting: dict[str, deque[Wire]] = {}
    for each in given:
        waiting.setdefault(each["tool_use_id"], deque()).append(each)
    results: list[Wire] = []
    taken: set[int] = set()
    for identity, call in asked:
        answers = waiting.get(identity)
        if not answers:
            transforms.append(Transform("messages", "emulated", f"the call {identity} has no result: one that says so"))
            result: Wire = {"type": "tool_result", "tool_use_id": "", "content": NO_RESULT, "is_error": True}
        else:
            result = answers.popleft()
            taken.add(id(result))
        result["tool_use_id"] = call["id"]  # in place: a cache mark may refer to it
        results.append(result)
    given[:] = [each for each in given if id(each) not in taken]
    return results


def _told(result: Wire, transforms: list[Transform]) -> list[Wire]:
    """What a result says, as blocks for a user's turn."""
    identity = result["tool_use_id"]
    transforms.append(Transform("messages", "reshaped", f"a result without its call, {identity}, became text"))
    return [{"type": "text", "text": f"[result of the tool call {identity}]"}, *result.get("content", ())]
