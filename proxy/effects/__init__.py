"""What tools have done, and whether a call may therefore move to another model. Judges; sends and stops nothing itself."""

from .guard import Judgement, judge
from .ledger import SCHEMA, ToolLedger
from .levels import Level, Levels
from .turn import NOTHING, Acted, acted

__all__ = ["NOTHING", "SCHEMA", "Acted", "Judgement", "Level", "Levels", "ToolLedger", "acted", "judge"]
