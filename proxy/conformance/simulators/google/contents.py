"""What Google demands of a conversation: roles, parts, function turns, and signatures where they were put.

Sources: Google's function-calling and thought-signature pages (rules and error texts), recordings of Gemini 2.5 and 3.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from proxy.conformance.simulators.fields import camel, fields
from proxy.conformance.simulators.seals import Seals

from .models import Rules
from .saying_no import refuse, unknown_field
from .spelling import get

Wire = dict[str, Any]

DUMMY = "skip_thought_signature_validator"
"""Google's documented stand-in for the signature of a call that another model made."""
_DUMMIES = frozenset({DUMMY, base64.b64encode(DUMMY.encode()).decode()})
_PART = fields(
    "text thought thoughtSignature inlineData fileData functionCall functionResponse executableCode codeExecutionResult "
    "toolCall toolResponse videoMetadata mediaResolution"
)
_DATA = fields(
    "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse"
)
_FIELDS = {
    "functionCall": fields("id name args partialArgs willContinue"),
    "functionResponse": fields("id name response parts willContinue scheduling"),
    "inlineData": fields("mimeType data displayName"),
    "fileData": fields("mimeType fileUri displayName"),
}
_MIMES = re.compile(
    r"image/(?:png|jpeg|webp|heic|heif)\Z|audio/(?:wav|x-wav|mp3|mpeg|aiff|aac|ogg|flac)\Z"
    r"|video/(?:mp4|mpeg|mov|quicktime|avi|x-flv|mpg|webm|wmv|3gpp)\Z|application/pdf\Z|text/[\w.+-]+\Z|application/json\Z"
)
_URI = re.compile(r"https://generativelanguage\.googleapis\.com/|https://(?:www\.|m\.)?youtu")
_URL_SAFE = str.maketrans("-_", "+/")
MISSING = (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and "
    "missing thought_signature may lead to degraded model performance. Additional data, function call `{name}` , position "
    "{position}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
)
_TURN = "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
_COUNT = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the function "
    "call turn."
)
_AFTER = "Please ensure that function response turn comes immediately after a function call turn."


def kind_of(part: Wire) -> str:
    """Which kind of data a part holds."""
    return next((camel(name) for name in part if camel(name) in _DATA), "")


def check_contents(body: Wire, rules: Rules, seals: Seals, *, vertex: bool) -> None:
    """Raises `RefusedError` for a conversation that generateContent does not take."""
    contents = get(body, "contents")
    if not isinstance(contents, list) or not contents:
        raise refuse("* GenerateContentRequest.contents: contents is not specified")
    for index, content in enumerate(contents):
        _check_content(content, f"contents[{index}]", rules, vertex=vertex)
    if contents[0].get("role", "user") != "user":
        raise refuse(_TURN if _calls(contents[0]) else "Please ensure that the first content is a user turn.")
    if contents[-1].get("role", "user") != "user":
        raise refuse("Please ensure that single turn requests end with a user role or the conversation ends with one.")
    _check_function_turns(contents, rules)
    _check_signatures(contents, rules, seals)


def _check_content(content: Any, at: str, rules: Rules, *, vertex: bool) -> None:
    if not isinstance(content, dict):
        raise refuse(f"Invalid value at '{at}'")
    extra = set(content) - {"role", "parts"}
    if extra:
        raise unknown_field(min(extra), at)
    if content.get("role") not in (None, "user", "model"):
        raise refuse("Please use a valid role: user, model.")
    parts = content.get("parts")
    if not isinstance(parts, list) or not parts:
        raise refuse(f"* GenerateContentRequest.{at}.parts: contents.parts must not be empty.")
    for index, part in enumerate(parts):
        _check_part(part, f"{at}.parts[{index}]", rules, vertex=vertex)
    if all(kind_of(part) == "text" and not part["text"] and not get(part, "thoughtSignature") for part in parts):
        raise refuse("Unable to submit request because it must have a text parameter.")


def _check_part(part: Any, at: str, rules: Rules, *, vertex: bool) -> None:
    if not isinstance(part, dict):
        raise refuse(f"Invalid value at '{at}'")
    for name in part:
        if camel(name) not in _PART:
            raise unknown_field(name, at)
    kinds = [name for name in part if camel(name) in _DATA]
    if len(kinds) != 1:
        raise refuse(f"* {at}.data: required oneof field 'data' must have one initialized field")
    kind, value = camel(kinds[0]), part[kinds[0]]
    if kind in _FIELDS:
        for name in value:
            if camel(name) not in _FIELDS[kind]:
                raise unknown_field(name, f"{at}.{kinds[0]}")
    _check_value(kind, value, at)
    if kind == "fileData" and not vertex and not _URI.match(str(get(value, "fileUri"))):
        raise refuse("Cannot fetch content from the provided URL. Please ensure the URL is valid and accessible.")
    if kind == "fileData" and vertex and not get(value, "mimeType"):
        raise refuse(f"{at}.file_data.mime_type: must be set.")


