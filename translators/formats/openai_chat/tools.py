"""The client's tools and its wishes about them to canonical form. Schemas and names are carried as they came.

The deprecated `functions` and `function_call` become `tools` and `tool_choice`. A tool of a type that is not OpenAI's is a
hosted tool: it reaches only a provider that knows it.
"""

from __future__ import annotations

from typing import Any, Literal

from translators.canonical import JSON, Origin, RequestError, Tool, ToolChoice
from translators.formats import Wire

from . import checks
from .messages import cache_hint, origin

TOOL_LIMIT = 512

_FUNCTION = frozenset({"type", "function"})
_FUNCTION_MEMBERS = frozenset({"name", "description", "parameters", "strict"})
_MODES: dict[str, Literal["none", "auto", "required"]] = {"none": "none", "auto": "auto", "required": "required"}


def parse_tools(body: Wire) -> tuple[Tool, ...]:
    """The tools of a request body; an empty list is as good as none."""
    tools, functions = body.get("tools"), body.get("functions")
    if tools is None:
        if functions is None:
            return ()
        return tuple(_legacy(function, index) for index, function in enumerate(_listed(functions, "functions")))
    if functions is not None:
        raise checks.invalid("functions", "Use either 'tools' or the deprecated 'functions', not both.")
    return tuple(_tool(tool, index) for index, tool in enumerate(_listed(tools, "tools")))


def _listed(value: Any, param: str) -> list[Any]:
    if type(value) is not list:
        raise checks.wrong_type(param, "an array of objects", value)
    if len(value) > TOOL_LIMIT:
        raise checks.too_long(param, TOOL_LIMIT, len(value))
    return value


def _legacy(function: Any, index: int) -> Tool:
    where = f"functions[{index}]"
    if type(function) is not dict:
        raise checks.wrong_type(where, "an object", function)
    return _function(function, f"{where}.", origin(f"/functions/{index}"))


def _tool(tool: Any, index: int) -> Tool:
    where = f"tools[{index}]"
    if type(tool) is not dict:
        raise checks.wrong_type(where, "an object", tool)
    kind = tool.get("type")
    place = origin(f"/tools/{index}")
    if kind == "function":
        function = tool.get("function")
        if type(function) is not dict:
            function = checks.required_mapping(tool, "function", f"{where}.")
        if tool.keys() == _FUNCTION and function.keys() <= _FUNCTION_MEMBERS:
            return _function(function, f"{where}.function.", place)
        return _function(function, f"{where}.function.", _with_rest(place, tool, function), tool)
    if kind == "custom":
        return _custom(checks.required_mapping(tool, "custom", f"{where}."), f"{where}.custom.", place)
    name = checks.required_string(tool, "type", f"{where}.")
    return Tool(name=name, kind="hosted", hosted=tool, cache=cache_hint(tool), origin=place)


def _with_rest(place: Origin, tool: Wire, function: Wire) -> Origin:
    rest = {key: value for key, value in tool.items() if key not in _FUNCTION}
    inner = {key: value for key, value in function.items() if key not in _FUNCTION_MEMBERS}
    if inner:
        rest["function"] = inner
    return Origin(place.pointer, rest=rest)


def _function(function: Wire, where: str, place: Origin, marked: Wire | None = None) -> Tool:
    return Tool(
        name=checks.name(function, where),
        description=checks.string(function, "description", where),
        parameters=checks.mapping(function, "parameters", where),
        strict=checks.boolean(function, "strict", where),
        cache=cache_hint(marked) if marked is not None else None,
        origin=place,
    )


def _custom(custom: Wire, where: str, place: Origin) -> Tool:
    form: JSON = checks.mapping(custom, "format", where)
    if form is not None and form.get("type") == "grammar":
        grammar = checks.required_mapping(form, "grammar", f"{where}format.")
        definition = checks.required_string(grammar, "definition", f"{where}format.grammar.")
        syntax = checks.required_string(grammar, "syntax", f"{where}format.grammar.")
        form = {"type": "grammar", "definition": definition, "syntax": syntax}
    return Tool(
        name=checks.name(custom, where),
        kind="custom",
        description=checks.string(custom, "description", where),
        format=form,
        origin=place,
    )


def parse_tool_choice(body: Wire, tools: tuple[Tool, ...]) -> ToolChoice | None:
    """`tool_choice`, or the deprecated `function_call`. A name that no tool has is the client's mistake."""
    choice = body.get("tool_choice")
    if choice is not None:
        return _choice(choice, tools)
    legacy = body.get("function_call")
    if legacy is None:
        return None
    if type(legacy) is str:
        if legacy not in ("none", "auto"):
            raise checks.unsupported_value("function_call", legacy, ("none", "auto"))
        return ToolChoice(mode=_MODES[legacy])
    name = checks.name(checks.required_mapping(body, "function_call", ""), "function_call.")
    _require(name, tools, "function_call")
    return ToolChoice(mode="named", names=(name,))


def _choice(choice: Any, tools: tuple[Tool, ...]) -> ToolChoice:
    if type(choice) is str:
        mode = _MODES.get(choice)
        if mode is None:
            raise checks.unsupported_value("tool_choice", choice, tuple(_MODES))
        if mode == "required" and not tools:
            raise _without_tools()
        return ToolChoice(mode=mode)
    if type(choice) is not dict:
        raise checks.wrong_type("tool_choice", "a string or an object", choice)
    kind = checks.required_string(choice, "type", "tool_choice.")
    if kind == "allowed_tools":
        return _allowed(checks.required_mapping(choice, "allowed_tools", "tool_choice."), tools)
    if kind in ("function", "custom"):
        named = checks.required_mapping(choice, kind, "tool_choice.")
        name = checks.name(named, f"tool_choice.{kind}.")
        _require(name, tools, "tool_choice")
        return ToolChoice(mode="named", names=(name,), kind="custom" if kind == "custom" else "function")
    _require(kind, tools, "tool_choice")
    return ToolChoice(mode="named", names=(kind,), kind="hosted", raw=choice)


def _allowed(allowed: Wire, tools: tuple[Tool, ...]) -> ToolChoice:
    where = "tool_choice.allowed_tools."
    mode = checks.required_string(allowed, "mode", where)
    if mode not in ("auto", "required"):
        raise checks.unsupported_value(f"{where}mode", mode, ("auto", "required"))
    entries = allowed.get("tools")
    if type(entries) is not list:
        raise (
            checks.missing(f"{where}tools")
            if entries is None
            else checks.wrong_type(f"{where}tools", "an array of objects", entries)
        )
    names = tuple(_allowed_name(entry, f"{where}tools[{index}]") for index, entry in enumerate(entries))
    for name in names:
        _require(name, tools, "tool_choice")
    return ToolChoice(mode="allowed", names=names, allowed_mode="auto" if mode == "auto" else "required")


def _allowed_name(entry: Any, where: str) -> str:
    if type(entry) is not dict:
        raise checks.wrong_type(where, "an object", entry)
    kind = checks.required_string(entry, "type", f"{where}.")
    if kind != "function" and kind != "custom":
        return kind
    return checks.name(checks.required_mapping(entry, kind, f"{where}."), f"{where}.{kind}.")


def _require(name: str, tools: tuple[Tool, ...], param: str) -> None:
    if not tools:
        raise _without_tools(param)
    if all(tool.name != name for tool in tools):
        raise checks.invalid(param, f"Invalid value for '{param}': tool '{name[:64]}' not found in 'tools' parameter.")


def _without_tools(param: str = "tool_choice") -> RequestError:
    return checks.invalid(param, f"Invalid value for '{param}': '{param}' is only allowed when 'tools' are specified.")
