"""Content parts of messages and of call outputs in a Responses request.

Parts of a type nobody here knows become `Native`. Media may come by URL, as base64 or by the id of an uploaded file; nothing
is fetched or decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from translators.canonical import Block, Media, Native, Origin, Refusal, Text

from . import checks
from .items import (
    FORMAT,
    OUTPUT_TEXT_MEMBERS,
    REFUSAL_MEMBERS,
    item_origin,
    parse_cache,
    parse_data_url,
    parse_output_text,
    plain_origin,
    rest_of,
)

OWNER = "openai"
"""Whose blobs and files a client of this format sends back, unless an envelope of ours says otherwise."""

_PART_TYPES = ("input_text", "input_image", "input_file", "output_text", "refusal")
_CHAT_PART_TYPES = frozenset({"text", "image_url", "file"})
_TEXT_MEMBERS = frozenset({"type", "text", "prompt_cache_breakpoint"})
_IMAGE_MEMBERS = frozenset({"type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"})
_FILE_MEMBERS = frozenset({"type", "file_data", "file_id", "file_url", "filename", "detail", "prompt_cache_breakpoint"})
_AUDIO_MEMBERS = frozenset({"type", "input_audio", "prompt_cache_breakpoint"})


def parse_parts(
    parts: object,
    ordinal: int,
    member: str,
    item: dict[str, Any] | None = None,
    item_rest: dict[str, Any] | None = None,
) -> list[Block]:
    """The parts in `member` of input item `ordinal`. `item`: the assistant's message, whose id the blocks carry.

    What is not modelled of that message rides on its first block, as the member "message" of its rest.
    """
    if parts is None:
        return []
    if type(parts) is not list:
        raise checks.invalid_type(f"input[{ordinal}].{member}", "a string or an array of objects", parts)
    blocks: list[Block] = []
    for index, part in enumerate(parts):
        if type(part) is not dict:
            raise checks.invalid_type(f"input[{ordinal}].{member}[{index}]", "an object", part)
        kind = part.get("type")
        found = _PARTS.get(kind) if type(kind) is str else None
        if found is None:
            _check_type(part, f"input[{ordinal}].{member}[{index}]")
        rest = rest_of(part, found[1]) if found else None
        if item_rest and index == 0:
            rest = {**(rest or {}), "message": item_rest}
        pointer = f"/input/{ordinal}/{member}/{index}"
        if item is None and rest is None:
            origin = plain_origin(pointer, ordinal)
        else:
            origin = item_origin(item or {}, "message", ordinal, pointer, rest)
        blocks.append(found[0](part, origin) if found else Native(FORMAT, part, origin))
    return blocks


def _check_type(part: dict[str, Any], at: str) -> None:
    """A part nobody here knows is carried; one without a type, or spelled as in chat, is a mistake."""
    kind = checks.required_string(part, "type", at)
    if kind in _CHAT_PART_TYPES:
        raise checks.invalid_value(f"{at}.type", kind, _PART_TYPES)


def place_of(origin: Origin) -> str:
    """Where a part stands, as errors name it: "/input/0/content/1" is "input[0].content[1]"."""
    _, member, *steps = (origin.pointer or "").split("/")
    return member + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps)


def _text(part: dict[str, Any], key: str, origin: Origin) -> str:
    value = part.get(key)
    return value if type(value) is str else checks.required_string(part, key, place_of(origin))


def _parse_text_part(part: dict[str, Any], origin: Origin) -> Block:
    return Text(_text(part, "text", origin), (), None, parse_cache(part) if len(part) > 2 else None, origin)


def _parse_output_text_part(part: dict[str, Any], origin: Origin) -> Block:
    for key in ("annotations", "logprobs"):
        if type(part.get(key)) not in (list, type(None)):
            checks.array(part, key, place_of(origin))
    return parse_output_text(part, _text(part, "text", origin), origin)


def _parse_refusal_part(part: dict[str, Any], origin: Origin) -> Block:
    return Refusal(_text(part, "refusal", origin), origin=origin)


def _parse_image_part(part: dict[str, Any], origin: Origin) -> Block:
    at = place_of(origin)
    url, file_id = checks.string(part, "image_url", at), checks.string(part, "file_id", at)
    if url is None and file_id is None:
        raise checks.missing(f"{at}.image_url")
    mime, data = (parse_data_url(url) if url else None) or (None, None)
    return Media(
        kind="image",
        url=None if data is not None else url,
        data=data,
        mime=mime,
        file_id=file_id,
        detail=checks.string(part, "detail", at),
        provider=OWNER if file_id else None,
        cache=parse_cache(part),
        origin=origin,
    )


def _parse_file_part(part: dict[str, Any], origin: Origin) -> Block:
    at = place_of(origin)
    data, file_id = checks.string(part, "file_data", at), checks.string(part, "file_id", at)
    url = checks.string(part, "file_url", at)
    if data is None and file_id is None and url is None:
        raise checks.missing(f"{at}.file_data")
    mime: str | None = None
    if data is not None:
        mime, data = parse_data_url(data) or (None, data)
    return Media(
        kind="file",
        url=url,
        data=data,
        mime=mime,
        file_id=file_id,
        filename=checks.string(part, "filename", at),
        detail=checks.string(part, "detail", at),
        provider=OWNER if file_id else None,
        cache=parse_cache(part),
        origin=origin,
    )


def _parse_audio_part(part: dict[str, Any], origin: Origin) -> Block:
    at = place_of(origin)
    audio = checks.mapping(part, "input_audio", at)
    if audio is None:
        raise checks.missing(f"{at}.input_audio")
    sound = f"{at}.input_audio"
    return Media(
        kind="audio",
        data=checks.required_string(audio, "data", sound),
        mime=f"audio/{checks.required_string(audio, 'format', sound)}",
        cache=parse_cache(part),
        origin=origin,
    )


_PARTS: dict[str, tuple[Callable[[dict[str, Any], Origin], Block], frozenset[str]]] = {
    "input_text": (_parse_text_part, _TEXT_MEMBERS),
    "output_text": (_parse_output_text_part, OUTPUT_TEXT_MEMBERS),
    "input_image": (_parse_image_part, _IMAGE_MEMBERS),
    "input_file": (_parse_file_part, _FILE_MEMBERS),
    "input_audio": (_parse_audio_part, _AUDIO_MEMBERS),
    "refusal": (_parse_refusal_part, REFUSAL_MEMBERS),
}
