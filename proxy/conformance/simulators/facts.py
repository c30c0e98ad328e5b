"""What a provider heard, in no dialect: every wire reads its requests to the same facts.

The reading is of the simulators alone. It must not share a line with the translators, or it would agree with their errors.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Turn: TypeAlias = tuple[str, str]
"""Who, and what. Who is "system", "user", "assistant", "call NAME", "result NAME" or "media ROLE"."""


@dataclass(slots=True, kw_only=True)
class Facts:
    """`turns` is the whole conversation in its order; `seals` the sealed blobs in theirs, by name ("?" is foreign).

    `limit` bounds the output in tokens; `choice` is "auto", "none", "required" or a tool's name; `effort` the provider's own
    word for how much to think; `shows`: it was asked to show its thoughts. None is: not said.
    """

    model: str
    stream: bool
    turns: list[Turn] = field(default_factory=list)
    seals: tuple[str, ...] = ()
    tools: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    strict: dict[str, bool] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    choice: str | None = None
    parallel: bool | None = None
    schema: Any = None
    json: bool = False
    limit: int | None = None
    effort: str | None = None
    shows: bool | None = None
    stop: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    n: int | None = None
    logprobs: bool = False
    user: str | None = None
    usage: bool | None = None

    def said(self) -> dict[str, Any]:
        """All of it as a dict, for comparisons by name; `properties` are those of the schema, in their order."""
        said = {name: getattr(self, name) for name in self.__slots__}
        properties = self.schema.get("properties") if isinstance(self.schema, dict) else None
        return {**said, "properties": list(properties or ())}


def media(mime: str, data: str) -> str:
    """A file as one comparable word: its type and what its bytes hash to. Base64 that does not decode is "broken"."""
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return f"{mime} broken"
    return f"{mime} {hashlib.sha256(raw).hexdigest()[:16]}"


def media_url(url: str) -> str:
    """The same for a data URL; any other address stays as it is."""
    if not url.startswith("data:"):
        return url
    head, _, data = url.removeprefix("data:").partition(",")
    return media(head.removesuffix(";base64"), data)
