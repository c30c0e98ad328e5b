"""Where a model is: how far a prompt travels to it, and whether that satisfies a residency code.

Pure functions over records and literals. No name is resolved here, no socket opened, no clock read, and nothing is decided
about a call: that is the router's. Whatever cannot be told from what is written counts as the farther place.
Sources: REQUIREMENTS G9 to G11; RFC 1918, RFC 3927, RFC 4193, RFC 4291 (addresses), RFC 6761 and RFC 8375 (names).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from proxy.resources import ZONES, Model, Residency, ResidencyRule, Zone
from translators.canonical.value import value

from .addresses import Address, parse_address

ON_PREMISES = frozenset({"on-prem", "local"})
"""What a region is called that is wherever this router is."""

_OPENAI_HOST = "api.openai.com"  # its hosts with a residency promise have a region before it: eu.api.openai.com
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})
_OWN_SUFFIXES = (".local", ".internal", ".lan", ".home.arpa")
_OWN_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    )
)
# Only plain names can be trusted to be looked up as they are written: clients take `%2e` and the full stops of other
# scripts for dots, and numbers for addresses.
_PLAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_NUMBER_LAST = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


@value
class Verdict:
    """Whether a place will do. `detail` says why in plain words; `region` is the one that decided, or "unknown"."""

    ok: bool
    detail: str
    region: str


# --- residency -----------------------------------------------------------------------------------------------------


def known_code(code: str, residency: Residency) -> str | None:
    """The residency code as its rule is called, whatever the case it was written in; None when there is no rule."""
    if code in residency.rules:
        return code
    return next((known for known in residency.rules if known.lower() == code.lower()), None)


def satisfies(model: Model, code: str, residency: Residency) -> Verdict:
    """Whether `model` may be sent what has to stay within `code`.

    `Model.region` decides alone when it is given (G11). Else a model of this machine is where this router is (G9), and
    any other is where `Model.regions` say. A region that nobody named satisfies nothing, and neither does an unknown code.
    """
    known = known_code(code, residency)
    if known is None:
        return Verdict(False, f"there is no residency rule {code}", model.region or "unknown")
    rule = residency.rules[known]
    claims = (model.region,) if model.region else model.regions
    if model.local and not model.region:
        return _on_premises(model, known, rule, residency, claims[0] if claims else "on-prem")
    if not claims:
        return Verdict(False, f"its region is unknown, and {known} is asked for", "unknown")
    verdicts = [_claim(model, known, rule, residency, claim) for claim in claims]
    failed = [verdict for verdict in verdicts if not verdict.ok]
    if failed and (rule.match == "all" or len(failed) == len(verdicts)):
        return failed[0]
    return next(verdict for verdict in verdicts if verdict.ok)


def outside(reported: str, codes: Iterable[str], residency: Residency) -> tuple[str, ...]:
    """Those of `codes` that a call broke which its provider reports to have processed in the region `reported`.

    Providers write regions as people do: "Sweden Central" is swedencentral.
    """
    name = "".join(reported.lower().split())
    return tuple([code for code in codes if not _allows(residency.rules[code], name)])


def doubtful_claim(model: Model) -> str | None:
    """A region in the EU that is claimed for OpenAI's default host, which promises none (G10); None without one."""
    if urlsplit(model.base_url or "").hostname != _OPENAI_HOST:
        return None
    claims = (model.region,) if model.region else model.regions
    return next((claim for claim in claims if _is_european(claim)), None)


def _claim(model: Model, code: str, rule: ResidencyRule, residency: Residency, region: str) -> Verdict:
    if region.lower() in ON_PREMISES:
        return _on_premises(model, code, rule, residency, region)
    if not _allows(rule, region):
        return Verdict(False, f"{region} is outside {code}", region)
    if residency.strict and _is_european(region) and doubtful_claim(model):
        return Verdict(False, f"{_OPENAI_HOST} promises no region, so {region} does not count", region)
    return Verdict(True, f"{region} is in {code}", region)


def _on_premises(model: Model, code: str, rule: ResidencyRule, residency: Residency, region: str) -> Verdict:
    here = residency.locality
    if here is not None:
        if _allows(rule, here):
            return Verdict(True, f"it runs where this router does, and {here} is in {code}", here)
        return Verdict(False, f"it runs where this router does, and {here} is outside {code}", here)
    zone = zone_of(model.base_url, hidden=model.base_url_secret is not None)
    if zone not in ("device", "network"):
        return Verdict(False, f"it is local by its record alone, at an address that may lie outside {code}", region)
    if not residency.trust_local:
        return Verdict(False, "where this router runs is not written, and local models are not trusted", region)
    return Verdict(True, f"data does not leave this {'host' if zone == 'device' else 'network'}", region)


def _allows(rule: ResidencyRule, region: str) -> bool:
    name = region.lower()
    return _matches(name, rule.allow) and not _matches(name, rule.deny)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _is_european(region: str) -> bool:
    return region.lower().startswith(("eu", "eea"))


# --- zones ---------------------------------------------------------------------------------------------------------


def zone_of(base_url: str | None, *, hidden: bool = False) -> Zone:
    """How far a prompt travels to a base URL. None is an adapter within this process, unless its address is `hidden`.

    An address on the internet is "vendor": that it is the operator's own cloud has to be said by the operator.
    """
    if hidden:
        return "vendor"
    if base_url is None:
        return "device"
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return "vendor"
    return _zone_of_host(host)


def wider(zone: Zone, than: Zone) -> bool:
    """Whether a prompt travels farther to `zone` than to `than`."""
    return ZONES.index(zone) > ZONES.index(than)


def is_loopback_host(host: str) -> bool:
    """Whether `host`, a name or an address as written, is this machine and nothing else."""
    address = _literal(host)
    if address is not None:
        return address.is_loopback
    name = host.lower().removesuffix(".")
    return name in _LOOPBACK_NAMES or (name.endswith(".localhost") and _PLAIN.fullmatch(name) is not None)


def _zone_of_host(host: str) -> Zone:
    if is_loopback_host(host):
        return "device"
    address = _literal(host)
    if address is not None:
        if address.is_unspecified:  # who connects to 0.0.0.0 or :: reaches itself
            return "device"
        return "network" if any(address in network for network in _OWN_NETWORKS) else "vendor"
    name = host.lower()
    if name.endswith(".") and name.removesuffix(".").endswith(_OWN_SUFFIXES):
        name = name.removesuffix(".")
    if not _PLAIN.fullmatch(name) or _NUMBER_LAST.fullmatch(name):
        return "vendor"
    return "network" if "." not in name or name.endswith(_OWN_SUFFIXES) else "vendor"


def _literal(host: str) -> Address | None:
    """The address in `host`, an IPv4 one out of its IPv6 form (RFC 4291, 2.5.5.2); None for a name."""
    try:
        address = parse_address(host.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
