"""Requests whose framing can be read in two ways, or that are not HTTP at all.

Written from RFC 9112 (sections 2.2, 5.1, 5.2, 6.1 to 6.3, 7.1) and the request-smuggling literature. Each must be refused, or be
exactly one request; the bytes behind it must never become a second one.
"""

from __future__ import annotations

from .raw import CHAT

_START = f"POST {CHAT} HTTP/1.1\r\n".encode()
_HEAD = _START + b"Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
_SECOND = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def _with(headers: bytes, body: bytes = b"") -> bytes:
    return _HEAD + headers + b"\r\n\r\n" + body


CORPUS: dict[str, bytes] = {
    "length and chunked": _with(b"Content-Length: 6\r\nTransfer-Encoding: chunked", b"0\r\n\r\nG" + _SECOND),
    "chunked and length": _with(b"Transfer-Encoding: chunked\r\nContent-Length: 6", b"0\r\n\r\nG" + _SECOND),
    "two lengths that differ": _with(b"Content-Length: 0\r\nContent-Length: 40", _SECOND),
    "two lengths that agree": _with(b"Content-Length: 2\r\nContent-Length: 2", b"{}"),
    "a list of lengths": _with(b"Content-Length: 2, 2", b"{}"),
    "a signed length": _with(b"Content-Length: +2", b"{}"),
    "a negative length": _with(b"Content-Length: -1"),
    "a hexadecimal length": _with(b"Content-Length: 0x2", b"{}"),
    "a length with an underscore": _with(b"Content-Length: 1_0", b"{}" * 5),
    "a length of twenty digits": _with(b"Content-Length: 99999999999999999999"),
    "a length in other digits": _with("Content-Length: \uff12".encode(), b"{}"),
    "an unknown transfer coding": _with(b"Transfer-Encoding: xchunked", b"0\r\n\r\n" + _SECOND),
    "chunked, but not last": _with(b"Transfer-Encoding: chunked, identity", b"0\r\n\r\n" + _SECOND),
    "chunked twice": _with(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    "gzip before chunked": _with(b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
    "a space before the colon": _with(b"Transfer-Encoding : chunked", b"0\r\n\r\n" + _SECOND),
    "a vertical tab in the coding": _with(b"Transfer-Encoding: \x0bchunked", b"0\r\n\r\n" + _SECOND),
    "chunked in HTTP/1.0": _HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "bare line feeds": _with(b"Content-Length: 2", b"{}").replace(b"\r\n", b"\n"),
    "one bare line feed": _with(b"X-One: 1\nContent-Length: 2", b"{}"),
    "a bare carriage return": _with(b"X-One: 1\rX-Two: 2\r\nContent-Length: 2", b"{}"),
    "a folded header": _with(b"X-One: 1\r\n and more\r\nContent-Length: 2", b"{}"),
    "a zero byte in a value": _with(b"X-One: a\x00b\r\nContent-Length: 2", b"{}"),
    "two hosts": _with(b"Host: localhost\r\nContent-Length: 2", b"{}"),
    "no host": _START + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "an empty header name": _with(b": x\r\nContent-Length: 2", b"{}"),
    "a space in a header name": _with(b"X One: 1\r\nContent-Length: 2", b"{}"),
    "a header name in UTF-8": _with("X-É: 1\r\nContent-Length: 2".encode(), b"{}"),
    "ten thousand headers": _with(b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"Content-Length: 2", b"{}"),
    "a header of 100 KB": _with(b"X-Big: " + b"a" * 100_000 + b"\r\nContent-Length: 2", b"{}"),
    "a target of 100 KB": b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a space in the target": b"POST /v1/chat completions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a target in UTF-8": b"POST /\xc3\xa9 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"GET /v1/nothing\r\n\r\n",
    "HTTP/1.9": _with(b"Content-Length: 2", b"{}").replace(b"HTTP/1.1", b"HTTP/1.9"),
    "HTTP/2.0": _with(b"Content-Length: 2", b"{}").replace(b"HTTP/1.1", b"HTTP/2.0"),
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "a method in lower case": _with(b"Content-Length: 2", b"{}").replace(b"POST", b"post"),
    "a method with a mark": _with(b"Content-Length: 2", b"{}").replace(b"POST", b"P@ST"),
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a chunk size with a prefix": _with(b"Transfer-Encoding: chunked", b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk size": _with(b"Transfer-Encoding: chunked", b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size of 17 digits": _with(b"Transfer-Encoding: chunked", b"f" * 17 + b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk without its line end": _with(b"Transfer-Encoding: chunked", b"2\r\n{}X0\r\n\r\n"),
    "chunks that end in line feeds": _with(b"Transfer-Encoding: chunked", b"2\n{}\n0\n\n"),
    "a line feed in a chunk extension": _with(b"Transfer-Encoding: chunked", b"2;a\nb\r\n{}\r\n0\r\n\r\n"),
    "headers behind the body": _with(
        b"Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\nHost: evil\r\nAuthorization: x\r\n\r\n"
    ),
    "ten thousand trailers": _with(
        b"Transfer-Encoding: chunked",
        b"2\r\n{}\r\n0\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
    ),
    "an upgrade to h2c": _with(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 2", b"{}"
    ),
    "a body on GET": b"GET /v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 40\r\n\r\n" + _SECOND,
    "Connection names the length": _with(b"Connection: content-length\r\nContent-Length: 2", b"{}"),
    "Expect": _with(b"Expect: 200-maybe\r\nContent-Length: 2", b"{}"),
}
"""None of these is an answerable call: the body is `{}` or nothing, so even a well-framed one gets a 4xx."""
