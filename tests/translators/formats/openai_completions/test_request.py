import json

import pytest

from translators.canonical import Native, Patch, RequestError, Text, edited
from translators.canonical.needs import needs
from translators.exchange import apply_patches
from translators.formats.openai_completions import CLIENT

from .samples import ask

FORMAT = "openai_completions"
NEED = f"feature:native:{FORMAT}"


def names(request) -> list[str]:
    return [need.name for need in needs(request)]


@pytest.mark.parametrize(("prompt", "pointer"), [("Say hi", "/prompt"), (["Say hi"], "/prompt/0")])
def test_one_prompt_in_text_is_a_user_message_that_any_provider_can_serve(prompt, pointer):
    request = ask(prompt=prompt)
    (message,) = request.messages
    (block,) = message.blocks
    assert message.role == "user"
    assert isinstance(block, Text)
    assert (block.text, block.origin.pointer) == ("Say hi", pointer)
    assert names(request) == ["text"]


def test_a_patch_at_the_place_of_a_prompt_changes_that_prompt_alone():
    request = ask(prompt=["secret", "fine"])
    block = request.messages[0].blocks[0]
    source = edited(request, Patch(block.origin.pointer, "***")).source
    assert apply_patches(source.body, source.patches)["prompt"] == ["***", "fine"]


@pytest.mark.parametrize(
    ("member", "because"),
    [
        ({"prompt": ["one", "two"]}, "prompt"),
        ({"prompt": [1, 2, 3]}, "prompt"),
        ({"prompt": [[1, 2], [3]]}, "prompt"),
        ({"echo": True}, "echo"),
        ({"suffix": "the end"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"logprobs": 3}, "logprobs"),
        ({"logprobs": 0}, "logprobs"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_what_only_this_api_can_say_is_a_need(member, because):
    assert [(need.name, need.because) for need in needs(ask(**member))] == [("text", "messages"), (NEED, because)]


@pytest.mark.parametrize(
    "member",
    [
        {"echo": False},
        {"echo": None},
        {"suffix": None},
        {"suffix": ""},
        {"best_of": 1},
        {"best_of": 0},
        {"logprobs": None},
        {"max_tokens": 1},
        {"logit_bias": {}},
        {"frequency_penalty": 0},
        {"mystery": None},
    ],
)
def test_members_that_say_nothing_need_nothing(member):
    assert names(ask(**member)) == ["text"]


def test_several_prompts_stay_readable_texts():
    blocks = ask(prompt=["one", "two"]).messages[0].blocks
    assert [block.text for block in blocks if isinstance(block, Text)] == ["one", "two"]
    assert [block.raw for block in blocks if isinstance(block, Native)] == [{"prompts": 2}]


def test_settings_are_read_and_nothing_is_defaulted():
    request = ask(
        max_tokens=9,
        temperature=0.5,
        top_p=1,
        n=2,
        stop="x",
        seed=-3,
        presence_penalty=-2,
        frequency_penalty=2.0,
        logit_bias={"50256": -100},
        user="u",
        stream=True,
        stream_options={"include_usage": True, "include_obfuscation": False},
        top_k=4,
    )
    sampling = request.sampling
    assert (sampling.max_output_tokens, sampling.temperature, sampling.top_p, sampling.n) == (9, 0.5, 1, 2)
    assert (sampling.stop, sampling.seed, sampling.presence_penalty) == (("x",), -3, -2)
    assert (sampling.frequency_penalty, sampling.logit_bias) == (2.0, {"50256": -100})
    assert (request.user, request.stream, request.include_usage) == ("u", True, True)
    assert request.include_obfuscation is False
    assert request.extensions == {"top_k": 4}
    assert ask().sampling.max_output_tokens is None
    assert ask(stop=[]).sampling.stop == ()


def test_the_source_is_kept_as_it_came():
    raw = b'{ "model":"m", "prompt" :"x" }'
    source = CLIENT.parse_request(json.loads(raw), raw).source
    assert (source.format, source.raw, source.body) == (FORMAT, raw, {"model": "m", "prompt": "x"})


@pytest.mark.parametrize(
    ("member", "param", "code"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": []}, "prompt", "empty_array"),
        ({"prompt": 3}, "prompt", "invalid_type"),
        ({"prompt": {"a": 1}}, "prompt", "invalid_type"),
        ({"prompt": ["a", 1]}, "prompt", "invalid_type"),
        ({"prompt": [True]}, "prompt", "invalid_type"),
        ({"prompt": [[1], "a"]}, "prompt", "invalid_type"),
        ({"prompt": [["a"]]}, "prompt", "invalid_type"),
        ({"model": 3}, "model", "invalid_type"),
        ({"max_tokens": -1}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"max_tokens": True}, "max_tokens", "invalid_type"),
        ({"max_tokens": 2**63}, "max_tokens", "integer_above_max_value"),
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"temperature": "1"}, "temperature", "invalid_type"),
        ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"best_of": 21}, "best_of", "integer_above_max_value"),
        ({"best_of": 2, "n": 3}, "best_of", "invalid_value"),
        ({"logprobs": 6}, "logprobs", "integer_above_max_value"),
        ({"logprobs": True}, "logprobs", "invalid_type"),
        ({"echo": 1}, "echo", "invalid_type"),
        ({"suffix": 1}, "suffix", "invalid_type"),
        ({"user": 1}, "user", "invalid_type"),
        ({"seed": 1.0}, "seed", "invalid_type"),
        ({"stop": [1]}, "stop", "invalid_type"),
        ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
        ({"logit_bias": []}, "logit_bias", "invalid_type"),
        ({"logit_bias": {"1": "2"}}, "logit_bias.1", "invalid_type"),
        ({"logit_bias": {"1": 101}}, "logit_bias", "invalid_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": {}}, "stream_options", "invalid_value"),
        ({"stream": True, "stream_options": []}, "stream_options", "invalid_type"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
    ],
)
def test_a_mistake_names_the_member_at_fault(member, param, code):
    with pytest.raises(RequestError) as caught:
        ask(**member)
    body = caught.value.body
    assert (caught.value.status, body.type, body.param, body.code) == (400, "invalid_request_error", param, code)


def test_a_prompt_that_is_missing_is_told_in_openais_words():
    with pytest.raises(RequestError, match=r"^Missing required parameter: 'prompt'\.$"):
        CLIENT.parse_request({"model": "m"}, b"")
