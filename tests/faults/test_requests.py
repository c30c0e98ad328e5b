"""Group F: what clients say in a body. A 4xx in OpenAI's envelope that says what to change; never a 500, a hang, HTML or a call
upstream. What is wrong with the HTTP around the body is in `test_requests_http`.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer
from tests.support.snapshots import KEY, model, snapshot

from .raw import BODY, CHAT, ask, refused, send
from .sdk import Sdk, error_object
from .told import Answered

pytestmark = pytest.mark.usefixtures("nothing_goes_upstream")
HELLO = Answered(text="hello-there")


def with_member(text: str) -> bytes:
    """The body with one more member, spelt exactly so."""
    return json.dumps(BODY).encode()[:-1] + b", " + text.encode("utf-8", "surrogatepass") + b"}"


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "at character 0"),
        (b"hello", "at character 0"),
        (b'{"model": "m",}', "at character 13"),
        (b'{"model": "m"', "at character 13"),
        (b"{'model': 'm'}", "at character 1"),
        (b'{"model": "m"} trailing', "at character 15"),
        (b'{"model": "m"}{"model": "m"}', "at character 14"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"17", "must be a JSON object"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/embeddings", "/v1/completions"])
def test_what_is_not_a_json_object_is_refused_with_the_place(
    path: str, body: bytes, says: str, joch: RunningJoch
) -> None:
    refused(ask(joch, body, path), 400, "invalid_json", says=says)


WRONG_TYPES: list[tuple[str, Any, str]] = [
    ("messages", "x", "messages"),
    ("messages", {}, "messages"),
    ("messages", [], "messages"),
    ("messages", ["x"], "messages.0"),
    ("messages", [{"role": "user", "content": 7}], "messages.0.content"),
    ("messages", [{"role": "wizard", "content": "x"}], "messages.0.role"),
    ("stream", "yes", "stream"),
    ("stream", 1, "stream"),
    ("model", 7, "model"),
    ("model", None, "model"),
    ("temperature", "hot", "temperature"),
    ("max_tokens", "many", "max_tokens"),
    ("max_completion_tokens", 1.5, "max_completion_tokens"),
    ("n", "two", "n"),
    ("stop", 7, "stop"),
    ("tools", {}, "tools"),
    ("tool_choice", 7, "tool_choice"),
    ("response_format", "json", "response_format"),
]


@pytest.mark.fault("F4")
@pytest.mark.parametrize(("member", "value", "param"), WRONG_TYPES)
def test_a_wrong_type_is_refused_by_name(member: str, value: Any, param: str, joch: RunningJoch, sdk: Sdk) -> None:
    answer = ask(joch, {**BODY, member: value})
    assert answer.statuses == [400]
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["code"]
    assert (answer.error["param"] or "").replace("[", ".").replace("]", "").startswith(param)
    seen = sdk.ask(joch.base_url, "m", stream=False, extra_body={member: value})
    assert type(seen.error) is openai.BadRequestError


@pytest.mark.fault("F5")
@pytest.mark.parametrize("depth", [100_000, 1_000, 65])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_is_refused(opening: str, depth: int, joch: RunningJoch) -> None:
    closing = "]" if opening == "[" else "}"
    refused(ask(joch, with_member(f'"x": {opening * depth}1{closing * depth}')), 400, "request_too_complex", says="64")
    refused(ask(joch, with_member(f'"x": {opening * 100_000}')), 400)


@pytest.mark.fault("F6")
@pytest.mark.parametrize("member", ["model", "stream", "max_tokens", "n", "store"])
def test_a_deciding_member_given_twice_is_refused(member: str, joch: RunningJoch) -> None:
    first, second = with_member(f'"{member}": null'), f'"{member}": null}}'.encode()
    refused(ask(joch, first[:-1] + b", " + second), 400, "duplicate_parameter", member)


@pytest.mark.fault("F7")
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("member", ["temperature", "x_unknown"])
def test_numbers_that_json_does_not_have_are_refused(member: str, number: str, joch: RunningJoch) -> None:
    refused(ask(joch, with_member(f'"{member}": {number}')), 400)


@pytest.mark.fault("F8")
@pytest.mark.parametrize("number", ["9" * 5_000, str(2**64), str(-(2**63) - 1)])
@pytest.mark.parametrize("member", ["max_tokens", "n", "seed", "max_completion_tokens"])
def test_an_integer_beyond_64_bits_is_refused(member: str, number: str, joch: RunningJoch) -> None:
    refused(ask(joch, with_member(f'"{member}": {number}')), 400)


@pytest.mark.fault("F9")
@pytest.mark.parametrize("text", [r"\ud83d", r"x\udc00y", "\ud83d"])
def test_a_lone_surrogate_is_refused(text: str, joch: RunningJoch) -> None:
    refused(ask(joch, with_member(f'"user": "{text}"')), 400, "invalid_json")


@pytest.mark.fault("F10")
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (json.dumps(BODY).encode().replace(b"hi", b"h\xff"), "UTF-8 at byte"),
        (json.dumps(BODY).encode("utf-16"), "byte order mark"),
        (json.dumps(BODY).encode("utf-16-le"), "UTF-8"),
        (b"\xef\xbb\xbf" + json.dumps(BODY).encode(), "byte order mark"),
    ],
)
def test_only_utf8_without_a_mark_is_accepted(body: bytes, says: str, joch: RunningJoch) -> None:
    answer = ask(joch, body)
    assert answer.statuses == [400]
    if says != "UTF-8":
        assert says in answer.error["message"]


def tools(count: int, description: str = "") -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {"name": f"t{index}", "description": description, "parameters": {}}}
        for index in range(count)
    ]


@pytest.mark.fault("F11")
@pytest.mark.parametrize("offered", [tools(513), tools(10_000), tools(10, "x" * 120_000)])
def test_too_many_or_too_large_tools_are_refused(offered: list[dict[str, Any]], joch: RunningJoch, sdk: Sdk) -> None:
    seen = sdk.ask(joch.base_url, "m", stream=False, tools=offered)
    assert type(seen.error) is openai.BadRequestError
    assert error_object(seen)["code"]


@pytest.mark.fault("F12")
def test_a_million_values_are_refused_while_others_are_served_quickly(joch: RunningJoch) -> None:
    members = ",".join(f'"k{index}":1' for index in range(1_000_000))
    body = with_member(f'"metadata": {{{members}}}')
    assert len(body) > 10_000_000
    slowest = 0.0
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(ask, joch, body)
        while not pending.done():
            begun = time.monotonic()
            health = send(joch.app.port, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            slowest = max(slowest, time.monotonic() - begun)
            assert health.statuses == [200]
        refused(pending.result(), 400, "request_too_complex", says="50000")
    assert slowest < 2.0, "the body is parsed beside the event loop"


@pytest.mark.served
@pytest.mark.fault("F14")
@pytest.mark.parametrize("policy", ["forward", "drop", "reject"])
def test_unknown_members_are_treated_as_declared(policy: str, upstream: ScriptedServer, sdk: Sdk) -> None:
    record = model("generic-openai", upstream.script("F", chat_upstream(HELLO.text)))
    with running_joch(snapshot([record], unknown_fields=policy)) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=False, extra_body={"x_vendor": {"deep": [1, None]}})
    if policy == "reject":
        assert type(seen.error) is openai.BadRequestError
        assert error_object(seen)["param"] == "x_vendor"
        assert upstream.of("F") == []
        return
    HELLO.check(seen, stream=False)
    (request,) = upstream.of("F")
    assert ("x_vendor" in request.json) == (policy == "forward")


@pytest.mark.fault("F20")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["gpt-nope", "x" * 10_000, "\x1b[31mred", "<script>", "'; drop table models"])
def test_an_unknown_model_is_named_in_at_most_64_safe_characters(
    name: str, stream: bool, joch: RunningJoch, sdk: Sdk
) -> None:
    seen = sdk.ask(joch.base_url, name, stream=stream)
    assert type(seen.error) in (openai.NotFoundError, openai.BadRequestError)
    error = error_object(seen)
    assert error["code"] in ("model_not_found", "invalid_value")
    assert len(error["message"]) < 400
    assert error["message"].isprintable()


MEDIA = [
    "http://127.0.0.1/x.png",
    "http://127.1/x.png",
    "http://0x7f.0.0.1/x.png",
    "http://2130706433/x.png",
    "http://0/x.png",
    "http://localhost:8083/x.png",
    "http://localhost./x.png",
    "http://x.localhost/x.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/x.png",
    "http://[::ffff:127.0.0.1]/x.png",
    "http://[::ffff:7f00:1]/x.png",
    "http://[fe80::1%25eth0]/x.png",
    "http://[64:ff9b::7f00:1]/x.png",
    "http://10.0.0.8/x.png",
    "http://192.168.1.1/x.png",
    "http://metadata.google.internal/x.png",
    "http://printer.local/x.png",
    "http://user:secret@example.com/x.png",
    "http://①②⑦.0.0.1/x.png",
    "file:///etc/passwd",
    "ftp://example.com/x.png",
    "gopher://example.com/x",
    "//example.com/x.png",
    "http:///x.png",
    "",
]


@pytest.mark.fault("F21")
@pytest.mark.parametrize("url", MEDIA)
@pytest.mark.parametrize("path", [CHAT, "/v1/responses"])
def test_a_media_url_into_someones_network_is_refused_in_one_generic_text(
    path: str, url: str, joch: RunningJoch
) -> None:
    chat = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    items = [{"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "auto"}]}]
    answer = ask(joch, {"model": "m", "messages": chat} if path == CHAT else {"model": "m", "input": items}, path)
    assert answer.statuses == [400]
    if url:
        assert answer.error["message"] == "The media URL cannot be used."
        assert answer.error["code"] == "invalid_image_url"


@pytest.mark.fault("F22")
def test_a_data_url_of_50_megabytes_is_too_large(joch: RunningJoch) -> None:
    url = "data:image/png;base64," + "A" * 50_000_000
    body = {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}
    refused(ask(joch, body), 413, "request_too_large", "messages.0.content.0", says="media")


@pytest.mark.fault("F23")
@pytest.mark.parametrize("member", ["api_base", "base_url", "api_key", "extra_headers"])
def test_a_client_cannot_say_where_calls_go(member: str, joch: RunningJoch, sdk: Sdk) -> None:
    seen = sdk.ask(joch.base_url, "m", stream=False, extra_body={member: "http://evil.example"})
    assert type(seen.error) is openai.BadRequestError
    assert error_object(seen)["param"] == member


@pytest.mark.served
@pytest.mark.fault("F23")
def test_a_clients_own_headers_never_reach_a_provider(joch: RunningJoch, upstream: ScriptedServer, sdk: Sdk) -> None:
    evil = {
        "Authorization": "Bearer sk-evil",
        "x-api-key": "sk-evil",
        "api-key": "sk-evil",
        "OpenAI-Organization": "org-evil",
        "Cookie": "a=evil",
        "X-Forwarded-Host": "evil.example",
        "Connection": "X-Evil",
    }
    seen = sdk.ask(joch.base_url, "m", stream=False, extra_headers=evil)
    HELLO.check(seen, stream=False)
    (request,) = upstream.of("F")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "evil" not in str(request.headers).lower()


@pytest.mark.fault("F24")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("member", "value"),
    [("n", 129), ("n", 10**6), ("n", 0), ("max_tokens", 10**9), ("max_completion_tokens", 10**9), ("max_tokens", -1)],
)
def test_an_absurd_amount_is_refused_before_any_spend(
    member: str, value: int, stream: bool, joch: RunningJoch, sdk: Sdk
) -> None:
    asked: dict[str, Any] = {member: value}
    seen = sdk.ask(joch.base_url, "m", stream=stream, **asked)
    assert type(seen.error) is openai.BadRequestError
    assert error_object(seen)["param"] in (member, "max_tokens")
