"""Errors as SDKs read them."""

from __future__ import annotations

import json

from proxy.server.errors import error_response, internal_error, not_found
from translators.canonical import RequestError


def test_all_four_keys_are_always_there_and_details_only_when_there_are_any() -> None:
    plain = json.loads(error_response(RequestError("no"), "mc_1").body)
    assert plain == {
        "error": {"message": "no", "type": "invalid_request_error", "param": None, "code": "invalid_value"}
    }
    detailed = json.loads(error_response(RequestError("no", details={"route": "r"}), "mc_1").body)
    assert detailed["error"]["details"] == {"route": "r"}


def test_waits_go_out_in_seconds_and_milliseconds_rounded_up() -> None:
    headers = error_response(RequestError("wait", status=429, retry_after=1.2345), "mc_1").headers
    assert (headers["retry-after-ms"], headers["retry-after"]) == ("1235", "2")


def test_the_sdks_own_retry_is_steered_only_when_we_have_an_opinion() -> None:
    assert error_response(RequestError("x", should_retry=False), "c").headers["x-should-retry"] == "false"
    assert error_response(RequestError("x", should_retry=True), "c").headers["x-should-retry"] == "true"
    assert "x-should-retry" not in error_response(RequestError("x", should_retry=None), "c").headers


def test_the_call_id_is_the_request_id() -> None:
    assert error_response(RequestError("x"), "mc_1").headers["x-request-id"] == "mc_1"


def test_a_bug_says_nothing_of_itself() -> None:
    assert "Traceback" not in internal_error().body.message
    assert internal_error().status == 500


def test_a_strange_path_is_echoed_in_plain_ascii() -> None:
    message = not_found("GET", "/v1/\x00é" + "x" * 500).body.message
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 250
