"""`joch doctor`: one line per thing that can be wrong, each with what to do about it. Free requests only.

Checks are functions that yield findings; they never raise, and never print a value of a secret.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import click
import httpx

from proxy import config
from proxy.adapters.reach import Reach, with_token
from proxy.config import zero
from proxy.config.urls import BadUrlError, leads_to, normalised, reached_at
from proxy.resources import Auth, Model, Settings, Snapshot
from proxy.secrets import SecretResolver
from proxy.secrets.identities import Identities
from proxy.upstream import Upstream
from translators import providers
from translators.canonical import UpstreamError
from translators.providers.provider import Provider

from . import output
from .flags import config_options, output_option
from .reading import load, paths_or_default

SECONDS = 3.0
"""How long an endpoint may take to answer a request that costs nothing."""
_CLOCK_SECONDS = 120
_EARLIEST = 1_735_689_600  # 2025-01-01: a clock before it has never been set


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `fix` is one sentence, empty when there is nothing to do."""

    status: Literal["ok", "warn", "fail"]
    check: str
    detail: str
    fix: str = ""


@click.command("doctor")
@config_options
@output_option
def command(paths: tuple[str, ...], overlay: tuple[str, ...], style: str) -> None:
    """Check the configuration, its secrets, the providers, the port and the environment. Exit code 1 if a check fails."""
    findings = list(examine(paths_or_default(paths), overlay, os.environ))
    if style == "table":
        rows = [(found.status, found.check, found.detail, found.fix) for found in findings]
        output.columns(("", "CHECK", "FOUND", "TO DO"), rows)
    else:
        output.document([asdict(found) for found in findings], style)
    sys.exit(1 if any(found.status == "fail" for found in findings) else 0)


def examine(paths: Sequence[str], overlay: Sequence[str], env: Mapping[str, str]) -> Iterator[Finding]:
    """All findings, in the order one would look."""
    snapshot = yield from _configuration(paths, overlay, env)
    settings = snapshot.settings if snapshot else Settings()
    yield from _port(settings)
    yield from _client_side(settings, env)
    with httpx.Client(timeout=SECONDS, trust_env=False, follow_redirects=False) as client:
        dates: list[str] = []
        if snapshot is not None:
            yield from _secrets(snapshot, env)
            yield from _endpoints(snapshot, client, env, dates)
        for url in _ollama_addresses(env):
            yield _ollama(url, client)
        yield from _clock(dates)


def _configuration(
    paths: Sequence[str], overlay: Sequence[str], env: Mapping[str, str]
) -> Generator[Finding, None, Snapshot | None]:
    try:
        if not paths:
            snapshot = zero.from_environment(env, {})
            yield Finding("ok", "configuration", "none: what is found in the environment is served")
            return snapshot
        loaded = load(paths, overlay)
    except config.ConfigError as error:
        found = config.errors(error.problems)
        for problem in found[:5]:
            yield Finding(
                "fail", "configuration", f"{problem.position} {problem.code} {problem.message}", problem.hint or ""
            )
        if len(found) > 5:
            yield Finding(
                "fail", "configuration", f"{len(found) - 5} more errors", "Run joch validate to see them all."
            )
        return None
    warnings = config.warnings(loaded.problems)
    where = ", ".join(paths)
    if warnings:
        yield Finding("warn", "configuration", f"{where}: {len(warnings)} warnings", "Run joch validate to read them.")
    else:
        yield Finding("ok", "configuration", where)
    return loaded.snapshot


