"""Why a call went where it went: the document of one call, what would have changed it, and where documents are kept.

Documents hold names, figures and reasons. Never a prompt, an answer, a provider's free words or a key.
"""

from .check import report
from .document import document
from .keeper import Keeper
from .store import SCHEMA, Explanations, Found
from .text import as_text, table
from .what_if import Change, what_if

__all__ = [
    "SCHEMA",
    "Change",
    "Explanations",
    "Found",
    "Keeper",
    "as_text",
    "document",
    "report",
    "table",
    "what_if",
]
