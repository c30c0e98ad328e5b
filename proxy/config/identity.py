"""Which identity a provider's calls have when no key is named for them, and what the environment says of its place.

A table of conventions, like `implicit`: names of variables, never values. As with keys, an identity that nobody wrote down
goes only where the operator pointed the provider by the environment, or to the provider's own address.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from proxy.resources import Auth
from translators.providers.provider import Provider

from .environment import key_by_convention
from .keys import Place

_GOOGLES_OWN = ".googleapis.com"
_YES = frozenset({"1", "true", "yes"})


def identity_by_convention(
    record: Provider, place: Place, env: Mapping[str, str], *, project: str | None = None
) -> Auth | None:
    """The identity that takes the place of a key; None where a key is used, or nothing is there.

    `project` is what a Model says. Google's SDK decides the same way: a project means Vertex AI, unless there is a key
    and nobody asked for Vertex.
    """
    if record.name == "google" and _is_googles(place, record):
        if project or (env.get("GOOGLE_CLOUD_PROJECT") and _wants_vertex(record, env)):
            return Auth(type="google-adc")
    elif record.name == "microsoft" and place.trusted and key_by_convention(record, env) is None:
        client = env.get("AZURE_TENANT_ID") and env.get("AZURE_CLIENT_ID")
        if client and (env.get("AZURE_CLIENT_SECRET") or env.get("AZURE_FEDERATED_TOKEN_FILE")):
            return Auth(type="entra")
    return None


def _is_googles(place: Place, record: Provider) -> bool:
    host = urlsplit(place.base_url or "").hostname or ""
    return place.trusted or place.base_url == record.base_url or host.endswith(_GOOGLES_OWN)


def _wants_vertex(record: Provider, env: Mapping[str, str]) -> bool:
    return env.get("GOOGLE_GENAI_USE_VERTEXAI", "").lower() in _YES or key_by_convention(record, env) is None


def words_from(provider: str, auth: Auth, env: Mapping[str, str]) -> dict[str, str]:
    """What the environment says of the place of models that carry Google's tokens: their project and location."""
    if provider != "google" or not auth.by_token:
        return {}
    found = {"project": env.get("GOOGLE_CLOUD_PROJECT"), "location": env.get("GOOGLE_CLOUD_LOCATION")}
    return {name: value for name, value in found.items() if value}


def version_from(provider: str, env: Mapping[str, str]) -> dict[str, str]:
    """The api-version by which Azure's own SDKs would ask, for deployments that nobody declared."""
    version = env.get("AZURE_OPENAI_API_VERSION") or env.get("OPENAI_API_VERSION")
    return {"apiVersion": version} if provider == "microsoft" and version else {}
