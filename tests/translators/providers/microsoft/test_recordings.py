"""Every recorded exchange with Azure, through the provider and both clients' dialects.

Those kept in tests/recordings always; more from the folder that `JOCH_RECORDINGS` names, when it is set.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response as OpenAIResponse

from translators import exchange
from translators.canonical import HostedItem, Reason, Reasoning, Request, Response, Text, ToolCall, Usage, fold
from translators.formats import (
    ClientFormat,
    ProviderFormat,
    RenderContext,
    Tally,
    openai_chat,
    openai_completions,
    openai_responses,
)
from translators.formats.json import dumps, loads
from translators.providers.microsoft import PROVIDER
from translators.providers.microsoft.surfaces import surface_of
from translators.providers.provider import ModelFacts

HERE = Path(__file__).parents[3] / "recordings"
MORE = os.environ.get("JOCH_RECORDINGS")
HOST = "https://r.services.ai.azure.com"
ISSUER = "microsoft@r.services.ai.azure.com"
FORMATS = {"chat": openai_chat, "responses": openai_responses, "completions": openai_completions}
DIALECTS = {"chat": openai_chat, "responses": openai_responses}


class Recording:
    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_bytes())
        self.name = path.stem
        self.api: str = document["api"]
        self.path: str = document["url_path"].replace("//", "/")
        self.model: str = document["model"]
        self.request: Any = document["request"].get("body") or None
        response = document["response"]
        self.status: int = response["status"]
        self.headers = {name.lower(): value for name, value in response["headers"].items()}
        self.text: str = response.get("body_text") or ""
        self.whole: Any = response.get("body_json")
        self.is_stream = self.whole is None

    @property
    def body(self) -> bytes:
        return self.text.encode() if self.is_stream else json.dumps(self.whole).encode()

    @property
    def provider_format(self) -> ProviderFormat:
        return FORMATS[self.api].PROVIDER

    def facts(self) -> ModelFacts:
        """The record an operator would have written, with the address as it stands in a portal."""
        parts = urlsplit(self.path)
        version = parse_qs(parts.query).get("api-version", [None])[0]
        found = re.search(r"/deployments/([^/]+)/", parts.path)
        place = {} if version is None else {"apiVersion": version}
        surface = {"surface": "classic"} if parts.path == "/openai/responses" else {}
        return ModelFacts(
            model=found[1] if found else self.model,
            base_url=HOST + parts.path,
            place=place,
            options={"baseModel": self.model, **surface},
        )


@cache
def recordings() -> tuple[Recording, ...]:
    """Everything there is, the kept ones first, each once."""
    paths = {path.name: path for folder in (MORE, HERE) if folder for path in Path(folder, "azure").glob("*.json")}
    return tuple(Recording(path) for _, path in sorted(paths.items()))


def chosen(*, asked: bool = False, errors: bool = False, streams: bool | None = None) -> list[Any]:
    found = []
    for one in recordings():
        is_answer = one.status == 200 and one.api in FORMATS
        wanted = (
            (isinstance(one.request, dict) and one.api in FORMATS)
            if asked
            else one.status >= 400
            if errors
            else is_answer and one.is_stream is streams
        )
        found += [pytest.param(one, id=one.name)] if wanted else []
    return found


@pytest.mark.skipif(MORE is None, reason="set JOCH_RECORDINGS to a folder with more recordings to check them all")
def test_more_recordings_were_found() -> None:
    assert len(recordings()) > 80


def context(request: Request | None = None, **settings: Any) -> RenderContext:
    numbers = itertools.count(1)
    return RenderContext(
        request=request or Request(messages=(), model="prod", stream=True, include_usage=True),
        new_id=lambda prefix: f"{prefix}new{next(numbers)}",
        created=1_790_000_000,
        issuer=ISSUER,
        **settings,
    )


# --- what is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", [pytest.param(one, id=one.name) for one in recordings()])
def test_the_recorded_address_is_where_the_provider_asks(recording: Recording) -> None:
    operation = {"embeddings": "embeddings"}.get(recording.api, f"openai_{recording.api}")
    facts = recording.facts()
    assert PROVIDER.path_of is not None
    assert PROVIDER.base_of is not None
    assert PROVIDER.base_of(facts) == HOST
    path = PROVIDER.path_of(facts, operation, recording.is_stream)
    if surface_of(facts) == "classic" and "?" not in recording.path:
        path = path.partition("?")[0]  # a gateway adds it
    assert path == recording.path


def without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


@pytest.mark.parametrize("recording", chosen(asked=True))
def test_what_azure_was_asked_is_what_it_is_asked(recording: Recording) -> None:
    """A request that Azure took goes out as it was, in the clients' own dialect."""
    facts = recording.facts()
    client: ClientFormat = FORMATS[recording.api].CLIENT
    raw = dumps(recording.request)
    request = client.parse_request(recording.request, raw)
    wire_format = PROVIDER.choose(PROVIDER.formats, client.name, request, facts)
    if recording.api == "completions":
        return  # a plain prompt goes to chat
    assert wire_format.name == client.name
    adapted = PROVIDER.adapt(request, facts)
    assert adapted.transforms == ()
    way = exchange.choose(client, wire_format, adapted.request, ISSUER)
    sent = way.render_request(adapted.request, facts.model, lambda wire: PROVIDER.amend(wire, facts), ask_usage=False)
    body = loads(sent.data)
    expected = dict(recording.request)
    for spelled in (body, expected):
        spelled["model"] = facts.model
        for message in spelled.get("messages", ()):
            for call in message.get("tool_calls") or ():
                call.pop("index", None)
    assert without_nulls(body) == without_nulls(expected)


