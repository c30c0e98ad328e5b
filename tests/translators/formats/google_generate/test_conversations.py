"""Recorded conversations with Google: what joch sends for a turn carries what was recorded to be sent for it.

Each turn of the model is the parsed answer of the exchange it came from, as the gateway would keep it; everything else is read from
the recorded request. Signatures have to be on the same parts; where a recorded client lost one, ours may be there all the same.
"""

import base64
import json
from collections import defaultdict

import pytest

from translators.canonical import (
    Block,
    Media,
    Message,
    Opaque,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    UpstreamError,
    fold,
)
from translators.formats.google_generate import PROVIDER
from translators.formats.google_generate.contents import UNSIGNED
from translators.formats.google_generate.models import generation

from . import recorded

MOVED = {
    "google-gen-chat-with-extended-thinking-gemini-gemini-3-flash-pr-1-82ea1": "it put the answer's signature on the thought"
}
"""Recorded requests of clients that did not keep to Google's rules for signatures, and what they did."""

DUMMIES = (UNSIGNED, base64.b64encode(UNSIGNED.encode()).decode())


def camel(value):
    """The one spelling of members that both have: Google takes two."""
    if isinstance(value, dict):
        return {
            name.split("_")[0] + "".join(word.title() for word in name.split("_")[1:]): content
            if name in ("args", "response", "result")
            else camel(content)
            for name, content in value.items()
            if content is not None
        }
    return [camel(each) for each in value] if isinstance(value, list) else value


def conversations() -> list:
    groups = defaultdict(list)
    for exchange in recorded.EXCHANGES:
        if exchange["request"].get("body") and exchange.get("group"):
            groups[exchange["group"]["id"]].append(exchange)
    found = []
    for group in groups.values():
        group.sort(key=lambda exchange: exchange["group"]["index"])
        for position, exchange in enumerate(group):
            contents = camel(exchange["request"]["body"])["contents"]
            if position and any(content["role"] == "model" for content in contents):
                found.append(pytest.param(exchange, group[:position], id=exchange["id"]))
    return found


def answered(exchange: dict) -> tuple[Block, ...] | None:
    """The blocks of a recorded answer, None where it failed."""
    try:
        if exchange["stream"]:
            parser = PROVIDER.stream_parser("google:m")
            chunks = [*parser.feed(recorded.raw(exchange)), *parser.close()]
            return fold(chunks).choices[0].message.blocks
        return PROVIDER.parse_response(recorded.documents(exchange)[0], "google:m").choices[0].message.blocks
    except UpstreamError:
        return None


def said(parts: list[dict]) -> tuple:
    """What a turn of the model says, to find the answer that it was."""
    calls = [
        (part["functionCall"]["name"], part["functionCall"].get("args") or {})
        for part in parts
        if "functionCall" in part
    ]
    return recorded.text(parts).strip(), calls


def blocks_say(blocks: tuple[Block, ...]) -> tuple:
    calls = [(block.name, json.loads(block.arguments)) for block in blocks if isinstance(block, ToolCall)]
    return "".join(block.text for block in blocks if isinstance(block, Text)).strip(), calls


