"""Which ClientKey a call carries, and what a call without a good one hears. Compares digests, never keys.

A key is hashed before it is looked up, and what is looked up is the digest. How long that takes can tell something of
digests at most, and no key is found from a digest, be it whole: there is nothing to learn step by step, and no comparison
in constant time is needed. Keys are 256 bits of chance, so a slow hash is not needed either (RELIABILITY §4.4). Keys are
found in the snapshot, so a reload revokes. No message says anything of the key that came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from proxy.resources import ClientKey, Snapshot
from translators.canonical import RequestError

_DIGITS = 8


def bearer(headers: Mapping[str, str]) -> str | None:
    """The key a client sends: `Authorization: Bearer KEY`, or the header `api-key` of Azure's clients.

    `headers` are looked up without regard to case. The scheme's case does not matter either (RFC 9110 §11.1).
    """
    given = headers.get("Authorization")
    if given is not None:
        scheme, _, key = given.partition(" ")
        if scheme.lower() == "bearer" and (key := key.strip()):
            return key
    return headers.get("api-key") or None


def digest_of(key: str) -> str:
    """The digest a ClientKey is known by: SHA-256 of the key's bytes, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def key_id(key: ClientKey) -> str:
    """A short name of a key that may be shown and logged: the first 8 digits of its digest."""
    return "ck_" + key.digest.removeprefix("sha256:")[:_DIGITS]


def recognise(headers: Mapping[str, str], snapshot: Snapshot, now: float) -> ClientKey | None:
    """The ClientKey the call carries. `snapshot.keys` are by digest; `now` is unix seconds.

    In mode "open" any key will do, and none: None is somebody unknown. A known key whose time is over is refused in both
    modes, since going on without what it pinned would be another identity than the client believes to have. Raises
    `RequestError` 401 in OpenAI's words and shape.
    """
    must = snapshot.settings.auth_mode == "keys"
    if not must and not snapshot.keys:
        return None
    given = bearer(headers)
    if given is None:
        if must:
            raise missing_key()
        return None
    found = snapshot.keys.get(digest_of(given))
    if found is None:
        if must:
            raise wrong_key()
        return None
    if found.expires is not None and found.expires <= now:
        raise _refused("The API key provided has expired. Ask whoever runs this server for a new one.")
    return found


def missing_key() -> RequestError:
    """401 for a call without a key."""
    return _refused(
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
        "(i.e. Authorization: Bearer YOUR_KEY).",
        code=None,
    )


def wrong_key() -> RequestError:
    """401 for a key that nobody knows."""
    return _refused("Incorrect API key provided. Keys of this server come from whoever runs it.")


def _refused(message: str, *, code: str | None = "invalid_api_key") -> RequestError:
    # The type is OpenAI's for all three, recorded from its API; the SDKs make an AuthenticationError of the status.
    return RequestError(message, code=code, status=401)
