"""What a request in either of OpenAI's dialects says, as facts."""

from __future__ import annotations

import json
from typing import Any

from proxy.conformance.simulators.facts import Facts, media_url
from proxy.conformance.simulators.script import compact
from proxy.conformance.simulators.seals import Seals

from .responses_checks import items_of

Wire = dict[str, Any]


def _role(role: str) -> str:
    return "system" if role == "developer" else role


def _canonical(arguments: str) -> str:
    """Arguments as compact JSON; as they are when they are none."""
    try:
        return compact(json.loads(arguments))
    except ValueError:
        return arguments


def read_chat(body: Wire) -> Facts:
    facts = Facts(model=body["model"], stream=bool(body.get("stream")))
    names: dict[str, str] = {}
    for message in body["messages"]:
        _read_message(facts, message, names)
    for tool in body.get("tools") or ():
        _read_tool(facts, tool.get("function") or tool.get("custom") or {})
    choice = body.get("tool_choice")
    facts.choice = (choice.get("function") or {}).get("name") if isinstance(choice, dict) else choice
    facts.parallel = body.get("parallel_tool_calls")
    form = body.get("response_format") or {}
    facts.schema = (form.get("json_schema") or {}).get("schema")
    facts.json = form.get("type") in ("json_object", "json_schema")
    facts.limit = body.get("max_completion_tokens") or body.get("max_tokens")
    facts.effort = body.get("reasoning_effort")
    stop = body.get("stop")
    facts.stop = [stop] if isinstance(stop, str) else stop
    facts.temperature, facts.top_p, facts.seed = body.get("temperature"), body.get("top_p"), body.get("seed")
    facts.n, facts.logprobs = body.get("n"), bool(body.get("logprobs"))
    facts.user = body.get("safety_identifier") or body.get("user")
    facts.usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return facts


def _read_message(facts: Facts, message: Wire, names: dict[str, str]) -> None:
    content = message.get("content")
    parts: list[Wire] = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    role = message["role"]
    who = f"result {names.get(message.get('tool_call_id', ''), '?')}" if role == "tool" else _role(role)
    if role == "tool":
        facts.turns.append((who, "".join(part.get("text", "") for part in parts)))
        return
    for part in parts:
        match part["type"]:
            case "text" if part["text"]:
                facts.turns.append((who, part["text"]))
            case "image_url":
                facts.turns.append((f"media {who}", media_url(_url_of(part["image_url"]))))
            case "file":
                file = part["file"]
                facts.turns.append((f"media {who}", media_url(file.get("file_data") or file.get("file_id") or "")))
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        names[call["id"]] = function.get("name", "?")
        facts.turns.append((f"call {function.get('name')}", _canonical(function.get("arguments", ""))))


def _url_of(image: Any) -> str:
    return str(image if isinstance(image, str) else image["url"])


def _read_tool(facts: Facts, function: Wire) -> None:
    name = function.get("name", "")
    facts.tools.append(name)
    facts.parameters[name] = function.get("parameters")
    facts.strict[name] = bool(function.get("strict"))
    facts.descriptions[name] = function.get("description", "")


def read_responses(body: Wire, seals: Seals) -> Facts:
    facts = Facts(model=body["model"], stream=bool(body.get("stream")))
    if body.get("instructions"):
        facts.turns.append(("system", body["instructions"]))
    names: dict[str, str] = {}
    blobs: list[str] = []
    for item in items_of(body):
        _read_item(facts, item, names, blobs)
    facts.seals = seals.names(blobs)
    for tool in body.get("tools") or ():
        if tool.get("type") == "function":
            _read_tool(facts, tool)
    choice = body.get("tool_choice")
    facts.choice = choice.get("name") if isinstance(choice, dict) else choice
    facts.parallel = body.get("parallel_tool_calls")
    form = (body.get("text") or {}).get("format") or {}
    facts.schema = form.get("schema")
    facts.json = form.get("type") in ("json_object", "json_schema")
    reasoning = body.get("reasoning") or {}
    facts.effort = reasoning.get("effort")
    facts.shows = reasoning.get("summary") is not None
    facts.limit = body.get("max_output_tokens")
    facts.temperature, facts.top_p = body.get("temperature"), body.get("top_p")
    facts.logprobs = "message.output_text.logprobs" in (body.get("include") or ())
    facts.user = body.get("safety_identifier") or body.get("user")
    return facts


def _read_item(facts: Facts, item: Wire, names: dict[str, str], blobs: list[str]) -> None:
    match item.get("type"):
        case "message":
            content = item["content"]
            parts: list[Wire] = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
            for part in parts:
                _read_part(facts, _role(item["role"]), part)
        case "function_call":
            names[item["call_id"]] = item["name"]
            facts.turns.append((f"call {item['name']}", _canonical(item["arguments"])))
        case "function_call_output":
            output = item["output"]
            name = names.get(item["call_id"], "?")
            parts = [{"type": "input_text", "text": output}] if isinstance(output, str) else output
            facts.turns.append((f"result {name}", "".join(part.get("text", "") for part in parts)))
            for part in parts:
                if part["type"] != "input_text":
                    _read_part(facts, f"result {name}", part)
        case "reasoning" if item.get("encrypted_content"):
            blobs.append(item["encrypted_content"])


def _read_part(facts: Facts, who: str, part: Wire) -> None:
    match part["type"]:
        case "input_text" | "output_text" if part["text"]:
            facts.turns.append((who, part["text"]))
        case "input_image":
            facts.turns.append((f"media {who}", media_url(part.get("image_url") or part.get("file_id") or "")))
        case "input_file":
            file = part.get("file_data") or part.get("file_url") or part.get("file_id") or ""
            facts.turns.append((f"media {who}", media_url(file)))
