"""The composition root: every object is made here, and only here. Plain constructor calls, no container.

`App` is one serving process around a snapshot; `run` is `joch serve`: it finds the configuration, starts, tells the user
what it found, and follows signals and file changes until it is stopped.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from aiohttp.abc import AbstractResolver

from proxy.adapters import Bindings
from proxy.budgets import SCHEMA as LEDGER_SCHEMA
from proxy.budgets import Ledger
from proxy.continuity import KEY_VARIABLE, Continuity, Sealer, Vault, seal_key
from proxy.continuity import SCHEMA as CONTINUITY_SCHEMA
from proxy.effects import SCHEMA as EFFECTS_SCHEMA
from proxy.effects import ToolLedger
from proxy.events import EventLog, Sink, process_event
from proxy.explain import SCHEMA as EXPLAIN_SCHEMA
from proxy.explain import Explanations, Keeper
from proxy.gateway import Gateway
from proxy.guarding import EffectsGuard
from proxy.identifiers import new_id
from proxy.identity import Executions
from proxy.live import Live
from proxy.metrics import Metrics
from proxy.planner import Planner
from proxy.prober import Prober
from proxy.reporting import Reporter
from proxy.resources import Model, Snapshot
from proxy.routing import Condition, Health, Quotas, RetryShare
from proxy.secrets import SecretResolver
from proxy.secrets.identities import Identities
from proxy.server import Core, Listener
from proxy.server.dispatch import Dispatcher
from proxy.server.guard import HOP_HEADER
from proxy.status import Status
from proxy.store import Database
from proxy.tool_gateway import asking
from proxy.upstream import Upstream
from translators.formats import ClientFormat

DRAIN_SECONDS = 60.0
VERSION = version("joch-proxy")


class App:
    """One serving process. `env` is where secrets are looked up at the moment of use, `store` the file of the store, if any.

    `share` is this process's part of what a provider grants per minute: one by the number of worker processes.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        env: Mapping[str, str],
        sinks: Iterable[Sink] = (),
        resolver: AbstractResolver | None = None,
        body_seconds: float = 30.0,
        store: Path | None = None,
        share: float = 1.0,
    ) -> None:
        self.live = Live(snapshot)
        self.events = EventLog(sinks)
        self.metrics = Metrics(VERSION)
        self.metrics.config_generation.value = snapshot.generation
        self.metrics.config_last_reload_ok.value = 1
        instance = new_id("joch_")
        settings = snapshot.settings
        self.upstream = Upstream(resolver=resolver, user_agent=f"joch/{VERSION}")
        self.upstream.allowed_hosts = settings.egress_hosts
        secrets = SecretResolver(env)
        self.identities = Identities(env, secrets)
        self.identities.allow_only(settings.egress_hosts)
        self.bindings = Bindings(self.upstream, secrets.resolve, {HOP_HEADER: instance}, self.identities.of)
        self.database = Database(store, (*CONTINUITY_SCHEMA, *EXPLAIN_SCHEMA, *LEDGER_SCHEMA, *EFFECTS_SCHEMA))
        sealing_key = seal_key(self.database, env.get(KEY_VARIABLE))
        self._explanations = explanations = Explanations(self.database, settings.explain_seconds)
        self.health = Health(settings.health, random.random, self._health_changed)
        quotas, ledger = Quotas(share), Ledger(self.database, lambda: new_id("hold_"))
        ledger.sweep()  # what a killed process held and never settled
        ledger.forget(settings.explain_seconds)
        status = Status(self.bindings, self.health, quotas)
        keeper = Keeper(explanations, status.capabilities_of)
        self.reporter = Reporter(self.events, self.metrics, new_id, keeper.keep)
        self.gateway = Gateway(
            bindings=self.bindings,
            planner=Planner(self.bindings, self.health, quotas, ledger, random.random),
            reporter=self.reporter,
            health=self.health,
            quotas=quotas,
            share=RetryShare(),
            ledger=ledger,
            guard=EffectsGuard(ToolLedger(self.database), asking(self.upstream, secrets.resolve)),
            continuity=Continuity(
                Sealer(sealing_key),
                Vault(self.database, ttl=settings.vault_seconds, limit=settings.vault_entries),
            ),
            new_id=new_id,
            jitter=random.random,
        )
        core = Core(
            live=self.live,
            gateway=self.gateway,
            status=status,
            executions=Executions(sealing_key),
            explanations=explanations,
            reveal=lambda reference: secrets.resolve(reference).reveal(),
            events=self.events,
            metrics=self.metrics,
            new_id=new_id,
            instance=instance,
            version=VERSION,
            body_seconds=body_seconds,
        )
        self._prober = Prober(self.live, self.bindings, self.health)
        self._listener = Listener(core, Dispatcher(core, client_formats()))

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._listener.port

    async def start(self, *, host: str | None = None, port: int | None = None, shared: bool = False) -> None:
        """Listen as the settings say, unless told otherwise. Raises `OSError` when the address cannot be taken."""
        settings = self.live.current.snapshot.settings
        await self.upstream.__aenter__()
        try:
            await self._listener.open(
                settings.address if host is None else host, settings.port if port is None else port, shared=shared
            )
        except OSError:
            await self.upstream.__aexit__()
            raise
        self._prober.start()

    async def stop(self, drain_seconds: float = DRAIN_SECONDS) -> tuple[int, int]:
        """Drain and end. Returns how many calls were drained and how many cut."""
        await self._prober.stop()
        ended = await self._listener.close(drain_seconds)
        await self.identities.close()
        await self.upstream.__aexit__()
        self.events.close()
        self._explanations.flush()
        self.database.close()
        return ended

    def apply(self, snapshot: Snapshot, changes: Iterable[Mapping[str, str]] = ()) -> None:
        """Serve new calls with `snapshot`; calls under way keep the one they started with."""
        before = self.live.current.snapshot
        self.live.swap(snapshot)
        self.upstream.allowed_hosts = snapshot.settings.egress_hosts
        self.identities.allow_only(snapshot.settings.egress_hosts)
        self.health.configure(snapshot.settings.health)
        for ref, model in before.models.items():
            if (now := snapshot.models.get(ref)) is None or _candidate(now) != _candidate(model):
                self.health.forget(ref)
        self.metrics.config_generation.value = snapshot.generation
        self.metrics.config_last_reload_ok.value = 1
        for change in changes:
            self.events.emit(process_event(new_id, "ResourceApplied", change))

    def rejected(self, problems: Iterable[str]) -> None:
        """A new configuration was not accepted; the old one stays."""
        self.metrics.config_last_reload_ok.value = 0
        self.events.emit(process_event(new_id, "x.ConfigRejected", {"problems": list(problems)}, severity="error"))

    def _health_changed(self, ref: str, before: Condition, after: Condition) -> None:
        self.reporter.health(ref, before, after, time.monotonic())


def _candidate(model: Model) -> tuple[object, ...]:
    """What makes a candidate another one to the health machine (reliability design, 3.5)."""
    return model.provider, model.base_url, model.base_url_secret, model.model, model.auth, model.secret


def client_formats() -> dict[str, ClientFormat]:
    """What clients may speak, by the path they speak it at."""
    from translators.formats import openai_chat, openai_completions, openai_responses

    return {
        "/chat/completions": openai_chat.CLIENT,
        "/responses": openai_responses.CLIENT,
        "/completions": openai_completions.CLIENT,
    }
