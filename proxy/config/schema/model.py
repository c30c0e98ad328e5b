"""Model: one provider's model as this installation uses it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from .fields import (
    NOT_YET,
    BaseUrl,
    Headers,
    Money,
    Number,
    Parameters,
    Positive,
    Record,
    Ref,
    Spec,
    Text,
    Timeouts,
    Zone,
    broken,
)

_WORD = re.compile(r"[\w.:-]+", re.ASCII)
_BY_TOKEN = ("entra", "managed-identity", "google-sa", "google-adc")


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise broken("E-CURRENCY", "should be a currency code of ISO 4217", "three capital letters, such as USD")
    return value


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise broken("E-TYPE", "should be a date", "write it as 2026-11-01") from None


def _word(value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise broken("E-TYPE", "should be one word: letters, digits and . _ : -", "it becomes part of an address")
    return value


Word = Annotated[str, PlainValidator(_word)]


class Endpoint(Record):
    type: Literal["hosted", "local"] | None = None
    base_url: BaseUrl | None = None
    base_url_secret_ref: Ref | None = None
    region: Text | None = None
    zone: Zone | None = None
    api_version: Word | None = None
    project: Word | None = None
    location: Word | None = None
    headers: Headers = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    verify_tls: bool = True
    ca_file: Text | None = None

    @model_validator(mode="after")
    def _has_one_url(self) -> Endpoint:
        if self.base_url and self.base_url_secret_ref:
            raise broken("E-TYPE", "baseUrl and baseUrlSecretRef exclude each other", "keep one of them")
        return self

    def words(self) -> dict[str, str]:
        """What was written about the provider's own names for the place."""
        found = {"apiVersion": self.api_version, "project": self.project, "location": self.location}
        return {name: word for name, word in found.items() if word is not None}


class Auth(Record):
    """`{}` is no key at all; absent is the provider's convention.

    The first four types name the header a key travels in, the next four an identity service whose tokens are used.
    """

    secret_ref: Ref | None = None
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
            "none",
        ]
        | None
    ) = None
    tenant_id: Word | None = None
    client_id: Word | None = None
    scope: Text | None = None
    client_key: Annotated[Literal["forbid", "forward"], NOT_YET.but_for("forbid")] = "forbid"

    @model_validator(mode="after")
    def _says_what_its_type_needs(self) -> Auth:
        for name, value, types in (
            ("tenantId", self.tenant_id, ("entra",)),
            ("clientId", self.client_id, ("entra", "managed-identity")),
            ("scope", self.scope, _BY_TOKEN),
        ):
            if value is not None and self.type not in types:
                hint = "delete it, or write that type beside it"
                raise broken("E-TYPE", f"{name} belongs to auth of type {' or '.join(types)}", hint, at=name)
        if self.type in ("managed-identity", "google-adc", "none") and self.secret_ref is not None:
            raise broken("E-TYPE", f"auth of type {self.type} takes no secret", "leave secretRef out", at="secretRef")
        if self.type == "google-sa" and self.secret_ref is None:
            hint = "name a Secret that holds the service account's JSON key file, or use type: google-adc"
            raise broken("E-TYPE", "auth of type google-sa needs secretRef", hint)
        return self


class Features(Record):
    """Abilities beyond the ten flags: true, false, or the list of accepted values.

    `base_model` is the model behind a deployment or an alias, whose name then says nothing of it; `surface` which of the
    APIs of an Azure resource serves it, where its address does not say.
    """

    base_model: Text | None = None
    surface: Literal["v1", "classic", "models", "anthropic"] | None = None
    logprobs: bool | None = None
    n_choices: bool | None = None
    seed: bool | None = None
    logit_bias: bool | None = None
    penalties: bool | None = None
    prediction: bool | None = None
    stop: bool | None = None
    audio_output: bool | None = None
    file_input: bool | None = None
    file_url: bool | None = None
    image_url: bool | None = None
    video_input: bool | None = None
    parallel_tools: bool | None = None
    serial_tools: bool | None = None
    forced_tool: bool | None = None
    custom_tools: bool | None = None
    hosted_tools: list[str] | None = None
    reasoning_efforts: list[str] | None = None
    prompt_cache: bool | None = None
    system_role: Literal["developer", "system", "top"] | None = None


