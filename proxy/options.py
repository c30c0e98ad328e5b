"""What `joch serve` was asked to do, as one record between the command line and `app`. Holds no defaults of settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """`None` means that the flag was not given, so that the environment, the file or the default decides.

    `paths` empty: the default search, then zero-config. `local`: "" is `--local` without a model. `check`: load,
    resolve, print and leave. `workers`: processes sharing the port.
    """

    paths: tuple[str, ...] = ()
    overlay: tuple[str, ...] = ()
    host: str | None = None
    port: int | None = None
    local: str | None = None
    check: bool = False
    watch: bool = False
    workers: int = 1
    log_level: str | None = None
    events_file: str | None = None

    def overrides(self) -> Mapping[str, Any]:
        """The given flags by the names of `proxy.resources.Settings`: they win over environment and file."""
        given = {
            "address": self.host,
            "port": self.port,
            "log_level": self.log_level,
            "events_file": self.events_file,
        }
        return {name: value for name, value in given.items() if value is not None}
