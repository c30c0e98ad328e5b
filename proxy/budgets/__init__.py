"""What is spent and what may be: one ledger of accounts, in the store, shared by all processes that use its file."""

from .ledger import LARGEST_USD, SCHEMA, Claim, Hold, Ledger, Refusal, Standing

__all__ = ["LARGEST_USD", "SCHEMA", "Claim", "Hold", "Ledger", "Refusal", "Standing"]
