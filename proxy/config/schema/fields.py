"""The pieces all specs are made of: the strict base record, marks, references, money, durations, URLs. No kind's fields.

A validator that knows which rule was broken raises `broken(code, ...)`; everything else is mapped from pydantic's own
error types in `proxy.config.validate`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from proxy.config.problems import suggestion
from proxy.config.urls import BadUrlError, normalised
from proxy.resources import EFFECTS

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# Headers that carry credentials have their own place (auth.secretRef); those that frame the message are ours.
_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-goog-api-key", "x-auth-token"}
)
_FRAMING_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "te"})
_EFFECT = re.compile(r"[a-z_]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def broken(code: str, message: str, hint: str | None = None, *, at: str | None = None) -> PydanticCustomError:
    """The error to raise from a validator when rule `code` is broken, `at` a member of the value if one is at fault.

    `message` must not quote what may be secret.
    """
    return PydanticCustomError("joch", "{text}", {"code": code, "text": message, "hint": hint, "at": at})


class Record(BaseModel):
    """A mapping whose members are known by name. `x-*` members are free, and `null` is the same as absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_free(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: item for name, item in value.items() if item is not None and not name.startswith("x-")}


class Spec(Record):
    """The `spec` of a resource: a record with one free corner."""

    extensions: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """A field that is accepted and does nothing yet. `harmless` are values that ask for what happens anyway."""

    code: str
    note: str = ""
    harmless: tuple[Any, ...] = ()
    hint: str | None = None

    def but_for(self, *values: Any, note: str = "", hint: str | None = None) -> Mark:
        """The same mark, silent for `values`; `hint` is what to write instead of the others."""
        return Mark(self.code, note or self.note, values, hint or self.hint)


NOT_YET = Mark("W-NOT-YET", "accepted, but this version does not act on it")
UNENFORCED = Mark("W-UNENFORCED", "this version does not enforce it: nothing is limited or protected by it")
REFUSED = Mark("E-NOT-YET", "this version cannot do it")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as written. `name` may be qualified ("openai:gpt-4o", "team-a/route")."""

    name: str
    namespace: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def _reference(value: Any) -> Reference:
    if isinstance(value, Reference):
        return value
    if isinstance(value, str) and value.strip():
        return Reference(value.strip())
    if isinstance(value, dict) and value.keys() <= {"name", "namespace", "key"}:
        name, namespace, key = (value.get(part) for part in ("name", "namespace", "key"))
        optional = all(part is None or (isinstance(part, str) and part) for part in (namespace, key))
        if isinstance(name, str) and name.strip() and optional:
            return Reference(name.strip(), namespace, key)
    raise broken("E-TYPE", "should be a reference", "write name, namespace/name, or { name: …, namespace: … }")


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, (Decimal, int)) and not isinstance(value, bool) else value


def _money(value: Any) -> Decimal:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value < 0:
        raise broken("E-TYPE", "should be an amount of money, 0 or more", "write a plain decimal number, such as 0.15")
    return Decimal(value)


def _duration(value: Any, unit: str) -> float:
    """Seconds. An integer counts in the unit of the key; text has its own unit."""
    seconds: Decimal | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value * _SECONDS[unit]
    elif isinstance(value, str) and (written := _DURATION.fullmatch(value)):
        seconds = Decimal(written[1]) * _SECONDS[written[2]]
    if seconds is None or not 0 < seconds <= 366 * 86400:
        whole = "milliseconds" if unit == "ms" else "seconds"
        raise broken("E-TYPE", "should be a duration above 0", f"write whole {whole}, or text with a unit such as 30s")
    return float(seconds)


def _base_url(value: Any) -> str:
    if not isinstance(value, str):
        raise broken("E-TYPE", "should be a URL", "write http:// or https:// and a host")
    try:
        return normalised(value)
    except BadUrlError as error:
        raise broken(error.code, error.message, error.hint) from None


def _effect(value: Any) -> str:
    if not isinstance(value, str) or not _EFFECT.fullmatch(value):
        near = suggestion(str(value), (*EFFECTS, "unknown"))
        raise broken("E-TYPE", "should be one word of lower-case letters and _", near)
    return value


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise broken("E-TYPE", "should be a mapping of header names to text", "write headers: { X-Team: research }")
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name):
            hint = "a header name has letters, digits and -, no space and no colon"
            raise broken("E-TYPE", f"{name[:40]!r} is no header name", hint)
        if name.lower() in _CREDENTIAL_HEADERS:
            raise broken("E-SECRET-INLINE", f"header {name} carries a credential", "use auth.secretRef")
        if name.lower() in _FRAMING_HEADERS:
            raise broken("E-TYPE", f"header {name} is set by the router", "delete it")
        if not isinstance(text, str) or not text.isprintable():
            raise broken("E-TYPE", f"header {name} should be one line of text", "quote numbers")
    return dict(value)


Ref = Annotated[Reference, PlainValidator(_reference)]
Number = Annotated[float, BeforeValidator(_number)]
Money = Annotated[Decimal, PlainValidator(_money)]
Milliseconds = Annotated[float, PlainValidator(lambda value: _duration(value, "ms"))]
"""Seconds, written in milliseconds."""
Seconds = Annotated[float, PlainValidator(lambda value: _duration(value, "s"))]
BaseUrl = Annotated[str, PlainValidator(_base_url)]
Headers = Annotated[dict[str, str], PlainValidator(_headers)]
Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
SecondsOrNone = Annotated[
    float, PlainValidator(lambda value: 0.0 if value == 0 and value is not False else _duration(value, "s"))
]
"""Seconds, or 0 for never."""
Effect = Annotated[str, PlainValidator(_effect)]
"""What a tool does: a word of `proxy.resources.EFFECTS`, "unknown", or another of the operator's."""
Zone = Literal["device", "network", "own-cloud", "vendor"]
Text = Annotated[str, Field(min_length=1)]


class Timeouts(Record):
    """Any of the six clocks. Values are seconds, whatever they were written in."""

    connect_ms: Milliseconds | None = None
    first_byte_ms: Milliseconds | None = None
    idle_ms: Milliseconds | None = None
    content_ms: Milliseconds | None = None
    attempt_ms: Milliseconds | None = None
    total_ms: Milliseconds | None = None

    def given(self) -> dict[str, float]:
        """The clocks that were written, by the names of `proxy.resources.Clocks`."""
        return {name.removesuffix("_ms"): value for name, value in self if value is not None}


class Parameters(Record):
    """Request parameters a Model or route may set, in canonical names."""

    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_k: Positive | None = None
    max_output_tokens: Positive | None = None
    reasoning_effort: Text | None = None
    verbosity: Text | None = None
    stop: Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)] | None = (
        None
    )
    seed: int | None = None

    def given(self) -> dict[str, Any]:
        """What was written, by the names it was written with."""
        return self.model_dump(by_alias=True, exclude_unset=True)
