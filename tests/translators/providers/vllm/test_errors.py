import json

import pytest

from translators.canonical import Reason
from translators.providers.vllm import PROVIDER


def told(status: int, error) -> object:
    body = json.dumps({"error": error}).encode()
    return PROVIDER.classify(PROVIDER.formats[0].parse_error(status, {}, body), status, {}, body)


def refusal(message: str, status: int = 400):
    return told(status, {"message": message, "type": "BadRequestError", "param": None, "code": status})


@pytest.mark.parametrize(
    ("message", "reason", "param"),
    [
        (
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
            Reason.UNSUPPORTED,
            "tool_choice",
        ),
        ("facebook/opt-125m is not a multimodal model", Reason.UNSUPPORTED, "messages"),
        (
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
            Reason.CONTEXT_LENGTH,
            "messages",
        ),
        (
            "You passed 894 input characters. However, the model's context length is only 4096 tokens.",
            Reason.CONTEXT_LENGTH,
            "messages",
        ),
        ("top_p must be in (0, 1], got 2.", Reason.INVALID_REQUEST, None),
    ],
)
def test_refusals(message, reason, param):
    error = refusal(message)
    assert (error.reason, error.body.param) == (reason, param)


def test_a_deployment_that_lacks_something_lets_another_candidate_try():
    assert refusal("x is not a multimodal model").falls_forward
    assert not refusal("top_p must be in (0, 1], got 2.").falls_forward


def test_a_key_that_is_wrong_is_told_as_plain_text():
    assert told(401, "Unauthorized").reason is Reason.AUTH


def test_a_busy_engine_is_overloaded():
    assert refusal("The engine is currently busy.", 503).reason is Reason.ERROR_5XX
