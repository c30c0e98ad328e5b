"""How Anthropic answers: whole messages and their events, as recorded from 4.6, opus-5 and sonnet-5 answers.

Events carry the padding the real ones have, `ping` comes after the first block opens, and a call's first fragment is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.script import Answer, Call, Say, Thought
from proxy.conformance.simulators.seals import Seals
from proxy.conformance.simulators.server import Event, sse

from .messages import conversation, merged
from .models import Rules

Wire = dict[str, Any]
_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
}


def thinks(body: Wire, rules: Rules) -> bool:
    """Whether the model would think about this request."""
    kind = (body.get("thinking") or {}).get("type")
    return rules.thinks if kind is None else kind != "disabled"


def shows(body: Wire, rules: Rules) -> bool:
    """Whether it shows what it thought."""
    display = (body.get("thinking") or {}).get("display")
    return rules.shown if display is None else display == "summarized"


def content(answer: Answer, body: Wire, rules: Rules, seals: Seals, turn: str) -> list[Wire]:
    """The content blocks of an answer; `turn` is what its signatures are remembered under."""
    made: list[Wire] = []
    layout: list[str] = []
    bound = conversation(merged(body["messages"])) if rules.bound else ""
    for block in answer.blocks:
        match block:
            case Thought() if thinks(body, rules):
                place = "redacted_thinking" if block.redacted else "thinking"
                seal = seals.issue(model=body["model"], place=place, about=f"{turn}|{block.text}", bound=bound)
                layout.append(seal.name)
                if block.redacted:
                    made.append({"type": place, "data": seal.blob})
                else:
                    shown = block.text if shows(body, rules) else ""
                    made.append({"type": place, "thinking": shown, "signature": seal.blob})
            case Say():
                made.append({"type": "text", "text": block.text})
            case Call():
                layout.append("use")
                uses = sum(each["type"] == "tool_use" for each in made)
                made.append(
                    {"type": "tool_use", "id": f"toolu_01{turn}_{uses}", "name": block.name, "input": block.parsed}
                )
    if answer.finish == "pause":  # what it pauses in are turns of its own tools
        use = {"type": "server_tool_use", "id": f"srvtoolu_01{turn}", "name": "web_search", "input": {"query": turn}}
        made.append(use)
    seals.layouts[turn] = tuple(layout)
    return made


def usage(answer: Answer, body: Wire, rules: Rules) -> Wire:
    """Usage in Anthropic's way of counting: what the cache gave or took is beside `input_tokens`, not in it."""
    tokens = answer.tokens
    counted: Wire = {
        "input_tokens": tokens.input - tokens.cached - tokens.written,
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": tokens.written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": tokens.output,
        "service_tier": "standard",
        "inference_geo": "global",
    }
    if tokens.reasoning and thinks(body, rules):
        counted["output_tokens_details"] = {"thinking_tokens": tokens.reasoning}
    return counted


def stop_of(answer: Answer) -> Wire:
    """`stop_reason` and what stands beside it."""
    reason = "tool_use" if answer.calls and answer.finish == "stop" else _STOPS[answer.finish]
    details = None
    if reason == "refusal":
        details = {"type": "refusal", "category": "cyber", "explanation": "This request was declined."}
    return {"stop_reason": reason, "stop_sequence": None, "stop_details": details}


def message(answer: Answer, body: Wire, rules: Rules, seals: Seals, turn: str) -> Wire:
    """The whole answer."""
    return {
        "model": body["model"],
        "id": f"msg_01{turn}",
        "type": "message",
        "role": "assistant",
        "content": content(answer, body, rules, seals, turn),
        **stop_of(answer),
        "usage": usage(answer, body, rules),
    }


def _event(data: Wire, *, content: bool = False, padding: int = 0) -> Event:
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return Event(sse((text[:-1] + " " * padding + text[-1]).encode(), data["type"]), content)


def events(answer: Answer, body: Wire, rules: Rules, seals: Seals, turn: str) -> Iterator[Event]:
    """The events of the streamed answer."""
    whole = message(answer, body, rules, seals, turn)
    begun = {**whole, "content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None}
    begun["usage"] = {**whole["usage"], "output_tokens": 1}
    begun["usage"].pop("output_tokens_details", None)
    yield _event({"type": "message_start", "message": begun}, padding=5)
    said = iter([block for block in answer.blocks if isinstance(block, Say)])
    for index, block in enumerate(whole["content"]):
        pieces = next(said).pieces if block["type"] == "text" else ()
        for position, event in enumerate(_block_events(index, block, pieces)):
            yield event
            if index == position == 0:
                yield Event(sse(b'{"type": "ping"}', "ping"))
    ended = {"type": "message_delta", "delta": stop_of(answer), "usage": _cumulative(whole["usage"])}
    yield _event(ended, padding=7)
    yield _event({"type": "message_stop"}, padding=11)


def _cumulative(counted: Wire) -> Wire:
    kept = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    said = {name: counted[name] for name in kept}
    if "output_tokens_details" in counted:
        said["output_tokens_details"] = counted["output_tokens_details"]
    return said


def _block_events(index: int, block: Wire, pieces: tuple[str, ...]) -> Iterator[Event]:
    kind = block["type"]
    empty = {
        "text": {"type": "text", "text": ""},
        "thinking": {"type": "thinking", "thinking": "", "signature": ""},
        "tool_use": {**block, "input": {}},
        "server_tool_use": {**block, "input": {}},
    }.get(kind, block)
    # A call is seen by the client as soon as its name is known; text and thoughts only with their first piece.
    yield _event(
        {"type": "content_block_start", "index": index, "content_block": empty},
        content=kind == "tool_use",
        padding=index + 1,
    )
    for delta in _deltas(block, pieces):
        seen = delta["type"] in ("text_delta", "thinking_delta", "input_json_delta")
        yield _event({"type": "content_block_delta", "index": index, "delta": delta}, content=seen, padding=len(kind))
    yield _event({"type": "content_block_stop", "index": index}, padding=9)


def _deltas(block: Wire, pieces: tuple[str, ...]) -> Iterator[Wire]:
    match block["type"]:
        case "text":
            for piece in pieces:
                yield {"type": "text_delta", "text": piece}
        case "thinking":
            text = block["thinking"]
            for piece in (text[: len(text) // 2], text[len(text) // 2 :]) if text else ():
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use" | "server_tool_use":
            if not block["input"]:
                return  # a call without arguments may never say so
            yield {"type": "input_json_delta", "partial_json": ""}
            text = json.dumps(block["input"], ensure_ascii=False)
            for start in range(0, len(text), 9):
                yield {"type": "input_json_delta", "partial_json": text[start : start + 9]}
