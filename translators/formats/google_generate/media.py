"""Pictures, sound, video and documents as parts: data goes `inlineData`, an address that Google itself can read `fileData`.

Google wants a media type with everything and takes few. Bare data tells its type by its first bytes, files by their name.
Source: https://ai.google.dev/gemini-api/docs/files, .../docs/image-understanding, .../docs/function-calling#multimodal
"""

from __future__ import annotations

from translators.canonical import Media
from translators.formats import Wire

from .refusing import unsupported

_SPELLINGS = {
    "image/jpg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "application/x-pdf": "application/pdf",
    # Text by any other name: Google takes text/* alone.
    "application/json": "text/plain",
    "application/xml": "text/xml",
    "application/yaml": "text/plain",
    "application/x-yaml": "text/plain",
    "application/toml": "text/plain",
    "application/javascript": "text/javascript",
    "application/x-ndjson": "text/plain",
}
_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
_IN_RESULTS = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})
"""What the result of a function may hold itself."""

_EXTENSIONS = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "css": "text/css",
    "xml": "text/xml",
    "json": "text/plain",
    "yaml": "text/plain",
    "yml": "text/plain",
    "py": "text/x-python",
    "js": "text/javascript",
    "ts": "text/plain",
    "wav": "audio/wav",
    "mp3": "audio/mp3",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "m4a": "audio/m4a",
    "mp4": "video/mp4",
    "mov": "video/mov",
    "mpeg": "video/mpeg",
    "webm": "video/webm",
}
_DEFAULTS = {"image": "image/jpeg", "audio": "audio/mpeg", "video": "video/mp4", "file": "application/pdf"}
"""What an address leads to that tells nothing of its type."""

_BEGINNINGS = (
    ("JVBERi0", "application/pdf"),
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
)
"""First characters of base64 and what they are. RIFF is a picture where a picture is expected."""

_YOUTUBE = ("https://www.youtube.com/", "https://youtube.com/", "https://m.youtube.com/", "https://youtu.be/")
_UPLOADED = "https://generativelanguage.googleapis.com/"


def is_googles_own(url: str) -> bool:
    """Whether every endpoint of Google's reads `url` without fetching a stranger's page."""
    return url.startswith(("gs://", _UPLOADED, *_YOUTUBE))


def render_media(media: Media, where: str) -> Wire:
    """The part that `media` makes. Raises `UpstreamError(UNSUPPORTED)` for what Google cannot take."""
    if media.data is None and media.url is None:
        raise unsupported(f"{media.kind} input that is not in the request itself", where)
    mime, data = media.mime, media.data
    if data is None and media.url is not None and media.url.startswith("data:"):
        head, comma, data = media.url[5:].partition(",")
        if not comma or not head.endswith(";base64"):
            raise unsupported("a data URL that is not base64", where)
        mime = mime or head.removesuffix(";base64")
    if data is not None:
        known = _checked(mime or _by_name(media.filename) or _by_content(data, media), media, where)
        return {"inlineData": {"mimeType": known, "data": data}}
    url = media.url or ""
    guessed = mime or _by_name(media.filename) or _by_name(url.partition("?")[0].rpartition("/")[2])
    if guessed is None and not url.startswith(_UPLOADED):  # what was uploaded has its type; Vertex insists on one
        guessed = "video/mp4" if url.startswith(_YOUTUBE) else _DEFAULTS[media.kind]
    source: Wire = {"fileUri": url}
    if guessed is not None:
        source["mimeType"] = _checked(guessed, media, where)
    return {"fileData": source}


def fits_result(part: Wire) -> bool:
    """Whether a function's result may hold this part itself."""
    return next(iter(part.values())).get("mimeType") in _IN_RESULTS


def _checked(mime: str | None, media: Media, where: str) -> str:
    if not mime:
        raise unsupported(f"{media.kind} input of unknown type", where)
    bare = mime.partition(";")[0].strip().lower()
    bare = _SPELLINGS.get(bare, bare)
    if bare in _IMAGES or bare == "application/pdf" or bare.startswith(("audio/", "video/", "text/")):
        return bare
    raise unsupported(f"{bare[:64]} input", where)


def _by_name(name: str | None) -> str | None:
    return _EXTENSIONS.get(name.rpartition(".")[2].lower()) if name and "." in name else None


def _by_content(data: str, media: Media) -> str | None:
    for beginning, mime in _BEGINNINGS:
        if data.startswith(beginning) and (mime != "image/webp" or media.kind == "image"):
            return mime
    return None
