"""What configuration means: frozen records, whole and resolved. No YAML, no defaults to look up, no I/O.

`config` makes them, everything else reads them. A call keeps the `Snapshot` it started with, so a reload is all old or
all new to it. Fields and defaults follow the configuration reference in docs/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

_EMPTY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Time limits in seconds. `total` spans all candidates of a call, `attempt` one of them.

    `idle` bounds silence on the wire, `content` how long comments alone may keep a stream alive. `whole` takes the place
    of `first_byte` for answers that are not streamed, whose first byte comes when all of it is made; None: no difference.
    """

    connect: float = 5.0
    first_byte: float = 60.0
    whole: float | None = 600.0
    idle: float = 60.0
    content: float = 300.0
    attempt: float = 600.0
    total: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where a secret's value is found at the moment of use. Never the value."""

    type: Literal["env", "file"]
    location: str  # an environment variable's name, or a path


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """A secret by name, with its source already looked up. `name` may be shown anywhere."""

    name: str
    source: SecretSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Money per million tokens, by what the tokens are. None is unknown, never free.

    `cache_write_1h` is the price of writes that are kept longer than the provider's shortest time. `reasoning` None is the
    price of output, `image_input` None that of input.
    """

    input: Decimal | None = None
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None
    audio_input: Decimal | None = None
    audio_output: Decimal | None = None
    image_input: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier(Rates):
    """The rates of a whole request with more input tokens than `above`.

    A rate that is None follows its side: it is dearer than the base rate as this tier's input, or output, is.
    """

    above: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How a model's calls prove who is calling.

    `type` None: with `Model.secret` as a key, in the header its provider takes keys in. "bearer", "api-key", "x-api-key"
    and "x-goog-api-key" name another header for it. The rest are tokens, fetched from an identity service: "entra" and
    "managed-identity" from Microsoft's, "google-sa" and "google-adc" from Google's. `Model.secret` is then what they are
    fetched with (a client secret, a service account's JSON), or None where the environment provides that. `scope` None
    leaves the token's scope to the provider.
    """

    type: (
        Literal[
            "bearer",
            "api-key",
            "x-api-key",
            "x-goog-api-key",
            "entra",
            "managed-identity",
            "google-sa",
            "google-adc",
        ]
        | None
    ) = None
    tenant_id: str | None = None
    client_id: str | None = None
    scope: str | None = None

    @property
    def by_token(self) -> bool:
        """Whether calls carry a token that has to be fetched."""
        return self.type in ("entra", "managed-identity", "google-sa", "google-adc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing(Rates):
    """What a model costs: rates in `currency`, and `usd_rate` US dollars for one of it.

    `tiers` stand with the highest first. `service_tiers` multiplies the rates by the tier that served, and
    `cached_service_tiers` that of cached input where it differs; a tier that is neither in it nor an ordinary one has no
    known price. `tool_requests` is money for one request of a tool the provider runs. `surcharge` multiplies the rates for
    the place the model runs at. From the day `until` (ISO 8601) on, `then` holds. `hash` names these prices in events, so
    that a figure can be traced to what it was made with.
    """

    currency: str = "USD"
    usd_rate: Decimal = Decimal(1)
    per_request: Decimal = Decimal(0)
    tiers: tuple[Tier, ...] = ()
    service_tiers: Mapping[str, Decimal] = field(default_factory=lambda: _EMPTY)
    cached_service_tiers: Mapping[str, Decimal] = field(default_factory=lambda: _EMPTY)
    tool_requests: Mapping[str, Decimal] = field(default_factory=lambda: _EMPTY)
    surcharge: Decimal = Decimal(1)
    until: str | None = None
    then: Pricing | None = None
    as_of: str | None = None
    source: Literal["model", "catalog", "local"] = "model"
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One provider's model as this installation uses it.

    `model` is the id sent upstream. `flags` and `features` are what is known (declared, probed or from the catalogue),
    absent meaning unknown; `flag_sources` says how. `secret` None means no key is sent; `secret_problem` says in plain
    words why the candidate is disabled when a key is needed and there is none to refer to. `place` are the provider's own
    words for where it is served ("project", "location", "apiVersion").
    """

    name: str
    provider: str
    model: str
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    aliases: tuple[str, ...] = ()
    api: Literal["auto", "chat", "responses"] = "auto"
    local: bool = False
    base_url: str | None = None
    base_url_secret: SecretRef | None = None
    region: str | None = None
    place: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    headers: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    query: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    clocks: Clocks = field(default_factory=Clocks)
    verify_tls: bool = True
    ca_file: str | None = None
    auth: Auth = Auth()
    secret: SecretRef | None = None
    secret_problem: str | None = None
    flags: Mapping[str, bool] = field(default_factory=lambda: _EMPTY)
    features: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    flag_sources: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    context_window: int | None = None
    max_output: int | None = None
    pricing: Pricing | None = None
    default_parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    forced_parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    priority: int = 100
    regions: tuple[str, ...] = ()
    fallback_policy: Literal["never", "on_error", "on_error_or_budget", "always"] = "on_error_or_budget"
    weight: int = 1
    disabled: bool = False
    origin: Literal["config", "discovered", "implicit"] = "config"
    hash: str = ""

    @property
    def ref(self) -> str:
        """`provider:name`, how routes, events and headers call it."""
        return f"{self.provider}:{self.name}"

    @property
    def declares(self) -> bool:
        """Whether its record says what it can do. Then what it leaves out is no; otherwise that is unknown."""
        return self.origin == "config" and any(
            self.flag_sources.get(flag, "declared") == "declared" for flag in self.flags
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry:
    """One candidate of a route, with what the route says about it alone. `clocks` None inherits the Model's.

    `model` is set for an implicit model, which stands in no snapshot.
    """

    ref: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    clocks: Clocks | None = None
    model: Model | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """What may move a call to the next candidate.

    `declared`: the route has a `failover` block of its own, which then wins over each Model's `fallback_policy`.
    """

    on_error: bool = True
    on_rate_limited: bool = True
    on_capability_mismatch: bool = True
    on_content_filter: bool = False
    on_schema_invalid: bool = True
    max_attempts: int = 3
    declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRoute:
    """An ordered policy over candidates. `entries[0]` is the primary.

    `implicit` marks the single-model route that a bare model name resolves to; its name then starts with "~". `strict` is
    what a translation may not do: change or leave out what bears meaning, or anything at all.
    """

    name: str
    entries: tuple[RouteEntry, ...]
    namespace: str = "default"
    description: str | None = None
    aliases: tuple[str, ...] = ()
    requirements: Mapping[str, bool] = field(default_factory=lambda: _EMPTY)
    context_window_min: int | None = None
    max_output_min: int | None = None
    failover: Failover = field(default_factory=Failover)
    parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    strict: Literal["none", "semantic", "all"] = "none"
    implicit: bool = False
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What RouterSettings says of one provider: where it is and which key it takes when a Model does not say."""

    base_url: str | None = None
    secret: SecretRef | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    clocks: Clocks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    address: str = "127.0.0.1"
    port: int = 8083
    base_paths: tuple[str, ...] = ("/v1", "/")
    allowed_hosts: tuple[str, ...] = ()
    max_body_bytes: int = 67_108_864
    auth_mode: Literal["open", "keys"] = "open"
    clocks: Clocks = field(default_factory=Clocks)
    providers: Mapping[str, ProviderSettings] = field(default_factory=lambda: _EMPTY)
    implicit_models: Literal["off", "catalog", "any"] = "catalog"
    unknown_model: Literal["error", "default-route"] = "error"
    default_route: str | None = None
    aliases: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    model_field: Literal["upstream", "requested", "ref"] = "upstream"
    response_headers: bool = True
    expose_reasoning: Literal["auto", "reasoning_content", "never"] = "auto"
    keep_alive_seconds: float = 15.0
    max_concurrent: int = 512
    max_queue_seconds: float = 2.0
    unknown_fields: Literal["forward", "drop", "reject"] = "forward"
    output_validation: Literal["enforce", "observe", "off"] = "enforce"
    output_buffered: bool = False  # hold a streamed answer back until its schema is checked
    store_path: str | None = None  # None: the default place; ":memory:": nowhere
    vault_seconds: float = 3600.0
    vault_entries: int = 50_000
    prometheus: bool = True
    events_file: str | None = None
    log_level: str = "info"
    log_format: Literal["json", "text"] = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One whole, valid configuration. `models` by ref, `routes` by name; order of declaration is kept in both.

    `implicit` are the models nobody declared: a template per provider with a key, and the glob patterns of the bare ids
    it is known to serve (`provider:anything` always matches its own provider). `hint` ends the message for an unknown
    model: what would fix it here.
    """

    settings: Settings
    models: Mapping[str, Model]
    routes: Mapping[str, ModelRoute]
    generation: int = 1
    sources: tuple[str, ...] = ()
    implicit: tuple[tuple[Model, tuple[str, ...]], ...] = ()
    hint: str = ""
