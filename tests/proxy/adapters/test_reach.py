"""Where requests go, with which credentials, and what becomes of a token that a provider refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.adapters import WireAdapter, WireBinding
from proxy.adapters.reach import Identify, Reach, facts_of, joined, no_identities
from proxy.resources import Auth, Clocks, Model, SecretRef
from proxy.secrets import SecretResolver
from proxy.upstream import Upstream
from tests.support.answers import chat_answer, chat_upstream, refusal
from tests.support.scripted import Received, ScriptedServer, Step, scripted_server, whole
from tests.support.snapshots import KEY, KEY_VARIABLE, key, model
from translators import providers
from translators.canonical import Message, Reason, Request, Text, UpstreamError
from translators.providers.provider import Provider

HELLO = Request(messages=(Message("user", (Text("hi"),)),))
ENTRA = Auth(type="entra", tenant_id="t", client_id="c")


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as client:
        yield client


class Tokens:
    """A source that gives "token-1", "token-2", …; it notes what it is told and whom it is for."""

    def __init__(self, headers: Mapping[str, str] | None = None, *, renews: bool = True) -> None:
        self.headers: Mapping[str, str] = headers or {}
        self.refused: list[tuple[str, str]] = []
        self.asked: list[tuple[Auth, SecretRef | None, str, tuple[str, ...]]] = []
        self._renews = renews
        self._number = 1

    def __call__(self, auth: Auth, secret: SecretRef | None, host: str, scopes: tuple[str, ...]) -> Tokens:
        self.asked.append((auth, secret, host, scopes))
        return self

    async def token(self) -> str:
        return f"token-{self._number}"

    def invalidate(self, token: str, said: str = "") -> bool:
        self.refused.append((token, said))
        self._number += self._renews
        return self._renews


def provider_of(record: Model, **changes: Any) -> Provider:
    provider = providers.load(record.provider)
    assert isinstance(provider, Provider)
    return replace(provider, **changes)


def reach(
    record: Model,
    upstream: Any = None,
    identify: Identify = no_identities,
    env: Mapping[str, str] | None = None,
    **changes: Any,
) -> Reach:
    secrets = SecretResolver({KEY_VARIABLE: KEY} if env is None else env)
    return Reach(record, provider_of(record, **changes), upstream, secrets.resolve, {}, identify)


def asked(way: Reach, path: str = "/chat", body: dict[str, Any] | None = None) -> Any:
    request, _ = way.request(way.facts, path, b"{}", Clocks(), wire=body)
    return request


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "path", "query", "url"),
    [
        ("https://h/v1", "/chat", {}, "https://h/v1/chat"),
        ("https://h/v1/", "/chat", {}, "https://h/v1/chat"),
        ("https://h", "/chat?a=1", {"b": "2"}, "https://h/chat?b=2&a=1"),
        ("https://h/v1?team=blue", "/chat?a=1", {}, "https://h/v1/chat?team=blue&a=1"),
        ("https://h?a=0&team=blue", "/chat?a=1", {"a": "2"}, "https://h/chat?a=1&team=blue"),
        ("https://h", "/deployments/a%2Fb/chat?v=1", {"x": "y"}, "https://h/deployments/a%2Fb/chat?x=y&v=1"),
        ("https://h", "/m:generate?alt=sse", {}, "https://h/m:generate?alt=sse"),
    ],
)
def test_a_path_below_a_base_keeps_every_query(base: str, path: str, query: dict[str, str], url: str) -> None:
    assert str(joined(base, path, query)) == url


def test_facts_hold_an_address_only_where_somebody_wrote_one() -> None:
    own = model("openai", "https://api.openai.com/v1", "m", place={"location": "eu"}, query={"api-version": "1"})
    facts = facts_of(own, provider_of(own))
    assert (facts.base_url, dict(facts.place)) == (None, {"apiVersion": "1", "location": "eu"})
    moved = replace(own, base_url="https://h/v1", place={"apiVersion": "2"})
    assert facts_of(moved, provider_of(moved)).base_url == "https://h/v1"
    assert facts_of(moved).place == {"apiVersion": "2"}


def test_only_who_wrote_an_address_may_mean_an_own_network() -> None:
    assert not asked(reach(model("openai", "https://api.openai.com/v1"))).private_ok
    assert asked(reach(model("openai", "https://10.0.0.5/v1"))).private_ok
    computed = reach(model("openai", "https://api.openai.com/v1"), base_of=lambda facts: "https://computed.example")
    assert not asked(computed).private_ok
    assert str(asked(computed).url) == "https://computed.example/chat"
    assert computed.host == "computed.example"


def test_the_providers_paths_are_computed_where_it_computes_them() -> None:
    way = reach(model("openai", "https://h/v1"), path_of=lambda facts, operation, stream: f"/{operation}/{stream}")
    assert way.path(way.facts, "openai_chat", stream=True) == "/openai_chat/True"
    fixed = reach(model("openai", "https://h/v1"), path_of=lambda facts, operation, stream: None)
    assert fixed.path(fixed.facts, "openai_chat") == "/chat/completions"
    with pytest.raises(UpstreamError) as caught:
        fixed.path(fixed.facts, "anthropic_messages")
    assert caught.value.reason is Reason.UNSUPPORTED


def test_an_address_in_a_secret_is_looked_up_for_every_request() -> None:
    env = {"URL": "https://one.example/openai/?team=blue", KEY_VARIABLE: KEY}
    way = reach(model("openai", None, base_url_secret=key("URL")), env=env)
    assert str(asked(way).url) == "https://one.example/openai/chat?team=blue"
    assert way.host == ""
    env["URL"] = "https://two.example"
    assert str(asked(way).url) == "https://two.example/chat"
    del env["URL"]
    with pytest.raises(UpstreamError) as caught:
        asked(way)
    assert caught.value.failure == "secret_missing"


def test_without_any_address_there_is_no_request() -> None:
    with pytest.raises(UpstreamError) as caught:
        asked(reach(model("generic-openai", None)))
    assert caught.value.failure == "base_url_missing"


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "type", "header", "value"),
    [
        ("openai", None, "Authorization", f"Bearer {KEY}"),
        ("microsoft", None, "api-key", KEY),
        ("microsoft", "bearer", "Authorization", f"Bearer {KEY}"),
        ("openai", "api-key", "api-key", KEY),
        ("openai", "x-api-key", "x-api-key", KEY),
        ("openai", "x-goog-api-key", "x-goog-api-key", KEY),
    ],
)
def test_a_key_travels_as_the_record_says_else_as_the_provider_takes_it(provider, type, header, value) -> None:
    request = asked(reach(model(provider, "https://h/v1", auth=Auth(type=type))))
    credentials = {"authorization", "api-key", "x-api-key", "x-goog-api-key"}
    assert {name: text for name, text in request.headers.items() if name.lower() in credentials} == {header: value}
    assert KEY not in str(request.url)


def test_headers_that_depend_on_the_body_give_way_to_the_operators() -> None:
    def headers_of(body: Any, facts: Any) -> dict[str, str]:
        return {"x-beta": body["beta"], "X-Own": "computed"}

    record = model("openai", "https://h/v1", headers={"x-own": "written"})
    request = asked(reach(record, headers_of=headers_of), body={"beta": "files"})
    assert (request.headers["x-beta"], request.headers["x-own"]) == ("files", "written")
    assert "X-Own" not in set(map(str, request.headers))
    assert "x-beta" not in asked(reach(record, headers_of=headers_of)).headers


# --- tokens -----------------------------------------------------------------------------------------------------------


def bound(record: Model, upstream: Upstream, tokens: Identify) -> WireBinding:
    secrets = SecretResolver({KEY_VARIABLE: KEY})
    return WireBinding(record, provider_of(record), upstream, secrets.resolve, {}, tokens)


def taking(*accepted: str) -> Any:
    """A script that answers requests with one of these tokens, and refuses all others."""

    def answer(request: Received) -> list[Step]:
        if request.headers.get("authorization") in [f"Bearer {token}" for token in accepted]:
            return chat_upstream()(request)
        message = "Unauthorized. Access token is missing, invalid, audience is incorrect, or have expired."
        return [whole(401, {"error": {"code": "401", "message": message}})]

    return answer


async def test_a_token_is_sent_in_the_keys_place(server: ScriptedServer, upstream: Upstream) -> None:
    record = model("microsoft", server.script("entra", chat_upstream()), "m", auth=ENTRA)
    tokens = Tokens({"x-goog-user-project": "payer"})
    await WireAdapter(bound(record, upstream, tokens)).respond(HELLO)
    (request,) = server.of("entra")
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["x-goog-user-project"] == "payer"
    assert "api-key" not in request.headers
    assert KEY not in str(request.headers), "the client's secret is for the identity service alone"
    scopes = ("https://ai.azure.com/.default", "https://cognitiveservices.azure.com/.default")
    assert tokens.asked == [(ENTRA, key(), "127.0.0.1", scopes)]


async def test_a_refused_token_is_renewed_and_the_request_sent_once_more(
    server: ScriptedServer, upstream: Upstream
) -> None:
    record = model("microsoft", server.script("renewed", taking("token-2")), "m", auth=ENTRA)
    tokens = Tokens()
    response = await WireAdapter(bound(record, upstream, tokens)).respond(HELLO)
    assert response.choices
    first, second = server.of("renewed")
    assert (first.headers["authorization"], second.headers["authorization"]) == ("Bearer token-1", "Bearer token-2")
    assert first.body == second.body
    ((refused, said),) = tokens.refused
    assert refused == "token-1"
    assert "audience is incorrect" in said


async def test_a_second_refusal_is_the_end(server: ScriptedServer, upstream: Upstream) -> None:
    record = model("microsoft", server.script("never", taking()), "m", auth=ENTRA)
    with pytest.raises(UpstreamError) as caught:
        await WireAdapter(bound(record, upstream, Tokens())).respond(HELLO)
    assert (caught.value.reason, caught.value.failure) == (Reason.AUTH, "credential_rejected")
    assert {"token_renewed", "wrong_audience"} <= set(caught.value.notes)
    assert len(server.of("never")) == 2


async def test_a_token_that_cannot_be_renewed_is_not_sent_again(server: ScriptedServer, upstream: Upstream) -> None:
    record = model("microsoft", server.script("fresh", taking()), "m", auth=ENTRA)
    with pytest.raises(UpstreamError) as caught:
        await WireAdapter(bound(record, upstream, Tokens(renews=False))).respond(HELLO)
    assert "wrong_audience" in caught.value.notes, "the refusal's body was still there to be read"
    assert len(server.of("fresh")) == 1


@pytest.mark.parametrize("status", [403, 429, 500])
async def test_only_401_is_about_the_token(server: ScriptedServer, upstream: Upstream, status: int) -> None:
    record = model("microsoft", server.script(f"other{status}", refusal(status)), "m", auth=ENTRA)
    tokens = Tokens()
    with pytest.raises(UpstreamError):
        await WireAdapter(bound(record, upstream, tokens)).respond(HELLO)
    assert tokens.refused == []


async def test_a_key_that_is_refused_is_not_sent_again(server: ScriptedServer, upstream: Upstream) -> None:
    record = model("microsoft", server.script("keyed", refusal(401)), "m")
    with pytest.raises(UpstreamError):
        await WireAdapter(bound(record, upstream, no_identities)).respond(HELLO)
    assert len(server.of("keyed")) == 1


async def test_operations_beside_generation_and_the_free_look_carry_tokens_too(
    server: ScriptedServer, upstream: Upstream
) -> None:
    answer = [whole(200, {"data": [{"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 1}})]
    binding = bound(model("microsoft", server.script("beside", answer), "m", auth=ENTRA), upstream, Tokens())
    await binding.post("embeddings", {"input": "x"}, Clocks())
    await binding.health()
    assert [each.headers["authorization"] for each in server.of("beside")] == ["Bearer token-1"] * 2
    assert [each.path for each in server.of("beside")] == ["/beside/openai/v1/embeddings", "/beside/openai/v1/models"]


async def test_a_process_without_identities_says_so(server: ScriptedServer, upstream: Upstream) -> None:
    record = model("microsoft", server.script("none", [whole(200, chat_answer())]), "m", auth=ENTRA)
    with pytest.raises(UpstreamError) as caught:
        await WireAdapter(bound(record, upstream, no_identities)).respond(HELLO)
    assert (caught.value.reason, caught.value.failure) == (Reason.UNAVAILABLE, "token_not_set_up")
    assert server.of("none") == []


async def test_an_error_that_repeats_a_token_does_not_pass_it_on(server: ScriptedServer, upstream: Upstream) -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
    record = model("microsoft", server.script("echo", refusal(400, f"bad token {jwt}", "x")), "m", auth=ENTRA)
    with pytest.raises(UpstreamError) as caught:
        await WireAdapter(bound(record, upstream, Tokens())).respond(HELLO)
    assert "eyJ" not in str(caught.value)
