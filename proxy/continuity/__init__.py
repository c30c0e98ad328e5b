"""Reasoning that survives from turn to turn with clients that know nothing of it.

A Responses client carries blobs in `encrypted_content`: there they travel in an envelope that says whose they are. A chat
client carries nothing, so the turn is kept in a vault under the ids of its tool calls. `Continuity` is both, for one scope
(namespace and agent) at a time: nobody can replay what was another's.
"""

from . import envelope, vault
from .continuity import Continuity, Scoped
from .envelope import KEY_VARIABLE, Sealer, seal_key
from .vault import Vault

SCHEMA = (envelope.SCHEMA, *vault.SCHEMA)
"""What the store must hold for it."""

__all__ = ["KEY_VARIABLE", "SCHEMA", "Continuity", "Scoped", "Sealer", "Vault", "seal_key"]
