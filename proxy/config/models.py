"""Model resources as written to the `Model` records everything runs with, and what is doubtful about each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from proxy import catalog, places
from proxy.pricing import fingerprint
from proxy.resources import Auth, Model, Pricing, ProviderSettings, Settings, Tier
from translators.providers import BrokenProviderError, UnknownProviderError
from translators.providers.provider import AdapterProvider, Provider

from .documents import Path, plain
from .envelope import Resource
from .environment import Providers
from .identity import identity_by_convention, words_from
from .keys import LOCAL_PRICING, Place, convention, is_local, local_clocks, place_of
from .problems import Problem, counted, suggestion
from .schema import model as schema
from .schema.fields import Reference
from .secret_index import Found, SecretIndex
from .settings import with_clocks
from .urls import is_loopback, leads_to

_UNSAID = ProviderSettings()
NOTICE_DAYS = 30
"""How long before its retirement a model is warned about."""
STALE_DAYS = 90
"""How old prices may be before they are doubted."""


def digest(spec: Mapping[str, Any]) -> str:
    """The first 12 hex digits of SHA-256 over the canonical JSON of a spec."""
    text = json.dumps(plain(dict(spec)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(slots=True)
class ModelBuilder:
    """Builds the Model records of one configuration, adding to `problems`. `today` is for what has an end."""

    settings: Settings
    secrets: SecretIndex
    providers: Providers
    env: Mapping[str, str]
    fx: Mapping[str, Decimal]
    today: date
    problems: list[Problem]
    _records: dict[str, Provider | AdapterProvider | None] = field(default_factory=dict)

    def build(self, resource: Resource, spec: schema.ModelSpec) -> Model | None:
        """The record, or None after adding the reason as an error."""
        before = len(self.problems)
        record = self.provider(resource, spec.provider)
        configured = self.settings.providers.get(spec.provider, ProviderSettings())
        place = self._place(resource, spec, record, configured)
        declared = spec.endpoint.type
        local = (
            declared == "local"
            if declared
            else is_local(place.base_url, provider_is_local=record is not None and record.local)
        )
        auth = self._auth(resource, spec, record, place)
        found, problem = self._secret(resource, spec, record, configured, place, auth, local=local)
        hidden = self._hidden_address(resource, spec)
        clocks = with_clocks(configured.clocks or self.settings.clocks, spec.endpoint.timeouts)
        model = Model(
            name=resource.name,
            namespace=resource.namespace,
            labels=resource.labels,
            provider=spec.provider,
            model=spec.model or resource.name,
            aliases=tuple(spec.aliases),
            api=spec.api,
            local=local,
            base_url=place.base_url,
            base_url_secret=hidden.ref if hidden else None,
            region=spec.endpoint.region,
            place={**words_from(spec.provider, auth, self.env), **spec.endpoint.words()},
            headers={**configured.headers, **spec.endpoint.headers},
            query=spec.endpoint.query,
            clocks=local_clocks(clocks) if local else clocks,
            verify_tls=spec.endpoint.verify_tls,
            ca_file=spec.endpoint.ca_file,
            auth=auth,
            secret=found.ref if found else None,
            secret_problem=problem or (hidden.problem if hidden else None),
            flags=spec.capabilities.flags(),
            features=spec.capabilities.given_features(),
            flag_sources=dict.fromkeys(spec.capabilities.flags(), "declared"),
            context_window=spec.limits.context_window_tokens,
            max_output=spec.limits.max_output_tokens,
            requests_per_minute=spec.limits.requests_per_minute,
            tokens_per_minute=spec.limits.tokens_per_minute,
            max_concurrent=spec.limits.max_concurrent,
            pricing=self._pricing(resource, spec.pricing, local=local),
            default_parameters=spec.default_parameters.given(),
            forced_parameters=spec.forced_parameters.given(),
            priority=spec.routing.priority,
            regions=tuple(spec.routing.regions) or (("on-prem",) if local else ()),
            zone=spec.endpoint.zone
            or places.zone_of(place.base_url, hidden=spec.endpoint.base_url_secret_ref is not None),
            fallback_policy=spec.routing.fallback_policy,
            weight=spec.routing.weight,
            disabled=spec.disabled,
            hash=digest(resource.spec),
        )
        model = catalog.informed(model)
        self._doubts(resource, model)
        return None if any(problem.level == "error" for problem in self.problems[before:]) else model

    def provider(
        self, resource: Resource, name: str, path: Path = ("spec", "provider")
    ) -> Provider | AdapterProvider | None:
        """The provider's record; None after adding an error."""
        try:
            return self.providers.load(name)
        except UnknownProviderError:
            message = f"no installed package offers the provider {name[:40]!r}"
            self._add(resource, "E-PROVIDER", message, path, suggestion(name, self.providers.names()))
        except BrokenProviderError as error:
            self._add(resource, "E-PROVIDER", str(error), path, "repair or reinstall the package that offers it")
        return None

    def _add(self, resource: Resource, code: str, message: str, path: Path = (), hint: str | None = None) -> None:
        self.problems.append(resource.problem(code, message, path, hint))

    # --- where and with which key ----------------------------------------------------------------------------------

    def _place(
        self,
        resource: Resource,
        spec: schema.ModelSpec,
        record: Provider | AdapterProvider | None,
        configured: ProviderSettings,
    ) -> Place:
        written = spec.endpoint.base_url
        path: Path = ("spec", "endpoint", "baseUrl")
        if not isinstance(record, Provider):
            if isinstance(record, AdapterProvider) and written:
                self._add(
                    resource, "E-TYPE", f"provider {record.name} is built in and has no base URL", path, "delete it"
                )
            return Place(written, trusted=False)
        place = place_of(record, self.env, [], written=written, configured=configured.base_url)
        if place.base_url is None and spec.endpoint.base_url_secret_ref is None:
            hint = (
                f"write endpoint: {{ baseUrl: … }}, or set it for all: providers: {{ {record.name}: {{ baseUrl: … }} }}"
            )
            self._add(resource, "E-TYPE", f"provider {record.name} has no address of its own", path, hint)
        elif place.base_url and leads_to(place.base_url, self.settings.address, self.settings.port):
            hint = "name the model server, not this router"
            self._add(resource, "E-SELF-LOOP", "the base URL leads back to this router", path, hint)
        return Place(None, trusted=False) if spec.endpoint.base_url_secret_ref else place

    def _auth(
        self, resource: Resource, spec: schema.ModelSpec, record: Provider | AdapterProvider | None, place: Place
    ) -> Auth:
        """How calls prove who is calling: as written, else the identity that the provider's convention finds."""
        written = spec.auth
        if written is None:
            if not isinstance(record, Provider) or self.settings.providers.get(record.name, _UNSAID).secret:
                return Auth()
            return identity_by_convention(record, place, self.env, project=spec.endpoint.project) or Auth()
        if written.type is None or written.type == "none":
            return Auth()
        auth = Auth(type=written.type, tenant_id=written.tenant_id, client_id=written.client_id, scope=written.scope)
        path: Path = ("spec", "auth")
        if auth.type in ("entra", "managed-identity") and auth.scope is None and not getattr(record, "scopes_of", None):
            message = f"provider {spec.provider} names no scope for tokens of type {auth.type}"
            self._add(resource, "E-TYPE", message, path, "write auth.scope, such as api://my-gateway/.default")
        if auth.type == "entra" and written.secret_ref is not None:
            for name, value in (("tenantId", auth.tenant_id), ("clientId", auth.client_id)):
                variable = f"AZURE_{name.removesuffix('Id').upper()}_ID"
                if value is None and not self.env.get(variable):
                    hint = f"write auth.{name}, or set {variable}"
                    self._add(resource, "E-TYPE", f"a client secret needs a {name} beside it", path, hint)
        return auth

    def _secret(
        self,
        resource: Resource,
        spec: schema.ModelSpec,
        record: Provider | AdapterProvider | None,
        configured: ProviderSettings,
        place: Place,
        identity: Auth,
        *,
        local: bool,
    ) -> tuple[Found | None, str | None]:
        """The key, and why the model cannot be used when it needs one and there is none."""
        auth = spec.auth
        if auth is not None and auth.secret_ref is not None:
            found = self._declared_secret(resource, spec.provider, auth.secret_ref, ("spec", "auth", "secretRef"))
            return found, found.problem if found else None
        if identity.by_token or (auth is not None and auth.type in (None, "none")):
            return None, None
        if configured.secret is not None:
            return Found(configured.secret), None
        if not isinstance(record, Provider):
            return None, None
        ref, problem = convention(record, place, self.env)
        if local:
            problem = None
        if problem:
            hint = "set it, name a Secret in auth.secretRef, or write auth: {} if no key is needed"
            self._add(resource, "W-SECRET-UNRESOLVED", f"the model is disabled: {problem}", ("spec",), hint)
        return Found(ref) if ref else None, problem

    def _declared_secret(self, resource: Resource, provider: str, reference: Reference, path: Path) -> Found | None:
        found = self.secrets.find(reference, resource, path, self.problems)
        if found and not found.covers(resource.name, f"{provider}:{resource.name}"):
            message = f"Secret {reference} is not bound to this model"
            self._add(
                resource, "E-SECRET-SCOPE", message, path, f"add {provider}:{resource.name} to its scope.boundTo.models"
            )
        return found

    def _hidden_address(self, resource: Resource, spec: schema.ModelSpec) -> Found | None:
        reference = spec.endpoint.base_url_secret_ref
        if reference is None:
            return None
        return self._declared_secret(resource, spec.provider, reference, ("spec", "endpoint", "baseUrlSecretRef"))

    # --- money and doubts ------------------------------------------------------------------------------------------

    def _pricing(self, resource: Resource, spec: schema.Pricing | None, *, local: bool) -> Pricing | None:
        if spec is None:
            return LOCAL_PRICING if local else None
        rate = Decimal(1) if spec.currency == "USD" else spec.usd_rate or self.fx.get(spec.currency)
        if rate is None:
            hint = f"add usdRate to the pricing, or fx: {{ {spec.currency}: … }} to RouterSettings"
            message = f"there is no rate from {spec.currency} to USD"
            self._add(resource, "E-CURRENCY", message, ("spec", "pricing", "currency"), hint)
            return None
        tiers = [Tier(above=tier.above_input_tokens, **tier.rates()) for tier in spec.tiers]
        pricing = Pricing(
            **spec.rates(),
            currency=spec.currency,
            usd_rate=rate,
            per_request=spec.per_request or Decimal(0),
            tiers=tuple(sorted(tiers, key=lambda tier: -tier.above)),
            service_tiers={tier: Decimal(str(factor)) for tier, factor in spec.service_tier_multipliers.items()},
            as_of=spec.as_of,
        )
        return replace(pricing, hash=fingerprint(pricing))

    def _doubts(self, resource: Resource, model: Model) -> None:
        self._doubts_of_price(resource, model)
        claim = places.doubtful_claim(model)
        if claim is not None:
            message = f"the endpoint promises no region, so that {claim} is the operator's word alone"
            hint = "use a host with residency such as eu.api.openai.com, Azure, or a local model; residency.strict ignores it"
            where: Path = ("spec", "endpoint", "region") if model.region else ("spec", "routing", "regions")
            self._add(resource, "W-RESIDENCY", message, where, hint)
        entry = catalog.find(model)
        if entry is not None and entry.retires is not None and not model.disabled:
            self._retirement(resource, entry)
        if not model.local and model.context_window is None:
            message = "the context window is unknown: a prompt that is too long is refused by the provider, not before"
            self._add(resource, "W-CONTEXT-GUESS", message, ("spec",), "add limits.contextWindowTokens")
        if not model.verify_tls:
            message = "TLS certificates are not checked: anyone on the way can read the key"
            self._add(
                resource, "W-TLS-OFF", message, ("spec", "endpoint", "verifyTls"), "set caFile to a private authority"
            )
        elif model.base_url and model.base_url.startswith("http:") and not is_loopback(model.base_url) and model.secret:
            message = "the key is sent over plain http"
            self._add(resource, "W-TLS-OFF", message, ("spec", "endpoint", "baseUrl"), "use https")

    def _doubts_of_price(self, resource: Resource, model: Model) -> None:
        pricing = model.pricing
        if pricing is not None and pricing.as_of is not None:
            age = (self.today - date.fromisoformat(pricing.as_of)).days
            if age > STALE_DAYS:
                whose = "the catalogue's prices" if pricing.source == "catalog" else "these prices"
                message = f"{whose} are of {pricing.as_of}, {counted(age, 'day')} ago"
                hint = "compare them with the provider's and write pricing with a new asOf"
                self._add(resource, "W-PRICE-STALE", message, ("spec", "pricing"), hint)
        if model.local:
            return
        if pricing is None or pricing.input is None or pricing.output is None:
            message = "no price is known: the cost of its calls is unknown, not 0"
            self._add(
                resource, "W-PRICE-UNKNOWN", message, ("spec",), "add pricing with input and output per million tokens"
            )
        elif pricing.input == pricing.output == 0:
            message = "a hosted model with price 0: every cost figure and limit will count it as free"
            self._add(
                resource, "W-PRICE-ZERO", message, ("spec", "pricing"), "write the real price, or leave pricing out"
            )

    def _retirement(self, resource: Resource, entry: catalog.Entry) -> None:
        left = (date.fromisoformat(entry.retires or "") - self.today).days
        if left > NOTICE_DAYS:
            return
        when = f"in {counted(left, 'day')}" if left > 0 else "today" if left == 0 else f"{counted(-left, 'day')} ago"
        message = f"the provider retires {entry.id} on {entry.retires}, {when}, and refuses it then"
        hint = f"move to another model; the catalogue that says so is of {entry.as_of}"
        self._add(resource, "W-RETIRES", message, ("spec", "model"), hint)
