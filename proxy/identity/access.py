"""What a caller may name, and which route is its own: steps 0 to 2 and 9 of the name resolution (CONFIG §6).

Pure decisions over an identity and a snapshot. What a caller may not name does not exist for it: no message here says that
there is something.
"""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase

from proxy.resources import Access, Model, ModelRoute, Snapshot
from translators.canonical import RequestError

from .identity import Identity

_SHOWN_LENGTH = 64


def visible(target: ModelRoute | Model, identity: Identity) -> bool:
    """Whether the caller may name `target` and have an answer: for 404 on naming it, and for lists of models.

    A route: its `access` and the key's `routes` let the caller in, and at least one candidate may serve it. A single-model
    route is its model. A model: every list of what the agent, its team, its environment and its key may use has it.
    """
    if isinstance(target, Model):
        return _may_use(target.ref, identity)
    if not target.implicit:
        if target.access is not None and not _admits(target, target.access, identity):
            return False
        key = identity.key
        if (
            key is not None
            and key.routes is not None
            and not any(fnmatchcase(target.name, glob) for glob in key.routes)
        ):
            return False
    return not identity.allowed or any(_may_use(entry.ref, identity) for entry in target.entries)


def route_name(
    identity: Identity, snapshot: Snapshot, requested: str | None, header_route: str | None
) -> tuple[str, str] | None:
    """The key of the route that is certain before any model is looked for, and the word for the step that found it.

    0 `header_route` (X-Joch-Route), which wins over an agent's own route; 1 `requested` names a route; 2 the agent's route,
    whatever model the app names. A name is looked for in the caller's namespace first. None: `requested` says which model.
    Raises `RequestError` 404 `model_not_found` for a header that names no route the caller may use.
    """
    if header_route is not None:
        found = _named(identity, snapshot, header_route)
        if found is None:
            raise _no_such_route(header_route, identity, snapshot)
        return found, "header"
    if requested is not None:
        found = _named(identity, snapshot, requested)
        if found is not None:
            return found, "route-name"
    record = identity.record
    if record is not None and record.force_route and record.route is not None and record.route in snapshot.routes:
        return record.route, "agent"
    return None


def default_route(identity: Identity, snapshot: Snapshot) -> str | None:
    """The name that stands in where none was given, or an unknown one is let pass: the agent's, its environment's, the
    settings'. All but the last are keys of routes; the settings' may be a model as well.
    """
    record = identity.record
    if record is not None and record.route is not None:
        return record.route
    place = snapshot.environments.get(identity.environment) if identity.environment is not None else None
    if place is not None and place.route is not None:
        return place.route
    return snapshot.settings.default_route


def _named(identity: Identity, snapshot: Snapshot, name: str) -> str | None:
    routes = snapshot.routes
    if identity.namespace != "default":
        own = f"{identity.namespace}/{name}"
        if own in routes and visible(routes[own], identity):
            return own
    return name if name in routes and visible(routes[name], identity) else None


def _admits(route: ModelRoute, access: Access, identity: Identity) -> bool:
    if identity.team is not None and identity.team in access.teams:
        return True
    if access.labels and access.labels.items() <= identity.labels.items():
        return True
    return any(_is_named(agent, route.namespace, identity) for agent in access.agents)


def _is_named(agent: str, home: str, identity: Identity) -> bool:
    """Whether `agent`, as a route in namespace `home` writes it, is the caller. As with all references, a name without a
    namespace is one of the same namespace or of "default".
    """
    namespace, slash, name = agent.rpartition("/")
    if slash and (namespace, name) == (identity.namespace, identity.agent):
        return True
    return agent == identity.agent and identity.namespace in (home, "default")


def _may_use(ref: str, identity: Identity) -> bool:
    return all(any(fnmatchcase(ref, glob) for glob in globs) for globs in identity.allowed)


def _no_such_route(name: str, identity: Identity, snapshot: Snapshot) -> RequestError:
    shown = "".join(char if char.isprintable() and char not in "'\"" else "?" for char in name[:_SHOWN_LENGTH])
    known = [route.name for route in snapshot.routes.values() if visible(route, identity)]
    message = f"The route '{shown}' named by the header X-Joch-Route does not exist."
    close = difflib.get_close_matches(name[:_SHOWN_LENGTH], known, 3)
    if close:
        message += f" Did you mean {' or '.join(map(repr, close))}?"
    return RequestError(message, code="model_not_found", status=404)
