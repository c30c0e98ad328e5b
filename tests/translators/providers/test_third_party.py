"""A wheel that nobody here knows brings a provider, which has the same standing as the built-in ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins import build_wheel, install_wheel
from translators.providers import BrokenProviderError, UnknownProviderError, load, names

BUILT_IN = ["demo", "generic-openai", "llama-cpp", "ollama", "openai", "vllm"]

ASK = """
import asyncio, itertools, json
from translators.formats import RenderContext
from translators.formats.openai_chat import CLIENT
from translators.providers import load, names
from translators.providers.provider import ModelFacts

body = {"model": "parrot:grey", "messages": [{"role": "user", "content": "hello"}]}
request = CLIENT.parse_request(body, json.dumps(body).encode())
adapter = load("parrot").build(ModelFacts(model="grey"))
response = asyncio.run(adapter.respond(request))
ids = itertools.count()
context = RenderContext(request=request, new_id=lambda prefix: f"{prefix}{next(ids)}", created=1)
record = load("parrot-http")
wire = record.choose(record.formats, CLIENT.name, request, ModelFacts(model="grey"))
print(json.dumps({
    "names": names(),
    "answer": CLIENT.render_response(response, context),
    "asked": record.amend(wire.render_request(request, "grey").body, ModelFacts(model="grey")),
}))
"""


def run(script: str, site: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(site), str(root)])
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_wheels_provider_answers_a_chat_call(tmp_path: Path):
    done = run(ASK, install_wheel(tmp_path))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["names"]) >= {*BUILT_IN, "parrot", "parrot-http"}
    assert told["answer"]["choices"][0]["message"]["content"] == "hello hello"
    assert told["answer"]["choices"][0]["finish_reason"] == "stop"
    assert told["asked"]["model"] == "grey"


def test_the_wheel_is_one_that_installers_take(tmp_path: Path):
    wheel = build_wheel(tmp_path)
    assert wheel.name == "joch_parrot-1.0-py3-none-any.whl"
    done = run("import joch_parrot, importlib.metadata as m; print(m.version('joch-parrot'))", wheel)
    assert done.stdout.strip() == "1.0", done.stderr


def test_without_the_wheel_there_is_no_such_provider():
    assert set(names()) >= set(BUILT_IN)
    assert "parrot" not in names()
    with pytest.raises(UnknownProviderError):
        load("parrot")


def test_a_package_that_is_broken_is_told_by_name(tmp_path: Path):
    site = install_wheel(tmp_path)
    (site / "joch_parrot" / "__init__.py").write_text("PARROT = PARROT_HTTP = 5\n")
    script = """
from translators.providers import BrokenProviderError, load
try:
    load("parrot")
except BrokenProviderError as error:
    print(error)
"""
    done = run(script, site)
    assert "provider 'parrot' (joch_parrot:PARROT) is not a provider record" in done.stdout, done.stderr
    (site / "joch_parrot" / "__init__.py").write_text("import nothing_of_this_name\n")
    assert "could not be loaded" in run(script, site).stdout


def test_broken_is_an_error_of_its_own():
    assert issubclass(BrokenProviderError, RuntimeError)
    assert issubclass(UnknownProviderError, LookupError)