def _port(settings: Settings) -> Iterator[Finding]:
    place = f"{settings.address}:{settings.port}"
    probe = socket.socket(socket.AF_INET6 if ":" in settings.address else socket.AF_INET)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((settings.address, settings.port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            yield Finding("fail", "port", f"{place}: {error.strerror}", "Choose another address with --host or --port.")
        elif _is_joch(settings):
            yield Finding("ok", "port", f"{place} is served by joch")
        else:
            yield Finding(
                "fail", "port", f"{place} is taken by another program", "Choose another port: joch serve --port."
            )
        return
    finally:
        probe.close()
    yield Finding("ok", "port", f"{place} is free")


def _is_joch(settings: Settings) -> bool:
    url = f"http://{reached_at(settings.address)}:{settings.port}/health"
    try:
        answer = httpx.get(url, timeout=SECONDS, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(answer, dict) and answer.get("status") == "ok" and "version" in answer


def _client_side(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    """Whether apps started from this shell would talk to the router."""
    url, want = env.get("OPENAI_BASE_URL"), f"http://{reached_at(settings.address)}:{settings.port}/v1"
    if not url:
        yield Finding("warn", "OPENAI_BASE_URL", "not set in this shell", f"For apps: export OPENAI_BASE_URL={want}")
        return
    try:
        ours = leads_to(normalised(url), settings.address, settings.port)
    except BadUrlError:
        ours = False
    if ours:
        yield Finding("ok", "OPENAI_BASE_URL", "leads to this router")
    else:
        yield Finding("warn", "OPENAI_BASE_URL", "leads elsewhere", f"For apps: export OPENAI_BASE_URL={want}")


def _secrets(snapshot: Snapshot, env: Mapping[str, str]) -> Iterator[Finding]:
    resolver = SecretResolver(env)
    usable = [model for model in snapshot.models.values() if not model.disabled]
    templates = [template for template, _ in snapshot.implicit]
    documents = {model.secret for model in usable if model.auth.type == "google-sa"}
    found = dict.fromkeys(
        ref for model in (*usable, *templates) for ref in (model.secret, model.base_url_secret) if ref
    )
    for ref in found:
        fault = resolver.problem(ref, lines=ref in documents)
        if fault:
            fix = f"Set it, or correct the Secret {ref.name}."
            yield Finding("warn" if fault.fault == "missing" else "fail", f"secret {ref.name}", fault.detail, fix)
        else:
            yield Finding("ok", f"secret {ref.name}", "can be resolved")
    for model in usable:
        if model.secret_problem:
            yield Finding(
                "warn", f"model {model.ref}", model.secret_problem, "Set the key, or write auth: {} for none."
            )


def _endpoints(snapshot: Snapshot, client: httpx.Client, env: Mapping[str, str], dates: list[str]) -> Iterator[Finding]:
    """Each address with each key once: a list of models costs no token. Ollama's usual place has a check of its own."""
    seen: set[tuple[object, ...]] = {("ollama", url, None, None, Auth()) for url in _ollama_addresses(env)}
    for model in (*snapshot.models.values(), *(template for template, _ in snapshot.implicit)):
        place = (model.provider, model.base_url, model.base_url_secret, model.secret, model.auth, *model.place.items())
        if model.disabled or model.secret_problem or place in seen:
            continue
        seen.add(place)
        record = providers.load(model.provider)
        if isinstance(record, Provider) and (model.base_url or model.base_url_secret):
            yield _reached(model, record, client, env, dates)


def _reached(model: Model, record: Provider, client: httpx.Client, env: Mapping[str, str], dates: list[str]) -> Finding:
    check = f"provider {record.name}"
    try:
        url, headers = asyncio.run(_asking(model, record, env))
    except UpstreamError as error:
        if error.failure == "secret_missing":
            return Finding("warn", check, f"not asked: {error}", "Set the secret first.")
        return Finding("fail", check, f"not asked: {error}", "Correct the model's auth, or what it names.")
    shown = model.base_url if model.base_url_secret is None else "the address in a secret"
    try:
        answer = client.get(url, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        status: Literal["warn", "fail"] = "warn" if model.local else "fail"
        fix = "Start it, or correct its address." if model.local else "Check the address and the network."
        return Finding(status, check, f"{shown} does not answer ({type(error).__name__})", fix)
    if "date" in answer.headers:
        dates.append(answer.headers["date"])
    if answer.status_code in (401, 403):
        what, fix = ("token", "Give the identity its role.") if model.auth.by_token else ("key", "Replace the key.")
        return Finding("fail", check, f"{shown} refuses the {what} ({answer.status_code})", fix)
    if answer.status_code >= 500:
        return Finding(
            "warn", check, f"{shown} answered {answer.status_code}", "Its provider has a problem; try later."
        )
    if answer.status_code == 404:
        where = f"{shown}{httpx.URL(url).path.removeprefix(httpx.URL(shown or '').path.rstrip('/'))}"
        return Finding("warn", check, f"{where} is not there (404)", "Check the path of the base URL, often /v1.")
    return Finding("ok", check, f"{shown} answers")


async def _asking(model: Model, record: Provider, env: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """URL and headers of a request that costs nothing, with the key or a token. Raises `UpstreamError`."""
    secrets = SecretResolver(env)
    identities = Identities(env, secrets)
    try:
        async with Upstream() as upstream:
            reach = Reach(model, record, upstream, secrets.resolve, {}, identities.of)
            facts = reach.facts
            listed = record.discovery.list.path if record.discovery else record.health or ""
            path = reach.path(facts, "models") if "models" in record.paths else listed
            request, _ = reach.request(facts, path, None, model.clocks)
            if model.auth.by_token:
                tokens = reach.tokens()
                request = with_token(request, await tokens.token(), tokens)
    finally:
        await identities.close()
    return str(request.url), dict(request.headers)


def _ollama_addresses(env: Mapping[str, str]) -> tuple[str, ...]:
    """Where the one local engine is that is looked for unasked. A wrong variable is told with the configuration."""
    try:
        return tuple(url for name, url in zero.endpoints(env) if name == "ollama")
    except config.ConfigError:
        return ()


def _ollama(url: str, client: httpx.Client) -> Finding:
    try:
        names = [model.get("name", "?") for model in client.get(f"{url}/api/tags").json()["models"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        return Finding("warn", "ollama", f"nothing answers at {url}", "For local models: install Ollama and start it.")
    if not names:
        return Finding("warn", "ollama", f"{url} has no models", "Pull one: ollama pull qwen3:8b")
    return Finding("ok", "ollama", f"{url}: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}")


def _clock(dates: Sequence[str]) -> Iterator[Finding]:
    """A wrong clock breaks TLS and makes every event lie."""
    now = time.time()
    for date in dates:
        try:
            skew = now - parsedate_to_datetime(date).timestamp()
        except ValueError:
            continue
        if abs(skew) > _CLOCK_SECONDS:
            yield Finding(
                "warn", "clock", f"{abs(skew):.0f} s away from a provider's", "Synchronise this machine's clock."
            )
        else:
            yield Finding("ok", "clock", "agrees with the providers'")
        return
    if now < _EARLIEST:
        yield Finding("fail", "clock", "was never set", "Set this machine's clock.")
    else:
        yield Finding("ok", "clock", "set; no provider to compare it with")
