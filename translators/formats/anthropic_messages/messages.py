"""The conversation: leading instructions to `system`, the rest to turns of user and assistant that alternate.

Neighbours of one role are one turn, as the server reads them so anyway and results must stand together. A later instruction keeps
its role where it may stand, and is a marked note in a user's turn elsewhere: never hoisted, which would change what it follows.
Text that says nothing is refused by the API and left out. Thinking goes back as it came, in its place.
Source: https://platform.claude.com/docs/en/api/messages, and the recorded refusals of what stands at the wrong place
"""

from __future__ import annotations

from collections.abc import Iterable

from translators.canonical import (
    Block,
    HostedItem,
    Media,
    Message,
    Native,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transform,
)
from translators.formats import Wire, json

from . import hosted
from .answer import BLOCK, REDACTED, THINKING
from .caching import Marks
from .errors import unsupported
from .media import render_media
from .pairs import finished, fitting_id, paired

NOTE = "<system>\n{}\n</system>"
"""How an instruction is marked that stands inside a user's turn."""

GO_ON = "Continue."
"""The user's turn of a conversation that has none, or that the assistant opens."""

EMPTY = "(empty message)"


def is_instruction(message: Message) -> bool:
    return message.role in ("system", "developer")


class Messages:
    """Renders the conversation in one pass. Marks and transforms are added to those given."""

    def __init__(self, request: Request, marks: Marks, transforms: list[Transform]) -> None:
        self._request = request
        self._marks = marks
        self._transforms = transforms

    def render(self) -> tuple[list[Wire], list[Wire]]:
        """The blocks of `system`, and `messages`."""
        system = self._instructions(self._request.instructions, "instructions")
        turns: list[Wire] = []
        for index, message in enumerate(self._request.messages):
            where = f"messages[{index}]"
            self._list_losses(message, where)
            if not is_instruction(message):
                _append(turns, *self._turn(message, where))
            elif turns:
                _append(turns, "system", self._instructions(message.blocks, where))
            else:
                system += self._instructions(message.blocks, where)
        return system, self._finished(self._placed(finished(turns, self._transforms)))

    def _turn(self, message: Message, where: str) -> tuple[str, list[Wire]]:
        """Role and content of a message that is no instruction; no content for an answer that says nothing."""
        if message.role == "assistant":
            content = self.answer(message.blocks, where)
            if not content:
                self._listed(where, "dropped", "an answer that says nothing")
            return "assistant", content
        content = self._contents(message.blocks, where)
        if not content:
            self._listed(where, "emulated", "a message that says nothing says so")
            content = [{"type": "text", "text": EMPTY}]
        return "user", content

    def _placed(self, turns: list[Wire]) -> list[Wire]:
        """Instructions where they may stand, behind a user's turn and before an answer or the end; notes where not."""
        placed: list[Wire] = []
        for index, turn in enumerate(turns):
            role, content = turn["role"], turn["content"]
            if role == "system":
                following = turns[index + 1]["role"] if index + 1 < len(turns) else "assistant"
                if not placed or placed[-1]["role"] != "user" or following != "assistant":
                    self._listed("messages", "reshaped", "a late instruction became a note in a user's turn")
                    for block in content:
                        block["text"] = NOTE.format(block["text"])
                    role = "user"
            _append(placed, role, content)
        return placed

    def _finished(self, turns: list[Wire]) -> list[Wire]:
        """With a user's turn at the start, calls and results paired, and no blank at the end of a begun answer."""
        if not turns or turns[0]["role"] != "user":
            self._listed("messages", "emulated", "the user's turn that a conversation begins with")
            turns.insert(0, {"role": "user", "content": [{"type": "text", "text": GO_ON}]})
        turns = paired(turns, self._transforms)
        last = turns[-1]["content"][-1]
        if turns[-1]["role"] == "assistant" and last["type"] == "text" and last["text"] != last["text"].rstrip():
            last["text"] = last["text"].rstrip()
            self._listed("messages", "reshaped", "an answer that was begun may not end with a blank")
        return turns

    def _instructions(self, blocks: Iterable[Block], where: str) -> list[Wire]:
        wire: list[Wire] = []
        for position, block in enumerate(blocks):
            if not isinstance(block, (Text, Refusal)):
                raise unsupported("anything but text in an instruction", where)
            wire += self._text(block, f"{where}.content[{position}]")
        return wire

    def _contents(self, blocks: Iterable[Block], where: str) -> list[Wire]:
        """What a user or a tool says."""
        wire: list[Wire] = []
        for position, block in enumerate(blocks):
            place = f"{where}.content[{position}]"
            match block:
                case Text() | Refusal():
                    wire += self._text(block, place)
                case Media():
                    wire.append(self._media(block, place))
                case ToolResult():
                    wire.append(self._result(block, place))
                case Native():
                    raise unsupported(f"content that only {block.format} knows", place)
                case _:
                    raise unsupported("this content in this place", place)
        return wire

    def answer(self, blocks: tuple[Block, ...], where: str) -> list[Wire]:
        """What the assistant said, in its order."""
        kept = _kept_ids(blocks)
        wire: list[Wire] = []
        for position, block in enumerate(blocks):
            place = f"{where}.content[{position}]"
            match block:
                case Text() | Refusal():
                    wire += self._text(block, place)
                    if isinstance(block, Text) and block.annotations:
                        # With the results that are cited the model has all of it; without them a mere mark is lost.
                        self._listed(f"{place}.annotations", "mapped" if kept else "dropped")
                case Reasoning():
                    wire += self._thought(block, place)
                case ToolCall():
                    wire.append(self._call(block, place))
                case HostedItem():
                    self._hosted(block, kept, place)
                case Native():
                    raise unsupported(f"content that only {block.format} knows", place)
                case _:
                    raise unsupported("this content in an answer", place)
        return wire

    def _text(self, block: Text | Refusal, place: str) -> list[Wire]:
        if not block.text.strip():
            if block.text:
                self._listed(place, "dropped", "a text of nothing but blanks")
            self._marks.drop(getattr(block, "cache", None), place)
            return []
        wire: Wire = {"type": "text", "text": block.text}
        if isinstance(block, Text):
            self._marks.add(wire, block.cache, place)
        return [wire]

    def _media(self, block: Media, place: str) -> Wire:
        wire = render_media(block, place, self._transforms)
        self._marks.add(wire, block.cache, place)
        return wire

    def _result(self, result: ToolResult, place: str) -> Wire:
        if result.kind != "function":
            raise unsupported("results of custom tools", place)
        wire: Wire = {"type": "tool_result", "tool_use_id": fitting_id(result.call_id)}
        content: list[Wire] = []
        for position, block in enumerate(result.content):
            within = f"{place}.content[{position}]"
            match block:
                case Text() | Refusal():
                    content += self._text(block, within)
                case Media():
                    content.append(self._media(block, within))
                case _:
                    raise unsupported("this content in the result of a tool", within)
        if content:
            wire["content"] = content
        if result.is_error:
            wire["is_error"] = True
        self._marks.add(wire, result.cache, place)
        return wire

    def _call(self, call: ToolCall, place: str) -> Wire:
        if call.kind != "function":
            raise unsupported("custom tool calls", place)
        name = call.name
        if call.namespace:
            name = f"{call.namespace}__{call.name}"
            self._listed(place, "reshaped", "the namespace became part of the name")
        return {
            "type": "tool_use",
            "id": fitting_id(call.id),
            "name": name,
            "input": self._input(call.arguments, place),
        }

    def _input(self, text: str, place: str) -> Wire:
        if not text.strip():
            return {}
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return value
        self._listed(f"{place}.arguments", "reshaped", "arguments that are no JSON object stand under _raw")
        return {"_raw": text}

    def _thought(self, block: Reasoning, place: str) -> list[Wire]:
        """The blocks that the thought came in. What was shown of it is in them; without them nothing can go back."""
        wire: list[Wire] = []
        for blob in block.opaque:
            sealed = {"type": REDACTED, "data": blob.data} if blob.kind == REDACTED else _opened(blob.kind, blob.data)
            if sealed is None:
                self._listed(place, "dropped", "a blob of a kind that is not Anthropic's")
            else:
                wire.append(sealed)
        if not block.opaque and (block.text or block.summary):
            self._listed(place, "dropped", "a thought without its seal")
        self._marks.drop(block.cache, place)
        return wire

    def _hosted(self, item: HostedItem, kept: frozenset[str], place: str) -> None:
        """What a reader was shown of a tool that ran elsewhere. Its own record goes back sealed, if it is here."""
        if item.tool not in hosted.SHOWN_TOOLS:
            raise unsupported("the traces of tools that another provider ran", place)
        if item.raw.get("id") in kept:
            self._listed(place, "mapped", "the sealed record of the same activity goes back")
        else:
            self._listed(place, "dropped", "the traces of a tool that ran elsewhere")

    def _list_losses(self, message: Message, where: str) -> None:
        if message.name is not None:
            self._listed(f"{where}.name", "dropped", "participants have no names")
        for key in message.extra:
            self._listed(f"{where}.{key}", "dropped")

    def _listed(self, field: str, action: str, detail: str = "") -> None:
        self._transforms.append(Transform(field, action, detail))


def _append(turns: list[Wire], role: str, content: list[Wire]) -> None:
    """One more turn, or more of the last one. Without content it is none."""
    if content and turns and turns[-1]["role"] == role:
        turns[-1]["content"] += content
    elif content:
        turns.append({"role": role, "content": content})


def _opened(kind: str, data: str) -> Wire | None:
    """The block that a blob is; None if it is none."""
    if kind not in (THINKING, BLOCK):
        return None
    try:
        block = json.loads(data)
    except ValueError:
        return None
    return block if isinstance(block, dict) and isinstance(block.get("type"), str) else None


def _kept_ids(blocks: Iterable[Block]) -> frozenset[str]:
    """The ids of activities whose sealed records are among the blocks."""
    sealed = (blob for block in blocks if isinstance(block, Reasoning) for blob in block.opaque if blob.kind == BLOCK)
    records = (_opened(blob.kind, blob.data) or {} for blob in sealed)
    return frozenset(str(record.get("tool_use_id") or record.get("id")) for record in records)
