"""The conversation as `contents`: turns of user and model alternate, and every call is answered in the turn behind its own.

Results stand in one user's turn in the order of their calls, whatever order the client has them in. Adjacent turns of one side
become one. Signatures go back on the very parts they came with (see `model_turn`); where Google demands one that nobody has, its
own placeholder stands in. Source: https://ai.google.dev/gemini-api/docs/function-calling, .../docs/thought-signatures
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from translators.canonical import (
    Block,
    HostedItem,
    Media,
    Message,
    Native,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transform,
)
from translators.formats import Wire

from . import models
from .media import fits_result, render_media
from .model_turn import Called, ModelTurn
from .refusing import unsupported

NOTE = "<system>\n{}\n</system>"
"""How an instruction that stands in the middle of a conversation is marked inside a user's turn."""

UNSIGNED = "skip_thought_signature_validator"
"""What Google documents for calls that another model made, or whose signature is lost."""

GO_ON = "Continue."
"""A user's turn where Google needs one and the client has none."""

_RESOLUTIONS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}

NO_RESULT = "No result was recorded for this call."


class Contents:
    """Renders the conversation in one pass. `transforms` fills up meanwhile."""

    def __init__(self, request: Request, model: str, transforms: list[Transform]) -> None:
        self._request, self._model, self._transforms = request, model, transforms
        self._wire: list[Wire] = []
        self._results = _Results(request.messages)
        self._calls: list[Called] = []  # of the model's turn, until they are answered
        self._ids: dict[str, int] = {}  # of all calls so far, and how often each was used
        self._asked_at = 0  # the message that made the latest of them
        self._at = 0  # the message that is being rendered
        self.resolution = _resolution(request.messages)

    def render(self) -> tuple[list[Wire], Wire | None]:
        """`contents` and `systemInstruction`."""
        system = self._texts(self._request.instructions, "instructions")
        late = False
        before = ""
        for index, message in enumerate(self._request.messages):
            self._at, where = index, f"messages[{index}]"
            self._list_losses(message, where)
            if message.role in ("system", "developer"):
                if message.role == "developer":
                    self._listed(where + ".role", "mapped", "developer is system here")
                if late:
                    self._note(message, where)
                else:
                    system += self._texts(message.blocks, where)
                before = message.role
                continue
            late = True
            if message.role == "assistant":
                if before != "assistant":
                    self._answer_calls()
                self._model_turn(message, index, where)
            else:
                self._user_turn(message, where)
            before = message.role
        self._at = len(self._request.messages)
        self._answer_calls()
        self._mend_ends()
        if models.demands_signatures(self._model):
            self._sign_running_turn()
        return self._wire, {"parts": [{"text": text} for text in system]} if system else None

    def _add(self, role: str, parts: list[Wire]) -> None:
        """More of a turn. Adjacent turns of one side become one."""
        if not parts:
            return
        if self._wire and self._wire[-1]["role"] == role:
            self._wire[-1]["parts"] += parts
        else:
            self._wire.append({"role": role, "parts": parts})

    def _note(self, message: Message, where: str) -> None:
        texts = self._texts(message.blocks, where)
        if not texts:
            self._listed(where, "dropped", "Google takes no empty text")
            return
        self._listed(where, "reshaped", "an instruction in mid-conversation became a note in a user's turn")
        self._answer_calls()
        self._add("user", [{"text": NOTE.format("\n".join(texts))}])

    def _model_turn(self, message: Message, index: int, where: str) -> None:
        turn = ModelTurn(self._model, where, self._ids, self._listed)
        parts = turn.render(message.blocks)
        self._calls += turn.calls
        if turn.calls:
            self._asked_at = index
        self._add("model", parts)

    def _user_turn(self, message: Message, where: str) -> None:
        """What the user says. Results wait until their calls are answered; one without a call becomes text."""
        said: list[Wire] = []
        for position, block in enumerate(message.blocks):
            if not isinstance(block, ToolResult):
                said += self._parts((block,), where)
            elif self._results.is_orphan(self._at, position):
                self._listed(where, "reshaped", "a result without a call that waits for it became text")
                name = block.name or "a tool"
                text, media = self._result_content(block, where)
                said += [{"text": f"Result of {name}:\n{text}"}, *media]
        if said:
            self._answer_calls()
            self._add("user", said)

    def _answer_calls(self) -> None:
        """Results for all calls of the turn before, in the order of the calls, and behind them what they cannot hold."""
        results: list[Wire] = []
        behind: list[Wire] = []
        for call in self._calls:
            found = self._results.take(call.id)
            if found is None:
                self._listed(f"messages[{self._asked_at}]", "emulated", "a call without a result got one that says so")
                results.append(_response(call, {"error": NO_RESULT}))
                continue
            index, result = found
            where = f"messages[{index}]"
            if index > self._at:
                self._listed(where, "reshaped", "the result moved up to its call")
            text, media = self._result_content(result, where)
            part = _response(call, {"error" if result.is_error else "output": text})
            results.append(part)
            if media and models.takes_media_in_results(self._model) and all(map(fits_result, media)):
                part["functionResponse"]["parts"] = media
            elif media:
                self._listed(where, "reshaped", "media of a tool's result moved behind it")
                behind += [{"text": f"Output of {call.name}:"}, *media]
        self._calls = []
        self._add("user", results + behind)

    def _result_content(self, result: ToolResult, where: str) -> tuple[str, list[Wire]]:
        """The text of a result, never looked into since it is data, and its media."""
        if result.kind != "function":
            raise unsupported("results of custom tools", where)
        texts = [block.text for block in result.content if isinstance(block, (Text, Refusal))]
        rest = [block for block in result.content if not isinstance(block, (Text, Refusal))]
        return "\n".join(texts), list(self._parts(rest, where))

    def _parts(self, blocks: Iterable[Block], where: str) -> Iterator[Wire]:
        for block in blocks:
            match block:
                case Text() | Refusal():
                    if block.text:
                        yield {"text": block.text}
                    else:
                        self._listed(where, "dropped", "Google takes no empty text")
                case Media():
                    if block.detail not in (None, "auto"):
                        action = "mapped" if self.resolution else "dropped"
                        self._listed(f"{where}.content.detail", action, "Google has one resolution for all media")
                    if block.filename is not None:
                        self._listed(f"{where}.content.filename", "dropped", "Google asks for no name")
                    yield render_media(block, where)
                case HostedItem():
                    raise unsupported("what the client's side of a hosted tool answered", where)
                case Native():
                    raise unsupported(f"content that only {block.format} knows", where)
                case _:
                    raise unsupported("this content in this place", where)

    def _mend_ends(self) -> None:
        """Google wants the user to begin and to end."""
        if not self._wire or self._wire[0]["role"] != "user":
            self._wire.insert(0, {"role": "user", "parts": [{"text": GO_ON}]})
            self._listed("messages", "emulated", "Google wants the user to begin: a turn was added")
        if self._wire[-1]["role"] != "user":
            self._wire.append({"role": "user", "parts": [{"text": GO_ON}]})
            self._listed(
                "messages", "emulated", "Google cannot be given the beginning of its answer: asked to continue"
            )

    def _sign_running_turn(self) -> None:
        """The placeholder on the first call of each step since the user's last words, where the step has no signature."""
        for content in reversed(self._wire):
            parts = content["parts"]
            if content["role"] == "user":
                if not any("functionResponse" in part for part in parts):
                    return
                continue
            first = next((part for part in parts if "functionCall" in part), None)
            if first is not None and "thoughtSignature" not in first:
                first["thoughtSignature"] = UNSIGNED
                self._listed("messages.reasoning", "emulated", "a call whose thought is lost got Google's placeholder")

    def _list_losses(self, message: Message, where: str) -> None:
        """What has no meaning here and does not change the answer's meaning: hints, and echoes of earlier answers."""
        if message.name is not None:
            self._listed(where + ".name", "dropped")
        for key in message.extra:
            self._listed(f"{where}.{key}", "dropped")
        for position, block in enumerate(message.blocks):
            if getattr(block, "cache", None) is not None:
                self._listed(f"{where}.content[{position}].cache", "dropped", "Google caches prompts by itself")
            if isinstance(block, Text) and block.annotations:
                self._listed(f"{where}.content[{position}].annotations", "dropped")

    def _texts(self, blocks: Iterable[Block], where: str) -> list[str]:
        texts: list[str] = []
        for block in blocks:
            if not isinstance(block, (Text, Refusal)):
                raise unsupported("anything but text in an instruction", where)
            if block.text:
                texts.append(block.text)
        return texts

    def _listed(self, field: str, action: str, detail: str = "") -> None:
        self._transforms.append(Transform(field, action, detail))


