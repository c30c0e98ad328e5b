"""The schemas of all kinds, and a walk over their fields: for tests of what holds for every field."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from proxy.config.schema import identities
from proxy.config.schema.fields import Record
from proxy.config.schema.model import ModelSpec
from proxy.config.schema.route import ModelRouteSpec
from proxy.config.schema.secret import SecretSpec
from proxy.config.schema.settings import RouterSettingsSpec

SCHEMAS: dict[str, type[Record]] = {
    "RouterSettings": RouterSettingsSpec,
    "Model": ModelSpec,
    "ModelRoute": ModelRouteSpec,
    "Secret": SecretSpec,
    "ClientKey": identities.ClientKeySpec,
    "Agent": identities.AgentSpec,
    "Team": identities.TeamSpec,
    "Environment": identities.EnvironmentSpec,
    "Tool": identities.ToolSpec,
}


def members(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every field that a spec can have, those of one deep inside a named mapping with the name "k"."""
    for name, field in schema.model_fields.items():
        here = (*path, field.alias or name)
        yield here
        yield from (inner for record in records(field.annotation, here) for inner in members(*record))


def records(annotation: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        yield annotation, path
    elif get_origin(annotation) is dict:
        yield from records(get_args(annotation)[1], (*path, "k"))
    elif get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from records(part, path)
