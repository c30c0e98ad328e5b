"""Secret resources by name: which source a reference means, and who may use it. Never resolves a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from proxy.resources import SecretRef, SecretSource

from .documents import Path
from .envelope import Resource
from .problems import Problem, suggestion
from .schema.fields import Reference
from .schema.secret import SecretSpec, Source


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference led to. `ref` None: the source is of a type this version cannot read, as `problem` says."""

    ref: SecretRef | None
    problem: str | None = None
    scope: tuple[str, ...] | None = None

    def covers(self, *names: str) -> bool:
        """Whether a model of any of these names may use the secret."""
        return self.scope is None or any(fnmatchcase(name, bound) for bound in self.scope for name in names)


@dataclass(slots=True)
class SecretIndex:
    """All declared secrets. `broken` are those whose spec has errors of its own, which are not reported twice."""

    specs: dict[tuple[str, str], SecretSpec] = field(default_factory=dict)
    broken: set[tuple[str, str]] = field(default_factory=set)

    def add(self, resource: Resource, spec: SecretSpec | None) -> None:
        """Register a Secret, or the fact that it is unusable."""
        if spec is None:
            self.broken.add((resource.namespace, resource.name))
        else:
            self.specs[resource.namespace, resource.name] = spec

    def find(self, reference: Reference, user: Resource, path: Path, problems: list[Problem]) -> Found | None:
        """What `reference`, written at `path` of `user`, means. None after adding a problem (or when one was added
        where the Secret is declared)."""
        namespaces = dict.fromkeys((reference.namespace,) if reference.namespace else (user.namespace, "default"))
        name, namespace = reference.name, None
        if "/" in name and reference.namespace is None:
            qualifier, _, name = name.partition("/")
            namespaces = {qualifier: None}
        namespace = next((space for space in namespaces if (space, name) in self.specs), None)
        if namespace is None:
            if not any((space, name) in self.broken for space in namespaces):
                hint = suggestion(name, {known for _, known in self.specs}) or "declare it as a Secret"
                problems.append(user.problem("E-REF", f"there is no Secret {reference}", path, hint))
            return None
        spec = self.specs[namespace, name]
        source = self._source(spec, reference, user, path, problems)
        if source is None:
            return None
        scope = None
        if spec.scope and spec.scope.bound_to and spec.scope.bound_to.models is not None:
            scope = tuple(bound.name for bound in spec.scope.bound_to.models)
        shown = f"{name}/{reference.key}" if reference.key else name
        if not source.readable:
            return Found(
                None, f"secret {shown} has a source of type {source.type}, which this version cannot read", scope
            )
        place = SecretSource(type="env" if source.type == "env" else "file", location=source.location)
        return Found(SecretRef(name=shown, source=place), scope=scope)

    def _source(
        self, spec: SecretSpec, reference: Reference, user: Resource, path: Path, problems: list[Problem]
    ) -> Source | None:
        if reference.key is None and spec.source is not None:
            return spec.source
        if spec.keys is None:
            if spec.source is not None and not spec.source.readable:
                return spec.source
            message = f"Secret {reference} holds one value and has no key {reference.key}"
            hint = "leave key out, or give the Secret several: keys: { name: { source: … } }"
            problems.append(user.problem("E-SECRET-KEY", message, path, hint))
            return None
        if reference.key in spec.keys:
            return spec.keys[reference.key].source
        hint = f"add key, one of: {', '.join(spec.keys)}"
        wrong = f"has no key {reference.key}" if reference.key else "holds several values"
        problems.append(user.problem("E-SECRET-KEY", f"Secret {reference} {wrong}", path, hint))
        return None


def unreadable_sources(resources: Iterable[tuple[Resource, SecretSpec]]) -> list[Problem]:
    """A warning for each Secret this version cannot read, whoever uses it."""
    problems = []
    for resource, spec in resources:
        if spec.source is not None and not spec.source.readable:
            problems.append(_unreadable(resource, spec.source, ("spec", "source", "type")))
        for name, keyed in (spec.keys or {}).items():
            if not keyed.source.readable:
                problems.append(_unreadable(resource, keyed.source, ("spec", "keys", name, "source", "type")))
    return problems


def _unreadable(resource: Resource, source: Source, path: Path) -> Problem:
    message = f"this version cannot read sources of type {source.type}: models that need this secret are disabled"
    return resource.problem("W-NOT-YET", message, path, "use type: env or type: file")