def _resolution(messages: tuple[Message, ...]) -> str | None:
    """The resolution of all media, where the client wants all its pictures alike and has nothing but pictures."""
    media = [part for message in messages for block in message.blocks for part in _media_in(block)]
    details = {part.detail if part.kind == "image" else None for part in media}
    return _RESOLUTIONS.get(details.pop() or "") if len(details) == 1 else None


def _media_in(block: Block) -> tuple[Media, ...]:
    if isinstance(block, ToolResult):
        return tuple(part for part in block.content if isinstance(part, Media))
    return (block,) if isinstance(block, Media) else ()


def _response(call: Called, response: Wire) -> Wire:
    wire: Wire = {"name": call.name, "response": response}
    if call.wire_id is not None:
        wire = {"id": call.wire_id, **wire}
    return {"functionResponse": wire}


class _Results:
    """The results of a conversation, each given to one call: the latest before it with its id that has none yet."""

    def __init__(self, messages: tuple[Message, ...]) -> None:
        self._of_calls: dict[str, deque[_Found]] = {}  # by id, in the order of the calls
        self._given: set[tuple[int, int]] = set()
        open_calls: dict[str, deque[_Found]] = {}
        asked: set[str] = set()  # by the model's turn
        for index, message in enumerate(messages):
            if message.role != "assistant":
                asked = set()
            for position, block in enumerate(message.blocks):
                if isinstance(block, ToolCall):
                    if block.id not in asked:  # those of earlier turns are past
                        open_calls[block.id] = deque()
                        asked.add(block.id)
                    call = _Found()
                    self._of_calls.setdefault(block.id, deque()).append(call)
                    open_calls[block.id].append(call)
                elif isinstance(block, ToolResult) and open_calls.get(block.call_id):
                    call = open_calls[block.call_id].popleft()
                    call.index, call.result = index, block
                    self._given.add((index, position))

    def take(self, call_id: str) -> tuple[int, ToolResult] | None:
        """The result of the next call with this id, and the message it stands in. Each call asks once, in order."""
        found = self._of_calls[call_id].popleft()
        return None if found.result is None else (found.index, found.result)

    def is_orphan(self, index: int, position: int) -> bool:
        """Whether the result at this place of a message answers no call, or one that is answered already."""
        return (index, position) not in self._given


class _Found:
    """The result of one call, once there is one, and the message it stands in."""

    __slots__ = ("index", "result")

    def __init__(self) -> None:
        self.index = 0
        self.result: ToolResult | None = None
