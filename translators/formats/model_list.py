"""The list of models that OpenAI and everyone compatible answers on GET /models: `{"data": [{"id": ...}]}`.

Source: https://platform.openai.com/docs/api-reference/models/list; Together answers with the bare list.
"""

from __future__ import annotations

from typing import Any

from translators.formats import Wire


def parse_entries(body: Any) -> tuple[Wire, ...]:
    """The entries that have an id, in their order. What is no such list has none."""
    data = body.get("data") if isinstance(body, dict) else body
    if not isinstance(data, list):
        return ()
    return tuple(
        entry for entry in data if isinstance(entry, dict) and isinstance(entry.get("id"), str) and entry["id"]
    )