class Reader:
    """A recorded request as a client of joch would have asked it."""

    def __init__(self, before: list[dict]) -> None:
        self._answers = [blocks for exchange in before if (blocks := answered(exchange)) is not None]
        self._calls: list[ToolCall] = []
        self.matched = 0

    def read(self, exchange: dict) -> Request:
        body = camel(exchange["request"]["body"])
        messages: list[Message] = []
        for content in body["contents"]:
            if content["role"] == "model":
                messages.append(Message("assistant", self._turn(content["parts"])))
            else:
                messages += self._user(content["parts"])
        system = (body.get("systemInstruction") or {}).get("parts") or []
        system = [system] if isinstance(system, dict) else system
        declared = [each for tool in body.get("tools") or () for each in tool.get("functionDeclarations") or ()]
        return Request(
            messages=tuple(messages),
            instructions=tuple(Text(part["text"]) for part in system),
            tools=tuple(Tool(name=each["name"], description=each.get("description")) for each in declared),
        )

    def _turn(self, parts: list[dict]) -> tuple[Block, ...]:
        wanted = said(parts)
        at = next((at for at, each in enumerate(self._answers) if blocks_say(each) == wanted and any(wanted)), None)
        if at is None:
            blocks = self._foreign(parts)
        else:
            blocks = self._answers.pop(at)
            self.matched += 1
        self._calls = [block for block in blocks if isinstance(block, ToolCall)]
        return blocks

    def _foreign(self, parts: list[dict]) -> tuple[Block, ...]:
        """A turn that was not answered in this conversation: another model's, or one that failed here."""
        blocks: list[Block] = []
        for index, part in enumerate(parts):
            if "functionCall" in part:
                signature = part.get("thoughtSignature")
                if signature and signature not in DUMMIES:
                    blocks.append(Reasoning(opaque=(Opaque("google:m", "call_signature", signature),)))
                call = part["functionCall"]
                id = call.get("id") or f"call_{len(self._calls)}_{index}"
                blocks.append(ToolCall(id, call["name"], json.dumps(call.get("args") or {})))
            elif part.get("text") and not part.get("thought"):
                blocks.append(Text(part["text"]))
        return tuple(blocks)

    def _user(self, parts: list[dict]) -> list[Message]:
        results: list[Message] = []
        rest: list[Block] = []
        for part in parts:
            if "functionResponse" in part:
                result = part["functionResponse"]
                call = self._calls[len(results)]
                content = [Text(value_of(result["response"])), *(media_of(each) for each in result.get("parts") or ())]
                is_error = "error" in result["response"]
                results.append(Message("tool", (ToolResult(call.id, tuple(content), is_error=is_error),)))
            else:
                rest.append(Text(part["text"]) if "text" in part else media_of(part))
        return [*results, *([Message("user", tuple(rest))] if rest else [])]


def value_of(response: dict) -> str:
    """The result of a function: clients name its one member as they like."""
    value = next(iter(response.values())) if len(response) == 1 else response
    return value if isinstance(value, str) else json.dumps(value)


def media_of(part: dict) -> Media:
    if "inlineData" in part:
        mime, data = part["inlineData"]["mimeType"], part["inlineData"]["data"]
        return Media(kind=kind_of(mime), mime=mime, data=data)
    mime = part["fileData"]["mimeType"]
    return Media(kind=kind_of(mime), mime=mime, url=part["fileData"]["fileUri"])


def kind_of(mime: str):
    first = mime.partition("/")[0]
    return first if first in ("image", "audio", "video") else "file"


def plain(contents: list[dict]) -> list[tuple[str, list[dict]]]:
    """Turns by role, each part down to what it says, with its signature.

    Adjacent turns of one side are one, unsigned text that was cut is whole, the signature of an empty text is that of the text
    before it, thoughts that are not signed are left out, and so are the placeholders of lost signatures.
    """
    turns: list[tuple[str, list[dict]]] = []
    for content in contents:
        if not turns or turns[-1][0] != content["role"]:
            turns.append((content["role"], []))
        for part in content["parts"]:
            add(turns[-1][1], part)
    return turns


def add(parts: list[dict], part: dict) -> None:
    blob = part.get("thoughtSignature")
    blob = None if blob in DUMMIES or blob is None else blob.replace("-", "+").replace("_", "/")
    last = parts[-1] if parts else {}
    if "text" in part:
        if part.get("thought"):
            return
        if "text" in last and (last["signature"] is None or not part["text"]) and not (blob and part["text"]):
            last["text"] += part["text"]
            last["signature"] = last["signature"] or blob
        elif part["text"] or blob:
            parts.append({"text": part["text"], "signature": blob})
    elif "functionCall" in part:
        call = part["functionCall"]
        parts.append({"call": (call["name"], call.get("args") or {}), "signature": blob})
    elif "functionResponse" in part:
        result = part["functionResponse"]
        within = [media_of(each) for each in result.get("parts") or ()]
        word = "error" if "error" in result["response"] else "result"
        parts.append({word: (result["name"], value_of(result["response"]), within), "signature": None})
    elif "inlineData" in part or "fileData" in part:
        parts.append({"media": media_of(part), "signature": blob})
    else:
        # One recorded client fills in what was found, which Google itself had left out.
        left_out = {"toolCall": {"args"}, "toolResponse": {"response"}}
        rest = {
            name: {key: each for key, each in value.items() if key not in left_out.get(name, ())}
            for name, value in part.items()
            if name != "thoughtSignature"
        }
        parts.append({"native": json.dumps(rest, sort_keys=True), "signature": blob})


