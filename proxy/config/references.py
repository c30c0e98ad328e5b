"""What a reference to a model or a route means. Looks up; adds a problem where nothing or too much is found.

A model reference is `provider:name`, split at the first colon only if what stands before it is a provider, so that
`llama3.3:70b` stays whole; or a bare name, or the provider's own id. `namespace/` may stand before either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from proxy import catalog
from proxy.resources import Model, ModelRoute, RouteEntry

from .documents import Path
from .envelope import Resource
from .implicit import Implicit, find
from .problems import Problem, suggestion
from .schema.fields import Reference

GLOB = frozenset("*?[")
"""What makes a name stand for many."""


@dataclass(slots=True)
class References:
    """The names of one configuration. `broken` are (kind, namespace, name) with errors of their own, not reported twice."""

    models: Mapping[str, Model]
    implicit: tuple[Implicit, ...]
    providers: Set[str]
    broken: Set[tuple[str, str, str]]
    problems: list[Problem]

    def candidate(self, reference: Reference, user: Resource, path: Path) -> RouteEntry | None:
        """The candidate a route's reference means: a declared Model, else an implicit one."""
        found = self._declared(reference, user.namespace)
        if len(found) == 1:
            return RouteEntry(ref=found[0])
        if found:
            hint = f"write one of: {', '.join(found)}"
            self.problems.append(user.problem("E-REF-AMBIGUOUS", f"{reference} may mean several models", path, hint))
            return None
        served = find(self.implicit, reference.name) if reference.namespace is None else None
        if served:
            template, bare = served
            model = catalog.informed(replace(template, name=bare, model=bare))
            return RouteEntry(ref=model.ref, model=model)
        if not self.is_broken("Model", reference, user.namespace):
            self.problems.append(user.problem("E-REF", f"there is no model {reference}", path, self._hint(reference)))
        return None

    def globbed(self, glob: str) -> bool:
        """Whether `glob`, of refs, has a declared Model or may have one that nobody declared, or that is broken."""
        if any(fnmatchcase(ref, glob) for ref in self.models) or self.has_broken("Model"):
            return True
        begin = glob[: next((index for index, char in enumerate(glob) if char in GLOB), len(glob))]
        starts = [f"{template.provider}:" for template, _ in self.implicit]
        return any(begin.startswith(start) or start.startswith(begin) for start in starts)

    def known(self, reference: Reference, home: str, routes: Mapping[str, ModelRoute]) -> str | None:
        """The key of the route or the ref of the declared model `reference` means, if it means one."""
        names = [reference.name] if reference.namespace is None else []
        for name in (route_key(reference.namespace or home, reference.name), *names):
            if name in routes:
                return name
        found = self._declared(reference, home)
        return found[0] if len(found) == 1 else None

    def target(self, reference: Reference, user: Resource, path: Path, routes: Mapping[str, ModelRoute]) -> str | None:
        """What an alias or the default leads to: the key of a route, a Model's ref, or an implicit model's."""
        known = self.known(reference, user.namespace, routes)
        if known is not None or self.is_broken("ModelRoute", reference, user.namespace):
            return known
        served = find(self.implicit, reference.name)
        if not served and not self._declared(reference, user.namespace):
            if not self.is_broken("Model", reference, user.namespace):
                message = f"there is no route and no model {reference}"
                near = suggestion(reference.name, {*routes, *self.models})
                self.problems.append(user.problem("E-REF", message, path, near))
            return None
        entry = self.candidate(reference, user, path)
        return entry.ref if entry else None

    def _declared(self, reference: Reference, home: str) -> list[str]:
        for namespaces, name in _readings(reference, home):
            for matches in self._matches(name):
                for namespace in namespaces:
                    found = [ref for ref in matches if namespace in (None, self.models[ref].namespace)]
                    if found:
                        return found
        return []

    def _matches(self, name: str) -> Iterator[list[str]]:
        """Models called `name`, the closest sense first."""
        provider, colon, rest = name.partition(":")
        if colon and provider in self.providers:
            own = {ref: model for ref, model in self.models.items() if model.provider == provider}
            yield [ref for ref, model in own.items() if model.name == rest]
            yield [ref for ref, model in own.items() if model.model == rest]
        else:
            yield [ref for ref, model in self.models.items() if model.name == name]
            yield [ref for ref, model in self.models.items() if model.model == name]

    def has_broken(self, kind: str) -> bool:
        """Whether any resource of that kind has errors of its own."""
        return any(broken == kind for broken, _, _ in self.broken)

    def is_broken(self, kind: str, reference: Reference, home: str) -> bool:
        """Whether `reference` means a resource that has errors of its own: it is declared, and only unusable."""
        for namespaces, name in _readings(reference, home):
            bare = name.partition(":")[2] if name.partition(":")[0] in self.providers else name
            for broken_kind, namespace, broken_name in self.broken:
                if (
                    broken_kind == kind
                    and broken_name in (name, bare)
                    and (namespace in namespaces or None in namespaces)
                ):
                    return True
        return False

    def _hint(self, reference: Reference) -> str | None:
        provider, colon, _ = reference.name.partition(":")
        if colon and provider not in self.providers:
            near = suggestion(provider, self.providers)
            if near and near.startswith("did you mean"):
                return f"the provider is unknown; {near}"
        names: Iterable[str] = self.models if colon else {model.name for model in self.models.values()}
        return suggestion(reference.name, {*names, *self.models}) or "declare it as a Model"


def route_key(namespace: str, name: str) -> str:
    """How a route is called by clients and in `Snapshot.routes`."""
    return name if namespace == "default" else f"{namespace}/{name}"


def _readings(reference: Reference, home: str) -> Iterator[tuple[tuple[str | None, ...], str]]:
    """(namespaces to look in, name) in order: as written, then with what stands before "/" as the namespace."""
    if reference.namespace:
        yield (reference.namespace,), reference.name
        return
    yield tuple(dict.fromkeys((home, "default", None))), reference.name
    namespace, slash, name = reference.name.partition("/")
    if slash:
        yield (namespace,), name
