"""The recorded Responses exchanges: those kept here, and more from the folder `JOCH_RECORDINGS` names."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[3] / "recordings"
FIXTURES = sorted((HERE / "fixtures").glob("resp_*.sse"))
MORE = os.environ.get("JOCH_RECORDINGS")


class Recording:
    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self.name = path.stem
        self.provider: str = document["provider"]
        self.fidelity: str = document["fidelity"]["response"]
        self.request: dict[str, Any] | None = document["request"].get("body")
        response = document["response"]
        self.status: int = response.get("status") or 200
        self.headers: dict[str, str] = {key.lower(): value for key, value in (response.get("headers") or {}).items()}
        self.text: str = response.get("body_text") or ""
        self.whole: Any = response.get("body_json")
        self.is_stream: bool = document["stream"] and self.status == 200

    def __repr__(self) -> str:
        return self.name

    def error_body(self) -> bytes:
        return self.text.encode() if self.whole is None else json.dumps(self.whole).encode()


@cache
def load(folder: Path) -> tuple[Recording, ...]:
    found = []
    for path in sorted(folder.glob("*/*.json")):
        document = json.loads(path.read_bytes())
        if document.get("api") == "responses":
            found.append(Recording(path, document))
    return tuple(found)


def recordings() -> list[Recording]:
    """Everything there is, the kept ones first, each once."""
    found = {recording.name: recording for recording in load(HERE)}
    if MORE:
        for recording in load(Path(MORE)):
            found.setdefault(recording.name, recording)
    return list(found.values())


def recorded(word: str) -> Recording:
    """The kept recording whose name contains `word`."""
    (found,) = [recording for recording in load(HERE) if word in recording.name]
    return found


STREAMS = [recording for recording in recordings() if recording.is_stream]
WHOLES = [recording for recording in recordings() if recording.status == 200 and not recording.is_stream]
ERRORS = [recording for recording in recordings() if recording.status >= 400]
ASKED = [recording for recording in recordings() if isinstance(recording.request, dict)]
