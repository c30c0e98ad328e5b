"""What a request body may be, checked without a server: every refusal names what to change."""

from __future__ import annotations

import json

import pytest

from proxy.server.body import MAX_DEPTH, MAX_NODES, parse_object
from translators.canonical import RequestError


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "could not parse"),
        (b"[1]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b'{"a":1}x', "could not parse"),
        (b'{"a":NaN}', "could not parse"),
        (b'{"a":Infinity}', "could not parse"),
        (b'{"a":1e999}', "could not parse"),
        (b'{"a":"\xff"}', "not valid UTF-8 at byte 6"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "byte order mark"),
        (b'{"a":"\\ud800"}', "could not parse"),
        (nested(MAX_DEPTH + 1), "nests deeper"),
        (nested(5_000), "nests deeper"),
        (b'{"model":"a","model":"b"}', "'model' is given more than once"),
        (b'{"model":"a","stream":true,"stream":false}', "'stream' is given more than once"),
        (b'{"model":"a","api_base":"http://x"}', "api_base"),
        (b'{"model":"a","base_url":"http://x"}', "base_url"),
    ],
)
def test_a_bad_body_is_refused_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(RequestError) as refused:
        parse_object(raw)
    assert refused.value.status == 400
    assert words in refused.value.body.message
    assert len(refused.value.body.message) < 300


def test_a_body_at_the_depth_limit_passes() -> None:
    assert parse_object(nested(MAX_DEPTH)) != {}


def test_brackets_inside_strings_are_not_depth() -> None:
    assert parse_object(json.dumps({"text": "{[" * 500}).encode()) == {"text": "{[" * 500}


def test_too_many_values_are_refused_and_commas_in_a_string_are_not_values() -> None:
    with pytest.raises(RequestError, match="more than"):
        parse_object(json.dumps({"a": list(range(MAX_NODES))}).encode())
    assert parse_object(json.dumps({"a": "," * 2 * MAX_NODES}).encode())["a"].startswith(",")


def test_a_key_given_twice_below_the_top_is_the_clients_own_business() -> None:
    raw = b'{"model":"a","tools":[{"model":1,"model":2}]}'
    assert parse_object(raw)["model"] == "a"


def test_the_word_model_in_a_text_is_no_duplicate() -> None:
    raw = json.dumps({"model": "a", "messages": [{"role": "user", "content": 'say "model"'}]}).encode()
    assert parse_object(raw)["model"] == "a"
