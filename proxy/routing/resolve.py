"""What a `model` string means: the name resolution of the configuration reference, section 6.

    1  a ModelRoute's name
    3  an exact alias               settings, then routes, then models
    4  provider:name                a Model's name, else its upstream id, else an implicit model
    5  a Model's name, unique       6  a Model's upstream id, highest priority first
    7  a glob alias, in declared order
    8  an implicit model            ids a provider with a key is known to have
    9  default route, or 404 with close names and what would fix it

Steps 0 and 2, the header X-Joch-Route and an agent's own route, depend on who calls and come before all of these
(`proxy.identity.route_name`). One object per snapshot; everything that can be looked up is put into dictionaries once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from proxy import catalog
from proxy.resources import Model, ModelRoute, RouteEntry, Snapshot
from translators.canonical import RequestError

_MODEL_ID = re.compile(r"[\w@-][\w.:@+-]*(?:/[\w@-][\w.:@+-]*)*", re.ASCII)
"""An id that a client may make up. It may end in a provider's path, so no part of it leads elsewhere."""

_OTHERS = "projects/"
"""Whole resource names choose whose account is used: that is the operator's to say, in a Model record."""

_SAFE_LENGTH = 64
_REMEMBERED = 4096


class Resolver:
    """Names to routes, for one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._exact, self._globs = _aliases(snapshot)
        self._by_name = _by_name(snapshot)
        self._by_upstream = _by_upstream(snapshot)
        self._single: dict[str, ModelRoute] = {}
        self._remembered: dict[str, tuple[ModelRoute, str]] = {}

    def resolve(
        self, name: str | None, default: str | None = None, may: Callable[[ModelRoute], bool] | None = None
    ) -> tuple[ModelRoute, str]:
        """The route that serves `name`, and the word for the step that found it. `default` stands in for no name.

        `may` says whether the caller may use a route; None: every one. A route it may not use is not there, so that a Model
        of the same name is found behind it. Raises `RequestError` 404 `model_not_found`, or 400 when no model was named and
        there is no default.
        """
        default = default or self._snapshot.settings.default_route
        if name is None:
            return self._default(None, default, may)
        route = self._snapshot.routes.get(name)
        if route is not None and (may is None or may(route)):
            return route, "route-name"
        found = self._remembered.get(name)
        if found is None:
            found = self._find(name)
            if found is None:
                return self._default(name, default, may)
            if len(self._remembered) < _REMEMBERED:
                self._remembered[name] = found
        return found

    def names(self) -> Iterator[tuple[str, str, str]]:
        """Everything a client may say: (name, kind, what it resolves to). Kinds: route, alias, model."""
        for name in self._snapshot.routes:
            yield name, "route", name
        for alias, target in self._exact.items():
            yield alias, "alias", target
        for ref, model in self._snapshot.models.items():
            yield ref, "model", ref
            if self._by_name.get(model.name) == ref and model.name not in self._snapshot.routes:
                yield model.name, "model", ref

    def _find(self, name: str) -> tuple[ModelRoute, str] | None:
        if name in self._exact:
            return self._target(self._exact[name]), "alias"
        direct = self._direct(name)
        if direct is not None:
            return direct
        for pattern, target in self._globs:
            if fnmatchcase(name, pattern):
                return self._target(target), "glob-alias"
        implied = self._implied(name)
        return None if implied is None else (implied, "implicit")

    def _direct(self, name: str) -> tuple[ModelRoute, str] | None:
        models = self._snapshot.models
        if name in models:
            return self._route_of(models[name]), "provider-ref"
        provider, _, rest = name.partition(":")
        for model in models.values():
            if rest and model.provider == provider and model.model == rest:
                return self._route_of(model), "provider-ref"
        if name in self._by_name:
            return self._route_of(models[self._by_name[name]]), "model-name"
        if name in self._by_upstream:
            return self._by_upstream_id(name), "upstream-id"
        return None

    def _by_upstream_id(self, name: str) -> ModelRoute:
        first, *rest = self._by_upstream[name]
        route = self._route_of(self._snapshot.models[first])
        return replace(
            route, entries=(*route.entries, *(RouteEntry(ref=ref, step=step) for step, ref in enumerate(rest, 1)))
        )

    def _implied(self, name: str) -> ModelRoute | None:
        """Step 8, and step 4c for `provider:name`."""
        for template, patterns in self._snapshot.implicit:
            prefix = f"{template.provider}:"
            bare = name.removeprefix(prefix)
            if bare != name or any(fnmatchcase(bare, pattern) for pattern in patterns):
                if _MODEL_ID.fullmatch(bare) is None or bare.startswith(_OTHERS):
                    return None
                model = catalog.informed(replace(template, name=bare, model=bare, origin="implicit"))
                entry = RouteEntry(ref=model.ref, model=model)
                return ModelRoute(name=f"~{model.ref}", entries=(entry,), implicit=True)
        return None

    def _target(self, target: str) -> ModelRoute:
        """An alias leads to a route or a model; one more alias may stand between. Cycles are load errors."""
        found = self._snapshot.routes.get(target)
        if found is not None:
            return found
        direct = self._direct(target)
        if direct is not None:
            return direct[0]
        if target in self._exact:
            return self._target(self._exact[target])
        implied = self._implied(target)
        if implied is None:
            raise _not_found(target, [], "alias")
        return implied

    def _route_of(self, model: Model) -> ModelRoute:
        route = self._single.get(model.ref)
        if route is None:
            route = ModelRoute(name=f"~{model.ref}", entries=(RouteEntry(ref=model.ref),), implicit=True)
            self._single[model.ref] = route
        return route

    def _default(
        self, name: str | None, default: str | None, may: Callable[[ModelRoute], bool] | None
    ) -> tuple[ModelRoute, str]:
        if default is not None and (name is None or self._snapshot.settings.unknown_model == "default-route"):
            return self._target(default), "default-route"
        if name is None:
            raise RequestError("you must provide a model parameter", param="model", code="missing_required_parameter")
        known = [known for known, _, _ in self.names() if may is None or may(self.resolve(known)[0])]
        raise _not_found(name, difflib.get_close_matches(name, known, 3), None, self._hint(known))

    def _hint(self, known: list[str]) -> str:
        if self._snapshot.hint:
            return self._snapshot.hint
        if not known:
            return "No models are configured."
        return "Add a Model or an alias for it to the configuration."


def _aliases(snapshot: Snapshot) -> tuple[dict[str, str], list[tuple[str, str]]]:
    declared = list(snapshot.settings.aliases.items())
    declared += [(alias, route.name) for route in snapshot.routes.values() for alias in route.aliases]
    declared += [(alias, model.ref) for model in snapshot.models.values() for alias in model.aliases]
    exact: dict[str, str] = {}
    globs = []
    for alias, target in declared:
        if any(mark in alias for mark in "*?["):
            globs.append((alias, target))
        else:
            exact.setdefault(alias, target)
    return exact, globs


def _by_name(snapshot: Snapshot) -> dict[str, str]:
    seen: dict[str, list[str]] = {}
    for ref, model in snapshot.models.items():
        seen.setdefault(model.name, []).append(ref)
    return {name: refs[0] for name, refs in seen.items() if len(refs) == 1}


def _by_upstream(snapshot: Snapshot) -> dict[str, list[str]]:
    seen: dict[str, list[Model]] = {}
    for model in snapshot.models.values():
        seen.setdefault(model.model, []).append(model)
    return {
        upstream: [model.ref for model in sorted(models, key=lambda model: -model.priority)]
        for upstream, models in seen.items()
    }


def _not_found(name: str, close: list[str], where: str | None, hint: str = "") -> RequestError:
    shown = "".join(char if char.isprintable() and char not in "'\"" else "?" for char in name[:_SAFE_LENGTH])
    message = f"The model '{shown}' does not exist or you do not have access to it."
    if where:
        message = f"The route '{shown}' named by the {where} does not exist."
    if close:
        message += f" Did you mean {' or '.join(repr(match) for match in close)}?"
    if hint:
        message += f" {hint}"
    return RequestError(message, code="model_not_found", status=404)
