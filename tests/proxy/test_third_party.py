"""A ninth provider, made by somebody else: installed beside joch, used by name, nothing here touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from openai import OpenAI

from tests.plugins import install_wheel
from tests.support.answers import chat_upstream
from tests.support.scripted import scripted_server

CONFIG = """
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{ name: grey }}
spec: {{ provider: parrot }}
---
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{ name: talker }}
spec:
  provider: parrot-http
  endpoint: {{ type: local, baseUrl: "{url}" }}
  auth: {{}}
"""


def test_a_provider_from_a_wheel_serves_unmodified_apps(tmp_path: Path) -> None:
    site = install_wheel(tmp_path)
    with scripted_server() as upstream:
        (tmp_path / "joch.yaml").write_text(CONFIG.format(url=upstream.script("up", chat_upstream("from the wheel"))))
        process = subprocess.Popen(
            [sys.executable, "-m", "proxy", "serve", "-f", str(tmp_path / "joch.yaml"), "--port", "0"],
            env={**os.environ, "PYTHONPATH": str(site)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stderr is not None
            url = next(line.split("=")[1].strip() for line in process.stderr if "OPENAI_BASE_URL" in line)
            client = OpenAI(base_url=url, api_key="any", max_retries=0)
            said = client.chat.completions.create(
                model="parrot:grey", messages=[{"role": "user", "content": "hello"}], stream=True
            )
            text = "".join(chunk.choices[0].delta.content or "" for chunk in said)
            response = client.responses.create(model="talker", input="hello")
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert text == "hello hello"
    assert response.output_text == "from the wheel"
