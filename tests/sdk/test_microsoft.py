"""An unmodified app before Azure: every surface, by key and by Entra token, whole and streamed, as a scripted Azure answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import openai
import pytest

from proxy.resources import Auth, Model
from tests.support.answers import USAGE, chat_answer, chat_chunk
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import DONE, Received, ScriptedServer, Step, event, scripted_server, stream, whole
from tests.support.snapshots import KEY, KEY_VARIABLE, model, route, snapshot

from .clients import SyncSdk, sync_sdk
from .upstreams.answer import Answer
from .upstreams.responses import serve as responses

FILTER = {"hate": {"filtered": False, "severity": "safe"}}
FIRST = event(
    {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTER}],
    }
)
ANNOTATION = event(
    {
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [
            {
                "index": 0,
                "finish_reason": None,
                "content_filter_results": FILTER,
                "content_filter_offsets": {"check_offset": 506, "start_offset": 44, "end_offset": 571},
            }
        ],
        "usage": None,
    }
)
"""Azure's filter, running beside the text (MICROSOFT §14)."""

EMBEDDING = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"index": 0, "embedding": [0.5, -1.0]}],
    "usage": {"prompt_tokens": 1},
}
TOKEN_SCOPES = ["https://ai.azure.com/.default", "https://cognitiveservices.azure.com/.default"]


def azure(request: Received) -> list[Step]:
    """Chat, responses and embeddings of one resource, wherever they stand."""
    path = request.path.partition("?")[0]
    if path.endswith("/embeddings"):
        return [whole(200, EMBEDDING)]
    if path.endswith("/responses"):
        return responses(Answer(pieces=("hello you",)), request.json)
    if not request.json.get("stream"):
        answer = chat_answer("hello you", prompt_filter_results=[{"prompt_index": 0, "content_filter_results": FILTER}])
        answer["choices"][0]["content_filter_results"] = FILTER
        return [whole(200, answer, x_ms_region="Sweden Central", x_ms_spillover_from_ptu="1")]
    return stream(
        FIRST,
        chat_chunk({"role": "assistant", "content": ""}),
        chat_chunk({"content": "hello "}),
        ANNOTATION,
        chat_chunk({"content": "you"}),
        chat_chunk({}, "stop"),
        ANNOTATION,
        chat_chunk(None, usage=USAGE),
        DONE,
    )


def entra(request: Received) -> list[Step]:
    """Gives a token that says which scope it is for."""
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    if form.get("client_secret") != KEY:
        return [whole(401, {"error": "invalid_client", "error_description": f"AADSTS7000215: not {form}"})]
    return [whole(200, {"access_token": f"token-for-{form['scope']}", "expires_in": 3599, "token_type": "Bearer"})]


def only_for(scope: str) -> Any:
    """An Azure that takes tokens of one scope alone."""

    def answer(request: Received) -> list[Step]:
        if request.headers.get("authorization") == f"Bearer token-for-{scope}":
            return azure(request)
        message = f"Unauthorized. Access token is missing, invalid, audience is incorrect ({scope}), or have expired."
        return [whole(401, {"error": {"code": "401", "message": message}})]

    return answer


ENTRA = Auth(type="entra", tenant_id="tenant", client_id="app")
REFUSALS: dict[str, tuple[list[Step], type[openai.APIStatusError], str | None]] = {
    "filtered": (
        [
            whole(
                400,
                {
                    "error": {
                        "message": "The response was filtered due to the prompt triggering Azure OpenAI's policy.",
                        "type": None,
                        "param": "prompt",
                        "code": "content_filter",
                        "status": 400,
                        "innererror": {
                            "code": "ResponsibleAIPolicyViolation",
                            "content_filter_result": {"jailbreak": {"filtered": True, "detected": True}},
                        },
                    }
                },
            )
        ],
        openai.BadRequestError,
        "content_filter",
    ),
    "limited": (
        [
            whole(
                429,
                {"error": {"code": "429", "message": "Requests have exceeded token rate limit."}},
                retry_after_ms="1500",
            )
        ],
        openai.RateLimitError,
        "rate_limit_exceeded",
    ),
    "gone": (
        [whole(404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}})],
        openai.InternalServerError,
        "upstream_error",
    ),
    "strict": (
        [
            whole(
                422,
                {
                    "error": {
                        "code": "Invalid input",
                        "message": "invalid input error",
                        "details": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}],
                    }
                },
            )
        ],
        openai.BadRequestError,
        "unsupported_parameter",
    ),
}


