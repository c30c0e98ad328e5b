"""Who serves a call: a record per provider. No I/O here; `proxy.adapters` binds a record to a socket and a key.

A provider's quirks are two functions: `adapt` changes the meaning of a request it could not serve as asked (and lists
each change), `amend` only its spelling on the wire. Both must be pure and idempotent, since an attempt may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from translators.canonical import CapabilitySet, Need, ProviderAdapter, Reason, Request, Transform, UpstreamError, value
from translators.canonical.needs import needs
from translators.formats import ProviderFormat, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a provider may know of the Model record it serves: `model` is the upstream id, `options` free settings.

    `base_url` is what the record or the environment says, None where the provider's default holds. `place` are words of
    the record about where it runs ("project", "location", "apiVersion"), absent where it does not say. `region` is where the
    record says its calls are processed.
    """

    model: str
    base_url: str | None = None
    place: Mapping[str, str] = field(default_factory=dict)
    api: Literal["auto", "chat", "responses"] = "auto"
    context_window: int | None = None
    max_output: int | None = None
    flags: Mapping[str, bool] = field(default_factory=dict)  # declared or probed, by name; absent means unknown
    options: Mapping[str, Any] = field(default_factory=dict)
    region: str | None = None


Auth = Literal["bearer", "api-key", "x-api-key", "x-goog-api-key", "none"]
"""How a key travels. Tokens of an identity service always travel as "bearer"."""


@value
class Adapted:
    request: Request
    transforms: tuple[Transform, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """One model an endpoint says it serves, and what it says of it. `flags` only holds what is known."""

    model: str
    flags: Mapping[str, bool] = field(default_factory=dict)
    context_window: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One cheap request that discovery makes: `path` below the base URL, with `body` posted if it is not None.

    With `from_root`, `path` stands below the host instead: some servers tell of themselves beside their API.
    """

    path: str
    body: Wire | None = None
    from_root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """How an endpoint is asked what it serves. `list` yields model ids; `detail(id)` is asked for each, if given.

    `running` says more about all of them once their details are known. Any probe but `list` may fail without harm: then
    what it would have said stays unknown.
    """

    list: Probe
    parse_list: Callable[[Any], tuple[Discovered, ...]]
    detail: Callable[[str], Probe] | None = None
    parse_detail: Callable[[Discovered, Any], Discovered] | None = None
    running: Probe | None = None
    parse_running: Callable[[tuple[Discovered, ...], Any], tuple[Discovered, ...]] | None = None


def as_it_is(request: Request, facts: ModelFacts) -> Adapted:
    """The `adapt` of a provider without quirks of meaning."""
    return Adapted(request)


def unamended(body: Wire, facts: ModelFacts) -> Wire:
    """The `amend` of a provider without quirks of spelling."""
    return body


def first_format(
    formats: tuple[ProviderFormat, ...], client: str, request: Request, facts: ModelFacts
) -> ProviderFormat:
    """The client's own format where the provider has it, else the first: the `choose` of most providers."""
    return next((known for known in formats if known.name == client), formats[0])


_UNSAYABLE: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset(
        {
            "feature:fileUrl",
            "feature:hostedTools",
            "feature:native:openai_completions",
            "feature:native:openai_responses",
            "feature:state",
        }
    ),
    "openai_responses": frozenset(
        {
            "audio",
            "feature:audioOutput",
            "feature:grammar",
            "feature:logitBias",
            "feature:nChoices",
            "feature:native:openai_chat",
            "feature:penalties",
            "feature:prediction",
            "feature:stop",
            "feature:videoInput",
        }
    ),
}
"""The needs that OpenAI's two dialects cannot take over from each other, whoever serves them."""


def lost_between(client: str, wire_format: ProviderFormat, request: Request) -> Need | None:
    """The first need of a request in the dialect `client` that `wire_format` has no words for; None if it has them all."""
    if client == wire_format.name:
        return None
    unsayable = _UNSAYABLE.get(wire_format.name, frozenset())
    return next((need for need in needs(request) if need.name in unsayable or need.name.startswith("ext:")), None)


def insisting(client: str, wire_format: ProviderFormat, request: Request) -> ProviderFormat:
    """`wire_format`, the only one that may be used. Raises `UpstreamError(UNSUPPORTED)` for a need it cannot say."""
    lost = lost_between(client, wire_format, request)
    if lost is None:
        return wire_format
    raise UpstreamError(
        Reason.UNSUPPORTED,
        f"'{lost.because}' cannot be said in {wire_format.name}, the only API this model is served by.",
        failure="unsupported",
        param=lost.because,
    )


