"""A route with a fallback: what the app sees when the first candidate fails, before and after the first content.

Before content: one clean answer from the fallback, and one event that says so. After content: an explicit error in the
stream, and never a word of another model.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from openai import APIConnectionError, APIError, APIStatusError, BadRequestError, OpenAI

from proxy.resources import Clocks
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import HANG, RESET, STREAM_HEAD, Received, ScriptedServer, Step, event, piece, stream, whole
from tests.support.snapshots import model, route, snapshot

from .clients import KEY
from .raw import send
from .seen import Seen, seen_chunks, seen_completion, seen_events, seen_response
from .upstreams import MODEL, UPSTREAMS, Answer, Upstream, chat, responses

FALLBACK = Answer(pieces=("From", " the", " fallback."))
QUICK = Clocks(connect=1, first_byte=0.3, whole=None, idle=5, content=5, attempt=10, total=15)
FALLBACKS = [each for each in UPSTREAMS if each.name in ("openai-chat", "openai-responses", "ollama")]
ASKED: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "Hello"}]},
    "responses": {"input": "Hello"},
}


def _error(status: int, **headers: str) -> list[Step]:
    body = {"error": {"message": "no", "type": "server_error", "param": None, "code": None}}
    return [whole(status, body, **headers)]


def _error_first(request: Received) -> Sequence[Step]:
    """200, and then nothing but an error."""
    error = {"message": "overloaded", "type": "server_error", "param": None, "code": None}
    if not request.json.get("stream"):
        return [whole(200, {"error": error})]
    if request.path.endswith("/responses"):
        return stream(event({"type": "error", "sequence_number": 0, "error": error}, "error"))
    return stream(event({"error": error}))


def _dies_before_content(request: Received) -> Sequence[Step]:
    """The head of an answer, and then the connection is gone."""
    body = request.json
    if not body.get("stream"):
        return [whole(200, chat.completion(FALLBACK, body, chat.OPENAI))[:-40], RESET]
    if request.path.endswith("/responses"):
        return [STREAM_HEAD, piece(event({"type": "response.created", "response": responses.response(body)})), RESET]
    return [STREAM_HEAD, piece(event(next(chat.chunks(FALLBACK, body, chat.OPENAI)))), RESET]


FAULTS: dict[str, Any] = {
    "503": _error(503),
    "429": _error(429, Retry_After="1"),
    "408": _error(408),
    "500": _error(500),
    "reset": [RESET],
    "hang": [HANG],
    "error-first": _error_first,
    "dies-before-content": _dies_before_content,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A running joch whose route "route" leads to `primary`, then to `fallback`."""

    joch: RunningJoch
    server: ScriptedServer
    client: OpenAI

    def ask(self, dialect: str, *, streamed: bool) -> tuple[Seen, dict[str, str]]:
        """One call by the route: what was seen, and the headers."""
        endpoint = self.client.chat.completions if dialect == "chat" else self.client.responses
        raw = endpoint.with_raw_response.create(model="route", stream=streamed, **ASKED[dialect])
        answer = raw.parse()
        match dialect, streamed:
            case "chat", False:
                seen = seen_completion(answer)
            case "chat", True:
                seen = seen_chunks(list(answer), usage=False)
            case _, False:
                seen = seen_response(answer)
            case _:
                seen = seen_events(list(answer))
        return seen, dict(raw.headers)


@pytest.fixture(scope="module")
def app() -> Iterator[OpenAI]:
    """One client for the module; each test points it at its own joch."""
    with OpenAI(base_url="http://unused", api_key=KEY, max_retries=0, _strict_response_validation=True) as client:
        yield client


@contextmanager
def setting(server: ScriptedServer, app: OpenAI, fallback: Upstream, **primary: Any) -> Iterator[Setting]:
    """A joch of its own per test, as a candidate that failed rests for a while."""
    first = {"base_url": server.url("primary"), "model": MODEL, "clocks": QUICK, **primary}
    models = [model(first.pop("provider", "openai"), name="primary", **first), fallback.model(server)]
    fallback.says(server, FALLBACK)
    server.requests.clear()
    with running_joch(snapshot(models, [route("route", *(each.ref for each in models))])) as joch:
        yield Setting(joch, server, app.with_options(base_url=joch.base_url))


