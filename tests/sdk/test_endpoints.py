"""What is beside generation: embeddings, models, legacy completions, state, what is not there, and how errors are told."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import DONE, Received, ScriptedServer, Step, event, stream, whole
from tests.support.snapshots import model, route, snapshot

from .clients import KEY
from .misbehaving import alone
from .raw import send
from .upstreams import CREATED, MODEL, UPSTREAMS, Answer

pytestmark = pytest.mark.sdk_core

ASKED: dict[str, Any] = {"model": "openai-chat", "messages": [{"role": "user", "content": "Hello"}]}
HELLO = Answer(pieces=("Hel", "lo"))
INSTRUCT = "gpt-3.5-turbo-instruct"
ODD_NAME = "acme/llama-3:8b instruct"


@pytest.fixture(scope="module")
def joch(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """The five upstreams, a model with an odd name, and a route."""
    models = [
        *(each.model(upstream) for each in UPSTREAMS),
        model("vllm", upstream.url("odd"), ODD_NAME),
        model("generic-openai", upstream.url("compatible"), "compatible", model=MODEL),
        model("openai", upstream.url("instruct"), "instruct", model=INSTRUCT),
    ]
    routes = [route("best", "openai:openai-chat", "ollama:ollama")]
    with running_joch(snapshot(models, routes, aliases={"short": "best"})) as running:
        yield running


@pytest.fixture(scope="module")
def app(joch: RunningJoch) -> Iterator[OpenAI]:
    with OpenAI(base_url=joch.base_url, api_key=KEY, max_retries=0) as client:
        yield client


# --- embeddings -------------------------------------------------------------------------------------------------------

VECTORS = [[0.25, -1.5, 3.0], [0.1, 0.2, 0.3]]
ROUNDED = [list(struct.unpack("<3f", struct.pack("<3f", *vector))) for vector in VECTORS]


def openai_embeddings(request: Received) -> Sequence[Step]:
    """Floats, and the rows not in order."""
    assert request.path.endswith("/embeddings")
    assert request.json["model"] == MODEL
    assert request.json["input"] == ["one", "two"]
    rows = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(VECTORS)]
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    return [whole(200, {"object": "list", "data": rows[::-1], "model": MODEL, "usage": usage})]


def ollama_embeddings(request: Received) -> Sequence[Step]:
    assert request.path.endswith("/api/embed")
    assert request.json["model"] == MODEL
    assert request.json["input"] == ["one", "two"]
    assert request.json["truncate"] is False, "a text that is too long is an error, not half a vector"
    return [whole(200, {"model": MODEL, "embeddings": VECTORS, "total_duration": 1, "prompt_eval_count": 2})]


EMBEDDERS = {"compatible": openai_embeddings, "openai-chat": openai_embeddings, "ollama": ollama_embeddings}


@pytest.mark.parametrize("name", EMBEDDERS)
def test_embeddings_come_in_order_and_in_base64_unless_the_app_says_floats(
    upstream: ScriptedServer, app: OpenAI, name: str
) -> None:
    upstream.script(name, EMBEDDERS[name])
    raw = app.embeddings.with_raw_response.create(model=name, input=["one", "two"])
    assert all(isinstance(row["embedding"], str) for row in json.loads(raw.text)["data"]), "the SDK asked for base64"
    packed = raw.parse()
    assert [row.embedding for row in packed.data] == ROUNDED
    assert [row.index for row in packed.data] == [0, 1]
    assert (packed.usage.prompt_tokens, packed.usage.total_tokens) == (2, 2)
    floats = app.embeddings.create(model=name, input=["one", "two"], encoding_format="float")
    assert [row.embedding for row in floats.data] == VECTORS
    assert floats.object == "list"


def test_an_embeddings_call_without_input_is_told_what_is_missing(app: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        app.embeddings.create(model="ollama", input=[])
    assert refused.value.param == "input"


# --- models -----------------------------------------------------------------------------------------------------------


def test_models_lists_every_name_an_app_may_use(joch: RunningJoch) -> None:
    with OpenAI(base_url=joch.base_url, api_key=KEY, _strict_response_validation=True) as strict:
        listed = {each.id: each for each in strict.models.list()}
    assert {*(each.name for each in UPSTREAMS), ODD_NAME, "best", "short"} <= listed.keys()
    assert {each.object for each in listed.values()} == {"model"}


@pytest.mark.parametrize("name", ["ollama", "best", "short", ODD_NAME, f"vllm:{ODD_NAME}"])
def test_a_model_is_found_by_its_name_however_that_is_escaped(app: OpenAI, joch: RunningJoch, name: str) -> None:
    assert app.models.retrieve(name).id == name
    for spelled in (name.replace("/", "%2F"), name):
        got = send("GET", f"{joch.base_url}/models/{spelled.replace(' ', '%20')}")
        assert (got.status, got.json["id"]) == (200, name)


def test_an_unknown_model_is_not_found_anywhere(app: OpenAI) -> None:
    for ask in (
        lambda: app.models.retrieve("nobody"),
        lambda: app.chat.completions.create(**{**ASKED, "model": "nobody"}),
        lambda: app.responses.create(model="nobody", input="Hello"),
        lambda: app.embeddings.create(model="nobody", input="Hello"),
    ):
        with pytest.raises(openai.NotFoundError) as missing:
            ask()
        assert missing.value.code == "model_not_found"
        assert "nobody" in str(missing.value)


def test_capabilities_tell_all_ten_flags_of_every_model(app: OpenAI) -> None:
    listed: Any = app.get("/models/capabilities", cast_to=object)
    rows = {row["ref"]: row for row in listed["data"]}
    assert {f"{each.provider}:{each.name}" for each in UPSTREAMS} <= rows.keys()
    assert len(rows["ollama:ollama"]["capabilities"]) == 10
    assert rows["ollama:ollama"]["routes"] == ["best"]
    assert rows["openai:openai-chat"]["features"]["nChoices"] is True
    assert rows["openai:openai-responses"]["features"].get("nChoices", False) is False, "that API has no such thing"


# --- legacy completions -----------------------------------------------------------------------------------------------


def completions(request: Received) -> Sequence[Step]:
    assert request.path.endswith("/completions")
    body = request.json
    assert body["model"] == (INSTRUCT if request.path.startswith("/instruct/") else MODEL)
    assert body["prompt"] == "Once"
    head = {"id": "cmpl-1", "object": "text_completion", "created": CREATED, "model": MODEL}

    def choice(text: str, finish: str | None) -> dict[str, Any]:
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}

    if body.get("stream"):
        parts = [choice(" upon", None), choice(" a time", None), choice("", "stop")]
        return stream(*(event({**head, "choices": [part]}) for part in parts), DONE)
    usage = {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}
    return [whole(200, {**head, "choices": [choice(" upon a time", "stop")], "usage": usage})]


@pytest.mark.parametrize("name", ["instruct", "vllm", "llama-cpp", "compatible"])
def test_legacy_completions_pass_to_servers_that_have_them(
    upstream: ScriptedServer, joch: RunningJoch, name: str
) -> None:
    upstream.script(name, completions)
    with OpenAI(base_url=joch.base_url, api_key=KEY, max_retries=0, _strict_response_validation=True) as strict:
        completion = strict.completions.create(model=name, prompt="Once")
        assert completion.choices[0].text == " upon a time"
    with OpenAI(base_url=joch.base_url, api_key=KEY, max_retries=0) as lenient:  # the SDK's type has no null finish
        chunks = list(lenient.completions.create(model=name, prompt="Once", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == " upon a time"
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_plain_prompt_is_served_by_chat_where_there_are_no_completions(upstream: ScriptedServer, app: OpenAI) -> None:
    for each in (UPSTREAMS[0], UPSTREAMS[-1]):  # of OpenAI's models, only the oldest have them
        each.says(upstream, HELLO)
        assert app.completions.create(model=each.name, prompt="Once").choices[0].text == "Hello"
    upstream.requests.clear()
    with pytest.raises(openai.BadRequestError) as refused:
        app.completions.create(model="ollama", prompt="Once", suffix="the end", echo=True)
    assert refused.value.code == "CapabilityMismatch"
    assert upstream.of("ollama") == []


# --- what is not there ------------------------------------------------------------------------------------------------

ABSENT: dict[str, Callable[[OpenAI], Any]] = {
    "moderations": lambda app: app.moderations.create(input="x"),
    "images": lambda app: app.images.generate(prompt="x"),
    "speech": lambda app: app.audio.speech.create(input="x", model="tts-1", voice="alloy"),
    "files": lambda app: app.files.list(),
    "batches": lambda app: app.batches.list(),
    "vector-stores": lambda app: app.vector_stores.list(),
    "conversations": lambda app: app.conversations.create(),
    "stored-response": lambda app: app.responses.retrieve("resp_1"),
    "response-deletion": lambda app: app.responses.delete("resp_1"),
    "response-cancel": lambda app: app.responses.cancel("resp_1"),
}


@pytest.mark.parametrize("what", ABSENT)
def test_an_endpoint_that_is_not_served_says_so_in_json(app: OpenAI, what: str) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        ABSENT[what](app)
    assert missing.value.code == "UnsupportedEndpoint"
    assert missing.value.response.headers["content-type"].startswith("application/json")
    assert missing.value.request_id


def test_stored_completions_are_not_kept(app: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        app.chat.completions.list()
    assert (refused.value.status_code, refused.value.code) == (405, "method_not_allowed")
    with pytest.raises(openai.NotFoundError):
        app.chat.completions.retrieve("chatcmpl-1")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/v1/nonsense", "/v1/realtime", "/v1/chat", "/nonsense", "/v1/responses/resp_1/x"])
def test_no_path_and_no_method_is_ever_answered_in_html(joch: RunningJoch, method: str, path: str) -> None:
    got = send(method, joch.root + path, {} if method != "GET" else None)
    assert got.status == 404
    assert got.headers["content-type"].startswith("application/json")
    assert got.json["error"].keys() >= {"message", "type", "param", "code"}
    assert got.json["error"]["code"] == "UnsupportedEndpoint"


def test_a_websocket_is_refused_so_that_clients_fall_back_to_http(joch: RunningJoch) -> None:
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    got = send("GET", f"{joch.base_url}/responses", None, **handshake, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==")
    assert 400 <= got.status < 500
    assert "error" in got.json


@pytest.mark.parametrize("suffix", ["/v1", "/v1/", "", "/"])
def test_the_base_url_may_end_in_v1_or_not(upstream: ScriptedServer, joch: RunningJoch, suffix: str) -> None:
    UPSTREAMS[0].says(upstream, HELLO)
    with OpenAI(base_url=joch.root + suffix, api_key=KEY, max_retries=0) as client:
        assert client.chat.completions.create(**ASKED).choices[0].message.content == "Hello"
        assert client.models.retrieve("best").id == "best"


# --- state ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vllm", "llama-cpp", "ollama", "openai-chat"])
def test_an_upstream_without_state_gets_openais_own_error(upstream: ScriptedServer, app: OpenAI, name: str) -> None:
    upstream.requests.clear()
    with pytest.raises(openai.BadRequestError) as refused:
        app.responses.create(model=name, input="And then?", previous_response_id="resp_0")
    assert refused.value.code == "previous_response_not_found"
    assert refused.value.param == "previous_response_id"
    assert upstream.of(name) == []


def test_an_openai_upstream_keeps_the_state_itself(upstream: ScriptedServer, app: OpenAI) -> None:
    each = UPSTREAMS[1]
    each.says(upstream, HELLO)
    upstream.requests.clear()
    answer = app.responses.create(model=each.name, input="And then?", previous_response_id="resp_0", store=True)
    assert answer.previous_response_id == "resp_0"
    (request,) = upstream.of(each.name)
    assert (request.json["previous_response_id"], request.json["store"]) == ("resp_0", True)


def test_an_openai_upstream_that_forgot_says_so_itself(upstream: ScriptedServer, app: OpenAI) -> None:
    message = "Previous response with id 'resp_0' not found."
    error = {
        "message": message,
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    }
    upstream.script("openai-responses", [whole(400, {"error": error})])
    with pytest.raises(openai.BadRequestError) as refused:
        app.responses.create(model="openai-responses", input="And then?", previous_response_id="resp_0")
    assert (refused.value.code, refused.value.param) == ("previous_response_not_found", "previous_response_id")
    assert message in str(refused.value)


def test_store_is_no_obstacle_where_nothing_is_kept(upstream: ScriptedServer, app: OpenAI) -> None:
    """It is true by default on /responses, so refusing it would refuse every app."""
    UPSTREAMS[-1].says(upstream, HELLO)
    assert app.responses.create(model="ollama", input="Hello", store=True).output_text == "Hello"
    UPSTREAMS[2].says(upstream, HELLO)
    assert app.responses.create(model="vllm", input="Hello", store=False).output_text == "Hello"


# --- errors and retries -----------------------------------------------------------------------------------------------

STATUSES = {
    400: openai.BadRequestError,
    401: openai.InternalServerError,  # the key that was refused is joch's, and no fault of the app's
    403: openai.InternalServerError,
    404: openai.InternalServerError,  # likewise the model it asked for
    408: openai.InternalServerError,
    413: openai.APIStatusError,
    422: openai.BadRequestError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
    529: openai.InternalServerError,
}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_of_the_provider_becomes_the_exception_apps_catch(upstream: ScriptedServer, status: int) -> None:
    error = {"message": f"It is {status}.", "type": "some_error", "param": None, "code": None}
    with alone(upstream, [whole(status, {"error": error})]) as client:
        with pytest.raises(openai.APIStatusError) as failed:
            client.chat.completions.create(**ASKED)
        assert type(failed.value) is STATUSES[status]
        assert isinstance(failed.value.body, dict)
        assert failed.value.body.keys() >= {"message", "type", "param", "code"}
        assert failed.value.code
        assert failed.value.request_id
        assert len(upstream.of(UPSTREAMS[0].name)) == 1, "joch itself tries once"


def test_a_body_that_is_too_large_is_told_as_413(upstream: ScriptedServer) -> None:
    running = running_joch(snapshot([UPSTREAMS[0].model(upstream)], max_body_bytes=2000))
    with running as joch, OpenAI(base_url=joch.base_url, api_key=KEY, max_retries=0) as client:
        with pytest.raises(openai.APIStatusError) as failed:
            client.chat.completions.create(**{**ASKED, "messages": [{"role": "user", "content": "x" * 3000}]})
        assert (failed.value.status_code, failed.value.code) == (413, "request_too_large")


def test_the_sdk_waits_as_long_as_the_provider_asks_and_then_succeeds(upstream: ScriptedServer) -> None:
    error = {"message": "Slow down.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    limited = [whole(429, {"error": error}, Retry_After_Ms="50")]
    each = UPSTREAMS[0]
    with alone(upstream, limited, lambda request: each.answer(HELLO, request.json), retries=2) as client:
        raw = client.chat.completions.with_raw_response.create(**ASKED)
        assert raw.retries_taken == 1
        assert raw.parse().choices[0].message.content == "Hello"
        first, second = upstream.of(each.name)
        assert 0.04 < second.at - first.at < 0.5


def test_a_spent_quota_is_not_tried_again(upstream: ScriptedServer) -> None:
    error = {
        "message": "You exceeded your current quota.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }
    with alone(upstream, [whole(429, {"error": error})], retries=2) as client:
        with pytest.raises(openai.RateLimitError) as failed:
            client.chat.completions.create(**ASKED)
        assert failed.value.code == "insufficient_quota"
        assert failed.value.response.headers["x-should-retry"] == "false"
        assert len(upstream.of(UPSTREAMS[0].name)) == 1


def test_the_request_id_of_the_app_is_in_every_answer_and_error(upstream: ScriptedServer, joch: RunningJoch) -> None:
    for path in ("/models", "/health", "/v1/models", "/v1/nonsense", "/v1/models/nobody"):
        assert send("GET", joch.root + path).headers.get("x-request-id"), path
