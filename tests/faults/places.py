"""Places that cannot be reached, each in its own way, without leaving the machine."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.support.scripted import ScriptedServer, scripted_server


class Answers(AbstractResolver):
    """A resolver that says the same `addresses` for every name; none means that there is no such name."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if not self._addresses:
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return [_result(host, port, address) for address in self._addresses]

    async def close(self) -> None:
        pass


class Silence(Answers):
    """A resolver that never answers."""

    async def resolve(self, *_: Any, **__: Any) -> list[ResolveResult]:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port that answers no SYN: its backlog is full and nobody accepts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket(family))
        listening.bind((host, port))
        listening.listen(0)
        taken: int = listening.getsockname()[1]
        for _ in range(6):
            filler = stack.enter_context(socket.socket(family))
            filler.setblocking(False)
            filler.connect_ex((host, taken))
        yield taken


@contextmanager
def mute() -> Iterator[int]:
    """A port on which connections stand and nothing is ever said: a TLS handshake hangs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]


@dataclass(frozen=True)
class Certificates:
    """TLS servers that differ in their certificate only, and the file of the authority that signed them."""

    ca_file: str
    sound: ScriptedServer
    expired: ScriptedServer
    wrong_name: ScriptedServer
    self_signed: ScriptedServer


@contextmanager
def tls_servers() -> Iterator[Certificates]:
    """The four servers, each on a port of its own."""
    authority = trustme.CA()
    past = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
    issued = [
        authority.issue_cert("127.0.0.1"),
        authority.issue_cert("127.0.0.1", not_after=past),
        authority.issue_cert("somewhere-else.example"),
    ]
    contexts = [_context(cert.private_key_pem, cert.cert_chain_pems) for cert in issued]
    contexts.append(_context(authority.private_key_pem, [authority.cert_pem]))
    with ExitStack() as stack:
        ca_file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "ca.pem"
        authority.cert_pem.write_to_path(ca_file)
        yield Certificates(str(ca_file), *(stack.enter_context(scripted_server(context)) for context in contexts))


def _context(key: trustme.Blob, chain: Sequence[trustme.Blob]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_bytes(b"".join([key.bytes(), *(blob.bytes() for blob in chain)]))
        context.load_cert_chain(path)
    return context
