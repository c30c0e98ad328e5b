"""Both dialects read the same conversation to the same facts."""

from __future__ import annotations

from proxy.conformance.simulators.facts import media
from proxy.conformance.simulators.openai.reading import read_chat, read_responses
from proxy.conformance.simulators.seals import Seals
from tests.proxy.conformance.simulators.asking import PNG

TURNS = [
    ("system", "Be brief."),
    ("user", "Look."),
    ("media user", media("image/png", PNG)),
    ("assistant", "I look."),
    ("call look", '{"at":"sky"}'),
    ("result look", "blue"),
]


def test_the_same_conversation() -> None:
    url = f"data:image/png;base64,{PNG}"
    chat = read_chat(
        {
            "model": "m",
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Look."}, {"type": "image_url", "image_url": {"url": url}}],
                },
                {
                    "role": "assistant",
                    "content": "I look.",
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c", "content": "blue"},
            ],
            "max_tokens": 5,
            "stop": "x",
        }
    )
    responses = read_responses(
        {
            "model": "m",
            "instructions": "Be brief.",
            "input": [
                {
                    "role": "user",
                    "content": [{"type": "input_text", "text": "Look."}, {"type": "input_image", "image_url": url}],
                },
                {"role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
                {"type": "function_call", "call_id": "c", "name": "look", "arguments": '{"at": "sky"}'},
                {"type": "function_call_output", "call_id": "c", "output": "blue"},
            ],
            "max_output_tokens": 5,
        },
        Seals("x", "openai"),
    )
    assert chat.turns == responses.turns == TURNS
    assert (chat.limit, responses.limit, chat.stop) == (5, 5, ["x"])
