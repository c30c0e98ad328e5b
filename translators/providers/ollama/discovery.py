"""What Ollama tells of its models: /api/tags lists them, /api/show says what each can do, /api/ps how it runs.

The window that counts is not what a model was trained for but what the server gives it: `num_ctx` of its Modelfile, else
what it runs with right now, else the server's smallest default. Since that window is then asked for with every request,
it holds. Source: https://github.com/ollama/ollama/blob/main/docs/api.md and the FAQ on context windows.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from translators.formats import Wire
from translators.providers.provider import Discovered, Discovery, Probe

DEFAULT_WINDOW = 4096
"""What Ollama gives a model on a machine with little memory, in tokens."""

_FLAGS = {
    "completion": "text",
    "tools": "toolCalling",
    "vision": "vision",
    "thinking": "reasoning",
    "embedding": "embeddings",
    "audio": "audio",
}
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)


def parse_tags(body: Any) -> tuple[Discovered, ...]:
    return tuple(_tagged(entry) for entry in _entries(body))


def _entries(body: Any) -> list[Wire]:
    models = body.get("models") if isinstance(body, dict) else None
    if not isinstance(models, list):
        return []
    return [entry for entry in models if isinstance(entry, dict) and isinstance(_name(entry), str)]


def _name(entry: Wire) -> Any:
    return entry.get("model") or entry.get("name")


def _tagged(entry: Wire) -> Discovered:
    details = entry.get("details")
    words = (
        [details.get(name) for name in ("parameter_size", "quantization_level")] if isinstance(details, dict) else []
    )
    return Discovered(
        model=_name(entry),
        flags=_flags_of(entry),
        detail=" ".join(word for word in words if isinstance(word, str) and word),
    )


def ask_details(model: str) -> Probe:
    return Probe(path="/api/show", body={"model": model})


def parse_details(found: Discovered, body: Any) -> Discovered:
    if not isinstance(body, dict):
        return found
    flags = _flags_of(body)
    parameters = body.get("parameters")
    chosen = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    trained = _trained_window(body)
    window = int(chosen[1]) if chosen else min(trained or DEFAULT_WINDOW, DEFAULT_WINDOW)
    if flags.get("embeddings") and trained and not chosen:
        window = trained  # embedding models are small, and run with all they have
    if _is_remote(body) and trained:
        window = trained  # runs in Ollama's cloud, with all it has
    return replace(found, flags={**found.flags, **flags}, context_window=window)


def _flags_of(entry: Wire) -> dict[str, bool]:
    """Flags by the server's `capabilities`; none where an old server does not tell."""
    told = entry.get("capabilities")
    if not isinstance(told, list):
        return {}
    flags = {flag: capability in told for capability, flag in _FLAGS.items()}
    answers = flags["text"]
    constrained = answers and not _is_remote(entry)  # Ollama's cloud does not keep to a format
    return flags | {
        "streaming": answers,
        "structuredOutput": constrained,
        "jsonSchema": constrained,
        "computerUse": False,
    }


def _is_remote(entry: Wire) -> bool:
    return bool(entry.get("remote_host") or entry.get("remote_model"))


def _trained_window(body: Wire) -> int | None:
    info = body.get("model_info")
    if not isinstance(info, dict):
        return None
    window = info.get(f"{info.get('general.architecture')}.context_length")
    return window if type(window) is int and window > 0 else None


def parse_running(found: tuple[Discovered, ...], body: Any) -> tuple[Discovered, ...]:
    """Widens the windows of models that run with more than was assumed. A window the Modelfile sets is what it runs with."""
    running = {_name(entry): entry.get("context_length") for entry in _entries(body)}
    return tuple(_widened(model, running.get(model.model)) for model in found)


def _widened(found: Discovered, window: Any) -> Discovered:
    if type(window) is not int or window <= (found.context_window or 0):
        return found
    return replace(found, context_window=window)


DISCOVERY = Discovery(
    list=Probe(path="/api/tags"),
    parse_list=parse_tags,
    detail=ask_details,
    parse_detail=parse_details,
    running=Probe(path="/api/ps"),
    parse_running=parse_running,
)
