"""What llama-server tells of itself: /v1/models for ids and windows, /props for modalities and what its template can do.

A router serves several models and takes `?model=` on /props. `n_ctx` is the window of one slot, which is what a request
gets. JSON schemas become grammars, so every model keeps to them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from translators.formats.model_list import parse_entries
from translators.providers.provider import Discovered, Discovery, Probe


def parse_models(body: object) -> tuple[Discovered, ...]:
    return tuple(_discovered(entry) for entry in parse_entries(body))


def _discovered(entry: dict[str, Any]) -> Discovered:
    meta = entry.get("meta")
    window = meta.get("n_ctx") if isinstance(meta, dict) else None
    return Discovered(model=entry["id"], context_window=window if type(window) is int and window > 0 else None)


def ask_properties(model: str) -> Probe:
    return Probe(path=f"/props?model={quote(model, safe='')}", from_root=True)


def parse_properties(found: Discovered, body: Any) -> Discovered:
    """`found` with what /props adds. A chat template without tool support still has a generic fallback: not trusted."""
    if not isinstance(body, dict):
        return found
    flags: dict[str, bool] = {"text": True, "streaming": True, "structuredOutput": True, "jsonSchema": True}
    modalities, abilities = body.get("modalities"), body.get("chat_template_caps")
    if isinstance(modalities, dict):
        flags |= {flag: modalities.get(flag) is True for flag in ("vision", "audio")}
    if isinstance(abilities, dict):
        flags["toolCalling"] = abilities.get("supports_tools") is True and abilities.get("supports_tool_calls") is True
        if abilities.get("supports_reasoning_effort") is True:
            flags["reasoning"] = True
    template = body.get("chat_template")
    if isinstance(template, str) and ("<think>" in template or "enable_thinking" in template):
        flags["reasoning"] = True
    settings = body.get("default_generation_settings")
    window = settings.get("n_ctx") if isinstance(settings, dict) else None
    return replace(
        found,
        flags={**found.flags, **flags},
        context_window=window if type(window) is int and window > 0 else found.context_window,
    )


DISCOVERY = Discovery(
    list=Probe(path="/models"),
    parse_list=parse_models,
    detail=ask_properties,
    parse_detail=parse_properties,
)
