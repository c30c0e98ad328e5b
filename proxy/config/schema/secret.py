"""Secret: where values are found, never values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from .fields import NOT_YET, Positive, Record, Ref, Spec, Text, broken

_NEEDS = {"env": "name", "file": "path"}


class Source(Record):
    """One place a value comes from. `env` needs `name`, `file` needs `path`; other types are read by later versions."""

    type: Literal[
        "env",
        "file",
        "kubernetes",
        "vault",
        "command",
        "aws-secrets-manager",
        "gcp-secret-manager",
        "azure-key-vault",
    ]
    name: Text | None = None
    path: Text | None = None
    key: Text | None = None
    argv: list[str] | None = None

    @model_validator(mode="after")
    def _has_its_place(self) -> Source:
        needed = _NEEDS.get(self.type)
        if needed and getattr(self, needed) is None:
            raise broken("E-TYPE", f"a source of type {self.type} needs {needed}", f"add {needed}: …")
        return self

    @property
    def location(self) -> str:
        """What `proxy.resources.SecretSource` calls it."""
        return self.name or self.path or ""

    @property
    def readable(self) -> bool:
        """Whether this version can read such a source."""
        return self.type in _NEEDS


class KeyedSource(Record):
    source: Source


class Bound(Record):
    models: list[Ref] | None = None


class Scope(Record):
    bound_to: Bound | None = None


class Rotation(Record):
    policy: Text | None = None
    interval_days: Positive | None = None


class SecretSpec(Spec):
    source: Source | None = None
    keys: dict[str, KeyedSource] | None = None
    cache_seconds: Annotated[
        int, Field(ge=0, le=300), NOT_YET.but_for(0, note="secrets are looked up for every call")
    ] = 0
    scope: Scope | None = None
    rotation: Annotated[Rotation | None, NOT_YET] = None
    description: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _holds_no_value(cls, value: Any) -> Any:
        for name in ("value", "data", "stringData"):
            if isinstance(value, dict) and name in value:
                raise broken(
                    "E-SECRET-INLINE",
                    f"a Secret has no {name}: it says where the value is, and never holds it",
                    "write source: { type: env, name: MY_KEY } or { type: file, path: … }",
                    at=name,
                )
        return value

    @model_validator(mode="after")
    def _has_one_form(self) -> SecretSpec:
        if (self.source is None) == (not self.keys):
            raise broken("E-TYPE", "a Secret has either source or keys", "write source: { type: env, name: MY_KEY }")
        return self
