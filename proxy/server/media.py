"""Media in requests. joch fetches none; a provider might, so addresses inside someone's network are refused.

One text for every refused address: it must not tell what is there. Names that resolve to private addresses are the fetcher's
own business; what is refused here is what the URL itself says.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

from proxy.addresses import is_public, parse_address
from translators.canonical import Media, RequestError

DATA_LIMIT = 40 * 1024 * 1024
"""The longest inline medium, in base64 characters: 30 MiB of data."""
_LOCAL_SUFFIXES = (".localhost", ".internal", ".local")


def check_media(media: Media) -> None:
    """Raises `RequestError`: 413 for a medium that is too large, else as `check_url`."""
    param = media.origin.pointer if media.origin else None
    if len(media.data or media.url or "") > DATA_LIMIT:
        raise RequestError(
            f"The media data is longer than {DATA_LIMIT} characters: send it as a URL or make it smaller.",
            status=413,
            type="request_too_large",
            code="request_too_large",
            param=_place(param),
        )
    if media.url is not None:
        check_url(media.url, param)


def check_url(url: str, param: str | None) -> None:
    """Raises `RequestError` 400 when `url` names a host that is not public, or is neither http(s) nor data."""
    if url.startswith("data:"):
        return
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        raise _refused(param) from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise _refused(param)
    if host == "localhost" or host.endswith(_LOCAL_SUFFIXES) or not _may_be_public(host):
        raise _refused(param)


def _may_be_public(host: str) -> bool:
    try:
        return is_public(parse_address(host))
    except ValueError:
        return not _is_disguised_address(host)


def _is_disguised_address(host: str) -> bool:
    """Forms that resolvers take for IPv4 literals although `ipaddress` does not: 127.1, 0x7f.1, 2130706433, ①②⑦.1."""
    last = unicodedata.normalize("NFKC", host).rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def _refused(param: str | None) -> RequestError:
    return RequestError("The media URL cannot be used.", param=_place(param), code="invalid_image_url")


def _place(param: str | None) -> str | None:
    return None if param is None else param.strip("/").replace("/", ".")