def without_lost(ours: list, theirs: list) -> list:
    """Our turns without the signatures that the recorded client lost."""
    for (_, mine), (_, other) in zip(ours, theirs, strict=False):
        for part, recorded_part in zip(mine, other, strict=False):
            if recorded_part["signature"] is None:
                part["signature"] = None
    return ours


@pytest.mark.parametrize(("exchange", "before"), conversations())
def test_a_turn_carries_what_was_recorded(exchange, before):
    reader = Reader(before)
    request = reader.read(exchange)
    theirs = camel(exchange["request"]["body"])
    body = PROVIDER.render_request(request, exchange["model"]).body
    if exchange["id"] in MOVED:
        assert {part.get("thoughtSignature") for content in body["contents"] for part in content["parts"]} >= {
            blob for each in before for _, blob in recorded.signatures(recorded.parts(each))
        }
        return
    sent = [each for each in plain(camel(body["contents"])) if each[1]]
    # Media that a result cannot hold stand behind it with a word on where they come from; recorded clients have words of their own.
    sent = [(role, [part for part in parts if not is_note(part)]) for role, parts in sent]
    wanted = [(role, [part for part in parts if not is_note(part)]) for role, parts in plain(theirs["contents"])]
    assert without_lost(sent, wanted) == wanted
    assert [part["text"] for part in body.get("systemInstruction", {"parts": []})["parts"]] == [
        block.text for block in request.instructions if block.text
    ]
    names = [each["name"] for tool in body.get("tools", ()) for each in tool.get("functionDeclarations", ())]
    assert names == [tool.name for tool in request.tools]
    assert_ids_match(body["contents"], exchange["model"])


def is_note(part: dict) -> bool:
    return part.get("text", "").startswith(("Output of ", "This is file "))


def assert_ids_match(contents: list[dict], model: str) -> None:
    """Every result names its call where the model matches by id, and no ids are there where it does not."""
    calls = [part["functionCall"] for content in contents for part in content["parts"] if "functionCall" in part]
    results = [part["functionResponse"] for c in contents for part in c["parts"] if "functionResponse" in part]
    assert [call.get("id") for call in calls] == [result.get("id") for result in results]
    assert all(("id" in call) is (generation(model) >= (3, 0)) for call in calls)


@pytest.mark.parametrize(("exchange", "before"), conversations())
def test_no_signature_is_lost_on_the_way(exchange, before):
    """Whatever an answer of this conversation was signed with goes out with it."""
    reader = Reader(before)
    body = PROVIDER.render_request(reader.read(exchange), exchange["model"]).body
    sent = [
        part["thoughtSignature"]
        for content in body["contents"]
        for part in content["parts"]
        if "thoughtSignature" in part
    ]
    turns = [message for message in Reader(before).read(exchange).messages if message.role == "assistant"]
    had = [
        blob
        for message in turns
        for block in message.blocks
        if isinstance(block, Reasoning)
        for opaque in block.opaque
        if opaque.kind != "thought"
        if (blob := json.loads(opaque.data).get("thoughtSignature") if opaque.kind == "part" else opaque.data)
    ]
    assert [blob for blob in sent if blob not in DUMMIES] == had


def test_the_recordings_have_conversations_whose_answers_are_known():
    matched = 0
    for each in conversations():
        exchange, before = each.values
        reader = Reader(before)
        reader.read(exchange)
        matched += reader.matched
    assert matched >= 12
