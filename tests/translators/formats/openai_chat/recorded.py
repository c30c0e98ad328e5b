"""The recorded chat exchanges: those kept here, and more from the folder `JOCH_RECORDINGS` names."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[3] / "recordings"
MORE = os.environ.get("JOCH_RECORDINGS")


class Recording:
    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self.path = path
        self.name = path.stem
        self.provider = document["provider"]
        self.request: dict[str, Any] | None = document["request"].get("body")
        response = document["response"]
        self.status: int = response.get("status") or 200
        self.headers: dict[str, str] = {key.lower(): value for key, value in (response.get("headers") or {}).items()}
        self.text: str = response.get("body_text") or ""
        self.whole: Any = response.get("body_json")
        if self.whole is None and not self.text.lstrip().startswith(("data:", ":", "event:")) and self.text.strip():
            self.whole = json.loads(self.text)
        self.is_stream = self.whole is None and bool(self.text)
        self.is_error = self.status >= 400

    def __repr__(self) -> str:
        return self.name


@cache
def load(folder: Path) -> tuple[Recording, ...]:
    found = []
    for path in sorted(folder.glob("*/*.json")):
        document = json.loads(path.read_bytes())
        if document.get("api") == "chat":
            found.append(Recording(path, document))
    return tuple(found)


def recordings() -> list[Recording]:
    """Everything there is, the kept ones first, each once."""
    found = {recording.name: recording for recording in load(HERE)}
    if MORE:
        for recording in load(Path(MORE)):
            found.setdefault(recording.name, recording)
    return list(found.values())
