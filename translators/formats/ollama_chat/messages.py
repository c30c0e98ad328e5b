"""Messages for /api/chat: text is one string, media are raw base64 beside it, results are messages of their own.

Chat templates of local models want one system message, at the start: the leading ones are joined, later ones become a
marked note in a user's turn. https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from translators.canonical import (
    Block,
    HostedItem,
    Media,
    Message,
    Native,
    Reason,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transform,
    UpstreamError,
)
from translators.formats import Wire, json

NOTE = "<system>\n{}\n</system>"
"""How an instruction that stands in the middle of a conversation is marked inside a user's turn."""


def unsupported(what: str, param: str) -> UpstreamError:
    """For what is a need that Ollama does not meet: routing excludes it, so this is the net below."""
    return UpstreamError(Reason.UNSUPPORTED, f"Ollama cannot take {what}.", failure="unsupported", param=param)


class Messages:
    """Renders the conversation in one pass. `render` gives the wire's list; `transforms` fills up meanwhile."""

    def __init__(self, request: Request, transforms: list[Transform]) -> None:
        self._request = request
        self._transforms = transforms
        self._wire: list[Wire] = []
        self._names: dict[str, str] = {}  # of the calls seen so far, by id
        self._notes: list[str] = []  # late instructions that wait for the next user's turn
        self._hoisted: list[Wire] = []  # media of tool results, which wait for the end of the run of results
        self._last_user = max((i for i, message in enumerate(request.messages) if message.role == "user"), default=-1)

    def render(self, demand: str | None) -> list[Wire]:
        """The wire's messages. `demand` is an instruction of ours that joins the system message."""
        leading = [_texts(self._request.instructions, "instructions")] if self._request.instructions else []
        late = False
        for index, message in enumerate(self._request.messages):
            where = f"messages[{index}]"
            self._list_losses(message, where)
            if message.role in ("system", "developer"):
                if message.role == "developer":
                    self._listed(where + ".role", "mapped", "developer is system here")
                text = _texts(message.blocks, where)
                if late:
                    self._note(text, where)
                else:
                    leading.append(text)
                continue
            late = True
            self._turn(message, index, where)
        self._close_results()
        self._flush_notes()
        return [*self._system(leading, demand), *self._wire]

    def _system(self, leading: list[str], demand: str | None) -> Iterator[Wire]:
        if len(leading) > 1:
            self._listed("messages", "reshaped", "leading instructions joined to one system message")
        texts = [text for text in (*leading, demand) if text]
        if texts:
            yield {"role": "system", "content": "\n\n".join(texts)}

    def _note(self, text: str, where: str) -> None:
        self._listed(where, "reshaped", "an instruction in mid-conversation became a note in a user's turn")
        self._close_results()
        note = NOTE.format(text)
        if self._wire and self._wire[-1]["role"] == "user":
            self._wire[-1]["content"] = _joined(self._wire[-1]["content"], note)
        else:
            self._notes.append(note)

    def _flush_notes(self) -> None:
        if self._notes:
            self._wire.append({"role": "user", "content": "\n\n".join(self._notes)})
            self._notes.clear()

    def _turn(self, message: Message, index: int, where: str) -> None:
        """One turn that is not an instruction. Results in it come first, whatever its role."""
        results = [block for block in message.blocks if isinstance(block, ToolResult)]
        rest = tuple(block for block in message.blocks if not isinstance(block, ToolResult))
        for result in results:
            self._result(result, where)
        if not rest and (results or message.role == "tool"):
            return
        self._close_results()
        if message.role == "assistant":
            self._flush_notes()
            self._assistant(rest, index, where)
        else:
            self._user(rest, where)

    def _user(self, blocks: tuple[Block, ...], where: str) -> None:
        texts, images = self._contents(blocks, where)
        wire: Wire = {"role": "user", "content": "\n".join(texts)}
        if self._notes:
            wire["content"] = _joined("\n\n".join(self._notes), wire["content"])
            self._notes.clear()
        if images:
            wire["images"] = images
        self._wire.append(wire)

    def _assistant(self, blocks: tuple[Block, ...], index: int, where: str) -> None:
        wire: Wire = {"role": "assistant", "content": ""}
        texts: list[str] = []
        calls: list[Wire] = []
        for position, block in enumerate(blocks):
            if isinstance(block, ToolCall):
                calls.append(self._call(block, len(calls), f"{where}.tool_calls[{len(calls)}]"))
            elif isinstance(block, Reasoning):
                self._reasoning(block, wire, running=index > self._last_user, where=f"{where}.content[{position}]")
            else:
                found, images = self._contents((block,), where)
                texts += found
                if images:
                    wire.setdefault("images", []).extend(images)
        wire["content"] = "".join(texts)
        if calls:
            wire["tool_calls"] = calls
        self._wire.append(wire)

    def _reasoning(self, block: Reasoning, wire: Wire, *, running: bool, where: str) -> None:
        """Raw thinking goes back only while the model is still at the same user's turn, as templates expect it."""
        if block.text and running:
            wire["thinking"] = wire.get("thinking", "") + block.text
        if block.summary or block.opaque or (block.text and not running):
            self._listed(where, "dropped", "only the running turn's own thinking goes back to the model")

    def _call(self, call: ToolCall, index: int, where: str) -> Wire:
        if call.kind != "function":
            raise unsupported("custom tool calls", where)
        name = call.name
        if call.namespace:
            name = f"{call.namespace}__{call.name}"
            self._listed(where, "reshaped", "the namespace became part of the name")
        self._names[call.id] = name
        return {
            "id": call.id,
            "function": {"index": index, "name": name, "arguments": self._arguments(call.arguments, where)},
        }

    def _arguments(self, text: str, where: str) -> Wire:
        if not text.strip():
            return {}
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return value
        self._listed(where, "reshaped", "arguments that are no JSON object stand under _raw")
        return {"_raw": text}

    def _result(self, result: ToolResult, where: str) -> None:
        if result.kind != "function":
            raise unsupported("results of custom tools", where)
        texts, images = self._contents(result.content, where)
        content = "\n".join(texts)
        if result.is_error:
            content = f"Error: {content}"
            self._listed(where, "emulated", "the error mark became a prefix of the text")
        wire: Wire = {"role": "tool", "content": content, "tool_call_id": result.call_id}
        if name := result.name or self._names.get(result.call_id):
            wire["tool_name"] = name
        self._wire.append(wire)
        if images:
            self._listed(where, "reshaped", "media of a tool's result moved to a user's turn")
            self._hoisted.append({"role": "user", "content": f"Output of {name or 'the tool'}:", "images": images})

    def _close_results(self) -> None:
        self._wire += self._hoisted
        self._hoisted.clear()

    def _contents(self, blocks: Iterable[Block], where: str) -> tuple[list[str], list[str]]:
        """Texts and base64 data. Sound travels among the images: the field holds whatever the model can perceive."""
        texts: list[str] = []
        data: list[str] = []
        for block in blocks:
            match block:
                case Text() | Refusal():
                    texts.append(block.text)
                case Media(kind="image") | Media(kind="audio"):
                    if block.detail not in (None, "auto"):
                        self._listed(f"{where}.content.detail", "dropped", "Ollama takes images as they are")
                    data.append(_data_of(block, where))
                case Media():
                    raise unsupported(f"{block.kind} input", where)
                case HostedItem():
                    raise unsupported("the traces of tools that another provider ran", where)
                case Native():
                    raise unsupported(f"content that only {block.format} knows", where)
                case _:
                    raise unsupported("this content in this place", where)
        return texts, data

    def _list_losses(self, message: Message, where: str) -> None:
        """What has no meaning here and does not change the answer's meaning: hints, and echoes of earlier answers."""
        if message.name is not None:
            self._listed(where + ".name", "dropped")
        for key in message.extra:
            self._listed(f"{where}.{key}", "dropped")
        for position, block in enumerate(message.blocks):
            if getattr(block, "cache", None) is not None:
                self._listed(f"{where}.content[{position}].cache", "dropped", "Ollama caches prompts by itself")
            if isinstance(block, Text) and block.annotations:
                self._listed(f"{where}.content[{position}].annotations", "dropped")

    def _listed(self, field: str, action: str, detail: str = "") -> None:
        self._transforms.append(Transform(field, action, detail))


def _texts(blocks: Iterable[Block], where: str) -> str:
    texts: list[str] = []
    for block in blocks:
        if not isinstance(block, (Text, Refusal)):
            raise unsupported("anything but text in an instruction", where)
        texts.append(block.text)
    return "\n".join(texts)


def _data_of(media: Media, where: str) -> str:
    if media.data is not None:
        return media.data
    if media.url is not None and media.url.startswith("data:"):
        head, comma, data = media.url.partition(",")
        if comma and head.endswith(";base64"):
            return data
        raise unsupported("a data URL that is not base64", where)
    raise unsupported(f"{media.kind} input that is not in the request itself", where)


def _joined(first: str, second: str) -> str:
    return f"{first}\n\n{second}" if first and second else first or second
