"""Names of tools as Google accepts them. https://ai.google.dev/api/caching#FunctionDeclaration"""

from __future__ import annotations

import re

from . import models
from .refusing import unsupported

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")


def checked_name(name: str, model: str, where: str) -> str:
    """`name`, if Google accepts it. Raises `UpstreamError(UNSUPPORTED)` that names it."""
    if _NAME.fullmatch(name) and len(name) <= models.longest_tool_name(model):
        return name
    raise unsupported(f"the tool name '{name[:140]}'", where)
