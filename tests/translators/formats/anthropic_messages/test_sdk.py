"""What is sent is what Anthropic's own SDK would let through: for every request that is written down, and for odd ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from translators.canonical import (
    CacheHint,
    Media,
    Message,
    OutputSpec,
    ReasoningSpec,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    UpstreamError,
)
from translators.formats import openai_chat, openai_responses
from translators.formats.anthropic_messages import PROVIDER, models

from . import sdk

GOLDENS = Path(__file__).parents[3] / "goldens"
CLIENTS = {"openai_chat": openai_chat.CLIENT, "openai_responses": openai_responses.CLIENT}
MODELS = (
    "claude-haiku-4-5",
    "claude-opus-4-6",
    "claude-opus-4-8",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "some-claude",
)
CASES = sorted(GOLDENS.glob("*/*/request.json"))
PDF = "JVBERi0xLjQKJcOkw7zDtsOfCg=="


def asked(path: Path) -> Request:
    raw = path.read_bytes()
    return CLIENTS[path.parents[1].name].parse_request(json.loads(raw), raw)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parents[1].name}/{path.parent.name}")
def test_every_written_request_is_one_of_the_sdk(path: Path):
    written = json.loads(path.with_name("anthropic_messages.json").read_text())
    if "body" in written:
        sdk.check(written["body"])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parents[1].name}/{path.parent.name}")
def test_so_is_what_each_model_is_sent(path: Path, model: str):
    request, _ = models.adapt(asked(path), model)
    try:
        body = models.amend(PROVIDER.render_request(request, model).body, model)
    except UpstreamError:
        return
    sdk.check(body)


ODD = {
    "documents and marks": Request(
        messages=(
            Message(
                "user",
                (
                    Media(kind="file", data=PDF, mime="application/pdf", filename="a.pdf", cache=CacheHint("1h")),
                    Media(kind="file", url="https://example.com/a.pdf"),
                    Media(kind="file", data="aGk=", mime="text/markdown"),
                    Media(kind="image", url="https://example.com/a.png", cache=CacheHint()),
                ),
            ),
        ),
        instructions=(Text("be brief", cache=CacheHint("5m")),),
    ),
    "nothing but results": Request(
        messages=(
            Message("assistant", (ToolCall("call:1", "f", "no json"), ToolCall("call:1", "f", "{}"))),
            Message("tool", (ToolResult("call:1", (Text("x"), Media(kind="image", data="R0lGOD", mime="image/gif"))),)),
            Message("tool", (ToolResult("call:9", (), is_error=True),)),
        ),
    ),
    "late instructions, one after the other": Request(
        messages=(
            Message("user", (Text("a"),)),
            Message("system", (Text("b"),)),
            Message("developer", (Text("c"),)),
        ),
        tools=(Tool(name="f", strict=True, parameters={"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {}}}),),
        tool_choice=ToolChoice(mode="required"),
        parallel_tool_calls=False,
    ),
    "an answer bound to a schema": Request(
        messages=(Message("user", (Text("a"),)),),
        output=OutputSpec(kind="json_schema", schema={"oneOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}),
        reasoning=ReasoningSpec(budget_tokens=2000, summary="detailed"),
        web_search={"user_location": {"type": "approximate", "approximate": {"city": "Oslo"}}},
        user="someone@example.com",
        service_tier="priority",
        stream=True,
    ),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ODD)
def test_odd_requests_become_good_ones(name: str, model: str):
    request, _ = models.adapt(ODD[name], model)
    sdk.check(models.amend(PROVIDER.render_request(request, model).body, model))


@pytest.mark.parametrize(
    "change",
    [
        {"marker": 1},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "marker": 1}]}]},
        {"messages": [{"role": "user", "content": [{"type": "thinking"}]}]},
        {"thinking": {"type": "adaptive", "marker": 1}},
        {"tools": [{"name": "x"}]},
        {"max_tokens": "x"},
    ],
)
def test_the_judge_is_strict(change: dict[str, Any]):
    good = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}
    sdk.check(good)
    with pytest.raises(ValidationError):
        sdk.check({**good, **change})
