"""Upstreams that misbehave: short ways to streams that no well-behaved server would send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openai import OpenAI

from tests.support.joch import running_joch
from tests.support.scripted import DONE, Script, ScriptedServer, Step, event, stream
from tests.support.snapshots import snapshot

from .clients import sync_sdk
from .upstreams import CREATED, MODEL, UPSTREAMS, Answer, responses

Wire = dict[str, Any]
CHAT_ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
ROLE = {"role": "assistant", "content": ""}


def chunk(delta: Any = None, finish: str | None = None, *, index: int = 0, **members: Any) -> Wire:
    """One chat chunk; `members` replace its own."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "choices": [{"index": index, "delta": delta or {}, "logprobs": None, "finish_reason": finish}],
        **members,
    }


def said(text: str = "Hello", **members: Any) -> list[Wire]:
    """The chunks of an ordinary short answer."""
    return [chunk(ROLE, **members), chunk({"content": text}, **members), chunk({}, "stop", **members)]


def call_delta(**call: Any) -> Wire:
    """A delta with one fragment of a tool call."""
    return {"tool_calls": [call]}


def chat_stream(*chunks: Wire) -> list[Step]:
    """The chunks as a stream with its end marker."""
    return stream(*map(event, chunks), DONE)


def usage_chunk(**usage: Any) -> Wire:
    """The chunk of usage; `usage` replaces or adds members of it."""
    return {**chunk(), "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, **usage}}


def completion(message: Wire | None = None, finish: str | None = "stop", **members: Any) -> Wire:
    """A whole chat answer; `message` replaces members of the message, `members` those of the answer."""
    said_message = {"role": "assistant", "content": "Hello", "refusal": None, **(message or {})}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": MODEL,
        "choices": [{"index": 0, "message": said_message, "logprobs": None, "finish_reason": finish}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        **members,
    }


def response_events(answer: Answer, body: Wire | None = None) -> list[Wire]:
    """The numbered events of a well-behaved Responses stream, to be spoilt."""
    return list(responses.numbered(responses.events(answer, body or {})))


def responses_stream(*datas: Wire) -> list[Step]:
    """Events as a Responses stream, each under the name of its type."""
    return stream(*(event(data, data["type"]) for data in datas))


@contextmanager
def alone(upstream: ScriptedServer, *scripts: Script, retries: int = 0, **settings: Any) -> Iterator[OpenAI]:
    """A client of a joch of its own, whose only model plays `scripts` in turn.

    For failures after which a candidate rests, which must not reach other tests, and for settings that differ.
    """
    only = UPSTREAMS[0]
    upstream.script(only.name, *scripts)
    upstream.requests.clear()
    with (
        running_joch(snapshot([only.model(upstream)], **settings)) as joch,
        sync_sdk(joch.base_url, max_retries=retries) as sdk,
    ):
        yield sdk.client
