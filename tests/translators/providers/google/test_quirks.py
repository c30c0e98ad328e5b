import json
from pathlib import Path

import pytest

from translators.canonical import (
    Media,
    Message,
    OutputSpec,
    Reason,
    ReasoningSpec,
    Request,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    UpstreamError,
)
from translators.formats.anthropic_messages import PROVIDER as MESSAGES
from translators.providers.google import PROVIDER
from translators.providers.google.quirks import ANTHROPIC_VERSION, adapt, amend, classify, prefix_bound, seal
from translators.providers.provider import Adapted, ModelFacts

RECORDINGS = Path(__file__).parents[3] / "recordings" / "vertex"
HI = Message("user", (Text("hi"),))
F = Tool(name="f")
SEARCH = Tool(name="web_search", kind="hosted", hosted={"type": "web_search"})
JSON = OutputSpec(kind="json_object")
VERTEX = {"project": "p"}


def adapted(model: str, place: dict | None = None, **members) -> Adapted:
    return adapt(Request(**{"messages": (HI,), **members}), ModelFacts(model=model, place=place or {}))


def reasoning(model: str, **members) -> tuple:
    got = adapted(model, reasoning=ReasoningSpec(**members))
    spec = got.request.reasoning
    assert spec is not None
    again = adapted(model, reasoning=spec)
    assert (again.request.reasoning, again.transforms) == (spec, ()), "adapting twice changed more"
    return spec.effort, spec.budget_tokens, [f"{change.field}: {change.action}" for change in got.transforms]


def refused(param: str, model: str, place: dict | None = None, **members) -> None:
    with pytest.raises(UpstreamError) as caught:
        adapted(model, place, **members)
    assert (caught.value.reason, caught.value.body.param) == (Reason.UNSUPPORTED, param)
    assert model in caught.value.body.message


@pytest.mark.parametrize(
    ("model", "given", "becomes"),
    [
        ("gemini-3-flash", {"effort": "none"}, ("minimal", None, ["reasoning.effort: mapped"])),
        ("gemini-4-argon", {"effort": "none"}, ("low", None, ["reasoning.effort: mapped"])),
        ("gemini-4-argon", {"effort": "medium"}, ("medium", None, [])),
        ("gemini-4-hydrogen", {"effort": "xhigh"}, ("xhigh", None, [])),
        ("gemini-4-carbon", {"effort": "max"}, ("high", None, ["reasoning.effort: mapped"])),
        ("gemini-4-carbon", {"budget_tokens": 9000}, ("high", None, ["reasoning.budget_tokens: mapped"])),
        ("gemini-2.5-pro", {"effort": "none"}, (None, 128, ["reasoning.effort: mapped"])),
        ("gemini-2.5-flash", {"effort": "none"}, (None, 0, ["reasoning.effort: mapped"])),
        ("gemini-2.5-flash", {"budget_tokens": 99_999}, (None, 24_576, ["reasoning.budget_tokens: mapped"])),
        ("gemini-2.5-flash", {"budget_tokens": -1}, (None, -1, [])),
        ("gemini-2.5-flash", {"budget_tokens": 0}, (None, 0, [])),
        ("gemini-2.5-pro", {"budget_tokens": 0}, (None, 128, ["reasoning.budget_tokens: mapped"])),
        ("gemini-2.5-flash", {"summary": "auto"}, (None, None, [])),
        ("gemini-2.5-flash-lite", {"summary": "auto"}, (None, -1, ["reasoning.summary: mapped"])),
        ("gemini-2.0-flash", {"effort": "none"}, (None, None, ["reasoning.effort: dropped"])),
    ],
)
def test_an_effort_is_what_the_model_has(model, given, becomes):
    assert reasoning(model, **given) == becomes


@pytest.mark.parametrize(
    ("param", "model", "spec"),
    [
        ("reasoning_effort", "gemini-2.0-flash", ReasoningSpec(effort="high")),
        ("reasoning_effort", "gemini-3-flash", ReasoningSpec(effort="huge")),
        ("reasoning.summary", "gemini-2.5-flash-image", ReasoningSpec(summary="auto")),
    ],
)
def test_thoughts_that_a_model_does_not_have_are_refused(param, model, spec):
    refused(param, model, reasoning=spec)