def models(server: ScriptedServer) -> list[Model]:
    """One model per surface and way to prove who calls, named for what it is."""
    url = server.script("azure", azure)
    server.script("picky", only_for(TOKEN_SCOPES[1]))
    picky = server.url("picky", host="localhost")  # which scope a resource takes is remembered for its host
    at = {"provider": "microsoft", "model": "my-deployment"}
    return [
        model(base_url=url, name="v1", **at),
        model(base_url=f"{url}/openai/v1/", name="v1-whole", **at),
        model(base_url=url, name="classic", place={"apiVersion": "2024-10-21"}, **at),
        model(base_url=url, name="old", place={"apiVersion": "2024-02-01"}, query={"team": "blue"}, **at),
        model(base_url=f"{url}/models", name="inference", **at),
        model(base_url=url, name="reasoner", features={"baseModel": "gpt-5.6-sol"}, **at),
        model(base_url=url, name="v1-entra", auth=ENTRA, **at),
        model(base_url=url, name="classic-entra", auth=ENTRA, features={"surface": "classic"}, **at),
        model(base_url=picky, name="picky", auth=ENTRA, **at),
        model(base_url=url, name="wrong-secret", auth=ENTRA, secret=None, **at),
        *(model(base_url=server.script(name, script), name=name, **at) for name, (script, _, _) in REFUSALS.items()),
    ]


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def joch(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    env = {
        KEY_VARIABLE: KEY,
        "AZURE_AUTHORITY_HOST": upstream.script("login", entra),
        "AZURE_CLIENT_SECRET": "another-canary-0123456789",
    }
    configured = snapshot(models(upstream), [route("spill", "microsoft:limited", "microsoft:v1")])
    with running_joch(configured, env=env) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(joch: RunningJoch) -> Iterator[SyncSdk]:
    with sync_sdk(joch.base_url) as client:
        yield client


@pytest.fixture(autouse=True)
def _forget(upstream: ScriptedServer) -> None:
    upstream.requests.clear()


HELLO = [{"role": "user", "content": "hi"}]
SURFACES = [
    ("v1", "/azure/openai/v1/chat/completions"),
    ("v1-whole", "/azure/openai/v1/chat/completions"),
    ("classic", "/azure/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"),
    ("old", "/azure/openai/deployments/my-deployment/chat/completions?team=blue&api-version=2024-02-01"),
    ("inference", "/azure/models/chat/completions?api-version=2024-05-01-preview"),
]


@pytest.mark.sdk_core
@pytest.mark.parametrize(("name", "path"), SURFACES)
def test_a_chat_app_is_served_by_every_surface(sdk: SyncSdk, upstream: ScriptedServer, name: str, path: str) -> None:
    assert sdk.chat(model=name, messages=HELLO).choices[0].message.content == "hello you"
    (request,) = upstream.of("azure")
    assert request.path == path
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers
    assert request.json["model"] == "my-deployment"


@pytest.mark.sdk_core
@pytest.mark.parametrize(("name", "path"), SURFACES)
def test_a_stream_is_whole_though_azures_filter_speaks_in_between(
    sdk: SyncSdk, upstream: ScriptedServer, name: str, path: str
) -> None:
    chunks = sdk.chat_chunks(model=name, messages=HELLO, stream_options={"include_usage": True})
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "hello you"
    assert {chunk.id for chunk in chunks} == {"chatcmpl-up"}
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 18
    assert ("stream_options" in upstream.of("azure")[0].json) is (name != "old")


@pytest.mark.parametrize(("name", "path"), SURFACES[:3])
def test_the_helper_adds_a_filtered_stream_up(sdk: SyncSdk, name: str, path: str) -> None:
    _, final = sdk.chat_helper(model=name, messages=HELLO)
    assert final.choices[0].message.content == "hello you"
    assert final.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("v1", "/azure/openai/v1/responses"),
        ("classic", "/azure/openai/responses?api-version=preview"),
    ],
)
def test_a_responses_app_is_served_by_the_responses_api(
    sdk: SyncSdk, upstream: ScriptedServer, name: str, path: str
) -> None:
    assert sdk.response(model=name, input="hi").output_text == "hello you"
    _, final = sdk.response_helper(model=name, input="hi")
    assert final.output_text == "hello you"
    assert {request.path for request in upstream.of("azure")} == {path}