@pytest.mark.parametrize("recording", chosen(asked=True))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_azure_was_asked_can_be_asked_anew(recording: Recording, dialect: str) -> None:
    """The same request rendered from the hub holds nothing that Azure refuses."""
    facts = recording.facts()
    request = FORMATS[recording.api].CLIENT.parse_request(recording.request, b"{}")
    adapted = PROVIDER.adapt(request, facts)
    rendered = DIALECTS[dialect].PROVIDER.render_request(adapted.request, facts.model)
    body = PROVIDER.amend(rendered.body, facts)
    assert PROVIDER.amend(body, facts) is body
    for message in body.get("messages", ()):
        assert not message.keys() & {"reasoning_content", "reasoning", "thinking_blocks", "cache_control"}
    for item in body["input"] if isinstance(body.get("input"), list) else ():
        assert item.get("type", "message") not in ("message", "reasoning") or "status" not in item


# --- errors -----------------------------------------------------------------------------------------------------------

REASONS = {
    "azure-chat-chat-error-handling-with-azure-grok-4-1-fast-non-rea-0-4ae3d": (Reason.AUTH, "credential_rejected"),
    "azure-chat-chat-real-error-scenarios-azure-grok-4-1-fast-non-re-0-7d34b": (Reason.RATE_LIMITED, "rate_limited"),
    "azure-chat-chat-reasoning-1-3e798": (Reason.NOT_FOUND, "model_gone"),
    "azure-chat-lls-testresponsesapistreamingerrors-0-03249": (Reason.INVALID_REQUEST, "rejected_400"),
    "azure-embeddings-azure-openai-embeddings-2-307b7": (Reason.AUTH, "credential_rejected"),
}


@pytest.mark.parametrize("recording", chosen(errors=True))
def test_a_recorded_refusal_is_classified(recording: Recording) -> None:
    parsed = openai_chat.PROVIDER.parse_error(recording.status, recording.headers, recording.body)
    error = PROVIDER.classify(parsed, recording.status, recording.headers, recording.body)
    assert (error.reason, error.failure) == REASONS[recording.name]
    assert error.http_status == recording.status
    assert "://" not in error.body.message
    if error.reason is Reason.RATE_LIMITED:
        assert error.retry_after == 1.0
    if error.reason is Reason.NOT_FOUND:
        assert error.upstream_code == "DeploymentNotFound"


# --- answers ----------------------------------------------------------------------------------------------------------


def told(response: Response) -> list[Any]:
    """What an answer says, choice by choice, however it is cut into blocks."""
    said = []
    for choice in response.choices:
        blocks = choice.message.blocks
        calls = [(each.name, each.arguments or "{}", each.kind) for each in blocks if isinstance(each, ToolCall)]
        text = "".join(each.text for each in blocks if isinstance(each, Text))
        said.append((choice.index, text, calls, choice.finish))
    return said


def thought(response: Response) -> list[Any]:
    blocks = [block for choice in response.choices for block in choice.message.blocks]
    return [(each.summary, each.text) for each in blocks if isinstance(each, Reasoning)]


def hosted(response: Response) -> list[str]:
    blocks = [block for choice in response.choices for block in choice.message.blocks]
    return [each.tool for each in blocks if isinstance(each, HostedItem)]


def events(data: bytes) -> list[Any]:
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ") and line != b"data: [DONE]"]
    return [json.loads(line) for line in lines]