def test_settings_that_do_not_count_are_left_out():
    sampling = Sampling(temperature=0.2, top_p=0.9, top_k=3, max_output_tokens=9)
    got = adapted("gemini-4-argon", sampling=sampling)
    assert got.request.sampling == Sampling(max_output_tokens=9)
    assert [change.field for change in got.transforms] == ["sampling.temperature", "sampling.top_p", "sampling.top_k"]
    assert adapted("gemini-2.5-flash", sampling=sampling).request.sampling == sampling


@pytest.mark.parametrize(
    ("param", "model", "place", "members"),
    [
        ("n", "gemini-3-flash", {}, {"sampling": Sampling(n=2)}),
        ("presence_penalty", "gemini-3-flash", VERTEX, {"sampling": Sampling(presence_penalty=1)}),
        ("frequency_penalty", "gemini-2.5-flash", {}, {"sampling": Sampling(frequency_penalty=1)}),
        ("response_format", "gemini-2.5-flash", {}, {"tools": (F,), "output": JSON}),
        ("response_format", "gemini-2.5-flash", {}, {"tools": (SEARCH,), "output": JSON}),
        ("tools", "gemini-2.5-flash", {}, {"tools": (F, SEARCH)}),
        ("tools", "gemini-2.5-flash", {}, {"tools": (F,), "web_search": {}}),
        ("tools", "gemini-3-flash", VERTEX, {"tools": (F, SEARCH)}),
    ],
)
def test_what_a_model_or_an_endpoint_refuses_is_refused_here(param, model, place, members):
    refused(param, model, place, **members)


@pytest.mark.parametrize(
    ("model", "place", "members"),
    [
        ("gemini-2.5-flash", {}, {"sampling": Sampling(n=2)}),
        ("gemini-2.5-pro", VERTEX, {"sampling": Sampling(presence_penalty=-1.5)}),
        ("gemini-2.5-flash", {}, {"sampling": Sampling(n=1)}),
        ("gemini-3-flash", {}, {"tools": (F, SEARCH), "output": JSON}),
        ("gemini-2.5-flash", {}, {"tools": (F,)}),
        ("gemini-2.5-flash", {}, {"output": JSON}),
    ],
)
def test_what_it_takes_passes(model, place, members):
    assert adapted(model, place, **members).transforms == ()


PICTURE = Media(kind="image", url="https://example.com/a.png")
RESULT = Message("tool", (ToolResult("a", (PICTURE,)),))


@pytest.mark.parametrize("message", [Message("user", (PICTURE,)), RESULT])
def test_only_vertex_fetches_strangers_pictures(message):
    messages = (HI, Message("assistant", (ToolCall("a", "f", "{}"),)), message)
    refused("messages[2]", "gemini-3-flash", messages=messages)
    assert adapted("gemini-3-flash", VERTEX, messages=messages).transforms == ()


@pytest.mark.parametrize("url", ["gs://b/o", "https://youtu.be/x", "data:image/png;base64,QUJD"])
def test_googles_own_addresses_are_read_everywhere(url):
    assert adapted("gemini-3-flash", messages=(Message("user", (Media(kind="image", url=url),)),)).transforms == ()


@pytest.mark.parametrize(("model", "place"), [("gemini-2.5-flash", {}), ("gemini-3.8-flash", VERTEX)])
def test_a_penalty_of_nothing_is_left_out_where_penalties_are_refused(model, place):
    sampling = Sampling(frequency_penalty=0, presence_penalty=0.0, temperature=None)
    got = adapted(model, place, sampling=sampling)
    assert got.request.sampling == Sampling()
    assert [change.field for change in got.transforms] == ["sampling.frequency_penalty", "sampling.presence_penalty"]
    assert adapted("gemini-2.5-flash", VERTEX, sampling=sampling).request.sampling == sampling


def test_labels_are_for_vertex_alone():
    asked = {"user": "u", "safety_identifier": "s", "metadata": {"a": "b"}}
    got = adapted("gemini-3-flash", **asked)
    assert (got.request.user, got.request.safety_identifier, got.request.metadata) == (None, None, {})
    assert [change.field for change in got.transforms] == ["metadata.a", "user", "safety_identifier"]
    assert adapted("gemini-3-flash", VERTEX, **asked).transforms == ()


