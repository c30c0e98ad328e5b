"""The embedded store: one SQLite file, one thread that reads and writes it. Nothing on a call's way waits for a write."""

from .database import Database, StoreError

__all__ = ["Database", "StoreError"]