def chat_unless_told(
    formats: tuple[ProviderFormat, ...], client: str, request: Request, facts: ModelFacts
) -> ProviderFormat:
    """The `choose` of servers whose chat API is the better one: `formats` are chat, responses and legacy completions.

    What only the client's own Responses dialect can say goes to /responses after all; a legacy client keeps its dialect.
    """
    chat, responses, completions = formats
    if client == completions.name:
        return completions
    if facts.api != "auto":
        return insisting(client, chat if facts.api == "chat" else responses, request)
    return responses if client == responses.name and lost_between(client, chat, request) else chat


def tools_for_functions(request: Request) -> Adapted:
    """For servers that know no `functions`: without its source the request is rendered anew, which spells tools."""
    if not request.legacy_functions or request.source is None:
        return Adapted(request)
    return Adapted(replace(request, source=None), (Transform("tools", "mapped", "deprecated functions became tools"),))


def system_for_developer(body: Wire) -> Wire:
    """A chat body for servers whose chat templates do not know the role `developer`. Unchanged where there is none."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not any(message.get("role") == "developer" for message in messages):
        return body
    return {
        **body,
        "messages": [{**m, "role": "system"} if m.get("role") == "developer" else m for m in messages],
    }


def sealed_by_name(provider: str, facts: ModelFacts) -> str:
    """The `seal` of a provider whose models read each other's blobs."""
    return provider


def sealed_by_host(provider: str, facts: ModelFacts) -> str:
    """The `seal` of a provider that can be anybody: only the host that made a blob can read it."""
    return f"{provider}@{(facts.base_url or '').partition('://')[2].partition('/')[0]}"


def in_any_conversation(facts: ModelFacts) -> bool:
    """The `prefix_bound` of a provider that takes its blobs back wherever they are."""
    return False


def unclassified(error: UpstreamError, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The `classify` of a provider whose errors its format already understands."""
    return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider that is reached over HTTP.

    `base_url` is the default; `paths` maps a format's name, "embeddings" and "models" to the path below
    it; what is absent is not served. `key_env` are the environment variables that conventionally hold its key, `auth`
    how the key travels. `usage_option`: whether `stream_options.include_usage` is understood. `local`: runs on the user's
    own machine by default, which changes defaults (no key, no price, long first-byte clock), never the pipeline.
    `choose` picks the format for a request; `amend` sees the wire body of every format this provider has.
    `health` is the path of a free liveness check, if not that of "models".
    `base_of(facts)` computes the base URL where it depends on the record; `path_of(facts, operation, stream)` the path
    below it ("" query included) where it depends on the model or on streaming, None for what `paths` says;
    `headers_of(body, facts)` headers that depend on the body as it will be sent (beta features).
    `scopes_of(facts)` are the scopes of the tokens that an identity service is asked for, the one to try first in front.
    `seal(name, facts)` says who made an opaque blob: two records with the same answer can read each other's blobs, and a
    blob goes back to nobody else. `prefix_bound(facts)`: the model refuses even its own where the conversation before changed.
    """

    name: str
    formats: tuple[ProviderFormat, ...]
    paths: Mapping[str, str]
    capabilities: CapabilitySet
    base_url: str | None = None
    key_env: tuple[str, ...] = ()
    auth: Auth = "bearer"
    headers: Mapping[str, str] = field(default_factory=dict)
    local: bool = False
    usage_option: bool = True
    choose: Callable[[tuple[ProviderFormat, ...], str, Request, ModelFacts], ProviderFormat] = first_format
    adapt: Callable[[Request, ModelFacts], Adapted] = as_it_is
    amend: Callable[[Wire, ModelFacts], Wire] = unamended
    classify: Callable[[UpstreamError, int, Mapping[str, str], bytes], UpstreamError] = unclassified
    render_embeddings: Callable[[Wire, ModelFacts], Wire] | None = None
    parse_embeddings: Callable[[Wire, Wire], Wire] | None = None
    discovery: Discovery | None = None
    health: str | None = None
    base_of: Callable[[ModelFacts], str | None] | None = None
    path_of: Callable[[ModelFacts, str, bool], str | None] | None = None
    headers_of: Callable[[Wire, ModelFacts], Mapping[str, str]] | None = None
    scopes_of: Callable[[ModelFacts], tuple[str, ...]] | None = None
    seal: Callable[[str, ModelFacts], str] = sealed_by_name
    prefix_bound: Callable[[ModelFacts], bool] = in_any_conversation

    def bound(self, api: str) -> CapabilitySet:
        """The upper bound of a Model record with this `api`: less than `capabilities` where that is not "auto"."""
        lost = {name.removeprefix("feature:") for name in _UNSAYABLE.get(f"openai_{api}", ())}
        features = {
            name: value
            for name, value in self.capabilities.features.items()
            if name not in lost or name.startswith("native:")
        }
        return replace(self.capabilities, features=features)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterProvider:
    """A provider that answers in canonical terms itself: `build(facts)` gives the adapter of one Model record."""

    name: str
    capabilities: CapabilitySet
    build: Callable[[ModelFacts], ProviderAdapter]
    models: tuple[str, ...] = ()
    local: bool = True
