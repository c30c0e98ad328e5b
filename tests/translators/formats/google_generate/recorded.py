"""Recorded exchanges with Google, read without any of the code under test.

`JOCH_RECORDINGS` may name a folder with more recordings of the same shape.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDERS = [Path(__file__).parents[3] / "recordings"]
if "JOCH_RECORDINGS" in os.environ:
    FOLDERS.append(Path(os.environ["JOCH_RECORDINGS"]))

APIS = ("generateContent", "streamGenerateContent")
NATIVE = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")


def exchanges() -> list[dict]:
    found: dict[str, dict] = {}
    for folder in FOLDERS:
        for path in sorted(folder.glob("**/*.json")):
            if path.parent.name in ("google", "vertex") and (exchange := json.loads(path.read_text()))["api"] in APIS:
                found.setdefault(exchange["id"], exchange)
    return list(found.values())


EXCHANGES = exchanges()
ANSWERS = [exchange for exchange in EXCHANGES if exchange["response"]["status"] == 200]


def by_id(chosen: list[dict]) -> list:
    return [pytest.param(exchange, id=exchange["id"]) for exchange in chosen]


def raw(exchange: dict) -> bytes:
    answer = exchange["response"]
    text = answer.get("body_text")
    return (text if text is not None else json.dumps(answer["body_json"])).encode()


def documents(exchange: dict) -> list[dict]:
    """The documents of an answer, in any framing."""
    answer = exchange["response"]
    if answer.get("body_json") is not None:
        whole = answer["body_json"]
        return whole if isinstance(whole, list) else [whole]
    text = answer["body_text"]
    if text.lstrip()[:1] in ("[", "{"):
        whole = json.loads(text)
        return whole if isinstance(whole, list) else [whole]
    events = re.split(r"\r?\n\r?\n", text)
    data = ["\n".join(line[5:].strip() for line in event.splitlines() if line.startswith("data:")) for event in events]
    return [json.loads(each) for each in data if each]


def candidates(exchange: dict, index: int = 0) -> Iterator[dict]:
    for document in documents(exchange):
        for candidate in document.get("candidates", ()):
            if candidate.get("index", 0) == index:
                yield candidate


def parts(exchange: dict, index: int = 0) -> list[dict]:
    return [
        part for candidate in candidates(exchange, index) for part in (candidate.get("content") or {}).get("parts", ())
    ]


def text(found: list[dict]) -> str:
    return "".join(part.get("text", "") for part in found if not part.get("thought"))


def thoughts(found: list[dict]) -> str:
    return "".join(part.get("text", "") for part in found if part.get("thought"))


def calls(found: list[dict]) -> list[tuple[str, dict]]:
    """Name and arguments; arguments that come in pieces are texts of top-level members in the recordings."""
    made: list[tuple[str, dict]] = []
    for part in found:
        call = part.get("functionCall")
        if call is None:
            continue
        if "name" in call:
            made.append((call["name"], dict(call.get("args") or {})))
        for piece in call.get("partialArgs", ()):
            member = piece["jsonPath"].removeprefix("$.")
            made[-1][1][member] = made[-1][1].get(member, "") + piece["stringValue"]
    return made


def signatures(found: list[dict]) -> list[tuple[str, str]]:
    """Every signature and the kind of part it is on, in order."""
    return [(kind(part), part["thoughtSignature"]) for part in found if part.get("thoughtSignature")]


def kind(part: dict) -> str:
    for name in ("functionCall", "inlineData", *NATIVE):
        if name in part:
            return name
    if part.get("thought"):
        return "thought"
    return "text" if part.get("text") else "empty"


def native(found: list[dict]) -> list[dict]:
    return [part for part in found if any(name in part for name in NATIVE)]


def media(found: list[dict]) -> list[tuple[str, str]]:
    return [(part["inlineData"]["mimeType"], part["inlineData"]["data"]) for part in found if "inlineData" in part]


def citations(exchange: dict) -> list[tuple[str, str]]:
    """Address and cited text of every piece that a source supports."""
    found = []
    for candidate in candidates(exchange):
        grounding = candidate.get("groundingMetadata") or {}
        for support in grounding.get("groundingSupports", ()):
            for index in support["groundingChunkIndices"]:
                source = next(iter(grounding["groundingChunks"][index].values()))
                if source.get("uri"):
                    found.append((source["uri"], support["segment"]["text"]))
    return found


def queries(exchange: dict) -> list[str]:
    asked = [
        query
        for candidate in candidates(exchange)
        for query in (candidate.get("groundingMetadata") or {}).get("webSearchQueries", ())
    ]
    return list(dict.fromkeys(query for query in asked if query))


def usage(exchange: dict) -> dict[str, int] | None:
    """The counts of the last document that has any, in OpenAI's arithmetic."""
    counted = [
        document["usageMetadata"]
        for document in documents(exchange)
        if any("TokenCount" in name for name in document.get("usageMetadata", ()))
    ]
    if not counted:
        return None
    last = {name: value or 0 for name, value in counted[-1].items()}
    answer, thinking = last.get("candidatesTokenCount", 0), last.get("thoughtsTokenCount", 0)
    return {
        "input": last.get("promptTokenCount", 0) + last.get("toolUsePromptTokenCount", 0),
        "output": answer + thinking,
        "cached": last.get("cachedContentTokenCount", 0),
        "reasoning": thinking,
        "total": last.get("totalTokenCount", 0),
    }


def blocked(exchange: dict) -> str | None:
    return next(
        (
            document["promptFeedback"]["blockReason"]
            for document in documents(exchange)
            if "blockReason" in document.get("promptFeedback", {})
        ),
        None,
    )


def last_reason(exchange: dict, index: int = 0) -> Any:
    reasons = [candidate["finishReason"] for candidate in candidates(exchange, index) if "finishReason" in candidate]
    return reasons[-1] if reasons else None
