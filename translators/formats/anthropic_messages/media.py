"""Images and documents of a request to their blocks: by base64, by address, or by an id of Anthropic's own file store.

The bytes say what an image is, whatever its label claims. Text files travel as text, PDF as PDF; nothing else has a block.
Source: https://platform.claude.com/docs/en/build-with-claude/vision, /pdf-support and /files
"""

from __future__ import annotations

import base64

from translators.canonical import Media, Transform
from translators.formats import Wire

from .errors import unsupported

OWNER = "anthropic"
"""Whose file ids can be sent."""

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_PDF = "application/pdf"
_BEGINNINGS = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("JVBERi", _PDF),
)
_TEXTS = frozenset(
    {
        "application/csv",
        "application/javascript",
        "application/json",
        "application/sql",
        "application/toml",
        "application/typescript",
        "application/x-ndjson",
        "application/x-sh",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)
_ALIASES = {"image/jpg": "image/jpeg", "application/x-pdf": _PDF}


def render_media(media: Media, where: str, transforms: list[Transform]) -> Wire:
    """The block for an image or a file. Raises `UpstreamError(UNSUPPORTED)` for sound, video and formats without a block."""
    if media.kind not in ("image", "file"):
        raise unsupported(f"{media.kind} input", where)
    if media.detail is not None:
        transforms.append(Transform(f"{where}.detail", "dropped", "images are taken as they are"))
    if media.file_id is not None:
        if media.provider != OWNER:
            raise unsupported("a file that another provider keeps", where)
        return _block(media, media.kind, {"type": "file", "file_id": media.file_id})
    label, data = _content(media, where)
    if data is None:
        if not (media.url or "").lower().startswith("https://"):
            raise unsupported(f"a {media.kind} at an address that is not https", where)
        return _block(media, media.kind, {"type": "url", "url": media.url})
    found = _sniffed(data)
    mime = found or _ALIASES.get(label, label)
    if found is not None and label and _ALIASES.get(label, label) != found:
        transforms.append(Transform(f"{where}.mime", "mapped", f"the bytes are {found}, not what the label says"))
    if mime in _IMAGES:
        return _block(media, "image", {"type": "base64", "media_type": mime, "data": data})
    if media.kind == "image":
        raise unsupported(f"images of the type {mime or 'unknown'}", where)
    if mime == _PDF:
        return _block(media, "file", {"type": "base64", "media_type": _PDF, "data": data})
    return _block(media, "file", {"type": "text", "media_type": "text/plain", "data": _text(data, mime, where)})


def _block(media: Media, kind: str, source: Wire) -> Wire:
    if kind == "image":
        return {"type": "image", "source": source}
    block: Wire = {"type": "document", "source": source}
    if media.filename:
        block["title"] = media.filename
    return block


def _content(media: Media, where: str) -> tuple[str, str | None]:
    """The label's type without parameters, and the base64 data; None for data that is elsewhere."""
    label, data = media.mime or "", media.data
    if data is None and media.url is not None and media.url.startswith("data:"):
        head, comma, data = media.url[5:].partition(",")
        if not comma or not head.endswith(";base64"):
            raise unsupported("a data URL that is not base64", where)
        label = head.removesuffix(";base64")
    if data is None and media.url is None:
        raise unsupported(f"{media.kind} input that says neither what nor where it is", where)
    return label.partition(";")[0].strip().lower(), data


def _sniffed(data: str) -> str | None:
    for beginning, mime in _BEGINNINGS:
        if data.startswith(beginning):
            return mime
    if data.startswith("UklGR"):
        try:
            head = base64.b64decode(data[:16])
        except ValueError:  # no base64, or no ASCII even
            return None
        return "image/webp" if head[8:12] == b"WEBP" else None
    return None


def _text(data: str, mime: str, where: str) -> str:
    """What a text file says. One without a label is text if it reads as such."""
    if mime and mime not in _TEXTS and not mime.startswith("text/") and not mime.endswith(("+json", "+xml")):
        raise unsupported(f"files of the type {mime}", where)
    try:
        return base64.b64decode(data, validate=True).decode()
    except (ValueError, UnicodeDecodeError):
        raise unsupported("a file that is neither PDF nor text in UTF-8", where) from None
