"""Where an answer of Google's comes from, as OpenAI's `url_citation` annotations, and the searches that led there.

Google gives places in bytes of the UTF-8 text of the whole answer, thoughts left out; OpenAI in characters of the text block.
A place in a block that was closed before Google told is cited by the last block, without a place.
Source: https://ai.google.dev/gemini-api/docs/google-search and recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from translators.canonical import JSON, HostedItem, value
from translators.formats import Wire


@value
class _Citation:
    """`start` and `end` are bytes of the whole text; `said` is what should stand there, if Google told."""

    start: int
    end: int
    said: str
    url: str
    title: str


class Sources:
    """What one candidate tells of its sources, mostly at its end."""

    __slots__ = ("_cited", "_fetched", "_grounding", "_open")

    def __init__(self) -> None:
        self._grounding: list[Wire] = []
        self._fetched: list[Wire] = []
        self._open: list[_Citation] = []  # not given to any block yet
        self._cited: set[_Citation] = set()

    def read(self, candidate: Wire) -> None:
        """Remember what a candidate, or a piece of it, says."""
        found: list[_Citation] = []
        if (grounding := candidate.get("groundingMetadata")) and isinstance(grounding, dict):
            self._grounding.append(grounding)
            found += _supported(grounding)
        if (citation := candidate.get("citationMetadata")) and isinstance(citation, dict):
            # The Gemini API and Vertex do not agree on the name.
            for source in _objects(citation.get("citationSources")) + _objects(citation.get("citations")):
                found += _citation(source, source.get("uri"), source.get("title"))
        if (context := candidate.get("urlContextMetadata")) and isinstance(context, dict):
            self._fetched += _objects(context.get("urlMetadata"))
        for citation in found:
            if citation not in self._cited:
                self._cited.add(citation)
                self._open.append(citation)

    def annotations(self, text_before: str, text: str, *, last: bool) -> tuple[JSON, ...]:
        """The citations of the block `text`, which follows `text_before`; of the last block, all that are left."""
        if not self._open:
            return ()
        place = _Places(text_before, text)
        given: list[JSON] = []
        left: list[_Citation] = []
        for citation in self._open:
            found = place.of(citation, last=last)
            if found is None and not last:
                left.append(citation)
                continue
            start, end = found or (0, 0)
            annotation = {"type": "url_citation", "start_index": start, "end_index": end}
            given.append({**annotation, "url": citation.url, "title": citation.title})
        self._open = left
        return tuple(given)

    @property
    def any(self) -> bool:
        return bool(self._grounding or self._cited or self._fetched)

    @property
    def queries(self) -> list[str]:
        """What was asked of the search engine, each query once."""
        asked = [query for grounding in self._grounding for query in _list(grounding.get("webSearchQueries"))]
        return list(dict.fromkeys(query for query in asked if isinstance(query, str) and query))

    def searches(self, id: str) -> Iterator[HostedItem]:
        """What Google looked up, as items of the Responses API: one for its searches, one for each page it opened."""
        queries = self.queries
        if queries:
            urls = dict.fromkeys(
                source[0]
                for grounding in self._grounding
                for chunk in _list(grounding.get("groundingChunks"))
                if (source := _source(chunk))
            )
            sources = [{"type": "url", "url": url} for url in urls]
            action = {"type": "search", "query": queries[0], "queries": queries, "sources": sources}
            yield _item(f"ws_{id}", action, "completed")
        for index, page in enumerate(self._fetched):
            if isinstance(url := page.get("retrievedUrl"), str) and url:
                fetched = page.get("urlRetrievalStatus") == "URL_RETRIEVAL_STATUS_SUCCESS"
                action = {"type": "open_page", "url": url}
                yield _item(f"ws_{id}_{index}", action, "completed" if fetched else "failed")

    @property
    def entry_point(self) -> Wire | None:
        """The suggestions that Google wants shown beside an answer that its search supports, as HTML."""
        points = [grounding.get("searchEntryPoint") for grounding in self._grounding]
        return next((point for point in reversed(points) if isinstance(point, dict) and point), None)


class _Places:
    """Bytes of the whole text to characters of its last block."""

    def __init__(self, text_before: str, text: str) -> None:
        self._before, self._length = len(text_before), len(text)
        self._whole = text_before + text
        self._bytes = None if self._whole.isascii() else self._whole.encode("utf-8", "surrogatepass")

    def of(self, citation: _Citation, *, last: bool) -> tuple[int, int] | None:
        """Start and end in the block; None for a place outside of it, or for none.

        What Google says stands there counts more than its numbers: some are of a part and not of the whole. Where its words
        are in no text so far they may yet come, unless this block is the `last`.
        """
        first, end = self._character(citation.start), self._character(citation.end)
        said = citation.said
        if said and self._whole[first:end] != said:
            if (at := self._whole.find(said)) >= 0:
                first, end = at, at + len(said)
            elif not last and end <= len(self._whole):
                return None
        first, end = first - self._before, min(end - self._before, self._length)
        return (first, end) if 0 <= first < end else None

    def _character(self, offset: int) -> int:
        if self._bytes is None:
            return offset
        return len(self._bytes[: max(offset, 0)].decode("utf-8", "ignore"))


def _supported(grounding: Wire) -> Iterator[_Citation]:
    """A citation for each source of each supported piece of text."""
    chunks = _list(grounding.get("groundingChunks"))
    for support in _objects(grounding.get("groundingSupports")):
        segment = support.get("segment")
        for index in _list(support.get("groundingChunkIndices")):
            source = _source(chunks[index]) if type(index) is int and 0 <= index < len(chunks) else None
            if source is not None:
                yield from _citation(segment if isinstance(segment, dict) else {}, *source)


def _citation(segment: Wire, url: Any, title: Any) -> Iterator[_Citation]:
    """The citation of a segment, if it has an address. A start that is left out is 0."""
    if isinstance(url, str) and url:
        start, end = (given if type(given := segment.get(name)) is int else 0 for name in ("startIndex", "endIndex"))
        said = segment.get("text")
        yield _Citation(start, end, said if isinstance(said, str) else "", url, str(title or ""))


def _source(chunk: Any) -> tuple[str, str] | None:
    """URL and title of a grounding chunk: a web page, a place on the map, a picture, or a document with an address."""
    if not isinstance(chunk, dict):
        return None
    for kind, link in (("web", "uri"), ("maps", "uri"), ("image", "sourceUri"), ("retrievedContext", "uri")):
        source = chunk.get(kind)
        if isinstance(source, dict) and isinstance(uri := source.get(link), str) and uri:
            return uri, str(source.get("title") or "")
    return None


def _item(id: str, action: Wire, status: str) -> HostedItem:
    return HostedItem("web_search", {"type": "web_search_call", "id": id, "status": status, "action": action})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[Wire]:
    return [entry for entry in _list(value) if isinstance(entry, dict)]
