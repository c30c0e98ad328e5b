"""What joch sends to Google is what google-genai's own types describe: no member they do not know, no value they refuse."""

import json
import warnings
from pathlib import Path

import pytest
from pydantic import ValidationError

from translators.canonical import Choice, Finish, Message, Response
from translators.formats.google_generate import PROVIDER
from translators.formats.google_generate.resume import PAUSED_AT

from .test_conversations import Reader, conversations

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the SDK says of its own dependencies
    from google.genai import types

GOLDENS = sorted((Path(__file__).parents[3] / "goldens").glob("*/*/google_generate.json"))

MEMBERS = {
    "systemInstruction": types.Content,
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerationConfig,
}
LISTS = {"contents": types.Content, "tools": types.Tool, "safetySettings": types.SafetySetting}
PLAIN = {"labels": dict, "serviceTier": types.ServiceTier, "cachedContent": str, "continuationToken": str}


def assert_known(body: dict) -> None:
    """Raises where a member, however deep, is not one of Google's."""
    assert body.keys() <= MEMBERS.keys() | LISTS.keys() | PLAIN.keys()
    for name, value in body.items():
        if name in MEMBERS:
            MEMBERS[name].model_validate(value)
        elif name in LISTS:
            for each in value:
                LISTS[name].model_validate(each)
        else:
            PLAIN[name](value)
    assert "_" not in "".join(members(body))


def members(value, inside: str = "") -> list[str]:
    """Names of members: ours are in camel case, as Google's reference has them; data and schemas have names of their own."""
    if isinstance(value, list):
        return [name for each in value for name in members(each)]
    if not isinstance(value, dict):
        return []
    found = list(value)
    for name, content in value.items():
        if name not in ("args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"):
            found += members(content)
    return found


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_golden_requests_are_of_googles_types(path):
    written = json.loads(path.read_text())
    if "body" in written:
        assert_known(written["body"])


@pytest.mark.parametrize(("exchange", "before"), conversations())
def test_conversations_are_of_googles_types(exchange, before):
    assert_known(PROVIDER.render_request(Reader(before).read(exchange), exchange["model"]).body)


def test_an_answer_that_goes_on_is_of_googles_types():
    paused = Response(
        id="r",
        model="m",
        choices=(Choice(index=0, message=Message("assistant", ()), finish=Finish.PAUSE),),
        extensions={PAUSED_AT: "dG9rZW4="},
    )
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 9}}
    assert PROVIDER.resume is not None
    assert_known(PROVIDER.resume(body, paused))


@pytest.mark.parametrize(
    "broken",
    [
        {"contents": [{"role": "user", "parts": [{"text": "hi", "texts": 1}]}]},
        {"contents": [], "generationConfig": {"max_output": 1}},
        {"contents": [], "generationConfig": {"continuationToken": "dG9rZW4="}},
        {"contents": [], "toolConfig": {"functionCallingConfig": {"modes": "ANY"}}},
    ],
)
def test_the_types_are_strict(broken):
    with pytest.raises(ValidationError):
        assert_known(broken)