def _check_value(kind: str, value: Any, at: str) -> None:
    if kind == "functionCall" and not isinstance(value.get("args", {}), dict):
        raise refuse(f"Invalid value at '{at}.function_call.args' (type.googleapis.com/google.protobuf.Struct)")
    if kind == "inlineData":
        _check_inline(value, at)
    if kind != "functionResponse":
        return
    if not isinstance(value.get("response"), dict):
        raise refuse(f"Invalid value at '{at}.function_response.response' (type.googleapis.com/google.protobuf.Struct)")
    for index, below in enumerate(value.get("parts") or ()):
        if kind_of(below) == "inlineData":
            _check_inline(get(below, "inlineData"), f"{at}.function_response.parts[{index}]")


def _check_inline(value: Wire, at: str) -> None:
    mime, data = get(value, "mimeType"), get(value, "data")
    if not isinstance(mime, str) or not _MIMES.match(mime):
        raise refuse(f"Unsupported MIME type: {mime}")
    try:
        raw = base64.b64decode((data or "").translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        raise refuse(f"Invalid value at '{at}.inline_data.data' (TYPE_BYTES), Base64 decoding failed") from None
    magic = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "application/pdf": b"%PDF"}.get(mime, b"")
    if not raw or not raw.startswith(magic):
        raise refuse("Unable to process input image. Please retry or report.")


def _calls(content: Wire) -> list[Wire]:
    return [get(part, "functionCall") for part in content["parts"] if kind_of(part) == "functionCall"]


def _responses(content: Wire) -> list[Wire]:
    return [get(part, "functionResponse") for part in content["parts"] if kind_of(part) == "functionResponse"]


def _check_function_turns(contents: list[Wire], rules: Rules) -> None:
    seen: set[str] = set()
    for index, content in enumerate(contents):
        before = contents[index - 1] if index else None
        calls, responses = _calls(content), _responses(content)
        if calls:
            if content.get("role") != "model" or before is None or before.get("role", "user") != "user":
                raise refuse(_TURN)
            following = contents[index + 1] if index + 1 < len(contents) else None
            if following is None or len(_responses(following)) != len(calls):
                raise refuse(_COUNT)
            ids = [call["id"] for call in calls if call.get("id")]
            if len(set(ids)) != len(ids) or seen & set(ids):
                raise refuse("Please ensure that function call ids are unique.")
            seen |= set(ids)
        if responses:
            if content.get("role") == "model" or before is None or not _calls(before):
                raise refuse(_AFTER)
            _check_matching(_calls(before), responses, rules)


def _check_matching(calls: list[Wire], responses: list[Wire], rules: Rules) -> None:
    for call, response in zip(calls, responses, strict=False):
        if call.get("name") != response.get("name"):
            raise refuse(
                f"Please ensure that function response `{response.get('name')}` matches the function call `{call['name']}`."
            )
        if rules.ids and (call.get("id") or response.get("id")) and call.get("id") != response.get("id"):
            raise refuse(
                f"Function response id {response.get('id')!r} does not match function call id {call.get('id')!r}."
            )


def _is_user_text(content: Wire) -> bool:
    """Whether a real user turn begins here, which ends the tool loop before it."""
    return content.get("role", "user") == "user" and not _responses(content)


def about(part: Wire) -> str:
    """What a signature on a part is tied to: the kind of the part and what it holds."""
    kind = kind_of(part)
    if kind == "functionCall":
        call = get(part, "functionCall")
        return f"call|{call['name']}|{json.dumps(call.get('args') or {}, sort_keys=True)}"
    if kind == "text":
        return f"{'thought' if part.get('thought') else 'text'}|{part['text']}"
    return kind


def _check_signatures(contents: list[Wire], rules: Rules, seals: Seals) -> None:
    """Whatever is signed was signed like that; in the running turn the first call of every step is signed."""
    start = max((index for index, content in enumerate(contents) if _is_user_text(content)), default=-1)
    for index, content in enumerate(contents):
        first = True
        for position, part in enumerate(content["parts"]):
            blob = get(part, "thoughtSignature")
            if blob is not None:
                _check_signature(part, blob, rules, seals, index, first_call=first)
            if kind_of(part) != "functionCall":
                continue
            if first and blob is None and index > start and rules.signs:
                name = get(part, "functionCall")["name"]
                raise refuse(MISSING.format(name=name, position=position + 1))
            first = False


def _check_signature(part: Wire, blob: Any, rules: Rules, seals: Seals, index: int, *, first_call: bool) -> None:
    if blob in _DUMMIES:
        if kind_of(part) != "functionCall" or not first_call or not rules.signs:
            raise refuse("Invalid thought signature.")
        return
    seal = seals.of(blob)
    if seal is None:
        raise refuse("Invalid thought signature.")
    if seal.about != about(part):
        raise refuse("Corrupted thought signature.")
