"""The suite for somebody else's provider: the pytest plugin and the command, with a wheel that this repository does not know."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins import install_wheel


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the wheel is installed."""
    site = install_wheel(tmp_path_factory.mktemp("wheel"))
    return {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{Path.cwd()}", "PYTEST_ADDOPTS": ""}


def run_pytest(folder: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_an_ini_line_is_enough(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\njoch_provider = parrot-http\n")
    ran = run_pytest(tmp_path, env, "-q", "--joch-section", "request-fidelity", "-k", "plain-text")
    assert ran.returncode == 0, ran.stdout
    assert "4 passed" in ran.stdout


def test_a_failure_is_told_in_plain_words(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "conftest.py").write_text(
        "from translators.formats import openai_chat\n"
        "from dataclasses import replace\n"
        "import joch_parrot\n"
        "from translators.canonical import Reason, UpstreamError\n"
        "def parse(wire, issuer):\n"
        "    raise UpstreamError(Reason.BAD_RESPONSE, 'cannot be read')\n"
        "broken = replace(openai_chat.PROVIDER, parse_response=parse)\n"
        "joch_parrot.PARROT_HTTP = replace(joch_parrot.PARROT_HTTP, formats=(broken,))\n"
    )
    ran = run_pytest(tmp_path, env, "-q", "--joch-provider", "parrot-http", "-k", "plain-text-responses-whole")
    assert ran.returncode == 1
    assert "A question with an instruction arrives as it was asked, and the answer as it was given." in ran.stdout
    assert "the client got an error" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_without_a_provider_the_plugin_does_nothing(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    ran = run_pytest(tmp_path, env, "-q")
    assert "1 passed" in ran.stdout
    light = "import sys, proxy.conformance.plugin; print(sorted(n for n in sys.modules if n.startswith(('aiohttp', 'translators'))))"
    loaded = subprocess.run([sys.executable, "-c", light], env=env, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]", "every pytest of the environment loads it"


def test_the_command_takes_it_by_its_name(env: dict[str, str]) -> None:
    command = [
        sys.executable,
        "-m",
        "proxy",
        "providers",
        "verify",
        "parrot-http",
        "--section",
        "tool-calling",
        "-o",
        "json",
    ]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert report["passed"] is True
    assert report["matrix"]["tool calls"]["parrot-http"]["chat"] == "refused", "it declares no tools, and says so"
