"""Anthropic's Messages API as it behaves: `POST /v1/messages`, on its own host or below a cloud's prefix.

models      what each model takes          checks, messages   what is refused
answers     whole and streamed answers     saying_no          errors
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.facts import Facts, media
from proxy.conformance.simulators.script import Answer, Fault
from proxy.conformance.simulators.seals import Seals
from proxy.conformance.simulators.server import Event, Heard, Reply, json_reply

from . import answers, saying_no
from .checks import check, rules_for
from .messages import blocks_of

Wire = dict[str, Any]
_VERTEX = re.compile(
    r"/v1(?:beta1)?/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/([^/:]+):(?:(stream)R|r)awPredict\Z"
)
_VERTEX_VERSIONS = ("vertex-2023-10-16", "2026-10-21")

__all__ = ["AnthropicMessages"]


class AnthropicMessages:
    """The dialect of one Anthropic organisation; `owner` keeps its signatures apart from another's.

    On `vertex` the path names the model and whether to stream, and the body the version.
    """

    stream_type = "text/event-stream; charset=utf-8"

    def __init__(self, owner: str = "anthropic", *, prefix: str = "", vertex: bool = False) -> None:
        self.seals = Seals(owner, "anthropic")
        self._prefix, self._vertex = prefix, vertex
        self._turns = 0

    def serves(self, heard: Heard) -> Reply | None:
        if self._vertex and heard.method == "POST" and (found := _VERTEX.match(heard.path)) is not None:
            # From here on it is a request as any other: what the path says is put where the API itself has it.
            version = heard.body.get("anthropic_version")
            if "model" in heard.body or version not in _VERTEX_VERSIONS or ("stream" in heard.body and not found[2]):
                return json_reply(400, saying_no.envelope("invalid_request_error", f"anthropic_version: {version}"))
            rest = {name: value for name, value in heard.body.items() if name != "anthropic_version"}
            heard.body = {**rest, "model": found[1].replace("@", "-"), "stream": bool(found[2])}
            heard.headers = {**heard.headers, "anthropic-version": "2023-06-01"}
            return None
        if heard.method == "POST" and heard.path == f"{self._prefix}/v1/messages":
            return None
        if heard.method == "GET" and heard.path == f"{self._prefix}/v1/models":
            return json_reply(200, {"data": [], "has_more": False, "first_id": None, "last_id": None})
        return json_reply(404, saying_no.envelope("not_found_error", "Not Found"))

    def authorise(self, heard: Heard, key: str) -> None:
        bearer = heard.headers.get("authorization", "").removeprefix("Bearer ")
        given = heard.headers.get("x-api-key") or bearer or heard.headers.get("api-key")
        if given is None:
            raise saying_no.refuse("x-api-key header is required", 401, "authentication_error")
        if given != key:
            raise saying_no.refuse("invalid x-api-key", 401, "authentication_error")

    def check(self, heard: Heard) -> None:
        check(heard, self.seals)

    def read(self, heard: Heard) -> Facts:
        return read(heard.body, self.seals)

    def whole(self, answer: Answer, heard: Heard) -> Reply:
        said = answers.message(answer, heard.body, rules_for(heard.body["model"]), self.seals, self._next())
        return json_reply(200, said, {"request-id": saying_no.REQUEST_ID})

    def events(self, answer: Answer, heard: Heard) -> Iterator[Event]:
        return answers.events(answer, heard.body, rules_for(heard.body["model"]), self.seals, self._next())

    def fault(self, fault: Fault, heard: Heard, key: str) -> Reply:
        return saying_no.fault(fault, key)

    def broken(self, fault: Fault, key: str) -> bytes:
        return saying_no.in_band(fault, key)

    def _next(self) -> str:
        self._turns += 1
        return f"T{self._turns}"


def read(body: Wire, seals: Seals) -> Facts:
    """What a request says."""
    facts = Facts(model=body["model"], stream=bool(body.get("stream")))
    system = body.get("system")
    for text in [system] if isinstance(system, str) else [block["text"] for block in system or ()]:
        facts.turns.append(("system", text))
    names: dict[str, str] = {}
    blobs: list[str] = []
    for message in body["messages"]:
        for block in blocks_of(message):
            _read_block(facts, message["role"], block, names, blobs)
    facts.seals = seals.names(blobs)
    for tool in body.get("tools") or ():
        name = tool["name"]
        facts.tools.append(name)
        facts.parameters[name] = tool.get("input_schema")
        facts.strict[name] = bool(tool.get("strict"))
        facts.descriptions[name] = tool.get("description", "")
    choice = body.get("tool_choice") or {}
    kind = choice.get("type")
    facts.choice = choice.get("name") if kind == "tool" else "required" if kind == "any" else kind
    if "disable_parallel_tool_use" in choice:
        facts.parallel = not choice["disable_parallel_tool_use"]
    config = body.get("output_config") or {}
    facts.schema = (config.get("format") or {}).get("schema")
    facts.json = facts.schema is not None
    facts.effort = config.get("effort")
    thinking = body.get("thinking") or {}
    if facts.effort is None and thinking.get("type") == "enabled":
        facts.effort = f"{thinking['budget_tokens']} tokens"
    if thinking.get("type") == "disabled":
        facts.effort = "none"
    facts.shows = thinking.get("display") == "summarized" if "display" in thinking else None
    facts.limit = body.get("max_tokens")
    facts.stop = body.get("stop_sequences")
    facts.temperature, facts.top_p = body.get("temperature"), body.get("top_p")
    facts.user = (body.get("metadata") or {}).get("user_id")
    return facts


def _read_block(facts: Facts, role: str, block: Wire, names: dict[str, str], blobs: list[str]) -> None:
    match block["type"]:
        case "text":
            facts.turns.append((role, block["text"]))
        case "image" | "document":
            facts.turns.append((f"media {role}", _source(block["source"])))
        case "tool_use":
            names[block["id"]] = block["name"]
            facts.turns.append(
                (f"call {block['name']}", json.dumps(block["input"], separators=(",", ":"), ensure_ascii=False))
            )
        case "tool_result":
            _read_result(facts, block, names)
        case "thinking":
            blobs.append(block["signature"])
        case "redacted_thinking":
            blobs.append(block["data"])


def _read_result(facts: Facts, block: Wire, names: dict[str, str]) -> None:
    name = names.get(block["tool_use_id"], "?")
    content = block.get("content") or ""
    parts: list[Wire] = [{"type": "text", "text": content}] if isinstance(content, str) else content
    facts.turns.append((f"result {name}", "".join(part["text"] for part in parts if part["type"] == "text")))
    facts.turns += [(f"media result {name}", _source(part["source"])) for part in parts if "source" in part]


def _source(source: Wire) -> str:
    if source["type"] == "base64":
        return media(source["media_type"], source["data"])
    if source["type"] == "text":
        return media("text/plain", base64.b64encode(source["data"].encode()).decode())
    return str(source.get("url") or source.get("file_id"))
