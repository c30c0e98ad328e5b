"""Citations of a text block to OpenAI's annotations. A block is cited as a whole, so each annotation spans all of it.

Web pages, and search results that are found by an address, become `url_citation`; documents of the request become
`file_citation`, whose index is the document's. Quotes, pages and sealed indexes have no place in OpenAI's shapes.
Source: https://platform.claude.com/docs/en/build-with-claude/citations; OpenAI's types of response annotations.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import JSON
from translators.formats import Wire

_DOCUMENTS = frozenset({"char_location", "page_location", "content_block_location"})


def parse_citation(citation: Any, start: int, end: int) -> JSON | None:
    """The annotation of the text from `start` to `end`, in characters; None for a kind nobody here knows."""
    if not isinstance(citation, dict):
        return None
    kind = citation.get("type")
    if kind == "web_search_result_location":
        return _of_page(_text(citation, "url"), citation, start, end)
    if kind == "search_result_location":
        source = _text(citation, "source")
        if source.startswith(("http://", "https://")):
            return _of_page(source, citation, start, end)
        return _of_document("", _text(citation, "title") or source, citation.get("search_result_index"))
    if isinstance(kind, str) and kind in _DOCUMENTS:
        name = _text(citation, "document_title")
        return _of_document(_text(citation, "file_id"), name, citation.get("document_index"))
    return None


def _of_page(url: str, citation: Wire, start: int, end: int) -> JSON:
    title = _text(citation, "title")
    return {"type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end}


def _of_document(file_id: str, filename: str, index: object) -> JSON:
    position = index if type(index) is int else 0
    return {"type": "file_citation", "file_id": file_id, "filename": filename, "index": position}


def _text(citation: Wire, name: str) -> str:
    value = citation.get(name)
    return value if isinstance(value, str) else ""
