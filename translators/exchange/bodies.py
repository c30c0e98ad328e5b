"""Bytes and JSON at the edge: bodies parsed with a second look, edits applied, names spliced into the client's own bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from translators.canonical import REMOVED, Patch, Reason, Request, Source, UpstreamError
from translators.formats import Tally, Wire
from translators.formats.json import dumps, is_utf8, loads, loads_mending_numbers, loads_mending_surrogates


def parse_whole(raw: bytes) -> Wire:
    """The JSON object of a whole answer. Raises `UpstreamError(BAD_RESPONSE)` with the precise failure."""
    return parse_body(raw, Tally())[0]


def parse_body(raw: bytes, tally: Tally) -> tuple[Wire, bool]:
    """As `parse_whole`, and whether the bytes themselves are fit to be passed on."""
    faithful = True
    try:
        wire = loads(raw)
    except ValueError:
        wire, faithful = _second_look(raw, tally)
    if not isinstance(wire, dict):
        raise UpstreamError(
            Reason.BAD_RESPONSE, "The provider's answer is not a JSON object.", failure="bad_shape", billed_risk=True
        )
    return wire, faithful


def _second_look(raw: bytes, tally: Tally) -> tuple[Any, bool]:
    """What other parsers let pass: halves of surrogate pairs, and numbers that JSON does not have."""
    try:
        wire = loads_mending_surrogates(raw)
    except ValueError:
        pass
    else:
        tally.note("surrogate")
        return wire, True
    try:
        return loads_mending_numbers(raw), False
    except (ValueError, RecursionError):
        failure = "bad_json" if is_utf8(raw) else "bad_utf8"
        raise UpstreamError(
            Reason.BAD_RESPONSE, "The provider's answer is not valid JSON.", failure=failure, billed_risk=True
        ) from None


def apply_patches(body: Wire, patches: Iterable[Patch]) -> Wire:
    """A copy of `body` with the edits made; what no edit touches is shared, not copied."""
    result: Any = body
    for patch in patches:
        result = _patched(result, [_unescaped(part) for part in patch.pointer.split("/")[1:]], patch.value)
    return dict(result)


def _patched(node: Any, path: list[str], value: Any) -> Any:
    head, *rest = path
    if isinstance(node, list):
        index = int(head)
        changed = list(node)
        if rest:
            changed[index] = _patched(node[index], rest, value)
        elif value is REMOVED:
            del changed[index]
        else:
            changed[index] = value
        return changed
    members = dict(node) if isinstance(node, dict) else {}
    if rest:
        members[head] = _patched(members.get(head), rest, value)
    elif value is REMOVED:
        members.pop(head, None)
    else:
        members[head] = value
    return members


def written(body: Wire) -> bytes:
    """A request's body as bytes. Raises `UpstreamError` for one that is nested deeper than JSON is written here."""
    try:
        return dumps(body)
    except TypeError:
        raise UpstreamError(Reason.UNSUPPORTED, "The request is nested too deeply.", failure="nesting") from None


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def source_of(request: Request) -> Source:
    if request.source is None:  # `choose` gives these lanes only to requests that have one
        raise AssertionError("a request without its source cannot be sent as it came")
    return request.source


def spliced(source: Source, model: str, wanted: Wire) -> bytes | None:
    """The raw bytes with the two permitted changes, or None where splicing would not be safe."""
    raw = source.raw
    name = source.body.get("model")
    if name != model:
        at = raw.find(b'"model"')
        if at < 0 or raw.find(b'"model"', at + 7) >= 0 or not isinstance(name, str):
            return None
        old = dumps(name)
        start = raw.find(old, at + 7)
        if start < 0 or raw[at + 7 : start].strip() != b":":
            return None
        raw = b"%b%b%b" % (raw[:start], dumps(model), raw[start + len(old) :])
    if wanted is not source.body:
        added = [member for member in wanted if member not in source.body]
        if not added:
            return None  # the member is there with other content
        raw = raw.rstrip()
        for member in added:
            raw = b"%b,%b:%b}" % (raw[:-1].rstrip(), dumps(member), dumps(wanted[member]))
    return raw
