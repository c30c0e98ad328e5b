"""What an app asks through joch, with the openai SDK as it is, and what must be true of the answers.

A check returns one line about what it saw, or fails with an assertion. The words of the answers are random.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal

import openai
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel, Field

CHAT, EMBEDDER = "tiny", "tiny-embedder"
WIDTH = 64  # of the model's embeddings
OPENING_BRACE = 350  # the token of "{": tiny_model.FIRST_LETTER + LETTERS.index("{")

_QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Which way?"}]

_PICK: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "pick",
        "description": "Choose a side.",
        "parameters": {
            "type": "object",
            "properties": {"side": {"type": "string", "enum": ["left", "right"]}},
            "required": ["side"],
            "additionalProperties": False,
        },
    },
}


class Verdict(BaseModel):
    """A schema whose every instance is short, since the model would write for ever."""

    sure: bool
    count: int = Field(ge=0, le=99)
    word: Literal["yes", "no"]


def models(client: openai.OpenAI) -> str:
    names = {model.id for model in client.models.list()}
    assert {CHAT, EMBEDDER} <= names, f"the list of models lacks one: {sorted(names)}"
    return f"{len(names)} names"


def chat(client: openai.OpenAI) -> str:
    answer = client.chat.completions.create(model=CHAT, messages=_QUESTION, max_tokens=16)
    assert answer.choices[0].message.content, "no text"
    assert answer.usage is not None, "no usage"
    assert 0 < answer.usage.completion_tokens <= 16, answer.usage
    return f"finish {answer.choices[0].finish_reason}, {_usage(answer.usage)}"


def stream(client: openai.OpenAI) -> str:
    chunks = list(
        client.chat.completions.create(
            model=CHAT, messages=_QUESTION, max_tokens=16, stream=True, stream_options={"include_usage": True}
        )
    )
    texts = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert texts, "no text"
    assert len(finishes) == 1, f"finish reasons {finishes}"
    assert chunks[-1].usage is not None, "no usage in the last chunk"
    return f"{len(texts)} pieces of text, finish {finishes[0]}, {_usage(chunks[-1].usage)}"


def json_schema(client: openai.OpenAI) -> str:
    answer = client.chat.completions.parse(
        model=CHAT, messages=_QUESTION, response_format=Verdict, max_tokens=512, seed=1
    )
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, Verdict), answer.choices[0].message.content
    return f"valid: {parsed!r}"


def tool_required(client: openai.OpenAI) -> str:
    """The bias makes the model open a call at once; the engine's grammar does the rest."""
    for seed in range(1, 6):  # a random model may fill the space between two tokens until its limit
        answer = client.chat.completions.create(
            model=CHAT,
            messages=_QUESTION,
            tools=[_PICK],
            tool_choice="required",
            max_tokens=512,
            seed=seed,
            logit_bias={str(OPENING_BRACE): 50},
        )
        if answer.choices[0].finish_reason == "tool_calls":
            break
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "pick"
    assert json.loads(call.function.arguments)["side"] in ("left", "right"), call.function.arguments
    return f"{call.function.name}({call.function.arguments}), finish {answer.choices[0].finish_reason}"


def responses(client: openai.OpenAI) -> str:
    answer = client.responses.create(model=CHAT, input="Which way?", max_output_tokens=16, store=False)
    assert answer.output_text, "no text"
    assert answer.status in ("completed", "incomplete"), answer.status
    assert answer.usage is not None, "no usage"
    return f"status {answer.status}, {answer.usage.input_tokens} in, {answer.usage.output_tokens} out"


def responses_stream(client: openai.OpenAI) -> str:
    events = list(
        client.responses.create(model=CHAT, input="Which way?", max_output_tokens=16, store=False, stream=True)
    )
    numbers = [event.sequence_number for event in events]
    assert numbers == list(range(len(events))), f"sequence numbers {numbers}"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete"), last.type
    assert text == last.response.output_text, "the pieces are not the whole"
    return f"{len(events)} events, last {last.type}"


def embeddings(client: openai.OpenAI) -> str:
    answer = client.embeddings.create(model=EMBEDDER, input=["left", "right"])
    assert [len(item.embedding) for item in answer.data] == [WIDTH, WIDTH]
    plain = client.embeddings.create(model=EMBEDDER, input=["left", "right"], encoding_format="float")
    difference = max(
        abs(one - other) for one, other in zip(answer.data[0].embedding, plain.data[0].embedding, strict=True)
    )
    assert difference < 1e-4, f"base64 and float differ by {difference}"
    return f"2 vectors of {WIDTH}, base64 and float agree"


def context_overflow(client: openai.OpenAI) -> str:
    refused: openai.BadRequestError | None = None
    try:
        client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": "word " * 4000}], max_tokens=4)
    except openai.BadRequestError as error:
        refused = error
    assert refused is not None, "20,000 tokens were taken by a context of 2,048"
    assert refused.code == "context_length_exceeded", f"code {refused.code}: {refused.message}"
    return f"400 {refused.code}"


def _usage(usage: openai.types.CompletionUsage) -> str:
    return f"{usage.prompt_tokens} in, {usage.completion_tokens} out"


CHECKS: tuple[Callable[[openai.OpenAI], str], ...] = (
    models,
    chat,
    stream,
    json_schema,
    tool_required,
    responses,
    responses_stream,
    embeddings,
    context_overflow,
)
