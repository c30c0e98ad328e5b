"""Which IP addresses lie on the public internet, seen through every form that carries an IPv4 address inside an IPv6 one; and
which names a list of hosts covers.

Pure functions over literals: no name is resolved here. Sources: the IANA special-purpose registries as `ipaddress` has them,
RFC 4291 (mapped), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def parse_address(text: str) -> Address:
    """The address of a literal, its zone left out. Raises `ValueError` for a name."""
    return ipaddress.ip_address(text.partition("%")[0])


def is_public(address: Address) -> bool:
    """Whether every address that packets to `address` may end at is public."""
    return all(inner.is_global for inner in _all(address))


def is_link_local(address: Address) -> bool:
    """Whether one of them is link-local, where cloud metadata services live."""
    return any(inner.is_link_local for inner in _all(address))


def is_among(host: str, names: Iterable[str]) -> bool:
    """Whether `host` is one of `names`, or lies below one that is written "*.suffix". Case and a final dot do not matter."""
    name = host.lower().rstrip(".")
    return any(name == each or (each.startswith("*.") and name.endswith(each[1:])) for each in map(str.lower, names))


def _all(address: Address) -> tuple[Address, ...]:
    """The addresses inside `address`; itself when there are none."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address in _NAT64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF),)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return (address,) if address.teredo is None else address.teredo
