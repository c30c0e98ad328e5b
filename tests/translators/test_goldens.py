"""What each client's request looks like to each provider's format, written down: tests/goldens/<dialect>/<case>/.

`request.json` is what a client sends; the other files say what goes out, what was changed on the way, and what routing
was told that the request needs. `UPDATE_GOLDENS=1` writes them anew; read the difference before keeping it.
"""

import json
import os
from pathlib import Path

import pytest

from translators.canonical import UpstreamError
from translators.canonical.needs import needs
from translators.formats import anthropic_messages, google_generate, ollama_chat, openai_chat, openai_responses

ROOT = Path(__file__).parents[1] / "goldens"
CLIENTS = {"openai_chat": openai_chat.CLIENT, "openai_responses": openai_responses.CLIENT}
PROVIDERS = {
    "anthropic_messages": anthropic_messages.PROVIDER,
    "google_generate": google_generate.PROVIDER,
    "ollama_chat": ollama_chat.PROVIDER,
    "openai_chat": openai_chat.PROVIDER,
    "openai_responses": openai_responses.PROVIDER,
}
CASES = sorted(path.parent for path in ROOT.glob("*/*/request.json"))


def rendered(case: Path, target: str) -> dict:
    raw = (case / "request.json").read_bytes()
    request = CLIENTS[case.parent.name].parse_request(json.loads(raw), raw)
    told = {"needs": [f"{need.name}={need.value}: {need.because}" for need in needs(request)]}
    try:
        result = PROVIDERS[target].render_request(request, "upstream-model")
    except UpstreamError as error:
        return told | {"refused": str(error), "param": error.body.param}
    changes = [f"{change.field}: {change.action}, {change.detail}" for change in result.transforms]
    return told | {"transforms": changes, "body": result.body}


def test_there_are_cases_of_every_dialect():
    assert {case.parent.name for case in CASES} == set(CLIENTS)


@pytest.mark.parametrize("target", PROVIDERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_request_goes_out_as_written_down(case: Path, target: str):
    path = case / f"{target}.json"
    got = rendered(case, target)
    if "UPDATE_GOLDENS" in os.environ:
        path.write_text(json.dumps(got, indent=2, ensure_ascii=False) + "\n")
    assert got == json.loads(path.read_text())
    if "body" in got:
        assert list(got["body"]) == list(json.loads(path.read_text())["body"]), "the order of members is part of it"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_rendering_is_the_same_every_time(case: Path):
    assert all(rendered(case, target) == rendered(case, target) for target in PROVIDERS)
