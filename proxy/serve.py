"""`joch serve`: find the configuration, start, say what was found, and follow signals and changes until stopped.

SIGTERM and SIGINT drain and end (a second one ends at once), SIGHUP reloads. A reload is all or nothing: a configuration
with errors changes nothing and is reported where the operator looks. Without a configuration the process serves what it
discovers, asks again every minute, and always offers `demo:echo`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from proxy import banner, config, logs
from proxy.app import DRAIN_SECONDS, App
from proxy.config import zero
from proxy.discovery import Found, discover
from proxy.events import JsonLines, Sink
from proxy.options import ServeOptions
from proxy.resources import Settings, Snapshot
from proxy.secrets import SecretResolver
from proxy.upstream import Upstream
from translators import providers
from translators.providers.provider import Provider

_log = logging.getLogger("joch")
LIST_SECONDS, DETAIL_SECONDS = 0.3, 1.0
STORE = ".joch/router.db"
"""Where the store is, below the home directory, unless the settings say otherwise."""
MEMORY = ":memory:"
REFRESH_SECONDS = 60.0
WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Started:
    """A configuration and where it came from. `paths` empty means that it was discovered.

    `seen` is what the files looked like before they were read, so that no change after that is missed.
    """

    snapshot: Snapshot
    paths: tuple[str, ...]
    seen: config.Fingerprint
    found: tuple[Found, ...] = ()
    notes: tuple[str, ...] = ()


def run(options: ServeOptions, *, shared_port: bool = False) -> int:
    """Serve until stopped. Returns the exit code: 0 stopped, 1 cannot start, 2 the configuration is not valid."""
    process = _Process(options, os.environ, shared_port=shared_port)
    try:
        import uvloop
    except ImportError:  # it has no wheels for every platform
        return asyncio.run(process.serve())
    return uvloop.run(process.serve())


async def configure(options: ServeOptions, env: Mapping[str, str]) -> Started:
    """The configuration `options` ask for. Raises `config.ConfigError` with every problem."""
    paths = options.paths or config.default_paths(env)
    seen, overrides = config.fingerprint(paths), options.overrides()
    if paths:
        loaded = config.load(
            paths,
            env=env,
            overlay=options.overlay,
            overrides=overrides,
            local=options.local,
            fault_of=SecretResolver(env).problem,
        )
        return Started(loaded.snapshot, paths, seen, notes=tuple(str(problem) for problem in loaded.problems))
    async with Upstream() as upstream:
        found = tuple(await asyncio.gather(*(_ask(upstream, name, url) for name, url in zero.endpoints(env))))
    snapshot = zero.from_environment(
        env, {each.provider: each.models for each in found}, local=options.local, overrides=overrides
    )
    return Started(snapshot, (), seen, found)


async def _ask(upstream: Upstream, name: str, base_url: str) -> Found:
    provider = providers.load(name)
    if not isinstance(provider, Provider):
        return Found(name, base_url, problem="this provider cannot be asked")
    return await discover(upstream, provider, base_url, list_seconds=LIST_SECONDS, detail_seconds=DETAIL_SECONDS)


class _Process:
    """One serving process from start to end."""

    def __init__(self, options: ServeOptions, env: Mapping[str, str], *, shared_port: bool) -> None:
        self._options, self._env, self._shared_port = options, env, shared_port
        self._stopped = asyncio.Event()
        self._impatient = asyncio.Event()
        self._reload_wanted = asyncio.Event()

    async def serve(self) -> int:
        try:
            started = await configure(self._options, self._env)
        except config.ConfigError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        settings = started.snapshot.settings
        logs.configure(settings.log_level, settings.log_format)
        for note in started.notes:
            _log.warning("%s", note)
        self._listen_to_signals()  # before anyone is told that we are there
        app = App(
            started.snapshot,
            env=self._env,
            sinks=_sinks(started.snapshot),
            store=_store(settings, self._env),
            share=1.0 / self._options.workers,
        )
        try:
            await app.start(shared=self._shared_port)
        except OSError as error:
            reason = "the port is in use" if error.errno == 98 else error.strerror
            sys.stderr.write(f"joch: cannot listen on {settings.address}:{settings.port}: {reason}\n")
            return 1
        if not self._shared_port:
            banner.show(started, app.port, sys.stderr)
        tasks = [asyncio.create_task(self._follow(app, started))]
        _settle_memory()
        try:
            await self._stopped.wait()
        finally:
            for task in tasks:
                task.cancel()
            await self._end(app)
        return 0

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            (self._impatient if self._stopped.is_set() else self._stopped).set()

        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_wanted.set)

    async def _end(self, app: App) -> None:
        ending = asyncio.create_task(app.stop(DRAIN_SECONDS))
        hurry = asyncio.create_task(self._impatient.wait())
        await asyncio.wait({ending, hurry}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            ending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ending
            await app.stop(0.0)
            return
        hurry.cancel()
        drained, cut = ending.result()
        _log.info("stopped: %d calls drained, %d cut", drained, cut)

    # --- changes while running -----------------------------------------------------------------------------------

    async def _follow(self, app: App, started: Started) -> None:
        """Reload when told to, when a watched file changed, and every minute where nothing is configured."""
        refresh_at = time.monotonic() + REFRESH_SECONDS
        seen = started.seen
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reload_wanted.wait(), WATCH_SECONDS)
            now = config.fingerprint(started.paths) if self._options.watch else seen
            due = not started.paths and time.monotonic() >= refresh_at
            if not (self._reload_wanted.is_set() or now != seen or due):
                continue
            self._reload_wanted.clear()
            seen, refresh_at = now, time.monotonic() + REFRESH_SECONDS
            await self._reload(app)

    async def _reload(self, app: App) -> None:
        """All or nothing. Settings that need a restart are said."""
        try:
            started = await configure(self._options, self._env)
        except config.ConfigError as error:
            _log.error("the new configuration was rejected, the old one stays:\n%s", error)
            app.rejected(str(problem) for problem in error.problems)
            return
        old = app.live.current.snapshot
        changes = config.diff(old, started.snapshot)
        if not changes:
            return
        for field in config.needs_restart(old, started.snapshot):
            _log.warning("%s changes with a restart only", field)
        logs.configure(started.snapshot.settings.log_level, started.snapshot.settings.log_format)
        app.apply(replace(started.snapshot, generation=old.generation + 1), [asdict(change) for change in changes])
        _log.info("configuration reloaded: %s", ", ".join(str(change) for change in changes))


def _store(settings: Settings, env: Mapping[str, str]) -> Path | None:
    """The store's file; None for one in memory, as the settings may ask, or where there is no home to put it."""
    written = settings.store_path
    if written == MEMORY or (written is None and "HOME" not in env):
        return None
    home = env.get("HOME", "")
    return Path(written.replace("~", home, 1) if written and written.startswith("~/") else written or f"{home}/{STORE}")


def _settle_memory() -> None:
    """Take what start-up made out of the collector's sight, and let it look less often at what calls make.

    Calls make many small objects and hardly any cycle; with Python's own thresholds a tenth of the time went into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _sinks(snapshot: Snapshot) -> list[Sink]:
    path = snapshot.settings.events_file
    return [] if path is None else [JsonLines(Path(path), lambda message: _log.error("%s", message))]
