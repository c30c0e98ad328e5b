"""What real providers took, the simulators take: every recorded request that was answered with 200.

A simulator that is stricter than its provider would blame adapters for nothing. Signatures are registered as issued, since
their keys are the vendors' own. `JOCH_RECORDINGS` names a folder with more recordings.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.conformance.simulators.anthropic import AnthropicMessages
from proxy.conformance.simulators.google import GoogleGenerate
from proxy.conformance.simulators.google.contents import about, kind_of
from proxy.conformance.simulators.google.spelling import get
from proxy.conformance.simulators.ollama import Ollama
from proxy.conformance.simulators.openai import (
    AZURE_FLAVOUR,
    GENERIC_FLAVOUR,
    LLAMA_FLAVOUR,
    OPENAI_FLAVOUR,
    VLLM_FLAVOUR,
    OpenAiCompatible,
)
from proxy.conformance.simulators.openai.flavours import Flavour
from proxy.conformance.simulators.openai.models import rules_of
from proxy.conformance.simulators.seals import Seal, Seals
from proxy.conformance.simulators.server import Dialect, Heard
from tests.proxy.conformance.simulators.asking import heard, refusal

Wire = dict[str, Any]
FOLDERS = [
    Path(__file__).resolve().parents[3] / "recordings",
    *(Path(folder) for folder in [os.environ.get("JOCH_RECORDINGS")] if folder),
]

KNOWN = {
    # state that the real service keeps and a simulator does not, or a beta that joch never asks for
    r"Previous response with id|Items are not persisted|No tool call found for function call output": "state",
    r"advisor_|computer-use-preview|thinking` blocks? in the latest|bound to a different": "not ours",
    r"model: (?:claude-2|anthropic/)|models/gemini-1\.|Cannot fetch content": "models and files of another time",
}
"""Refusals that say something of the recording, not of the simulator."""


def recordings(provider: str, api: str) -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((folder / provider).glob(f"{api}-*.json"))


def issued(seals: Seals, blob: str, **members: Any) -> None:
    seals._issued[blob] = Seal(name="S1", blob=blob, **{"model": "", "place": "", "about": "", **members})


def anthropic(body: Wire, recording: Wire) -> tuple[Dialect, Heard]:
    dialect = AnthropicMessages()
    for message in body["messages"]:
        for block in message["content"] if isinstance(message["content"], list) else ():
            if block.get("type") in ("thinking", "redacted_thinking"):
                blob = block.get("signature") or block["data"]
                text = block.get("thinking", "")
                issued(dialect.seals, blob, model=body["model"], place=block["type"], about=f"T|{text}")
    betas = {
        "context_management": "context-management-2025-06-27",
        "mcp_servers": "mcp-client-2025-11-20",
        "output_format": "structured-outputs-2025-11-13",
    }
    beta = ",".join(name for member, name in betas.items() if member in body)
    return dialect, heard("/v1/messages", body, anthropic_version="2023-06-01", anthropic_beta=beta)


def google(body: Wire, recording: Wire, *, vertex: bool = False) -> tuple[Dialect, Heard]:
    dialect = GoogleGenerate(vertex=vertex)
    for content in body["contents"]:
        for part in content.get("parts") or ():
            blob = get(part, "thoughtSignature")
            if blob and kind_of(part):
                issued(dialect.seals, blob, about=about(part))
    said = recording["response"].get("body_text") or json.dumps(recording["response"].get("body_json"))
    found = re.search(r'"modelVersion": ?"(?:models/)?([^"]+)"', said)
    model = found[1] if found else "gemini-2.5-flash"
    place = "/v1/projects/p/locations/l/publishers/google" if vertex else "/v1beta"
    return dialect, heard(f"{place}/models/{model}:generateContent", body)


def compatible(flavour: Flavour, body: Wire) -> tuple[Dialect, Heard]:
    path = "responses" if "input" in body else "chat/completions"
    if flavour.filters:
        model = body.get("model") or "gpt-4o"
        dialect = OpenAiCompatible(flavour, deployments={model: model if rules_of(model) else "gpt-4o"})
        path, body = f"/openai/v1/{path}", {"model": model, **body}
    else:
        dialect, path = OpenAiCompatible(flavour), f"/v1/{path}"
    items = body.get("input") if isinstance(body.get("input"), list) else []
    names = "|".join(str(item.get(name)) for item in items or () for name in ("call_id", "role", "type"))
    for item in items or ():
        if item.get("type") == "reasoning" and item.get("encrypted_content"):
            issued(dialect.seals, item["encrypted_content"], about=names)
    return dialect, heard(path, body)


def ollama(body: Wire, recording: Wire) -> tuple[Dialect, Heard]:
    return Ollama(), heard("/api/chat", {**body, "truncate": False, "shift": False})


CASES = {
    "anthropic": ("anthropic", "anthropic-messages", anthropic),
    "google": ("google", "google-*", google),
    "vertex": ("vertex", "vertex-[gs]*", lambda body, recording: google(body, recording, vertex=True)),
    "openai": ("openai", "openai-*", lambda body, _: compatible(OPENAI_FLAVOUR, body)),
    "azure": ("azure", "azure-*", lambda body, _: compatible(AZURE_FLAVOUR, body)),
    "vllm": ("vllm", "vllm-chat", lambda body, _: compatible(VLLM_FLAVOUR, body)),
    "llama-cpp": ("llamacpp", "llamacpp-chat", lambda body, _: compatible(LLAMA_FLAVOUR, body)),
    "others": ("other-openai-compatible", "other-*chat", lambda body, _: compatible(GENERIC_FLAVOUR, body)),
    "ollama": ("ollama", "ollama-native-chat", ollama),
}
SPOKEN = ("messages", "contents", "input")


@pytest.mark.parametrize("case", CASES)
def test_recorded_requests_are_taken(case: str) -> None:
    provider, api, make = CASES[case]
    taken, refused = 0, {}
    for path in recordings(provider, api):
        recording = json.loads(path.read_text(encoding="utf-8"))
        body = recording["request"].get("body")
        spoken = isinstance(body, dict) and any(isinstance(body.get(name), list | str) for name in SPOKEN)
        generates = not re.search(r"embed|moderation|cached|count|interactions|models-|compact|input-tokens", path.name)
        if recording["response"].get("status", 200) != 200 or not spoken or not generates:
            continue
        why = refusal(*make(body, recording))
        if why is None or any(re.search(pattern, why) for pattern in KNOWN):
            taken += why is None
        else:
            refused[path.name] = why
    assert refused == {}
    assert taken, "there are no recordings to look at"