def test_a_responses_app_is_translated_where_there_is_only_chat(sdk: SyncSdk, upstream: ScriptedServer) -> None:
    assert sdk.response(model="inference", input="hi").output_text == "hello you"
    _, final = sdk.response_helper(model="inference", input="hi")
    assert final.output_text == "hello you"
    assert final.usage is not None
    assert final.usage.total_tokens == 18
    assert {request.path.partition("?")[0] for request in upstream.of("azure")} == {"/azure/models/chat/completions"}


def test_a_chat_app_with_tools_and_effort_is_bridged_to_responses(sdk: SyncSdk, upstream: ScriptedServer) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    asked: dict[str, Any] = {"model": "reasoner", "messages": HELLO, "tools": [tool], "temperature": 0.2}
    assert sdk.chat(**asked, reasoning_effort="high").choices[0].message.content == "hello you"
    (request,) = upstream.of("azure")
    assert request.path == "/azure/openai/v1/responses"
    assert (request.json["model"], request.json["reasoning"]["effort"]) == ("my-deployment", "high")
    assert request.json["tools"][0]["name"] == "f"
    assert "temperature" not in request.json
    sdk.chat(**asked, reasoning_effort="none")
    assert upstream.of("azure")[1].path == "/azure/openai/v1/chat/completions"


def test_embeddings(sdk: SyncSdk, upstream: ScriptedServer) -> None:
    for name in ("v1", "classic", "inference"):
        answer = sdk.client.embeddings.create(model=name, input="x", encoding_format="float")
        assert answer.data[0].embedding == [0.5, -1.0]
    assert [request.path for request in upstream.of("azure")] == [
        "/azure/openai/v1/embeddings",
        "/azure/openai/deployments/my-deployment/embeddings?api-version=2024-10-21",
        "/azure/models/embeddings?api-version=2024-05-01-preview",
    ]


# --- Entra ------------------------------------------------------------------------------------------------------------


@pytest.mark.sdk_core
@pytest.mark.parametrize(("name", "scope"), [("v1-entra", TOKEN_SCOPES[0]), ("classic-entra", TOKEN_SCOPES[1])])
def test_an_app_is_served_with_the_gateways_entra_token(
    sdk: SyncSdk, upstream: ScriptedServer, joch: RunningJoch, name: str, scope: str
) -> None:
    assert sdk.chat(model=name, messages=HELLO).choices[0].message.content == "hello you"
    assert sdk.chat_chunks(model=name, messages=HELLO)
    whole_request, streamed = upstream.of("azure")
    assert whole_request.headers["authorization"] == streamed.headers["authorization"] == f"Bearer token-for-{scope}"
    assert "api-key" not in whole_request.headers
    assert len(upstream.of("login")) <= 1, "one token for all calls"
    assert "token-for" not in str(joch.events.events)


def test_a_resource_that_wants_the_other_audience_gets_it_from_then_on(sdk: SyncSdk, upstream: ScriptedServer) -> None:
    assert sdk.chat(model="picky", messages=HELLO).choices[0].message.content == "hello you"
    assert len(upstream.of("picky")) == 2
    assert len(upstream.of("login")) == 2
    assert sdk.chat(model="picky", messages=HELLO).choices[0].message.content == "hello you"
    assert len(upstream.of("picky")) == 3
    assert len(upstream.of("login")) == 2


def test_a_client_that_entra_refuses_is_told_in_plain_words_and_without_its_secret(
    sdk: SyncSdk, upstream: ScriptedServer, joch: RunningJoch
) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.chat(model="wrong-secret", messages=HELLO)
    assert "AADSTS7000215: the client secret is wrong" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "another-canary" not in str(joch.events.events)
    assert upstream.of("azure") == []


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.sdk_core
@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("streamed", [False, True])
def test_azures_refusals_are_openais_errors(sdk: SyncSdk, name: str, streamed: bool) -> None:
    _, kind, code = REFUSALS[name]
    with pytest.raises(kind) as caught:
        (sdk.chat_chunks if streamed else sdk.chat)(model=name, messages=HELLO)
    assert type(caught.value) is kind
    assert caught.value.code == code
    if name == "limited":
        assert caught.value.response.headers["retry-after"] == "2"
    if name == "strict":
        assert caught.value.param == "seed"


def test_a_limit_spills_over_to_the_next_deployment(sdk: SyncSdk, upstream: ScriptedServer) -> None:
    assert sdk.chat(model="spill", messages=HELLO).choices[0].message.content == "hello you"
    assert len(upstream.of("azure")) == 1
