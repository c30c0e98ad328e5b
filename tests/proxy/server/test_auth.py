"""Who may reach operators' endpoints, by the connection it came over and the token it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from proxy.resources import SecretRef, SecretSource, Settings
from proxy.server.auth import check_operator
from translators.canonical import RequestError

REF = SecretRef(name="admin", source=SecretSource(type="env", location="ADMIN_TOKEN"))
TOKEN = "canary-admin-token"
GUARDED, LOCAL = Settings(admin_token=REF), Settings()


class Connection(asyncio.Transport):
    """A connection from `peer`."""

    def __init__(self, peer: object) -> None:
        super().__init__({"peername": peer})


def reveal(ref: SecretRef) -> str:
    assert ref is REF
    return TOKEN


def never(ref: SecretRef) -> str:
    raise AssertionError("there is no token to look up")


def ask(settings: Settings, peer: object, look_up: Callable[[SecretRef], str] = reveal, **headers: str) -> None:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = make_mocked_request("GET", "/v1/events", sent, transport=Connection(peer))
    check_operator(request, settings, look_up)


def refused(*given: Any, **headers: str) -> RequestError:
    with pytest.raises(RequestError) as error:
        ask(*given, **headers)
    return error.value


@pytest.mark.parametrize(
    "peer",
    [
        ("127.0.0.1", 5),
        ("127.8.9.1", 5),
        ("::1", 5, 0, 0),
        ("::1%lo", 5, 0, 1),
        ("::ffff:127.0.0.1", 5, 0, 0),
    ],
)
def test_without_a_token_this_machine_may(peer: object) -> None:
    ask(LOCAL, peer, never)


@pytest.mark.parametrize(
    "peer",
    [
        ("10.0.0.5", 5),
        ("0.0.0.0", 5),
        ("203.0.113.9", 5),
        ("fe80::1%eth0", 5, 0, 2),
        ("::ffff:10.0.0.5", 5, 0, 0),
        ("localhost", 5),
        ("", 5),
        (),
        "",
        "127.0.0.1",
        None,
    ],
)
def test_without_a_token_nobody_else_may(peer: object) -> None:
    error = refused(LOCAL, peer, never)
    assert (error.status, error.body.type, error.body.code) == (403, "permission_error", "operators_only")


def test_a_request_without_a_connection_is_not_from_here() -> None:
    request = make_mocked_request("GET", "/v1/events", transport=Connection(("127.0.0.1", 5)))
    request._protocol.transport = None  # as after the client left
    with pytest.raises(RequestError) as error:
        check_operator(request, LOCAL, never)
    assert error.value.status == 403


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "X_Real_IP", "x_forwarded_for"])
def test_a_header_lets_nobody_in_and_one_that_tells_of_a_proxy_keeps_out(header: str) -> None:
    assert refused(LOCAL, ("10.0.0.5", 5), never, **{header: "127.0.0.1"}).status == 403
    assert refused(LOCAL, ("127.0.0.1", 5), never, **{header: "127.0.0.1"}).status == 403


@pytest.mark.parametrize("peer", [("127.0.0.1", 5), ("10.0.0.5", 5)])
def test_with_a_token_whoever_has_it_may_from_anywhere(peer: object) -> None:
    ask(GUARDED, peer, Authorization=f"Bearer {TOKEN}")
    ask(GUARDED, peer, X_Forwarded_For="10.0.0.5", Authorization=f"bearer {TOKEN}")


@pytest.mark.parametrize("given", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "canäry"])
def test_with_a_token_nobody_else_may_not_even_from_here(given: str) -> None:
    error = refused(GUARDED, ("127.0.0.1", 5), Authorization=f"Bearer {given}")
    assert error.status == 401
    assert "canary" not in error.body.message


def test_without_any_key_the_refusal_asks_for_one() -> None:
    error = refused(GUARDED, ("127.0.0.1", 5))
    assert (error.status, error.body.code) == (401, None)
    assert "You didn't provide an API key" in error.body.message


def test_the_token_is_looked_up_at_each_use() -> None:
    tokens = iter(["one", "two"])

    def rotating(ref: SecretRef) -> str:
        return next(tokens)

    ask(GUARDED, ("10.0.0.5", 5), rotating, Authorization="Bearer one")
    assert refused(GUARDED, ("10.0.0.5", 5), rotating, Authorization="Bearer one").status == 401


def test_while_the_token_cannot_be_looked_up_nobody_may(caplog: pytest.LogCaptureFixture) -> None:
    def gone(ref: SecretRef) -> str:
        raise LookupError("not set")

    error = refused(GUARDED, ("127.0.0.1", 5), gone, Authorization=f"Bearer {TOKEN}")
    assert (error.status, error.body.code) == (503, "admin_token_unavailable")
    assert "admin" in caplog.text
    assert TOKEN not in caplog.text + error.body.message
