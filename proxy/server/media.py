"""Media URLs in requests. joch fetches none; a provider might, so addresses inside someone's network are refused.

One text for every refusal: it must not tell what is there. Names that resolve to private addresses are the fetcher's own
business; what is refused here is what the URL itself says.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from urllib.parse import urlsplit

from translators.canonical import RequestError

_LOCAL_SUFFIXES = (".localhost", ".internal", ".local")


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
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return not _is_disguised_address(host)
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_global


def _is_disguised_address(host: str) -> bool:
    """Forms that resolvers take for IPv4 literals although `ipaddress` does not: 127.1, 0x7f.1, 2130706433, ①②⑦.1."""
    last = unicodedata.normalize("NFKC", host).rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def _refused(param: str | None) -> RequestError:
    place = None if param is None else param.strip("/").replace("/", ".")
    return RequestError("The media URL cannot be used.", param=place, code="invalid_image_url")
