"""Tools as function declarations, Google's own tools beside them, and `toolConfig` for what the client wishes about them.

Schemas go by `parametersJsonSchema`, as far as Google reads JSON Schema (see `schema`). Of the tools that OpenAI runs, web search
and the code interpreter have a counterpart here. Source: https://ai.google.dev/api/caching#Tool, .../docs/function-calling
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.canonical import Request, Tool, ToolChoice, Transform
from translators.formats import Wire

from .names import checked_name
from .refusing import unsupported
from .schema import Normalised, normalise

_SEARCH = "googleSearch"
_CODE = "codeExecution"
BUILT_IN: Mapping[str, str] = {
    "web_search": _SEARCH,
    "web_search_2025_08_26": _SEARCH,
    "web_search_preview": _SEARCH,
    "web_search_preview_2025_03_11": _SEARCH,
    "google_search": _SEARCH,
    "code_interpreter": _CODE,
    "code_execution": _CODE,
    "url_context": "urlContext",
}
"""Types of hosted tools that Google has a counterpart for, and its name."""

HOSTED_TOOLS = frozenset({"web_search", "code_interpreter"})
"""Hosted tools whose traces in a history may be left out: Google keeps its own record of what it ran."""

_HINTS = frozenset({"search_context_size", "user_location", "return_token_budget", "external_web_access"})
"""Members of a hosted tool that only tune it."""

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def render_tools(request: Request, model: str, transforms: list[Transform]) -> tuple[list[Wire], Wire | None]:
    """`tools` and `toolConfig`. Raises `UpstreamError(UNSUPPORTED)` for tools and wishes that Google does not know."""
    choice = request.tool_choice or ToolChoice()
    declarations = [
        _declaration(tool, index, model, transforms)
        for index, tool in enumerate(request.tools)
        if tool.kind != "hosted"
    ]
    built_in = _built_in(request, transforms)
    if built_in and choice.mode == "none":
        transforms.append(Transform("tool_choice", "emulated", "Google's own tools are not offered"))
        built_in = []
    tools: list[Wire] = [{"functionDeclarations": declarations}] if declarations else []
    tools += [{name: {}} for name in built_in]
    if not tools:
        return [], None
    if request.parallel_tool_calls is False:
        raise unsupported("a limit of one tool call at a time", "parallel_tool_calls")
    _refuse_hosted_choice(request, choice)
    config: Wire = {}
    if declarations:
        if calling := _calling(request, choice):
            config["functionCallingConfig"] = calling
    elif choice.mode == "required":
        raise unsupported("a demand for one of its own tools", "tool_choice")
    if declarations and built_in:
        config["includeServerSideToolInvocations"] = True
    return tools, config or None


def _declaration(tool: Tool, index: int, model: str, transforms: list[Transform]) -> Wire:
    where = f"tools[{index}]"
    if tool.kind != "function":
        raise unsupported(f"{tool.kind} tools", where)
    if tool.cache is not None:
        transforms.append(Transform(f"{where}.cache", "dropped", "Google caches prompts by itself"))
    wire: Wire = {"name": checked_name(tool.name, model, f"{where}.name")}
    if tool.description is not None:
        wire["description"] = tool.description
    if tool.strict is not None:
        action = "mapped" if tool.strict else "dropped"
        transforms.append(Transform(f"{where}.strict", action, "Google checks the calls of all tools or of none"))
    if tool.parameters is not None:
        found: Normalised = normalise({"type": "object", **tool.parameters}, f"{where}.parameters")
        transforms += found.changes
        wire["parametersJsonSchema"] = found.schema
    return wire


def _built_in(request: Request, transforms: list[Transform]) -> list[str]:
    """Google's own tools that were asked for, each once."""
    asked: list[str] = []
    for index, tool in enumerate(request.tools):
        if tool.kind != "hosted":
            continue
        declared: Mapping[str, Any] = tool.hosted or {}
        kind = str(declared.get("type", tool.name))
        if kind not in BUILT_IN:
            raise unsupported(f"the hosted tool '{kind[:64]}'", f"tools[{index}]")
        if tool.cache is not None:
            transforms.append(Transform(f"tools[{index}].cache", "dropped", "Google caches prompts by itself"))
        _settings(declared, f"tools[{index}]", transforms)
        asked.append(BUILT_IN[kind])
    if request.web_search is not None:
        transforms.append(
            Transform("web_search_options", "mapped", "Google's search decides by itself how far it goes")
        )
        asked.append(_SEARCH)
    return list(dict.fromkeys(asked))


def _settings(declared: Mapping[str, Any], where: str, transforms: list[Transform]) -> None:
    """Settings of a hosted tool: what only tunes it is left out; what limits it would be missed."""
    for name, setting in declared.items():
        if name == "type" or setting in (None, {}, []):
            continue
        if name in _HINTS or (name == "container" and _is_plain(setting)):
            transforms.append(Transform(f"{where}.{name}", "dropped", "Google's tool has no such setting"))
        else:
            raise unsupported(f"'{name[:64]}' of a hosted tool", f"{where}.{name[:64]}")


def _is_plain(container: Any) -> bool:
    """Whether a container for code is any container, without files of its own."""
    return isinstance(container, dict) and container.get("type") == "auto" and not container.get("file_ids")


def _calling(request: Request, choice: ToolChoice) -> Wire | None:
    """`functionCallingConfig`, where functions are offered."""
    if choice.mode == "named":
        return {"mode": "ANY", "allowedFunctionNames": list(choice.names)}
    if choice.mode == "allowed":
        mode = "ANY" if choice.allowed_mode == "required" else "VALIDATED"
        return {"mode": mode, "allowedFunctionNames": list(choice.names)}
    if choice.mode == "auto" and any(tool.strict for tool in request.tools):
        return {"mode": "VALIDATED"}
    return {"mode": _MODES[choice.mode]} if request.tool_choice is not None else None


def _refuse_hosted_choice(request: Request, choice: ToolChoice) -> None:
    """Google has no word for one of its own tools that must, or alone may, be used."""
    hosted = {tool.name for tool in request.tools if tool.kind == "hosted"}
    if choice.kind == "hosted" or hosted.intersection(choice.names):
        raise unsupported("a tool choice that names a hosted tool", "tool_choice")
