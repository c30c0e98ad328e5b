"""What a provider's base URL may be, and where it leads. Resolves no names and opens no socket."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from proxy.places import is_loopback_host

from .inline import HINT, key_shape

_DEFAULT_PORTS = {"http": 80, "https": 443}


class BadUrlError(ValueError):
    """A URL that cannot be a base URL. Never repeats it: it may hold a key."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


def normalised(url: str) -> str:
    """`url` without trailing slash. Raises `BadUrlError`."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadUrlError("E-TYPE", "is no URL", "write http:// or https:// and a host") from None
    if parts.username is not None or parts.password is not None or key_shape(url):
        raise BadUrlError("E-SECRET-INLINE", "the URL holds credentials", HINT)
    if parts.scheme not in _DEFAULT_PORTS or not host or any(char.isspace() for char in url):
        raise BadUrlError("E-TYPE", "should be a URL with http or https and a host", "such as http://localhost:11434")
    if parts.query or parts.fragment:
        raise BadUrlError("E-TYPE", "a base URL has no query and no fragment", "put parameters into endpoint.query")
    # 169.254.169.254 and its kin hand out a machine's own credentials; no model is served there.
    if host.startswith(("169.254.", "fe80:")) or host in ("metadata.google.internal", "metadata"):
        raise BadUrlError("E-TYPE", "the URL leads to a link-local or metadata address", "name the model server itself")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether a normalised URL leads to this machine."""
    return is_loopback_host(urlsplit(url).hostname or "")


def same_origin(one: str, other: str) -> bool:
    """Whether two normalised URLs have scheme, host and port in common."""
    return _origin(one) == _origin(other)


def is_everywhere(address: str) -> bool:
    """Whether a listener at `address` listens on every address of this machine."""
    try:
        return address == "" or ip_address(address.strip("[]")).is_unspecified
    except ValueError:  # a name
        return False


def reached_at(address: str) -> str:
    """The host part of the URL by which a listener at `address` is reached from this machine."""
    if not is_everywhere(address):
        return f"[{address}]" if ":" in address else address
    return "[::1]" if ":" in address else "127.0.0.1"  # what listens on `::` takes no IPv4 (asyncio, IPV6_V6ONLY)


def leads_to(url: str, address: str, port: int) -> bool:
    """Whether a normalised URL is a listener at `address` and `port`. `localhost` is any loopback address."""
    _, host, its_port = _origin(url)
    if its_port != port:
        return False
    return host == address or (is_loopback_host(host) and (is_loopback_host(address) or is_everywhere(address)))


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
