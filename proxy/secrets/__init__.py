"""References to secrets become values here, at the call boundary, and are kept nowhere; identities become tokens.

    resolver          an environment variable or a file, looked up at the moment of use
    identities        which token source a model's calls use; imported from there, as only who makes calls needs aiohttp
      tokens          one token kept while it is good, whoever waits for it
      entra, managed_identity, google_tokens, token_endpoint      the ways to get one

A secret's value travels as a `SecretValue`, which shows itself to nobody but the one who calls `reveal()`. No secret value may be
put into a log line, an error, an event or a cache by anything in this package.
"""

from .resolver import MASK, SecretError, SecretResolver, SecretValue

__all__ = ["MASK", "SecretError", "SecretResolver", "SecretValue"]