def read(recording: Recording) -> Response:
    if not recording.is_stream:
        return recording.provider_format.parse_response(recording.whole, ISSUER)
    return exchange.fold_stream(recording.provider_format, ISSUER, recording.body)


def is_sane(usage: Usage) -> bool:
    return usage.source == "none" or (usage.is_sane() and usage.input > 0)


@pytest.mark.parametrize("recording", [*chosen(streams=False), *chosen(streams=True)])
def test_a_recorded_answer_says_something_and_counts_right(recording: Recording) -> None:
    response = read(recording)
    assert response.choices
    assert response.model
    assert is_sane(response.usage)


@pytest.mark.parametrize("recording", chosen(streams=False))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_recorded_answer_is_told_in_either_dialect(recording: Recording, dialect: str) -> None:
    client: ClientFormat = DIALECTS[dialect].CLIENT
    way = exchange.choose(client, recording.provider_format, unsourced(), ISSUER)
    if recording.api == dialect:
        way = exchange.choose(client, recording.provider_format, sourced(client.name), ISSUER)
        assert way.lane == "verbatim"
    tally = Tally()
    body = loads(way.render_response(recording.body, context(unsourced()), tally))
    if way.lane == "translated":  # what passes as it came has the counts of its year
        validate(body, dialect)
    original = read(recording)
    back = DIALECTS[dialect].PROVIDER.parse_response(body, ISSUER)
    assert told(back) == told(original)
    if original.usage.source != "none":
        assert (back.usage.input, back.usage.output) == (original.usage.input, original.usage.output)
        assert tally.usage is not None
    if dialect == "responses":
        assert hosted(back) == hosted(original)


@pytest.mark.parametrize("recording", chosen(streams=True))
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("size", [1 << 20, 7])
def test_a_recorded_stream_is_told_in_either_dialect(recording: Recording, dialect: str, size: int) -> None:
    client: ClientFormat = DIALECTS[dialect].CLIENT
    asked = sourced(client.name) if recording.api == dialect else unsourced()
    way = exchange.choose(client, recording.provider_format, asked, ISSUER)
    stream = way.open_stream(context(estimate=lambda tally: Usage(input=1, output=1, source="estimate")))
    sent = recording.body
    out = b"".join(stream.feed(sent[at : at + size]) for at in range(0, len(sent), size)) + stream.close()
    if dialect == "chat":
        assert out.endswith(b"data: [DONE]\n\n")
        for event in events(out):
            ChatCompletionChunk.model_validate({**event, "service_tier": None})
            assert all("delta" in choice for choice in event["choices"]), "SDKs cannot do without"
        assert len({event["id"] for event in events(out)}) == 1
        assert events(out)[-1].get("usage"), "usage was asked for, and is estimated where none came"
    else:
        assert events(out)[-1]["type"] in ("response.completed", "response.incomplete")
        if way.lane == "translated":
            validate(events(out)[-1]["response"], dialect)
    original = read(recording)
    parser = DIALECTS[dialect].PROVIDER.stream_parser(ISSUER)
    back = fold([*parser.feed(out), *parser.close()])
    assert told(back) == told(original)
    if original.usage.source != "none":
        assert (back.usage.input, back.usage.output) == (original.usage.input, original.usage.output)
    assert stream.tally.content
    assert stream.tally.ended


def unsourced() -> Request:
    return Request(messages=(), model="prod", include_usage=True)


def sourced(name: str) -> Request:
    body: dict[str, Any] = {"model": "prod", "stream": True}
    if name == "openai_chat":
        body |= {"messages": [{"role": "user", "content": "hi"}], "stream_options": {"include_usage": True}}
        return openai_chat.CLIENT.parse_request(body, dumps(body))
    body["input"] = "hi"
    return openai_responses.CLIENT.parse_request(body, dumps(body))


def validate(body: dict[str, Any], dialect: str) -> None:
    if dialect == "chat":
        ChatCompletion.model_validate({**body, "service_tier": None})
    else:
        OpenAIResponse.model_validate(body)


# --- embeddings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "recording",
    [pytest.param(one, id=one.name) for one in recordings() if one.api == "embeddings" and one.status == 200],
)
def test_recorded_embeddings_are_openais(recording: Recording) -> None:
    assert PROVIDER.parse_embeddings is None, "they are passed on as they come"
    assert [row["index"] for row in recording.whole["data"]] == list(range(len(recording.whole["data"])))
    assert recording.whole["usage"]["prompt_tokens"] > 0
