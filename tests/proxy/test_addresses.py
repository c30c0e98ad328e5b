"""Which addresses are public, in every spelling that hides an IPv4 address."""

from __future__ import annotations

import pytest

from proxy.addresses import is_among, is_link_local, is_public, parse_address


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "2001:0:7f00:1::",
    ],
)
def test_an_address_inside_someones_network_is_not_public(text: str) -> None:
    assert not is_public(parse_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::"])
def test_a_public_address_is_public_in_every_spelling(text: str) -> None:
    assert is_public(parse_address(text))


@pytest.mark.parametrize("text", ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1"])
def test_a_link_local_address_is_one_in_every_spelling(text: str) -> None:
    assert is_link_local(parse_address(text))


def test_loopback_is_not_link_local() -> None:
    assert not is_link_local(parse_address("127.0.0.1"))


def test_a_name_is_no_address() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        parse_address("localhost")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("api.example", True),
        ("API.example.", True),
        ("eu.openai.example", True),
        ("a.b.openai.example", True),
        ("openai.example", False),
        ("evil-openai.example", False),
        ("api.example.evil.example", False),
        ("notapi.example", False),
        ("", False),
    ],
)
def test_a_host_is_allowed_by_its_whole_name_or_below_a_suffix(host: str, allowed: bool) -> None:
    assert is_among(host, ("api.example", "*.OpenAI.example")) is allowed


def test_an_empty_list_lets_nothing_out() -> None:
    assert not is_among("127.0.0.1", ())
