"""Requests as bytes, for what no HTTP library would send, and the answers as they come back."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

JSON_HEADERS = "Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Raw:
    """Everything a connection said until it was closed, or until `timeout` passed without a word."""

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


def send(port: int, data: bytes, timeout: float = 5.0) -> Raw:
    """Send `data` to the port on loopback and read what comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        answer = b""
        with suppress(ConnectionError, TimeoutError):  # answered and closed before all of it was sent
            connection.sendall(data)
        try:
            while piece := connection.recv(2**20):
                answer += piece
        except TimeoutError:
            return Raw(answer, closed=False)
        except ConnectionError:
            return Raw(answer, closed=True)
        return Raw(answer, closed=True)


def post(path: str, body: bytes, headers: str = JSON_HEADERS) -> bytes:
    """A POST whose connection is closed behind the answer."""
    head = f"POST {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
