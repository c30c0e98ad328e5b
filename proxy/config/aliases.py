"""Names that lead to other names: settled when the configuration is read, so that no request meets a dead end.

The order is that of the router: aliases of RouterSettings, then of routes, then of models; exact ones before globs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from proxy.resources import Model, ModelRoute

from .documents import Path
from .envelope import Resource
from .problems import Problem
from .references import GLOB, References
from .schema.fields import Reference


@dataclass(frozen=True, slots=True)
class Alias:
    """A name written somewhere, to be said by clients."""

    name: str
    owner: Resource
    path: Path

    @property
    def is_glob(self) -> bool:
        """Whether it stands for many names."""
        return not GLOB.isdisjoint(self.name)


def settled(
    written: Mapping[str, Reference],
    owner: Resource,
    references: References,
    routes: Mapping[str, ModelRoute],
    problems: list[Problem],
) -> dict[str, str]:
    """Each alias of RouterSettings with the route or model it finally leads to, in the order written."""
    result = {}
    for name, reference in written.items():
        path = ("spec", "aliases", name)
        chain, last = [name], reference
        while references.known(last, owner.namespace, routes) is None and last.name in written:
            if last.name in chain:
                message = f"aliases lead in a circle: {' -> '.join([*chain, last.name])}"
                problems.append(
                    owner.problem("E-ALIAS-CYCLE", message, path, "let one of them name a route or a model")
                )
                break
            chain.append(last.name)
            if len(chain) > 2:
                message = f"more than one alias stands between {name} and a model: {' -> '.join(chain)}"
                problems.append(owner.problem("E-ALIAS-CYCLE", message, path, "name the route or model itself"))
                break
            last = written[last.name]
        else:
            target = references.target(last, owner, path, routes)
            if target is not None:
                result[name] = target
    return result


def declared(
    settings: Resource | None,
    aliases: Mapping[str, Reference],
    routes: Sequence[tuple[Resource, ModelRoute]],
    models: Sequence[tuple[Resource, Model]],
) -> list[Alias]:
    """All aliases in the order they are tried."""
    found = [Alias(name, settings, ("spec", "aliases", name)) for name in aliases] if settings else []
    for resource, names in [
        *((resource, route.aliases) for resource, route in routes),
        *((resource, model.aliases) for resource, model in models),
    ]:
        found += [Alias(name, resource, ("spec", "aliases", index)) for index, name in enumerate(names)]
    return found


def shadowed(aliases: Sequence[Alias], routes: Mapping[str, ModelRoute]) -> list[Problem]:
    """A warning for each alias that never answers, because a route or an earlier alias does."""
    problems = []
    for index, alias in enumerate(aliases):
        winner = _winner(alias, aliases[:index], routes)
        if winner:
            message = f"alias {alias.name} never answers: {winner} comes first"
            problems.append(alias.owner.problem("W-SHADOWED-ALIAS", message, alias.path, "delete it or rename it"))
    return problems


def _winner(alias: Alias, earlier: Sequence[Alias], routes: Mapping[str, ModelRoute]) -> str | None:
    if alias.name in routes:
        return f"the route {alias.name}"
    for other in earlier:
        same = other.name == alias.name
        if same or (alias.is_glob and other.is_glob and fnmatchcase(alias.name, other.name)):
            return f"the alias {other.name} of {other.owner.id}"
    return None
