"""Which key a call carries, and that a refusal tells nothing of it."""

from __future__ import annotations

import hashlib

import pytest

from proxy.identity import bearer, digest_of, key_id, recognise
from proxy.resources import ClientKey
from translators.canonical import RequestError

from .calling import headers, snapshot

KEY = "joch-" + "k" * 43
RECORD = ClientKey(name="triage", digest=digest_of(KEY), agent="triage")
EXPIRING = ClientKey(name="old", digest=digest_of("joch-old"), expires=500.0)
KEYS = snapshot(auth_mode="keys", keys=(RECORD, EXPIRING))
OPEN = snapshot(auth_mode="open", keys=(RECORD, EXPIRING))


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ({"Authorization": f"Bearer {KEY}"}, KEY),
        ({"authorization": f"bearer {KEY}"}, KEY),
        ({"Authorization": f"BEARER  {KEY} "}, KEY),
        ({"Api_Key": KEY}, KEY),
        ({"Authorization": f"Bearer {KEY}", "Api_Key": "other"}, KEY),
        ({"Authorization": "Bearer", "Api_Key": KEY}, KEY),
        ({"Authorization": f"Basic {KEY}"}, None),
        ({"Authorization": KEY}, None),
        ({"Authorization": "Bearer "}, None),
        ({"Api_Key": ""}, None),
        ({"X_Api_Key": KEY}, None),
        ({}, None),
    ],
)
def test_a_key_comes_as_openais_and_azures_clients_send_it(sent: dict[str, str], key: str | None) -> None:
    assert bearer(headers(**sent)) == key


def test_a_digest_is_sha_256_in_lower_case() -> None:
    assert digest_of("abc") == hashlib.sha256(b"abc").hexdigest()


def test_a_key_with_bytes_that_are_no_text_is_merely_unknown() -> None:
    assert len(digest_of(b"joch-\xff\xfe".decode("utf-8", "surrogateescape"))) == 64


def test_a_known_key_is_recognised_in_both_modes() -> None:
    for configured in (KEYS, OPEN):
        assert recognise(headers(Authorization=f"Bearer {KEY}"), configured, 0.0) is RECORD
        assert recognise(headers(Api_Key=KEY), configured, 0.0) is RECORD


def test_in_open_mode_any_key_will_do_and_none() -> None:
    for sent in ({}, {"Authorization": "Bearer local"}, {"Authorization": "Basic x"}):
        assert recognise(headers(**sent), OPEN, 0.0) is None


def test_a_reload_revokes_since_keys_are_looked_up_in_the_snapshot() -> None:
    without = snapshot(auth_mode="keys", keys=(EXPIRING,))
    with pytest.raises(RequestError) as refused:
        recognise(headers(Authorization=f"Bearer {KEY}"), without, 0.0)
    assert refused.value.status == 401


def test_a_wrong_key_hears_openais_words_and_nothing_of_the_key() -> None:
    with pytest.raises(RequestError) as refused:
        recognise(headers(Authorization="Bearer sk-canary-9a8b7c"), KEYS, 0.0)
    body = refused.value.body
    assert (refused.value.status, body.type, body.code, body.param) == (
        401,
        "invalid_request_error",
        "invalid_api_key",
        None,
    )
    assert body.message.startswith("Incorrect API key provided")
    assert not any(part in body.message for part in ("canary", "sk-", "9a8b", "7c")), "the message tells of the key"
    assert refused.value.should_retry is False, "an SDK would send a wrong key again"


def test_a_missing_key_hears_openais_words() -> None:
    for sent in ({}, {"Authorization": "Basic dTpw"}):
        with pytest.raises(RequestError) as refused:
            recognise(headers(**sent), KEYS, 0.0)
        body = refused.value.body
        assert (refused.value.status, body.type, body.code) == (401, "invalid_request_error", None)
        assert body.message.startswith("You didn't provide an API key.")


def test_a_key_ends_at_its_time_in_both_modes() -> None:
    sent = headers(Authorization="Bearer joch-old")
    for configured in (KEYS, OPEN):
        assert recognise(sent, configured, 499.9) is EXPIRING
        with pytest.raises(RequestError) as refused:
            recognise(sent, configured, 500.0)
        assert (refused.value.status, refused.value.body.code) == (401, "invalid_api_key")
        assert "expired" in refused.value.body.message


def test_a_keys_public_name_is_the_beginning_of_its_digest() -> None:
    assert key_id(RECORD) == "ck_" + digest_of(KEY)[:8]
    assert key_id(ClientKey(name="k", digest="sha256:" + "ab" * 32)) == "ck_abababab"
