"""Tools that Anthropic itself runs: which blocks tell of them, and how OpenAI shows the same activity.

The blocks hold encrypted results, so they are kept as they came and go back sealed; what is shown here is for readers only.
Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool, /web-fetch-tool and
/code-execution-tool; OpenAI's types of `web_search_call` and `code_interpreter_call`.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import HostedItem, Origin
from translators.formats import Wire

SHOWN_TOOLS = frozenset({"web_search", "code_interpreter"})
"""Tools whose activity is shown, in OpenAI's words."""

_USES = frozenset({"server_tool_use", "mcp_tool_use"})
_OTHERS = frozenset({"container_upload", "compaction"})
_CODE_RESULTS = frozenset({"code_execution_tool_result", "bash_code_execution_tool_result"})


def is_use(kind: str) -> bool:
    """Whether a block of this type starts such an activity."""
    return kind in _USES


def is_kept(kind: str) -> bool:
    """Whether a block of this type has to come back as it was, though nothing of it is canonical."""
    return is_use(kind) or kind in _OTHERS or kind.endswith("_tool_result")


def shown(use: Wire | None, result: Wire) -> HostedItem | None:
    """What a reader sees of an activity, once its `result` is there; None where OpenAI has no item for it.

    `use` is the block that started it, None if that was in an earlier answer (`pause_turn`).
    """
    kind, identity = result.get("type"), result.get("tool_use_id")
    if not isinstance(identity, str) or not identity:
        return None
    asked = use.get("input") if use is not None else None
    given: Wire = asked if isinstance(asked, dict) else {}
    content = result.get("content")
    if kind == "web_search_tool_result":
        return _search(identity, _text(given, "query"), content)
    if kind == "web_fetch_tool_result":
        page = {"type": "open_page", "url": _text(given, "url") or _text(content, "url") or None}
        return _item("web_search", "web_search_call", identity, _status(content), {"action": page})
    if kind in _CODE_RESULTS:
        return _code(identity, _text(given, "code") or _text(given, "command"), content)
    return None


def _search(identity: str, query: str, content: Any) -> HostedItem:
    found = content if isinstance(content, list) else []
    sources = [{"type": "url", "url": each["url"]} for each in found if isinstance(each, dict) and "url" in each]
    action = {"type": "search", "query": query, "queries": [query] if query else [], "sources": sources}
    return _item("web_search", "web_search_call", identity, _status(content), {"action": action})


def _code(identity: str, code: str, content: Any) -> HostedItem:
    printed = [_text(content, name) for name in ("stdout", "stderr")]
    logs = "\n".join(text for text in printed if text)
    outputs = [{"type": "logs", "logs": logs}] if logs else []
    members = {"code": code or None, "container_id": "", "outputs": outputs}
    return _item("code_interpreter", "code_interpreter_call", identity, _status(content), members)


def _status(content: Any) -> str:
    return "failed" if _text(content, "type").endswith("_error") else "completed"


def _item(tool: str, kind: str, identity: str, status: str, members: Wire) -> HostedItem:
    origin = Origin(item_type=kind, item_id=identity)
    return HostedItem(tool, {"type": kind, "id": identity, "status": status, **members}, None, origin)


def _text(wire: Any, name: str) -> str:
    value = wire.get(name) if isinstance(wire, dict) else None
    return value if isinstance(value, str) else ""