class Flags(Record):
    """The ten capability flags. What is not written is not said."""

    text: bool | None = None
    vision: bool | None = None
    audio: bool | None = None
    tool_calling: bool | None = None
    structured_output: bool | None = None
    json_schema: bool | None = None
    streaming: bool | None = None
    reasoning: bool | None = None
    computer_use: bool | None = None
    embeddings: bool | None = None

    def flags(self) -> dict[str, bool]:
        """The flags that were written, by their public names."""
        given = self.model_dump(by_alias=True, exclude_unset=True, include=set(Flags.model_fields))
        return {name: value for name, value in given.items() if value is not None}


class Capabilities(Flags):
    features: Features = Field(default_factory=Features)

    def given_features(self) -> dict[str, Any]:
        """The features that were written, by their public names."""
        return self.features.model_dump(by_alias=True, exclude_unset=True)


class Limits(Record):
    context_window_tokens: Positive | None = None
    max_output_tokens: Positive | None = None
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    max_concurrent: Positive | None = None


class Rates(Record):
    """Money per million tokens, by what the tokens are."""

    input_per_million_tokens: Money | None = None
    output_per_million_tokens: Money | None = None
    cached_input_per_million_tokens: Money | None = None
    cache_write_per_million_tokens: Money | None = None
    cache_write1h_per_million_tokens: Money | None = Field(default=None, alias="cacheWrite1hPerMillionTokens")
    reasoning_per_million_tokens: Money | None = None
    audio_input_per_million_tokens: Money | None = None
    audio_output_per_million_tokens: Money | None = None
    image_input_per_million_tokens: Money | None = None

    def rates(self) -> dict[str, Any]:
        """By the names that `proxy.resources.Rates` has for them."""
        return {
            "input": self.input_per_million_tokens,
            "cached_input": self.cached_input_per_million_tokens,
            "cache_write": self.cache_write_per_million_tokens,
            "cache_write_1h": self.cache_write1h_per_million_tokens,
            "output": self.output_per_million_tokens,
            "reasoning": self.reasoning_per_million_tokens,
            "audio_input": self.audio_input_per_million_tokens,
            "audio_output": self.audio_output_per_million_tokens,
            "image_input": self.image_input_per_million_tokens,
        }


class Tier(Rates):
    above_input_tokens: Positive


class Pricing(Rates):
    currency: Annotated[str, AfterValidator(_currency)] = "USD"
    per_request: Money | None = None
    tiers: list[Tier] = Field(default_factory=list)
    service_tier_multipliers: dict[str, Annotated[Number, Field(ge=0)]] = Field(default_factory=dict)
    usd_rate: Money | None = None
    as_of: Annotated[str, AfterValidator(_day)] | None = None


class Routing(Record):
    priority: int = 100
    regions: list[Text] = Field(default_factory=list)
    fallback_policy: Literal["never", "on_error", "on_error_or_budget", "always"] = "on_error_or_budget"
    weight: Positive = 1


class ModelSpec(Spec):
    provider: Text
    model: Text | None = None
    aliases: list[Text] = Field(default_factory=list)
    api: Literal["auto", "chat", "responses"] = "auto"
    endpoint: Endpoint = Field(default_factory=Endpoint)
    auth: Auth | None = None
    capabilities: Capabilities = Field(default_factory=Capabilities)
    limits: Limits = Field(default_factory=Limits)
    pricing: Pricing | None = None
    default_parameters: Parameters = Field(default_factory=Parameters)
    forced_parameters: Parameters = Field(default_factory=Parameters)
    routing: Routing = Field(default_factory=Routing)
    disabled: bool = False
    description: Text | None = None
