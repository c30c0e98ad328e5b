"""What an app saw, read off the SDK's own objects: the same facts for both dialects, whole or streamed.

Reading a stream also holds it to the order both APIs promise, since apps that read chunks by hand rely on that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from .upstreams import MODEL, Call, Tokens

FINISHES = ("stop", "length", "tool_calls", "content_filter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An answer's facts. `texts` has one entry per choice; `finish` is one of `FINISHES` in either dialect.

    `tokens` is None when no usage was given; `logprobs` are (token, log probability).
    """

    texts: list[str]
    calls: list[Call] = field(default_factory=list)
    refusal: str = ""
    thoughts: str = ""
    finish: str = "stop"
    tokens: Tokens | None = None
    logprobs: list[tuple[str, float]] = field(default_factory=list)


def seen_completion(completion: ChatCompletion) -> Seen:
    """The facts of a whole chat answer, be it the server's or what a stream helper put together."""
    assert completion.object == "chat.completion"
    assert completion.model == MODEL
    assert completion.id
    first = completion.choices[0]
    assert [choice.index for choice in completion.choices] == list(range(len(completion.choices)))
    assert all(choice.finish_reason in FINISHES for choice in completion.choices)
    message = first.message
    calls = [Call(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    assert message.tool_calls != [] or _is_of_helper(message), "no calls are no member, not an empty one"
    return Seen(
        texts=[choice.message.content or "" for choice in completion.choices],
        calls=calls,
        refusal=message.refusal or "",
        thoughts=_shown_thoughts(message),
        finish=first.finish_reason,
        tokens=_chat_tokens(completion.usage),
        logprobs=_entries(first.logprobs.content if first.logprobs else None),
    )


def seen_chunks(chunks: Sequence[ChatCompletionChunk], *, usage: bool) -> Seen:
    """The facts of a streamed chat answer. `usage`: whether the app asked for usage, and so must get it, last."""
    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
    assert chunks[0].id
    assert chunks[0].model == MODEL
    told = [chunk for chunk in chunks if chunk.usage is not None]
    assert told == ([chunks[-1]] if usage else []), "usage stands in the last chunk, and only when asked for"
    assert [chunk for chunk in chunks if not chunk.choices] == told, "no chunk without choices but that of usage"
    choices: dict[int, _Choice] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            assert choice.index <= len(choices), "choices are opened in order"
            choices.setdefault(choice.index, _Choice()).take(choice)
    assert all(choice.finish for choice in choices.values())
    first = choices[0]
    return Seen(
        texts=[choices[index].text for index in sorted(choices)],
        calls=[Call(*call) for call in first.calls],
        refusal=first.refusal,
        thoughts=first.thoughts,
        finish=first.finish,
        tokens=_chat_tokens(told[0].usage) if told else None,
        logprobs=first.logprobs,
    )


class _Choice:
    """One choice of a stream, put together the way apps do it by hand."""

    def __init__(self) -> None:
        self.text = self.refusal = self.thoughts = self.finish = ""
        self.calls: list[list[str]] = []
        self.logprobs: list[tuple[str, float]] = []
        self._begun = False

    def take(self, choice: Any) -> None:
        delta = choice.delta
        assert not self.finish, "nothing follows the finish of a choice"
        assert delta.role == (None if self._begun else "assistant"), "the role stands in the first delta, once"
        self._begun = True
        self.text += delta.content or ""
        self.refusal += delta.refusal or ""
        self.thoughts += _shown_thoughts(delta)
        for call in delta.tool_calls or ():
            self._take_call(call)
        if choice.logprobs is not None:
            self.logprobs += _entries(choice.logprobs.content)
        if choice.finish_reason is not None:
            assert choice.finish_reason in FINISHES
            self.finish = choice.finish_reason

    def _take_call(self, call: Any) -> None:
        if call.index == len(self.calls):
            assert call.type == "function"
            assert call.id
            self.calls.append([call.id, call.function.name, ""])
        else:
            assert call.index < len(self.calls), "calls are numbered from 0, in order"
            assert call.id is None, "the id stands in the opening fragment, once"
            assert call.function.name is None
        self.calls[call.index][2] += call.function.arguments or ""


def seen_response(response: Response) -> Seen:
    """The facts of a whole Responses answer."""
    assert response.object == "response"
    assert response.model == MODEL
    assert response.error is None
    assert response.usage is not None
    assert response.status in ("completed", "incomplete")
    _check_items(response.output)
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    texts = [part for part in parts if part.type == "output_text"]
    calls = [Call(item.call_id, item.name, item.arguments) for item in response.output if item.type == "function_call"]
    return Seen(
        texts=["".join(part.text for part in texts)],
        calls=calls,
        refusal="".join(part.refusal for part in parts if part.type == "refusal"),
        thoughts="".join(_thoughts(item) for item in response.output if item.type == "reasoning"),
        finish=_finish(response, called=bool(calls)),
        tokens=Tokens(
            input=response.usage.input_tokens,
            output=response.usage.output_tokens,
            cached=response.usage.input_tokens_details.cached_tokens,
            reasoning=response.usage.output_tokens_details.reasoning_tokens,
        ),
        logprobs=[entry for part in texts for entry in _entries(part.logprobs)],
    )


def _check_items(output: Sequence[Any]) -> None:
    ids = [item.id for item in output]
    assert all(ids), "every item has an id"
    assert len(set(ids)) == len(ids), "and no two the same"
    for item in output:
        if item.type == "function_call":
            assert item.id != item.call_id


def _finish(response: Response, *, called: bool) -> str:
    if response.status == "completed":
        assert response.incomplete_details is None
        return "tool_calls" if called else "stop"
    assert response.incomplete_details is not None
    return {"max_output_tokens": "length", "content_filter": "content_filter"}[response.incomplete_details.reason or ""]


def _thoughts(item: Any) -> str:
    return "".join(part.text for part in (*item.summary, *(item.content or ())))


def seen_events(events: Sequence[Any]) -> Seen:
    """The facts of a streamed Responses answer: its terminal response, which must repeat what the events told."""
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    terminal = [kind for kind in kinds if kind in ("response.completed", "response.incomplete", "response.failed")]
    assert terminal == kinds[-1:], "one terminal event, and it is the last"
    whole = events[-1].response
    assert {event.response.id for event in events if hasattr(event, "response")} == {whole.id}
    done = [event.item for event in events if event.type == "response.output_item.done"]
    added = [event.item for event in events if event.type == "response.output_item.added"]
    assert [item.to_dict() for item in done] == [item.to_dict() for item in whole.output]
    assert [(item.type, item.id) for item in added] == [(item.type, item.id) for item in done]
    seen = seen_response(whole)
    for kind, member, told in (
        ("response.output_text.delta", "delta", "".join(seen.texts)),
        ("response.output_text.done", "text", "".join(seen.texts)),
        ("response.refusal.delta", "delta", seen.refusal),
        ("response.function_call_arguments.delta", "delta", "".join(call.arguments for call in seen.calls)),
        ("response.function_call_arguments.done", "arguments", "".join(call.arguments for call in seen.calls)),
    ):
        assert "".join(getattr(event, member) for event in events if event.type == kind) == told, kind
    return seen


def _is_of_helper(message: Any) -> bool:
    """The SDK's own parsed messages have a list of calls even when the server sent none."""
    return hasattr(message, "parsed")


def _chat_tokens(usage: Any) -> Tokens | None:
    if usage is None:
        return None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    input_details, output_details = usage.prompt_tokens_details, usage.completion_tokens_details
    return Tokens(
        input=usage.prompt_tokens,
        output=usage.completion_tokens,
        cached=(input_details.cached_tokens or 0) if input_details else 0,
        reasoning=(output_details.reasoning_tokens or 0) if output_details else 0,
    )


def _entries(entries: Any) -> list[tuple[str, float]]:
    return [(entry.token, entry.logprob) for entry in entries or ()]


def _shown_thoughts(value: Any) -> str:
    """Neither is in the SDK's types; apps read whichever is there, and one of them alone may be."""
    extra = value.model_extra or {}
    said = [extra[name] for name in ("reasoning_content", "reasoning") if extra.get(name)]
    assert len(said) < 2
    return said[0] if said else ""
