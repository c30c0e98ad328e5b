"""Tools and the choice among them, to canonical form. Schemas and names are carried as they came.

A hosted tool is one that its provider runs: `name` is what the provider calls it, `parameters` its settings.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Origin, Tool, ToolChoice

from . import checks
from .blocks import parse_cache

TOOL_LIMIT = 512

_MEMBERS = frozenset({"kind", "name", "description", "parameters", "strict", "format", "cache"})
_KINDS = ("function", "custom", "hosted")
_ELSEWHERE = {"function": "its members here: 'name', 'description', 'parameters'", "inputSchema": "'parameters'"}
_CHOICES = {"auto", "none", "required"}


def parse_tools(body: dict[str, Any]) -> tuple[Tool, ...]:
    """The tools of a request."""
    tools = checks.array(body, "tools") or []
    if len(tools) > TOOL_LIMIT:
        raise checks.too_many("tools", TOOL_LIMIT, len(tools))
    return tuple(_parse_tool(tool, f"tools[{index}]", Origin(f"/tools/{index}")) for index, tool in enumerate(tools))


def _parse_tool(value: Any, at: str, origin: Origin) -> Tool:
    if type(value) is dict and "type" in value and "kind" not in value:
        value = {"kind" if key == "type" else key: member for key, member in value.items()}
    tool = checks.members(value, at, _MEMBERS, _ELSEWHERE)
    kind = checks.one_of(tool, "kind", _KINDS, at) or "function"
    name = checks.name(tool, "name", at)
    parameters = checks.mapping(tool, "parameters", at)
    cache = parse_cache(tool, at)
    for member, only in (("format", "custom"), ("strict", "function")):
        if member in tool and kind != only:
            raise checks.invalid(f"{at}.{member}", f"'{member}' is for tools of kind '{only}'.")
    description = checks.string(tool, "description", at)
    if kind == "hosted":
        return Tool(name=name, kind="hosted", hosted={**(parameters or {}), "type": name}, cache=cache, origin=origin)
    if kind == "custom":
        if parameters is not None:
            raise checks.invalid(
                f"{at}.parameters", "A custom tool takes free text: it has a 'format', no 'parameters'."
            )
        form = checks.mapping(tool, "format", at)
        return Tool(name=name, kind="custom", description=description, format=form, cache=cache, origin=origin)
    return Tool(
        name=name,
        description=description,
        parameters=parameters,
        strict=checks.boolean(tool, "strict", at),
        cache=cache,
        origin=origin,
    )


def parse_tool_choice(body: dict[str, Any], tools: tuple[Tool, ...]) -> ToolChoice | None:
    """`toolChoice`. A name that no tool has is the client's mistake."""
    if "toolChoice" not in body:
        return None
    choice = body["toolChoice"]
    if type(choice) is str:
        if choice not in _CHOICES:
            raise checks.unsupported("toolChoice", choice, _CHOICES)
        if choice == "required" and not tools:
            raise checks.invalid("toolChoice", "'toolChoice' can only be 'required' when there are 'tools'.")
        return ToolChoice(mode=choice)  # type: ignore[arg-type]  # one of the three, as checked
    if type(choice) is not dict:
        raise checks.wrong_type("toolChoice", "a string or an object", choice)
    if "allowed" in choice:
        return _allowed(checks.members(choice, "toolChoice", frozenset({"allowed", "mode"})), tools)
    named = checks.name(checks.members(choice, "toolChoice", frozenset({"name"})), "name", "toolChoice")
    found = _found(named, tools, "toolChoice.name")
    raw = {"type": named} if found.kind == "hosted" else None
    return ToolChoice(mode="named", names=(named,), kind=found.kind, raw=raw)


def _allowed(choice: dict[str, Any], tools: tuple[Tool, ...]) -> ToolChoice:
    names = checks.strings(choice, "allowed", "toolChoice") or ()
    for index, name in enumerate(names):
        _found(name, tools, f"toolChoice.allowed[{index}]")
    mode = checks.one_of(choice, "mode", ("auto", "required"), "toolChoice")
    return ToolChoice(mode="allowed", names=names, allowed_mode="required" if mode == "required" else "auto")


def _found(name: str, tools: tuple[Tool, ...], param: str) -> Tool:
    for tool in tools:
        if tool.name == name:
            return tool
    raise checks.unsupported(param, name, [tool.name for tool in tools])
