"""Tools and the choice among them. Functions, the provider's own tools under OpenAI's names, and Anthropic's own declarations.

A demand for a call is passed on; models that refuse one are the business of `models`. Which tools may be strict is limited per
request, so the first ones are. Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use, the
pages on server tools, and recorded refusals of strict tools
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from translators.canonical import Request, Tool, ToolChoice, Transform, value
from translators.formats import Wire

from .caching import Marks
from .errors import unsupported
from .schema import NotBindableError, bound, object_schema, optional_count, union_count

STRICT_TOOLS, STRICT_OPTIONAL, STRICT_UNIONS = 20, 24, 16
"""The most strict tools in a request, and the most optional and many-typed parameters of them and the answer together."""

WEB_SEARCH_TYPES = (
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
)
"""OpenAI's names of the tool that searches the web."""

NATIVE_TYPES = (
    "bash_20250124",
    "code_execution_20250522",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
    "memory_20250818",
    "text_editor_20250124",
    "text_editor_20250429",
    "text_editor_20250728",
    "tool_search_tool_bm25_20251119",
    "tool_search_tool_regex_20251119",
    "web_fetch_20250910",
    "web_fetch_20260209",
    "web_fetch_20260309",
    "web_fetch_20260318",
    "web_search_20250305",
    "web_search_20260209",
    "web_search_20260318",
)
"""Anthropic's own tools, which go out as they are declared."""

HOSTED_TYPES = (*WEB_SEARCH_TYPES, "code_interpreter", *NATIVE_TYPES)

# The versions that every model with the tool has; later ones of the search run code, which costs and shows more.
_WEB_SEARCH = "web_search_20250305"
_CODE_EXECUTION = "code_execution_20250825"
_NAMES = {**dict.fromkeys(WEB_SEARCH_TYPES, "web_search"), "code_interpreter": "code_execution"}
_LOCATION = ("city", "country", "region", "timezone")
_DOMAINS = ("allowed_domains", "blocked_domains")


@value
class ToolUse:
    """`tools` and `tool_choice` of the body, and the container that the provider's code runs in."""

    tools: list[Wire]
    choice: Wire | None = None
    container: str | None = None


def render_tools(request: Request, marks: Marks, transforms: list[Transform], answer: Wire | None = None) -> ToolUse:
    """Raises `UpstreamError(UNSUPPORTED)` for tools that Anthropic does not have.

    `answer` is the schema that the answer is bound to, if any: strict tools share its limits.
    """
    offered, choice = _offered(request, transforms)
    rendering = _Tools(request, marks, transforms, answer)
    tools = [rendering.tool(tool, index) for index, tool in offered]
    if request.web_search is not None:
        tools.append(rendering.web_search(request.web_search, "web_search_options"))
    if request.state.max_tool_calls is not None and not rendering.searches:
        transforms.append(Transform("state.max_tool_calls", "dropped", "only searches can be counted"))
    return ToolUse(tools, _choice(request, choice, tools, transforms), rendering.container)


def _offered(request: Request, transforms: list[Transform]) -> tuple[list[tuple[int, Tool]], ToolChoice | None]:
    """The tools with their places, and what is left of the choice when only the allowed ones are offered."""
    tools, choice = list(enumerate(request.tools)), request.tool_choice
    if choice is None or choice.mode != "allowed":
        return tools, choice
    allowed = [(index, tool) for index, tool in tools if tool.name in choice.names]
    if not allowed:
        raise unsupported("a tool choice that names none of the tools", "tool_choice")
    transforms.append(Transform("tool_choice", "emulated", "only the allowed tools are offered"))
    return allowed, ToolChoice(mode="required" if choice.allowed_mode == "required" else "auto")


def _choice(request: Request, choice: ToolChoice | None, tools: list[Wire], transforms: list[Transform]) -> Wire | None:
    single = request.parallel_tool_calls is False
    if not tools:
        if choice is not None or single:
            transforms.append(Transform("tool_choice", "dropped", "there are no tools"))
        return None
    if choice is None and not single:
        return None
    wire: Wire = {"type": "auto"}
    if choice is not None and choice.mode == "required":
        wire = {"type": "any"}
    elif choice is not None and choice.mode == "named" and choice.names:
        wire = {"type": "tool", "name": _NAMES.get(choice.names[0], choice.names[0])}
    elif choice is not None and choice.mode == "none":
        wire = {"type": "none"}
        if single:
            transforms.append(Transform("parallel_tool_calls", "dropped", "no call is allowed at all"))
    if single and wire["type"] != "none":
        wire["disable_parallel_tool_use"] = True
    return wire


