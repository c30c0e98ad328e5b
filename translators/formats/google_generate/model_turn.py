"""One turn of the model as parts, with every signature on the part it came with.

Google asks for all parts of its answer back, so a thought that carries a blob of its model goes with its words. A thought without
one may be anybody's, and nobody's words are put into the model's mouth. What Google's own tools did goes back word for word; without such a record it is left out, since nobody but Google can make one.
"""

from __future__ import annotations

from collections.abc import Callable

from translators.canonical import (
    Block,
    HostedItem,
    Media,
    Native,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    value,
)
from translators.formats import Wire, json

from . import models
from .media import render_media
from .names import checked_name
from .refusing import unsupported
from .tools import HOSTED_TOOLS

Listed = Callable[[str, str, str], None]

_KINDS = frozenset({"thought", "call_signature", "thought_signature", "text_signature", "media_signature", "part"})
"""What an answer of Google's is marked with (see `candidate`)."""

_CALL_KINDS = ("call_signature", "thought_signature")  # the second is what chat clients echo (`extra_content.google`)


@value
class Called:
    """A call of the turn: `wire_id` is what its result has to name, None where calls are matched by place."""

    id: str
    name: str
    wire_id: str | None


class ModelTurn:
    """Renders the blocks of one message of the assistant.

    `ids` are those of the calls before it, with how often each was used so far; they get its own.
    """

    def __init__(self, model: str, where: str, ids: dict[str, int], listed: Listed) -> None:
        self.calls: list[Called] = []
        self._model, self._where, self._ids, self._listed = model, where, ids, listed
        self._parts: list[Wire] = []
        self._signature: str | None = None  # for the call that follows

    def render(self, blocks: tuple[Block, ...]) -> list[Wire]:
        for block in blocks:
            match block:
                case Text() | Refusal():
                    if block.text:
                        self._parts.append({"text": block.text})
                case Reasoning():
                    self._reasoning(block)
                case ToolCall():
                    self._call(block)
                case Media():
                    self._parts.append(render_media(block, self._where))
                case HostedItem():
                    self._hosted(block)
                case Native():
                    raise unsupported(f"content that only {block.format} knows", self._where)
                case _:
                    pass  # a result: it is answered in its place
        if self._signature is not None:
            self._lost("the signature of a call that is gone")
        return self._parts

    def _reasoning(self, block: Reasoning) -> None:
        words, blobs = "\n\n".join(block.summary), block.opaque
        if words and any(blob.kind in _KINDS for blob in blobs):
            part: Wire = {"text": words, "thought": True}
            if blobs[0].kind == "thought_signature":
                part["thoughtSignature"] = blobs[0].data
                blobs = blobs[1:]
            self._parts.append(part)
        elif words or block.text:
            self._lost("a thought that is not known to be the model's own")
        for blob in blobs:
            self._blob(blob)

    def _blob(self, blob: Opaque) -> None:
        match blob.kind:
            case "thought":
                pass  # it has said whose the words are
            case "call_signature":
                self._signature = blob.data
            case "thought_signature":
                self._parts.append({"text": "", "thoughtSignature": blob.data})
            case "text_signature":
                self._sign_last(blob, "text")
            case "media_signature":
                self._sign_last(blob, "inlineData")
            case "part" if isinstance(part := json.loads(blob.data), dict):
                self._parts.append(part)
            case _:
                self._lost("a blob of another provider")

    def _sign_last(self, blob: Opaque, kind: str) -> None:
        """A signature never moves to another part: without its own it is left out."""
        last = self._parts[-1] if self._parts else {}
        if kind in last and "thoughtSignature" not in last:
            last["thoughtSignature"] = blob.data
        else:
            self._lost("the signature of a part that is gone")

    def _call(self, call: ToolCall) -> None:
        where = f"{self._where}.tool_calls[{len(self.calls)}]"
        if call.kind != "function":
            raise unsupported("custom tool calls", where)
        name = call.name
        if call.namespace:
            name = f"{call.namespace}__{call.name}"
            self._listed(where, "reshaped", "the namespace became part of the name")
        wire_id = self._unique(call.id) if models.takes_call_ids(self._model) else None
        wire: Wire = {"name": checked_name(name, self._model, where), "args": self._arguments(call.arguments, where)}
        if wire_id is not None:
            wire = {"id": wire_id, **wire}
        part: Wire = {"functionCall": wire}
        own = next((blob.data for blob in call.opaque if blob.kind in _CALL_KINDS), None)
        if any(blob.kind not in _CALL_KINDS for blob in call.opaque):
            self._lost("a blob of another provider")
        if signature := self._signature or own:
            part["thoughtSignature"] = signature
        self._signature = None
        self.calls.append(Called(call.id, name, wire_id))
        self._parts.append(part)

    def _unique(self, id: str) -> str:
        """The call's id, which Google wants only once in a conversation: other models count from 0 in every turn."""
        unique, count = id, self._ids.get(id, 0)
        while unique in self._ids:
            count += 1
            unique = f"{id}_{count}"
        self._ids[id] = max(count, 1)
        self._ids.setdefault(unique, 1)
        return unique

    def _arguments(self, text: str, where: str) -> Wire:
        if not text.strip():
            return {}
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, dict) and not _is_deep(value, text):
            return value
        self._listed(where, "reshaped", "arguments that are no JSON object, or too deep a one, stand under _raw")
        return {"_raw": text}

    def _hosted(self, item: HostedItem) -> None:
        if item.tool not in HOSTED_TOOLS:
            raise unsupported("the traces of tools that another provider ran", self._where)
        self._listed(f"{self._where}.content", "dropped", "what a tool of the provider did is its own record to keep")

    def _lost(self, detail: str) -> None:
        self._listed(f"{self._where}.reasoning", "dropped", detail)


def _is_deep(value: Wire, text: str) -> bool:
    """Whether `value`, which is `text` read, can be read and not be written again where it stands in the body."""
    if text.count("{") + text.count("[") < 200:
        return False
    try:
        json.dumps({"contents": [{"parts": [{"functionCall": {"args": value}}]}]})
    except TypeError:
        return True
    return False
