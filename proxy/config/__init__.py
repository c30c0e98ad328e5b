"""YAML to one immutable snapshot, or errors that name file, line and hint. Nothing here opens a socket.

    sources     which files, and their text             watch       whether they changed
    documents   YAML 1.2 to values with positions       inline      keys that were pasted into a file
    envelope    apiVersion, kind, metadata              schema/     what each spec may hold, and what is acted on
    validate    a spec against its schema               loading     the steps in order: `load`
    settings, models, routes, aliases                   specs to the records of `proxy.resources`
    callers                                             who calls, and what a caller may use
    misses                                              why a candidate can never serve a route
    references, secret_index, keys, implicit            what a name, a secret, an address or an absent record means
    environment what variables and flags say            zero        a snapshot without any file
    discovered  what local endpoints serve              difference  what a reload changed

PyYAML and pydantic cost a few hundred milliseconds of start-up and are only imported by `load`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .difference import Change, diff, needs_restart
from .problems import ConfigError, Position, Problem, counted, errors, warnings
from .sources import default_paths
from .watch import Fingerprint, fingerprint

if TYPE_CHECKING:
    from .loading import Loaded, load

__all__ = [
    "Change",
    "ConfigError",
    "Fingerprint",
    "Loaded",
    "Position",
    "Problem",
    "counted",
    "default_paths",
    "diff",
    "errors",
    "fingerprint",
    "load",
    "needs_restart",
    "warnings",
]


def __getattr__(name: str) -> Any:
    if name in ("Loaded", "load"):
        from . import loading

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
