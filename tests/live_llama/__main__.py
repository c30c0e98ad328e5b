"""python -m tests.live_llama: start a real engine and joch before it, run every check, print the report."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import openai

from . import engine
from .checks import CHAT, CHECKS, EMBEDDER

_CONFIG = """\
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{name: {chat}}}
spec:
  provider: llama-cpp
  endpoint: {{baseUrl: "http://127.0.0.1:{chat_port}/v1"}}
  capabilities: {{text: true, streaming: true, toolCalling: true, structuredOutput: true, jsonSchema: true}}
---
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{name: {embedder}}}
spec:
  provider: llama-cpp
  endpoint: {{baseUrl: "http://127.0.0.1:{embedder_port}/v1"}}
  capabilities: {{text: true, embeddings: true}}
"""


def _report(client: openai.OpenAI) -> int:
    failed = 0
    for check in CHECKS:
        began = time.perf_counter()
        try:
            said = f"ok      {check(client)}"
        except (AssertionError, ValueError, TypeError, openai.OpenAIError) as error:
            failed += 1
            said = f"FAILED  {type(error).__name__}: {str(error)[:600]}"
        print(f"{check.__name__:18}{(time.perf_counter() - began) * 1000:6.0f} ms  {said}", flush=True)
    print(f"\n{len(CHECKS) - failed} passed, {failed} failed")
    return failed


def main() -> int:
    try:
        server = engine.find_or_build()
        with tempfile.TemporaryDirectory(prefix="live-llama-") as name:
            folder = Path(name)
            model = folder / "tiny.gguf"
            engine.write_model(model)
            print(f"engine: {engine.describe(server)}\n", flush=True)
            chat_port, embedder_port, port = (engine.free_port() for _ in range(3))
            config = folder / "live.yaml"
            config.write_text(
                _CONFIG.format(chat=CHAT, embedder=EMBEDDER, chat_port=chat_port, embedder_port=embedder_port)
            )
            with (
                engine.serve_model(server, model, chat_port, "--jinja"),
                engine.serve_model(server, model, embedder_port, "--embeddings", "--pooling", "mean"),
                engine.serve_joch(config, port),
                openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="local", max_retries=0) as client,
            ):
                return 1 if _report(client) else 0
    except engine.CannotStartError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