def test_a_blob_belongs_to_the_model_at_its_endpoint():
    def sealed(model: str, **place: str) -> str:
        return seal("google", ModelFacts(model=model, place=place))

    assert sealed("gemini-3-flash-preview") == "google:gemini-3-flash"
    assert sealed("models/gemini-3-flash") == "google:gemini-3-flash"
    assert sealed("gemini-3-flash-preview", project="p") == "google:gemini-3-flash@vertex"
    assert sealed("gemini-3.1-pro-preview") != sealed("gemini-3-pro-preview")
    assert sealed("claude-sonnet-5@20260401", project="p") == "anthropic:claude-sonnet-5"


def test_a_tuned_model_follows_the_rules_of_what_it_was_made_of():
    tuned = ModelFacts(model="endpoints/123", place=VERTEX, options={"baseModel": "gemini-2.5-flash"})
    got = adapt(Request(messages=(HI,), reasoning=ReasoningSpec(effort="low")), tuned)
    assert got.request.reasoning == ReasoningSpec(budget_tokens=1024)
    assert seal("google", tuned) == "google:gemini-2.5-flash@vertex"


# --- Claude -----------------------------------------------------------------------------------------------------------

CLAUDE = ModelFacts(model="claude-sonnet-4-5@20250929", place=VERTEX)


def test_claude_follows_anthropics_rules():
    got = adapt(Request(messages=(HI,), reasoning=ReasoningSpec(effort="low"), service_tier="flex"), CLAUDE)
    assert got.request.reasoning == ReasoningSpec(budget_tokens=2048)
    assert [change.field for change in got.transforms] == ["reasoning.effort", "service_tier"]
    assert not prefix_bound(CLAUDE)
    assert prefix_bound(ModelFacts(model="claude-opus-5-5", place=VERTEX))
    assert not prefix_bound(ModelFacts(model="gemini-3-flash"))


def test_vertex_fetches_nothing_for_claude():
    with pytest.raises(UpstreamError) as caught:
        adapt(Request(messages=(Message("user", (PICTURE,)),)), CLAUDE)
    assert caught.value.body.param == "messages[0]"


def test_claudes_body_names_a_version_and_no_model():
    whole = amend({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [], "stream": False}, CLAUDE)
    assert whole == {"max_tokens": 9, "messages": [], "anthropic_version": ANTHROPIC_VERSION}
    assert amend(whole, CLAUDE) is whole
    stream = amend({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [], "stream": True}, CLAUDE)
    assert stream["stream"] is True
    google = {"contents": []}
    assert amend(google, ModelFacts(model="gemini-3-flash")) is google


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("vertex-messages-*.json")), ids=lambda path: path.stem)
def test_recorded_bodies_of_claude_are_spelled_like_ours(path):
    asked = json.loads(path.read_text())["request"]["body"]
    rendered = MESSAGES.render_request(Request(messages=(HI,), stream=asked.get("stream", False)), CLAUDE.model).body
    ours = amend(rendered, CLAUDE)
    assert ours["anthropic_version"] == asked["anthropic_version"]
    assert "model" not in ours
    assert ("stream" in ours) is ("stream" in asked)


def test_google_stands_before_claude_and_its_refusals_are_read_as_its_own():
    told = {"code": 429, "message": "Quota exceeded for online_prediction_requests", "status": "RESOURCE_EXHAUSTED"}
    body = json.dumps([{"error": told}]).encode()
    error = MESSAGES.parse_error(429, {}, body)
    got = classify(error, 429, {}, body)
    assert (got.reason, got.upstream_code) == (Reason.RATE_LIMITED, "RESOURCE_EXHAUSTED")
    own = PROVIDER.formats[0].parse_error(429, {}, body)
    assert classify(own, 429, {}, body) is own
    anthropics = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    error = MESSAGES.parse_error(529, {}, anthropics)
    assert classify(error, 529, {}, anthropics) is error
    assert classify(error, 529, {}, b"<html>") is error