def closed_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def check_switched(at: Setting, fallback: Upstream, seen: Seen, headers: dict[str, str]) -> None:
    assert seen.texts == [FALLBACK.text]
    assert headers["x-joch-fallback-index"] == "1"
    assert headers["x-joch-model"] == f"{fallback.provider}:{fallback.name}"
    assert headers["x-joch-route"] == "route"
    events = at.joch.events.completed(headers["x-request-id"])
    switches = [event["payload"] for event in events if event["type"] == "ProviderSwitched"]
    assert len(switches) == 1
    assert (switches[0]["fromIndex"], switches[0]["toIndex"]) == (0, 1)
    assert len(at.server.of(fallback.name)) == 1
    assert len(at.server.of("primary")) <= 1, "joch does not retry the same candidate"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize("fallback", FALLBACKS, ids=lambda each: each.name)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failure_before_content_moves_the_call_to_the_fallback(
    upstream: ScriptedServer, app: OpenAI, fault: str, fallback: Upstream, dialect: str, streamed: bool
) -> None:
    upstream.script("primary", FAULTS[fault])
    with setting(upstream, app, fallback) as at:
        seen, headers = at.ask(dialect, streamed=streamed)
        check_switched(at, fallback, seen, headers)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_refused_connection_moves_the_call_to_the_fallback(
    upstream: ScriptedServer, app: OpenAI, dialect: str, streamed: bool
) -> None:
    fallback = UPSTREAMS[-1]
    with setting(upstream, app, fallback, base_url=f"http://127.0.0.1:{closed_port()}/v1") as at:
        seen, headers = at.ask(dialect, streamed=streamed)
        check_switched(at, fallback, seen, headers)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_request_that_the_provider_refuses_does_not_fall_over(
    upstream: ScriptedServer, app: OpenAI, dialect: str, streamed: bool
) -> None:
    refusal = {"message": "Bad 'x'.", "type": "invalid_request_error", "param": "x", "code": "invalid_value"}
    upstream.script("primary", [whole(400, {"error": refusal})])
    with setting(upstream, app, UPSTREAMS[-1]) as at:
        with pytest.raises(BadRequestError) as refused:
            at.ask(dialect, streamed=streamed)
        assert (refused.value.code, refused.value.param) == ("invalid_value", "x")
        assert "Bad 'x'." in str(refused.value)
        at.joch.events.completed(refused.value.request_id or "")
        assert at.joch.events.of("ProviderSwitched") == []
        assert at.server.of(UPSTREAMS[-1].name) == []


CUT = Answer(pieces=("Half", " of", " it"))


def _cut(dialect: str, end: Sequence[Step]) -> Any:
    """A stream with content that ends in `end` instead of as it should."""

    def script(request: Received) -> Sequence[Step]:
        body = request.json
        if dialect == "chat":
            events = [event(chunk) for chunk in list(chat.chunks(CUT, body, chat.OPENAI))[:4]]
        else:
            numbered = responses.numbered(responses.events(CUT, body))
            events = [event(data, data["type"]) for data in list(numbered)[:7]]
        return [STREAM_HEAD, *(piece(each) for each in events), *end]

    return script


_IN_BAND = {"message": "it broke", "type": "server_error", "param": None, "code": "server_error"}
CUTS: dict[str, Sequence[Step]] = {
    "reset": [RESET],
    "clean-end": [b"0\r\n\r\n"],
    "error-event": [piece(event({"type": "error", "error": _IN_BAND})), b"0\r\n\r\n"],
    "silence": [HANG],
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_failure_after_content_is_an_error_in_the_stream_and_nothing_is_spliced(
    upstream: ScriptedServer, app: OpenAI, dialect: str, api: str, cut: str
) -> None:
    upstream.script("primary", _cut(api, CUTS[cut]))
    clocks = Clocks(connect=1, first_byte=2, whole=None, idle=0.3, content=5, attempt=10, total=15)
    with setting(upstream, app, UPSTREAMS[-1], api=api, clocks=clocks) as at:
        endpoint: Any = at.client.chat.completions if dialect == "chat" else at.client.responses
        raw = endpoint.with_raw_response.create(model="route", stream=True, **ASKED[dialect])
        texts: list[str] = []
        with pytest.raises(APIError) as failed:
            texts.extend(map(_text_of, raw.parse()))
        assert "".join(texts) == CUT.text, "what came is seen, and nothing else is"
        assert not isinstance(failed.value, (APIConnectionError, APIStatusError)), "the error is said, not implied"
        assert isinstance(failed.value.body, dict)
        assert failed.value.body.keys() >= {"message", "type", "param", "code"}
        events = at.joch.events.completed(raw.headers["x-request-id"])
        assert [e["payload"]["outcome"] for e in events if e["type"] == "x.CallCompleted"] == ["partial"]
        assert at.joch.events.of("ProviderSwitched") == []
        assert at.server.of(UPSTREAMS[-1].name) == []


def _text_of(each: Any) -> str:
    if hasattr(each, "choices"):
        return "".join(choice.delta.content or "" for choice in each.choices)
    return each.delta if each.type == "response.output_text.delta" else ""


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_responses_stream_that_failed_ends_with_the_error_and_a_failed_response(
    upstream: ScriptedServer, app: OpenAI, api: str
) -> None:
    upstream.script("primary", _cut(api, [RESET]))
    with setting(upstream, app, UPSTREAMS[-1], api=api) as at:
        body = {"model": "route", "stream": True, **ASKED["responses"]}
        got = send("POST", f"{at.joch.base_url}/responses", body).body.decode()
    names = [line.removeprefix("event: ") for line in got.splitlines() if line.startswith("event: ")]
    assert names[-2:] == ["error", "response.failed"]
    assert "response.completed" not in names


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_when_all_candidates_fail_the_app_hears_the_last_failure_once(
    upstream: ScriptedServer, app: OpenAI, dialect: str
) -> None:
    upstream.script("primary", _error(503))
    with setting(upstream, app, UPSTREAMS[-1]) as at:
        upstream.script(UPSTREAMS[-1].name, [whole(500, {"error": "llama runner process has terminated"})])
        with pytest.raises(APIStatusError) as failed:
            at.ask(dialect, streamed=True)
        assert failed.value.status_code in (502, 503)
        assert isinstance(failed.value.body, dict)
        assert [attempt["ref"] for attempt in failed.value.body["details"]["attempts"]] == [
            "openai:primary",
            "ollama:ollama",
        ]
