"""The string in which a client carries blobs that are not its own: `joch1.<payload>.<tag>`, both parts base64url.

The payload is JSON: for each blob issuer, kind, data and the digest of its conversation. The tag is HMAC-SHA256 over scope and payload, cut to 128 bits
(RFC 2104 section 5), so an envelope that was altered, or that belongs to another scope, does not open. The blobs inside are
their providers' own ciphertext; nothing else is added. Stateless: every process with the key opens it.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode

from proxy.store import Database
from translators.canonical import Opaque
from translators.formats.json import dumps, loads

PREFIX = "joch1."
KEY_VARIABLE = "JOCH_SEAL_KEY"
"""Sets the key from outside, so that several machines open each other's envelopes."""

SCHEMA = "CREATE TABLE IF NOT EXISTS seal_key (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL)"
_TAG_BYTES = 16
_KEY_BYTES = 32


def seal_key(database: Database, given: str | None) -> bytes:
    """The key: `given` if there is one, else the store's own, made at its first use and kept as long as the store."""
    if given:
        return hashlib.sha256(given.encode()).digest()

    def stored(connection: sqlite3.Connection) -> bytes:
        found = connection.execute("SELECT key FROM seal_key").fetchone()
        if found is None:  # to read one that is there, a file that is locked, full or read-only will do
            connection.execute("INSERT OR IGNORE INTO seal_key VALUES (1, ?)", (secrets.token_bytes(_KEY_BYTES),))
            connection.commit()  # two workers that start together must agree
            found = connection.execute("SELECT key FROM seal_key").fetchone()
        key: bytes = found[0]
        return key

    return database.ask_now(stored)


class Sealer:
    """Seals and opens with one secret key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, scope: str, blobs: tuple[Opaque, ...]) -> str:
        payload = dumps([[blob.issuer, blob.kind, blob.data, blob.prefix] for blob in blobs])
        return f"{PREFIX}{_text(payload)}.{_text(self._tag(scope, payload))}"

    def open(self, scope: str, envelope: str) -> tuple[Opaque, ...] | None:
        """The blobs, or None for what is no envelope of ours or does not belong to `scope`."""
        body, _, tag = envelope.removeprefix(PREFIX).partition(".")
        try:
            payload = _bytes(body)
            if not hmac.compare_digest(_bytes(tag), self._tag(scope, payload)):
                return None
            return tuple(Opaque(issuer, kind, data, prefix) for issuer, kind, data, prefix in loads(payload))
        except (ValueError, TypeError, binascii.Error):
            return None

    def _tag(self, scope: str, payload: bytes) -> bytes:
        return hmac.digest(self._key, b"%b\0%b" % (scope.encode(), payload), hashlib.sha256)[:_TAG_BYTES]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
