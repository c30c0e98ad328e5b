"""Reading a configuration for a command: the same as `joch serve` reads, without serving it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from proxy import config
from proxy.secrets import SecretResolver

NOTHING = "no configuration: name one with -f, or put joch.yaml here (joch serve starts without one)"


def paths_or_default(paths: Sequence[str]) -> tuple[str, ...]:
    """`paths`, else where `joch serve` would look; empty when there is no configuration."""
    return tuple(paths) or config.default_paths(os.environ)


def load(paths: Sequence[str], overlay: Sequence[str]) -> config.Loaded:
    """The configuration, with secrets tried. Raises `config.ConfigError`."""
    return config.load(paths, env=os.environ, overlay=overlay, fault_of=SecretResolver(os.environ).problem)