class _Tools:
    """Renders tools one by one; what is limited over all of them is counted here."""

    def __init__(self, request: Request, marks: Marks, transforms: list[Transform], answer: Wire | None) -> None:
        self._request = request
        self._marks = marks
        self._transforms = transforms
        self._strict = 0
        self._optional, self._unions = optional_count(answer), union_count(answer)
        self.container: str | None = None
        self.searches = False

    def tool(self, tool: Tool, index: int) -> Wire:
        where = f"tools[{index}]"
        if tool.kind == "hosted":
            hosted = dict(self._hosted(tool.hosted or {"type": tool.name}, where))
            self._marks.add(hosted, tool.cache, where)
            return hosted
        if tool.kind != "function":
            raise unsupported(f"{tool.kind} tools", where)
        wire: Wire = {"name": tool.name}
        if tool.description is not None:
            wire["description"] = tool.description
        schema = object_schema(tool.parameters, f"{where}.parameters", self._transforms)
        strict = self._bound(schema, where) if tool.strict else None
        wire["input_schema"] = schema if strict is None else strict
        if strict is not None:
            wire["strict"] = True
        self._marks.add(wire, tool.cache, where)
        return wire

    def _bound(self, schema: Wire, where: str) -> Wire | None:
        """The schema of a strict tool; None where the tool cannot be one, which is listed."""
        changes: list[Transform] = []
        try:
            strict = bound(schema, f"{where}.parameters", changes)
        except NotBindableError as error:
            self._loose(where, f"arguments cannot be bound to {error}")
            return None
        optional, unions = optional_count(strict), union_count(strict)
        if (
            self._strict == STRICT_TOOLS
            or self._optional + optional > STRICT_OPTIONAL
            or self._unions + unions > STRICT_UNIONS
        ):
            limits = f"{STRICT_TOOLS} tools, {STRICT_OPTIONAL} optional and {STRICT_UNIONS} many-typed parameters"
            self._loose(where, f"no more than {limits} can be strict, the answer's included")
            return None
        self._strict += 1
        self._optional += optional
        self._unions += unions
        self._transforms += changes
        return strict

    def _loose(self, where: str, why: str) -> None:
        self._transforms.append(Transform(f"{where}.strict", "dropped", why))

    def _hosted(self, declared: Wire, where: str) -> Wire:
        kind = declared.get("type")
        if kind in NATIVE_TYPES:
            return declared
        if kind in WEB_SEARCH_TYPES:
            return self.web_search(declared, where)
        if kind == "code_interpreter":
            return self._code(declared, where)
        raise unsupported(f"the hosted tool {kind}", where)

    def web_search(self, declared: Any, where: str) -> Wire:
        """From a declaration of the Responses API, or from chat's `web_search_options`."""
        wire: Wire = {"type": _WEB_SEARCH, "name": "web_search"}
        filters = _mapping(declared.get("filters"))
        for name in _DOMAINS:
            if filters.get(name):
                wire[name] = filters[name]
        location = _mapping(declared.get("user_location"))
        place = {**location, **_mapping(location.get("approximate"))}  # chat nests it
        found = {name: place[name] for name in _LOCATION if place.get(name)}
        if found:
            wire["user_location"] = {"type": "approximate", **found}
        if self._request.state.max_tool_calls is not None:
            wire["max_uses"] = self._request.state.max_tool_calls
            self._transforms.append(Transform("state.max_tool_calls", "mapped", "the most searches"))
        self.searches = True
        self._list_rest(declared, ("type", "filters", "user_location"), where)
        self._list_rest(filters, _DOMAINS, f"{where}.filters")
        return wire

    def _code(self, declared: Wire, where: str) -> Wire:
        container = declared.get("container")
        if isinstance(container, str):
            self.container = container
        elif isinstance(container, dict):
            if container.get("file_ids"):
                raise unsupported("files that another provider keeps", f"{where}.container.file_ids")
            self._list_rest(container, ("type",), f"{where}.container")
        self._list_rest(declared, ("type", "container"), where)
        return {"type": _CODE_EXECUTION, "name": "code_execution"}

    def _list_rest(self, given: Wire, known: Iterable[str], where: str) -> None:
        self._transforms += [
            Transform(f"{where}.{name}", "dropped", "Anthropic's tool has no such setting")
            for name, setting in given.items()
            if name not in known and setting not in (None, [], {})
        ]


def _mapping(value: Any) -> Wire:
    return value if isinstance(value, dict) else {}


def tools_of(messages: list[Wire]) -> list[Wire]:
    """Tools for a conversation that used some when the request offers none: the API wants every used one declared."""
    names = {block["name"]: None for turn in messages for block in turn["content"] if block["type"] == "tool_use"}
    return [{"name": name, "input_schema": {"type": "object", "properties": {}}} for name in names]
