"""Answers of identity services, and the words for what went wrong."""

import pytest

from proxy.secrets.token_endpoint import Said, TokenEndpoints, TokenError, fetched, refusal
from tests.support.scripted import Pause, ScriptedServer, whole
from translators.canonical import Reason


def said(status: int = 200, **wire: object) -> Said:
    return Said(status, {}, wire)


@pytest.mark.parametrize(
    ("wire", "lifetime"),
    [
        ({"expires_in": 3599}, 3599.0),
        ({"expires_in": "86399", "expires_on": "5"}, 86399.0),
        ({"expires_on": "1795500000"}, 500.0),
        ({"expires_on": 1795499000}, 0.0),
        ({"expires_on": "11/05/2026 10:00:00 AM"}, 3600.0),
        ({}, 3600.0),
        ({"expires_in": float("nan")}, 3600.0),
        ({"expires_in": float("inf")}, 3600.0),
        ({"expires_in": 10**400}, 3600.0),
    ],
)
def test_how_long_a_token_lives(wire: dict[str, object], lifetime: float) -> None:
    assert fetched("S", said(access_token="t", **wire), 1795499500.0).lifetime == lifetime


@pytest.mark.parametrize("token", [None, "", 5, "two words", "line\nbreak", "ü", "nul\0", "\x7f"])
def test_what_could_not_stand_in_a_header_is_no_token(token: object) -> None:
    with pytest.raises(TokenError, match="answered without a token"):
        fetched("S", said(access_token=token), 0.0)


@pytest.mark.parametrize(
    ("status", "wire", "fault", "code", "words"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret s3cr3t provided."},
            "refused",
            "AADSTS7000215",
            "the client secret is wrong",
        ),
        (
            400,
            {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
            "refused",
            "invalid_grant",
            "",
        ),
        (400, {"error": {"code": "bad_request_102", "message": "s3cr3t"}}, "refused", "bad_request_102", ""),
        (400, {"error": "s3cr3t with spaces"}, "refused", None, ""),
        (403, {}, "refused", None, ""),
        (429, {"error": "temporarily_unavailable"}, "unreachable", "temporarily_unavailable", "status 429"),
        (503, {}, "unreachable", None, "status 503"),
        (302, {}, "unreachable", None, "status 302"),
    ],
)
def test_a_refusal_says_the_services_code_and_never_its_text(status, wire, fault, code, words) -> None:
    error = refusal("Entra ID", said(status, **wire))
    assert (error.fault, error.code) == (fault, code)
    assert words in str(error)
    assert "s3cr3t" not in str(error)
    upstream = error.upstream()
    assert upstream.reason is (Reason.AUTH if fault == "refused" else Reason.UNAVAILABLE)
    assert upstream.body.message == str(error)


async def test_a_service_that_is_not_there_is_named_without_its_address() -> None:
    endpoints = TokenEndpoints()
    with pytest.raises(TokenError) as caught:
        await endpoints.post("Entra ID", "http://127.0.0.1:9/tenant/token", {"client_secret": "s3cr3t"})
    assert str(caught.value) == "Entra ID cannot be reached (ClientConnectorError)."
    await endpoints.close()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"\xff", b"[" * 100_000])
async def test_an_answer_of_any_shape_is_read(services: ScriptedServer, body: bytes) -> None:
    endpoints = TokenEndpoints()
    url = services.script("odd", [whole(200, body)])
    assert (await endpoints.post("S", f"{url}/token", {})).wire == {}
    await endpoints.close()


async def test_an_answer_in_pieces_is_read_to_its_end(services: ScriptedServer) -> None:
    endpoints = TokenEndpoints()
    answer = whole(200, {"access_token": "t" * 3000, "expires_in": 60})
    url = services.script("slow", [answer[:-2000], Pause(0.02), answer[-2000:-5], Pause(0.02), answer[-5:]])
    said = await endpoints.post("S", f"{url}/token", {})
    assert fetched("S", said, 0.0).token == "t" * 3000
    await endpoints.close()


async def test_a_redirect_is_not_followed(services: ScriptedServer) -> None:
    endpoints = TokenEndpoints()
    url = services.script("moved", [whole(302, b"", Location=services.url("elsewhere") + "/x")])
    assert (await endpoints.post("S", f"{url}/token", {"client_secret": "s"})).status == 302
    assert services.of("elsewhere") == []
    await endpoints.close()
