"""How Gemini answers: candidates with parts, whole or chunk by chunk, as recorded from Gemini 2.5 and 3 on both surfaces.

Text and thoughts are deltas, calls come whole; only the first call of a batch is signed, and a text answer's signature
comes on an empty text part of its own when it is streamed. `finishReason` is STOP even for calls, in a chunk of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.script import Answer, Call, Say, Thought
from proxy.conformance.simulators.seals import Seals
from proxy.conformance.simulators.server import Event, sse

from .checks import CONTINUE
from .contents import about
from .models import Rules
from .spelling import get

Wire = dict[str, Any]
_FINISHES = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "PROHIBITED_CONTENT",
    "pause": "CONTINUATION",
}


def thinks(body: Wire, rules: Rules) -> bool:
    """Whether the model would think about this request."""
    thinking = get(get(body, "generationConfig") or {}, "thinkingConfig") or {}
    budget = get(thinking, "thinkingBudget")
    return rules.thinks if budget is None else budget != 0


def shows(body: Wire) -> bool:
    """Whether it was asked for summaries of its thoughts."""
    thinking = get(get(body, "generationConfig") or {}, "thinkingConfig") or {}
    return bool(get(thinking, "includeThoughts"))


def parts(answer: Answer, body: Wire, model: str, rules: Rules, seals: Seals, turn: str) -> list[tuple[Wire, Any]]:
    """The parts of an answer, each with the block it is of."""
    made: list[tuple[Wire, Any]] = []
    thinking = thinks(body, rules)
    for block in answer.blocks:
        match block:
            case Thought() if thinking and shows(body):
                made.append(({"text": block.text, "thought": True}, block))
            case Say():
                made.append(({"text": block.text}, block))
            case Call():
                call: Wire = {"name": block.name, "args": block.parsed}
                calls = sum(1 for part, _ in made if "functionCall" in part)
                if rules.ids:
                    call["id"] = f"{turn.lower()}fc{calls}"
                part: Wire = {"functionCall": call}
                if calls == 0 and thinking:
                    part["thoughtSignature"] = seals.issue(model=model, place="call", about=about(part)).blob
                made.append((part, block))
    if thinking and rules.signs and made and not answer.calls and "text" in made[-1][0]:
        last = made[-1][0]
        last["thoughtSignature"] = "sign"  # where it stands differs between whole and streamed answers
    return made


def usage(answer: Answer, body: Wire, rules: Rules) -> Wire:
    """Usage in Google's way of counting: thoughts are beside `candidatesTokenCount`, cached tokens within the prompt."""
    tokens = answer.tokens
    thoughts = tokens.reasoning if thinks(body, rules) else 0
    counted: Wire = {
        "promptTokenCount": tokens.input,
        "candidatesTokenCount": tokens.output - thoughts,
        "totalTokenCount": tokens.input + tokens.output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.input}],
        "serviceTier": "standard",
    }
    if tokens.cached:
        counted["cachedContentTokenCount"] = tokens.cached
        counted["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": tokens.cached}]
    if thoughts:
        counted["thoughtsTokenCount"] = thoughts
    return counted


def _finish(answer: Answer) -> Wire:
    reason: Wire = {"finishReason": _FINISHES[answer.finish]}
    if answer.calls and answer.finish == "stop":
        reason["finishMessage"] = "Model generated function call(s)."
    if answer.finish == "pause":
        reason["continuationToken"] = CONTINUE
    return reason


def response(answer: Answer, body: Wire, model: str, rules: Rules, seals: Seals, turn: str) -> Wire:
    """The whole answer."""
    made = [part for part, _ in parts(answer, body, model, rules, seals, turn)]
    for part in made:
        if part.get("thoughtSignature") == "sign":
            del part["thoughtSignature"]
            part["thoughtSignature"] = seals.issue(model=model, place="text", about=about(part)).blob
    candidate: Wire = {"content": {"parts": made, "role": "model"}, **_finish(answer), "index": 0}
    if not made:
        candidate["content"] = {"role": "model"}
    candidate |= _logprobs(answer.pieces, body)
    return _envelope([candidate], usage(answer, body, rules), model, turn)


def _logprobs(pieces: tuple[str, ...], body: Wire, start: int = 0) -> Wire:
    """The log probabilities of `pieces`, the first of which is at `start`, where they were asked for."""
    if not get(get(body, "generationConfig") or {}, "responseLogprobs"):
        return {}
    chosen = [
        {"token": piece, "tokenId": index, "logProbability": -0.25 * (index + 1)}
        for index, piece in enumerate(pieces, start)
    ]
    return {"avgLogprobs": -0.25, "logprobsResult": {"chosenCandidates": chosen, "topCandidates": []}}


def _envelope(candidates: list[Wire], counted: Wire, model: str, turn: str) -> Wire:
    return {
        "candidates": candidates,
        "usageMetadata": counted,
        "modelVersion": model,
        "responseId": f"resp-{turn}",
    }


def chunks(
    answer: Answer, body: Wire, model: str, rules: Rules, seals: Seals, turn: str
) -> Iterator[tuple[Wire, bool]]:
    """The chunks of the streamed answer, each with whether the client would see something of the model in it."""
    counted = usage(answer, body, rules)
    early = {name: value for name, value in counted.items() if name != "candidatesTokenCount"}

    def chunk(part: Wire, **members: Any) -> Wire:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": 0, **members}
        return _envelope([candidate], early, model, turn)

    signed = False
    for part, block in parts(answer, body, model, rules, seals, turn):
        signed = signed or part.pop("thoughtSignature", None) == "sign" if "text" in part else signed
        if isinstance(block, Say):
            for position, piece in enumerate(block.pieces):
                yield chunk({"text": piece}, **_logprobs((piece,), body, position)), True
        elif isinstance(block, Thought):
            half = len(block.text) // 2
            for piece in (block.text[:half], block.text[half:]):
                yield chunk({"text": piece, "thought": True}), True
        else:
            yield chunk(part), True
    candidate: Wire = {"content": {"role": "model"}, **_finish(answer), "index": 0}
    if signed:
        last: Wire = {"text": ""}
        last["thoughtSignature"] = seals.issue(model=model, place="text", about=about(last)).blob
        candidate["content"] = {"parts": [last], "role": "model"}
    yield _envelope([candidate], counted, model, turn), False


def events(answer: Answer, body: Wire, model: str, rules: Rules, seals: Seals, turn: str) -> Iterator[Event]:
    """The same as server-sent events."""
    for chunk, content in chunks(answer, body, model, rules, seals, turn):
        yield Event(sse(chunk, end=b"\r\n\r\n"), content)
