"""Whole answers and streams of an OpenAI chat upstream, as short as the wire allows."""

from __future__ import annotations

from typing import Any

from .scripted import DONE, Received, Step, event, stream, whole

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def chat_answer(text: str = "hello", **fields: Any) -> dict[str, Any]:
    """A chat.completion that says `text`."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    base = {"id": "chatcmpl-up", "object": "chat.completion", "created": 1_790_000_000, "model": "up-model"}
    return {**base, "choices": [choice], "usage": USAGE, **fields}


def chat_chunk(delta: dict[str, Any] | None, finish: str | None = None, **fields: Any) -> bytes:
    """One chunk of a chat stream; `delta` None makes one without choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    base = {"id": "chatcmpl-up", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "up-model"}
    return event({**base, "choices": choices, **fields})


def chat_events(*texts: str) -> list[bytes]:
    """The events of a whole chat stream that says `texts`, usage and `[DONE]` included."""
    return [
        chat_chunk({"role": "assistant", "content": ""}),
        *(chat_chunk({"content": text}) for text in texts),
        chat_chunk({}, "stop"),
        chat_chunk(None, usage=USAGE),
        DONE,
    ]


def chat_upstream(text: str = "hello") -> Any:
    """A script that answers `text`, streamed or whole as the request asks."""

    def answer(request: Received) -> list[Step]:
        if request.json.get("stream"):
            return stream(*chat_events(*text.split(" ")))
        return [whole(200, chat_answer(text))]

    return answer


def refusal(status: int, message: str = "no", code: str | None = None, **headers: str) -> list[Step]:
    """An error in OpenAI's envelope."""
    body = {"error": {"message": message, "type": "x", "param": None, "code": code}}
    return [whole(status, body, **headers)]
