"""Models: where they are, what they can do, what they cost, how long they may take. Frozen records, resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

_EMPTY: Mapping[str, Any] = {}

Zone = Literal["device", "network", "own-cloud", "vendor"]
ZONES: tuple[Zone, ...] = ("device", "network", "own-cloud", "vendor")
"""How far a prompt travels, the nearest first: this machine, this network, the operator's own cloud account, somebody else."""


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

    def within(self, left: float, *, whole: bool) -> Clocks:
        """The limits of an attempt that may take `left` more seconds; `whole`: its answer is not streamed."""
        patience = self.whole if whole and self.whole is not None else self.first_byte
        first_byte = min(patience, max(left, 0.001))
        return self if first_byte == self.first_byte else replace(self, first_byte=first_byte)


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
    words for where it is served ("project", "location", "apiVersion"). `region` is the one place it processes at, `regions`
    those it may run in, as the operator asserts; `zone` is how far a prompt travels to it. `requests_per_minute`,
    `tokens_per_minute` and `max_concurrent` are what its provider grants, None for no limit.
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
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_concurrent: int | None = None
    pricing: Pricing | None = None
    default_parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    forced_parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    priority: int = 100
    regions: tuple[str, ...] = ()
    zone: Zone = "vendor"
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
