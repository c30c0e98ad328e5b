"""References to secrets become values here, at the call boundary, and are kept nowhere.

A value travels as a `SecretValue`, which shows itself to nobody but the one who calls `reveal()`. No secret value may be
put into a log line, an error, an event or a cache by anything in this package.
"""

from .resolver import MASK, SecretError, SecretResolver, SecretValue, scrub

__all__ = ["MASK", "SecretError", "SecretResolver", "SecretValue", "scrub"]
