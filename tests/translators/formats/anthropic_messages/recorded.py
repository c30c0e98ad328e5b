"""The recorded exchanges of the Messages API, and what their answers say, read here without any of the code under test.

`JOCH_RECORDINGS` may name a folder with more recordings of the same shape.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[3] / "recordings"
PROVIDERS = ("anthropic", "vertex")


class Recording:
    def __init__(self, document: dict[str, Any]) -> None:
        self.id: str = document["id"]
        self.group: str = document["group"]["id"]
        self.position: int = document["group"]["index"]
        self.request: dict[str, Any] | None = document["request"].get("body")
        response = document["response"]
        self.status: int = response["status"]
        self.headers = {name.lower(): value for name, value in (response.get("headers") or {}).items()}
        self.whole: Any = response.get("body_json")
        self.text: str = response.get("body_text") or ""
        self.edited = bool(document["replaced_base64"])

    def __repr__(self) -> str:
        return self.id

    @property
    def is_stream(self) -> bool:
        return self.status == 200 and self.whole is None

    def message(self) -> dict[str, Any]:
        """The answer as one message, a stream put together."""
        return self.whole if self.whole is not None else message_of(self.text)


@cache
def recordings() -> tuple[Recording, ...]:
    """Everything there is, each once."""
    folders = [HERE, *([Path(os.environ["JOCH_RECORDINGS"])] if "JOCH_RECORDINGS" in os.environ else [])]
    found: dict[str, Recording] = {}
    for folder in folders:
        for provider in PROVIDERS:
            for path in sorted(folder.glob(f"{provider}/*-messages-*.json")):
                document = json.loads(path.read_bytes())
                if document["api"] == "messages":
                    found.setdefault(document["id"], Recording(document))
    return tuple(found.values())


def conversations() -> dict[str, list[Recording]]:
    """Recordings of one program run, in their order."""
    groups: dict[str, list[Recording]] = {}
    for recording in recordings():
        if recording.status == 200 and recording.request is not None:
            groups.setdefault(recording.group, []).append(recording)
    return {name: sorted(group, key=lambda r: r.position) for name, group in groups.items() if len(group) > 1}


def events_of(text: str) -> list[dict[str, Any]]:
    lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def message_of(text: str) -> dict[str, Any]:
    """What a stream adds up to."""
    message: dict[str, Any] = {}
    texts: dict[int, str] = {}
    for event in events_of(text):
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start":
                message["content"].append({**event["content_block"]})
                assert len(message["content"]) == event["index"] + 1
            case "content_block_delta":
                add(message["content"][event["index"]], event["delta"], texts, event["index"])
            case "content_block_stop" if texts.get(event["index"]):
                message["content"][event["index"]]["input"] = json.loads(texts[event["index"]])
            case "message_delta":
                message |= {name: value for name, value in event["delta"].items() if value is not None}
                usage = {name: value for name, value in event["usage"].items() if value is not None}
                message["usage"] = {**message["usage"], **usage}
            case _:
                pass
    return message


def add(block: dict[str, Any], delta: dict[str, Any], texts: dict[int, str], index: int) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            texts[index] = texts.get(index, "") + delta["partial_json"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        case _:
            pass


SERVER = ("server_tool_use", "mcp_tool_use", "compaction", "container_upload")


def is_server(block: dict[str, Any]) -> bool:
    """Whether a block is of the provider's own tools or keeping."""
    return block["type"] in SERVER or block["type"].endswith("_tool_result")


def runs_of_text(content: list[dict[str, Any]]) -> list[str]:
    """Texts, with those that follow each other put together."""
    runs: list[str] = []
    before = ""
    for block in content:
        if block["type"] == "text":
            runs[-1:] = [runs[-1] + block["text"]] if before == "text" else [*runs[-1:], block["text"]]
        before = block["type"]
    return runs


def tokens_of(message: dict[str, Any]) -> dict[str, int]:
    """The counts, inclusive; compaction steps are billed beside the totals."""
    usage = message["usage"]
    parts = [usage, *(step for step in usage.get("iterations") or () if step["type"] == "compaction")]

    def total(name: str, within: str | None = None) -> int:
        places = [part.get(within) or {} for part in parts] if within else parts
        return sum(place.get(name) or 0 for place in places)

    read, written = total("cache_read_input_tokens"), total("cache_creation_input_tokens")
    return {
        "input": total("input_tokens") + read + written,
        "output": total("output_tokens"),
        "cached": read,
        "cache_write": written,
        "cache_write_1h": total("ephemeral_1h_input_tokens", "cache_creation"),
        "reasoning": total("thinking_tokens", "output_tokens_details"),
    }
