"""The things apps do with a model, each once: how both dialects ask for it, what must arrive, what the model then says.

A table; the tests in test_matrix.py run every row against every upstream, whole and streamed, by both clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .upstreams import Answer, Call

Asked = dict[str, Any]

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # one red pixel
)
QUESTION = "What is it like in Oslo?"
WEATHER = Call("call_weather", "get_weather", '{"city":"Oslo","days":2}')
TIME = Call("call_time", "get_time", "{}")
ANSWER = Answer(pieces=("It", " is", " cold", " in", " Oslo", ".\n", "Bl\u00e5tt \u2744\ufe0f"))
LOGPROBS = "message.output_text.logprobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One row. `chat` and `responses` are the arguments beside `model`; None where the dialect has no such thing.

    `hears` is what must arrive, by the names of `Heard`; `hears_at` what differs at single upstreams. `needs` is the
    capability an upstream may lack. `refusing`: only upstreams whose API knows refusals. `forces` a named tool.
    """

    name: str
    chat: Asked | None
    responses: Asked | None
    answer: Answer = ANSWER
    hears: Mapping[str, Any] = field(default_factory=dict)
    hears_at: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    needs: str | None = None
    refusing: bool = False


def _user(text: Any = QUESTION) -> list[Asked]:
    return [{"role": "user", "content": text}]


_PARAMETERS = {
    "get_weather": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
    "get_time": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
}
_FUNCTIONS = [
    {"name": name, "description": "Ask a station.", "parameters": parameters, "strict": True}
    for name, parameters in _PARAMETERS.items()
]
CHAT_TOOLS = [{"type": "function", "function": function} for function in _FUNCTIONS]
RESPONSES_TOOLS = [{"type": "function", **function} for function in _FUNCTIONS]
_BOTH = ["get_weather", "get_time"]

_TURNS_OF_CHAT = [
    *_user(),
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in (WEATHER, TIME)
        ],
    },
    {"role": "tool", "tool_call_id": WEATHER.id, "content": "snow"},
    {"role": "tool", "tool_call_id": TIME.id, "content": [{"type": "text", "text": "noon"}]},
]
_TURNS_OF_RESPONSES = [
    *_user(),
    *(
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
        for call in (WEATHER, TIME)
    ),
    {"type": "function_call_output", "call_id": WEATHER.id, "output": "snow"},
    {"type": "function_call_output", "call_id": TIME.id, "output": [{"type": "input_text", "text": "noon"}]},
]

TEXT = Feature(
    name="text",
    chat={"messages": [{"role": "system", "content": "Be brief."}, *_user()]},
    responses={"input": QUESTION, "instructions": "Be brief."},
    hears={"said": [("system", "Be brief."), ("user", QUESTION)], "tools": [], "schema": None},
)
PARALLEL_TOOLS = Feature(
    name="parallel-tools",
    chat={"messages": _user(), "tools": CHAT_TOOLS},
    responses={"input": QUESTION, "tools": RESPONSES_TOOLS},
    answer=Answer(calls=(WEATHER, TIME)),
    hears={"tools": _BOTH},
)
REFUSAL = Feature(
    name="refusal",
    chat={"messages": _user("Tell me how to pick a lock.")},
    responses={"input": "Tell me how to pick a lock."},
    answer=Answer(refusal=("I", " can't", " help", ".")),
    refusing=True,
)
REASONING = Feature(
    name="reasoning-effort",
    chat={"messages": _user(), "reasoning_effort": "high"},
    responses={"input": QUESTION, "reasoning": {"effort": "high", "summary": "auto"}},
    answer=Answer(thoughts=("Oslo", " is", " far north."), pieces=("Cold", ".")),
    hears={"effort": "high"},
)

FEATURES = (
    TEXT,
    PARALLEL_TOOLS,
    REFUSAL,
    REASONING,
    Feature(
        name="text-and-tool",
        chat={"messages": _user(), "tools": CHAT_TOOLS, "tool_choice": "auto"},
        responses={"input": QUESTION, "tools": RESPONSES_TOOLS, "tool_choice": "auto"},
        answer=Answer(pieces=("Let me", " look."), calls=(WEATHER,)),
        hears={"tools": _BOTH},
    ),
    Feature(
        name="named-tool",
        chat={
            "messages": _user(),
            "tools": CHAT_TOOLS,
            "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        },
        responses={
            "input": QUESTION,
            "tools": RESPONSES_TOOLS,
            "tool_choice": {"type": "function", "name": "get_weather"},
        },
        answer=Answer(calls=(WEATHER,)),
        hears={"tools": _BOTH, "choice": "get_weather"},
        hears_at={  # neither takes a name: only that tool is offered
            "llama-cpp": {"tools": ["get_weather"], "choice": "required"},
            "ollama": {"tools": ["get_weather"], "choice": None},
        },
    ),
    Feature(
        name="required-tool",
        chat={"messages": _user(), "tools": CHAT_TOOLS, "tool_choice": "required"},
        responses={"input": QUESTION, "tools": RESPONSES_TOOLS, "tool_choice": "required"},
        answer=Answer(calls=(TIME,)),
        hears={"tools": _BOTH, "choice": "required"},
        hears_at={"ollama": {"choice": None}},
    ),
    Feature(
        name="no-tool",
        chat={"messages": _user(), "tools": CHAT_TOOLS, "tool_choice": "none"},
        responses={"input": QUESTION, "tools": RESPONSES_TOOLS, "tool_choice": "none"},
        hears={"tools": _BOTH, "choice": "none"},
        # it has no such choice: tools that must not be called stay away
        hears_at={"ollama": {"tools": [], "choice": None}},
    ),
    Feature(
        name="tool-results",
        chat={"messages": _TURNS_OF_CHAT, "tools": CHAT_TOOLS},
        responses={"input": _TURNS_OF_RESPONSES, "tools": RESPONSES_TOOLS},
        hears={
            "said": [("user", QUESTION)],
            "tools": _BOTH,
            "calls": [WEATHER, TIME],
            "results": [(WEATHER.id, "snow"), (TIME.id, "noon")],
        },
    ),
    Feature(
        name="image",
        chat={
            "messages": _user(
                [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                ]
            )
        },
        responses={
            "input": _user(
                [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
                ]
            )
        },
        hears={"said": [("user", "What is this?")], "images": [PNG]},
    ),
    Feature(
        name="two-choices",
        chat={"messages": _user(), "n": 2},
        responses=None,
        answer=Answer(pieces=("Co", "ld"), more=(("Free", "zing"),)),
        hears={"n": 2},
        needs="nChoices",
    ),
    Feature(
        name="logprobs",
        chat={"messages": _user(), "logprobs": True},
        responses={"input": QUESTION, "include": [LOGPROBS]},
        hears={"logprobs": True},
    ),
    Feature(
        name="stop",
        chat={"messages": _user(), "stop": ["\n\n", "END"]},
        responses=None,
        hears={"stop": ["\n\n", "END"]},
        needs="stop",
    ),
    Feature(
        name="length",
        chat={"messages": _user(), "max_completion_tokens": 16},
        responses={"input": QUESTION, "max_output_tokens": 16},
        answer=Answer(pieces=("It is", " rather"), finish="length"),
        hears={"limit": 16},
    ),
)
