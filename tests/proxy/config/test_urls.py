import pytest

from proxy.config.urls import BadUrlError, is_loopback, leads_to, normalised, reached_at, same_origin


def test_a_trailing_slash_is_dropped() -> None:
    assert normalised("https://api.openai.com/v1/") == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("localhost:11434", "E-TYPE"),
        ("ftp://host", "E-TYPE"),
        ("http://", "E-TYPE"),
        ("http://host:99999", "E-TYPE"),
        ("http://[::1", "E-TYPE"),
        ("http://ho st", "E-TYPE"),
        ("http://host/?key=1", "E-TYPE"),
        ("http://host/#x", "E-TYPE"),
        ("http://169.254.169.254/latest", "E-TYPE"),
        ("http://metadata.google.internal", "E-TYPE"),
        ("http://user:pw@host", "E-SECRET-INLINE"),
    ],
)
def test_what_is_no_base_url_is_refused_without_repeating_credentials(url: str, code: str) -> None:
    with pytest.raises(BadUrlError) as caught:
        normalised(url)
    assert caught.value.code == code
    assert "user:pw" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("url", "address", "port", "same"),
    [
        ("http://127.0.0.1:8083/v1", "127.0.0.1", 8083, True),
        ("http://localhost:8083", "127.0.0.1", 8083, True),
        ("http://[::1]:8083", "127.0.0.1", 8083, True),
        ("http://127.0.0.1:8083", "0.0.0.0", 8083, True),
        ("http://10.0.0.5:8083", "10.0.0.5", 8083, True),
        ("http://localhost", "127.0.0.1", 80, True),
        ("http://localhost:8084", "127.0.0.1", 8083, False),
        ("http://gpu:8083", "127.0.0.1", 8083, False),
    ],
)
def test_a_way_back_to_the_listener_is_recognised(url: str, address: str, port: int, same: bool) -> None:
    assert leads_to(url, address, port) is same


def test_origins_and_loopback() -> None:
    assert same_origin("https://api.openai.com/v1", "https://api.openai.com:443")
    assert not same_origin("https://api.openai.com", "http://api.openai.com")
    assert is_loopback("http://127.0.0.2:1")
    assert not is_loopback("http://localhost.example.com")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::1", "[::1]"),
        ("::", "[::1]"),
        ("gateway.internal", "gateway.internal"),
    ],
)
def test_a_listener_is_shown_at_an_address_that_a_client_can_use(address: str, host: str) -> None:
    assert reached_at(address) == host


def test_a_name_that_begins_like_a_loopback_address_is_not_this_machine() -> None:
    assert not is_loopback("http://127.evil.example")
