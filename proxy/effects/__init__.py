"""What tools have done to the world within a turn, and whether a call may move to another model in spite of it.

    levels            what the configuration declares of a tool
    turn              what acted since the user last spoke, read from the request alone
    ledger            which calls went out and have not come back, kept in the store
    gateway_lookup    the same, asked of an optional service
    guard             the judgement, and its words for header, event and explanation

Nothing here runs a tool, changes a request or sends a byte by itself. Arguments and results of tools are never kept.
Sources: requirements R41-R43, G13; configuration reference, 5.2 `onSideEffects` and 5.6 Tool.
"""

from .gateway_lookup import Ask, running, under_way
from .guard import Judgement, Mode, document, judge, notice, payload
from .ledger import SCHEMA, ToolLedger
from .levels import READ_ONLY, UNKNOWN, Act, Effect, Levels
from .turn import Acted, acted, with_kept

__all__ = [
    "READ_ONLY",
    "SCHEMA",
    "UNKNOWN",
    "Act",
    "Acted",
    "Ask",
    "Effect",
    "Judgement",
    "Levels",
    "Mode",
    "ToolLedger",
    "acted",
    "document",
    "judge",
    "notice",
    "payload",
    "running",
    "under_way",
    "with_kept",
]
