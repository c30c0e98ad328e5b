import json
from dataclasses import replace

import pytest

from translators.canonical import (
    Message,
    OutputSpec,
    Reason,
    ReasoningSpec,
    Request,
    Sampling,
    Source,
    StateSpec,
    Text,
    Tool,
    UpstreamError,
)
from translators.formats.openai_completions import CLIENT, PROVIDER

from .samples import ask, recordings

USER = Message("user", (Text("Say hi"),))

BODIES = [
    {"prompt": "x"},
    {"prompt": ["one", "two"], "n": 2, "best_of": 3},
    {"prompt": [1, 2, 3], "echo": True, "logprobs": 5, "max_tokens": 0},
    {"prompt": [[1, 2], [3]], "suffix": "end"},
    {"prompt": "x", "stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
    {"prompt": "x", "temperature": 0, "top_p": 0.9, "max_tokens": 5, "stop": ["a"], "seed": 0, "user": "u"},
    {"prompt": "x", "presence_penalty": 1, "frequency_penalty": -1, "logit_bias": {"5": 1}, "guided_regex": "a+"},
]


@pytest.mark.parametrize("body", BODIES)
def test_what_came_from_this_api_goes_back_to_it(body):
    rendered = PROVIDER.render_request(ask(**body), "upstream-id")
    assert rendered.body == {**body, "model": "upstream-id"}
    assert rendered.transforms == ()


@pytest.mark.parametrize(
    "recording",
    [
        pytest.param(each, id=each["id"])
        for each in recordings()
        if "prompt" in each["request"]["body"] and each["response"]["status"] != 400
    ],
)
def test_a_recorded_request_is_asked_again_as_it_was(recording):
    asked = {key: value for key, value in recording["request"]["body"].items() if value is not None}
    request = CLIENT.parse_request(asked, json.dumps(asked).encode())
    expected = dict(asked)
    if isinstance(asked["prompt"], list):
        (expected["prompt"],) = asked["prompt"]
    if isinstance(asked.get("stop"), str):
        expected["stop"] = [asked["stop"]]
    assert PROVIDER.render_request(request, asked["model"]).body == expected


def test_an_edited_prompt_is_what_goes_out():
    request = ask(prompt="secret", echo=True)
    (message,) = request.messages
    blocks = (replace(message.blocks[0], text="***"), *message.blocks[1:])
    body = PROVIDER.render_request(replace(request, messages=(replace(message, blocks=blocks),)), "m").body
    assert body == {"model": "m", "prompt": "***", "echo": True}


def test_one_plain_message_of_another_dialect_is_a_prompt():
    request = Request(
        messages=(Message("user", (Text("Say "), Text("hi")), name="ann"),),
        sampling=Sampling(max_output_tokens=4, top_k=3),
        reasoning=ReasoningSpec(effort="none"),
        state=StateSpec(store=True),
        metadata={"a": "b"},
        verbosity="low",
        extensions={"odd": 1},
        source=Source(format="openai_chat", body={}, raw=b""),
    )
    rendered = PROVIDER.render_request(request, "m")
    assert rendered.body == {"model": "m", "prompt": "Say hi", "max_tokens": 4}
    assert {transform.action for transform in rendered.transforms} == {"dropped"}
    assert {transform.field for transform in rendered.transforms} == {
        "reasoning",
        "verbosity",
        "sampling.top_k",
        "state",
        "messages[0].name",
        "metadata.a",
        "extensions.odd",
    }


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (Request(messages=(Message("system", (Text("x"),)), USER)), "messages"),
        (Request(messages=(USER, Message("assistant", (Text("x"),)))), "messages"),
        (Request(messages=(Message("assistant", (Text("x"),)),)), "messages"),
        (Request(messages=()), "messages"),
        (Request(messages=(USER,), instructions=(Text("x"),)), "messages"),
        (Request(messages=(USER,), tools=(Tool(name="f"),)), "tools[0]"),
        (Request(messages=(USER,), output=OutputSpec(kind="json_object")), "response_format"),
        (Request(messages=(USER,), reasoning=ReasoningSpec(effort="high")), "reasoning_effort"),
    ],
)
def test_what_a_prompt_cannot_say_is_refused(request_, param):
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.render_request(request_, "m")
    assert (caught.value.reason, caught.value.body.param) == (Reason.UNSUPPORTED, param)
