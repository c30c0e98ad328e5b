"""Requests as bytes, for what no HTTP library would send, and the answers as they come back."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.support.joch import RunningJoch

JSON_HEADERS = "Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
CHAT = "/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
"""A chat call that is fine."""
_PATIENCE = 5.0
_GRACE = 0.1


@dataclass(frozen=True)
class Raw:
    """What a connection said, and whether it was seen to end."""

    data: bytes
    closed: bool

    @property
    def statuses(self) -> list[int]:
        """The status of every response on the connection."""
        return [int(line.split(b" ")[1]) for line in self.data.split(b"\r\n") if line.startswith(b"HTTP/1.")]

    @property
    def error(self) -> dict[str, Any]:
        """The error object of the last response's body."""
        error: dict[str, Any] = json.loads(self.data.rpartition(b"\r\n\r\n")[2])["error"]
        return error


def send(port: int, data: bytes, *, to_end: bool = False) -> Raw:
    """Send `data` to the port on loopback and read what comes: one answer, and a little longer in case of a second.

    `to_end` waits until the connection is closed.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        answer = b""
        with suppress(ConnectionError, TimeoutError):  # answered and closed before all of it was sent
            connection.sendall(data)
        try:
            while piece := connection.recv(2**20):
                answer += piece
                if _is_whole(answer) and not to_end:
                    connection.settimeout(_GRACE)
        except TimeoutError:
            return Raw(answer, closed=False)
        except ConnectionError:
            return Raw(answer, closed=True)
        return Raw(answer, closed=True)


def _is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(found) and lengths != [] and len(body) >= int(lengths[0])


def post(path: str, body: bytes, headers: str = JSON_HEADERS) -> bytes:
    """A POST whose connection is closed behind the answer."""
    head = f"POST {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def ask(joch: RunningJoch, body: bytes | Mapping[str, Any], path: str = CHAT) -> Raw:
    """POST `body` to joch and read the answer."""
    return send(joch.app.port, post(path, body if isinstance(body, bytes) else json.dumps(body).encode()))


def refused(answer: Raw, status: int, code: str | None = None, param: str | None = None, says: str = "") -> None:
    """One answer with this status, in the envelope."""
    assert answer.statuses == [status], answer.data[:300]
    assert b"content-type: application/json" in answer.data.lower()
    error = answer.error
    assert error.keys() - {"details"} == {"message", "type", "param", "code"}
    assert code in (None, error["code"]), error
    assert param in (None, error["param"]), error
    assert says in error["message"]
    assert error["message"]
    assert len(error["message"]) < 600
