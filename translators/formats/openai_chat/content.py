"""What a `message` or a `delta` says, whichever of the many spellings a server uses.

Reasoning comes as `reasoning_content` (DeepSeek, llama.cpp, SGLang, xAI), `reasoning` (vLLM, Ollama, Groq, OpenRouter),
`thinking`, `reasoning_details` (OpenRouter, Snowflake) or as parts of a content array (Mistral). The first that says something
counts, since several may repeat one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.canonical import JSON, Block, HostedItem, Media, Opaque, ToolCall
from translators.formats import Wire, json

from .messages import split_data_url

REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")


def split_content(content: Any) -> tuple[str, str]:
    """Text and reasoning of a `content` member: a string, null, an array of parts, or (Cloudflare) the JSON asked for."""
    if type(content) is str:
        return content, ""
    if type(content) is dict:
        return json.dumps(content).decode(), ""
    text: list[str] = []
    reasoning: list[str] = []
    for part in content if type(content) is list else ():
        if type(part) is not dict:
            continue
        if type(part.get("text")) is str:
            text.append(part["text"])
        elif part.get("type") == "thinking":
            reasoning.append(split_content(part.get("thinking"))[0])
    return "".join(text), "".join(reasoning)


def reasoning_text(node: Mapping[str, Any]) -> str:
    """The reasoning that stands beside `content`."""
    for key in REASONING_KEYS:
        value = node.get(key)
        if type(value) is dict:
            value = value.get("content") or value.get("text")
        if type(value) is str and value:
            return value
    details = node.get("reasoning_details")
    if type(details) is not list:
        return ""
    texts = (detail.get("text") or detail.get("summary") for detail in details if type(detail) is dict)
    return "".join(text for text in texts if type(text) is str)


def sealed(node: Mapping[str, Any], issuer: str) -> tuple[Opaque, ...]:
    """The signed or encrypted entries of `reasoning_details`, which `issuer` wants back."""
    details = node.get("reasoning_details")
    found: list[Opaque] = []
    for detail in details if type(details) is list else ():
        if type(detail) is not dict:
            continue
        data = detail.get("data") or detail.get("signature")
        if type(data) is str and data:
            found.append(Opaque(issuer, str(detail.get("format") or detail.get("type") or "reasoning_details"), data))
    return tuple(found)


def flat_annotations(annotations: Any) -> tuple[JSON, ...]:
    """Annotations in the flat spelling: a `url_citation` has its members beside its type."""
    if type(annotations) is not list:
        return ()
    return tuple(_flat(annotation) for annotation in annotations if type(annotation) is dict)


def _flat(annotation: Wire) -> Wire:
    kind = annotation.get("type")
    inner = annotation.get(kind) if type(kind) is str else None
    return {"type": kind, **inner} if type(inner) is dict else annotation


def nested_annotations(annotations: tuple[JSON, ...], before: int = 0) -> list[Wire]:
    """The `url_citation`s among canonical annotations as chat nests them. Other kinds have no form here.

    `before` is the length of the texts in front of theirs: in chat all of them are one.
    """
    return [
        {
            "type": "url_citation",
            "url_citation": {key: _placed(key, citation[key], before) for key in citation if key != "type"},
        }
        for citation in annotations
        if type(citation) is dict and citation.get("type") == "url_citation"
    ]


def _placed(key: str, value: JSON, before: int) -> JSON:
    return value + before if key in ("start_index", "end_index") and type(value) is int else value


PARAGRAPH = "\n\n"
"""Stands in chat's one text where a tool was at work between two texts of an answer."""


def parted(said: int, text: str, *, worked: bool) -> str:
    """`text` as it follows `said` characters, parted from them if a tool `worked` in between and nothing parts them yet."""
    return PARAGRAPH + text if worked and said and text and not text[0].isspace() else text


def is_tool(block: Block) -> bool:
    """Whether a tool is at work in `block`, the client's or the provider's own."""
    return isinstance(block, (ToolCall, HostedItem))


def tokens(logprobs: Any, key: str) -> tuple[JSON, ...] | None:
    """The token list `key` ("content" or "refusal") of a choice's `logprobs`; None when there is none."""
    listed = logprobs.get(key) if type(logprobs) is dict else None
    return tuple(listed) if type(listed) is list and listed else None


def audio(node: Any, issuer: str) -> Media | None:
    """The spoken answer of a message, if it is one."""
    if type(node) is not dict or not (node.get("id") or node.get("data")):
        return None
    return Media(
        kind="audio",
        data=node.get("data"),
        file_id=node.get("id"),
        transcript=node.get("transcript"),
        expires_at=node.get("expires_at"),
        provider=issuer,
    )


def image(node: Any) -> Media | None:
    """One entry of `images`, where OpenRouter and others put pictures the model made."""
    place = node.get("image_url") if type(node) is dict else None
    url = place.get("url") if type(place) is dict else None
    if type(url) is not str:
        return None
    mime, data = split_data_url(url)
    return Media(kind="image", url=None if data is not None else url, data=data, mime=mime)
