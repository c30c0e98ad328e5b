"""What the environment and the flags say: base URLs, keys by convention, and settings they override. Reads no file.

Variables are looked at by name only; a key's value is touched just to tell a real key from our own placeholder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from proxy.resources import SecretRef, SecretSource, Settings
from translators.providers.provider import AdapterProvider, Provider

from .problems import Position, Problem, suggestion
from .urls import BadUrlError, is_everywhere, normalised

LEVELS = ("debug", "info", "warning", "error")
PLACEHOLDERS = frozenset({"local"})
"""Not keys: what our own banner tells apps to export when they have none."""
ADMIN_TOKEN = SecretRef(name="JOCH_ADMIN_TOKEN", source=SecretSource(type="env", location="JOCH_ADMIN_TOKEN"))
"""The operators' token where no Secret is named for it. On the command line the variable says what to send."""
_OLLAMA_PORT = 11434
_THEIR_OWN = {
    "ollama": ("OLLAMA_HOST",),
    "microsoft": (
        "JOCH_PROVIDER_MICROSOFT_FOUNDRY_ENDPOINT",
        "AZURE_OPENAI_ENDPOINT",
        "AZURE_FOUNDRY_PROJECT_ENDPOINT",
    ),
}
"""Variables of providers themselves that say where they are. `OPENAI_BASE_URL` and its like are never read: they point at us."""


class Providers(Protocol):
    """Where provider records come from: `translators.providers`, or a handful of records in a test."""

    def names(self) -> tuple[str, ...]: ...

    def load(self, name: str) -> Provider | AdapterProvider: ...


def base_url_variable(provider: str) -> str:
    """The variable that moves a provider: `JOCH_PROVIDER_LLAMA_CPP_BASE_URL`."""
    return f"JOCH_PROVIDER_{provider.upper().replace('-', '_')}_BASE_URL"


def base_url_variable_set(provider: str, env: Mapping[str, str]) -> str | None:
    """The variable that says where `provider` is: ours, else one of its own; None when none is set."""
    names = (base_url_variable(provider), *_THEIR_OWN.get(provider, ()))
    return next((name for name in names if env.get(name)), None)


def base_url_from(provider: str, env: Mapping[str, str], problems: list[Problem]) -> str | None:
    """Where the environment says `provider` is."""
    variable = base_url_variable_set(provider, env)
    if variable is None:
        return None
    value = ollama_url(env[variable]) if variable == "OLLAMA_HOST" else env[variable]
    try:
        return normalised(value)
    except BadUrlError as error:
        position = Position(f"environment variable {variable}")
        problems.append(Problem(code=error.code, message=error.message, position=position, hint=error.hint))
        return None


def ollama_url(host: str) -> str:
    """Ollama's own `OLLAMA_HOST` ("0.0.0.0", ":11434", "gpu:80", "https://gpu/x") as a base URL to call.

    The rules are those of ollama/envconfig: no scheme means http and port 11434, and an address to listen on everywhere
    is reached on loopback.
    """
    scheme, found, rest = host.strip().partition("://")
    if not found:
        scheme, rest = "http", host.strip()
    authority, slash, path = rest.partition("/")
    name, port = _split_port(authority)
    if not port:
        port = {"http": "80", "https": "443"}[scheme] if found and scheme in ("http", "https") else str(_OLLAMA_PORT)
    if is_everywhere(name):
        name = "127.0.0.1"  # Go listens on both kinds of addresses there
    elif ":" in name and not name.startswith("["):
        name = f"[{name}]"
    return f"{scheme}://{name}:{port}{slash}{path}".rstrip("/")


def _split_port(authority: str) -> tuple[str, str]:
    name, _, port = authority.rpartition(":")
    if not port.isdigit() or (name.count(":") and not name.endswith("]")):
        return authority.removesuffix(":"), ""
    return name, port


def key_by_convention(record: Provider, env: Mapping[str, str]) -> SecretRef | None:
    """The first of the provider's usual variables that holds a key. Keys of our own making are none."""
    for variable in record.key_env:
        if env.get(variable) and not is_ours(env[variable]):
            return SecretRef(name=variable, source=SecretSource(type="env", location=variable))
    return None


def is_ours(key: str) -> bool:
    """Whether a key is meant for us, not for a provider: an app's `OPENAI_API_KEY` while it talks to the router."""
    return key.startswith("joch-") or key in PLACEHOLDERS


def overridden(
    settings: Settings, env: Mapping[str, str], flags: Mapping[str, Any], problems: list[Problem]
) -> Settings:
    """`settings` after environment and flags. Precedence: flag, environment, file, default.

    `flags` are by the names of `Settings`. `JOCH_DEFAULT_MODEL` needs resolving and is not handled here.
    """
    changes: dict[str, Any] = {}
    if "JOCH_ROUTER_PORT" in env:
        port = env["JOCH_ROUTER_PORT"]
        if port.isascii() and port.isdigit() and int(port) <= 65535:
            changes["port"] = int(port)
        else:
            problems.append(_variable("JOCH_ROUTER_PORT", "should be a port", "a whole number from 0 to 65535"))
    if env.get("JOCH_LISTEN_ADDRESS"):
        changes["address"] = env["JOCH_LISTEN_ADDRESS"]
    if env.get("JOCH_STORE_PATH"):
        changes["store_path"] = env["JOCH_STORE_PATH"]
    # A Secret that is named for it stays: the variable may be meant for another router, which this shell asks.
    if env.get(ADMIN_TOKEN.name) and settings.admin_token is None:
        changes["admin_token"] = ADMIN_TOKEN
    if "JOCH_LOG_LEVEL" in env:
        level = env["JOCH_LOG_LEVEL"].lower()
        if level in LEVELS:
            changes["log_level"] = level
        else:
            problems.append(_variable("JOCH_LOG_LEVEL", "is no level of the log", suggestion(level, LEVELS)))
    if "JOCH_LOG_FORMAT" in env:
        if env["JOCH_LOG_FORMAT"] in ("json", "text"):
            changes["log_format"] = env["JOCH_LOG_FORMAT"]
        else:
            problems.append(_variable("JOCH_LOG_FORMAT", "is no format of the log", "write json or text"))
    return replace(settings, **{**changes, **flags})


def _variable(name: str, message: str, hint: str | None) -> Problem:
    return Problem(code="E-TYPE", message=message, position=Position(f"environment variable {name}"), hint=hint)
