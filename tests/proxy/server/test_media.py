"""Media URLs that point into somebody's network are refused, however they are spelled; public ones pass."""

from __future__ import annotations

import pytest

from proxy.server.media import check_url
from translators.canonical import RequestError


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.png",
        "http://127.1/x.png",
        "http://2130706433/x.png",
        "http://0x7f000001/x.png",
        "http://0x7f.1/x.png",
        "http://017700000001/x.png",
        "http://①②⑦.⓪.⓪.①/x.png",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.5/x.png",
        "http://192.168.1.1/",
        "http://[::1]/x.png",
        "http://[::ffff:127.0.0.1]/x.png",
        "http://[fe80::1%25eth0]/x.png",
        "http://[fd00:ec2::254]/",
        "http://localhost/x.png",
        "http://LOCALHOST:8080/x.png",
        "http://localhost./x.png",
        "http://metadata.google.internal/",
        "http://printer.local/",
        "https://user:pass@example.com/x.png",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http:///x.png",
        "//example.com/x.png",
    ],
)
def test_a_url_into_a_private_network_is_refused_with_one_text(url: str) -> None:
    with pytest.raises(RequestError) as refused:
        check_url(url, "/messages/0/content/1")
    assert refused.value.body.message == "The media URL cannot be used."
    assert refused.value.body.param == "messages.0.content.1"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/cat.png",
        "http://8.8.8.8/cat.png",
        "https://xn--bcher-kva.example/cat.png",
        "https://bücher.example/cat.png",
        "https://example.com:8443/a?b=c",
        "data:image/png;base64,AAAA",
    ],
)
def test_a_public_url_passes(url: str) -> None:
    check_url(url, None)
