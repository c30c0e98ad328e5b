from translators.canonical import HostedItem, Text

from .answering import blocks, document, streamed, whole

PAGES = [{"web": {"uri": "https://a.org", "title": "A"}}, {"web": {"uri": "https://b.org"}}]


def support(start: int | None, end: int, text: str, *chunks: int) -> dict:
    segment = {"endIndex": end, "text": text} if start is None else {"startIndex": start, "endIndex": end, "text": text}
    return {"segment": segment, "groundingChunkIndices": list(chunks)}


def grounded(*supports: dict, **members) -> dict:
    return {"groundingMetadata": {"groundingChunks": PAGES, "groundingSupports": list(supports), **members}}


def cited(block: Text) -> list[tuple[str, str]]:
    return [(note["url"], block.text[note["start_index"] : note["end_index"]]) for note in block.annotations]


def test_bytes_become_characters():
    text = "Größe: 😀 gut"
    start, end = len("Größe: ".encode()), len("Größe: 😀".encode())
    (block, *_) = blocks(whole({"text": text}, **grounded(support(start, end, "😀", 0, 1))))
    assert cited(block) == [("https://a.org", "😀"), ("https://b.org", "😀")]
    assert block.annotations[0] == {
        "type": "url_citation",
        "start_index": 7,
        "end_index": 8,
        "url": "https://a.org",
        "title": "A",
    }


def test_a_place_counts_more_than_the_words_that_stand_there():
    text = "ä no ä no"
    start = len("ä no ä ".encode())
    (block, *_) = blocks(whole({"text": text}, **grounded(support(start, start + 2, "no", 0))))
    assert (block.annotations[0]["start_index"], block.annotations[0]["end_index"]) == (7, 9)


def test_a_start_that_is_left_out_is_the_beginning():
    (block, *_) = blocks(whole({"text": "abc"}, **grounded(support(None, 2, "ab", 0))))
    assert cited(block) == [("https://a.org", "ab")]


def test_a_place_that_is_wrong_is_looked_for():
    (block, *_) = blocks(whole({"text": "xx abc"}, **grounded(support(0, 3, "abc", 0))))
    assert cited(block) == [("https://a.org", "abc")]


def test_thoughts_do_not_count():
    got = blocks(whole({"text": "thinking", "thought": True}, {"text": "abc"}, **grounded(support(0, 3, "abc", 0))))
    assert cited(got[1]) == [("https://a.org", "abc")]


def test_each_block_has_its_own_citations():
    got = blocks(
        whole(
            {"text": "abc"},
            {"functionCall": {"name": "f"}},
            {"text": "def"},
            **grounded(support(0, 3, "abc", 0), support(3, 6, "def", 1), support(50, 60, "nowhere", 0)),
        )
    )
    first, _, last, *_ = got
    assert cited(first) == [("https://a.org", "abc")]
    assert cited(last) == [("https://b.org", "def"), ("https://a.org", "")]


def test_words_that_another_block_says_are_cited_there():
    where = support(0, 3, "bbb", 0)
    response = whole({"text": "aaa"}, {"functionCall": {"name": "f"}}, {"text": "bbb"}, **grounded(where))
    texts = [block for block in blocks(response) if isinstance(block, Text)]
    assert [[words for _, words in cited(text)] for text in texts] == [[], ["bbb"]]


def test_what_comes_late_is_cited_without_a_place():
    got = blocks(
        streamed(
            document({"text": "abc"}),
            document({"functionCall": {"name": "f"}}),
            document({"text": "def"}),
            document(reason="STOP", **grounded(support(0, 3, "abc", 0), support(3, 6, "def", 1))),
        )
    )
    assert got[0].annotations == ()
    assert cited(got[2]) == [("https://a.org", ""), ("https://b.org", "def")]


def test_a_citation_that_is_told_twice_stands_once():
    metadata = grounded(support(0, 3, "abc", 0))
    got = streamed(document({"text": "abc"}, **metadata), document(reason="STOP", **metadata))
    assert cited(blocks(got)[0]) == [("https://a.org", "abc")]


def test_both_endpoints_name_what_was_recited():
    for name in ("citationSources", "citations"):
        metadata = {name: [{"startIndex": 1, "endIndex": 3, "uri": "https://a.org", "title": "A"}, {"license": "mit"}]}
        (block,) = blocks(whole({"text": "abc"}, citationMetadata=metadata))
        assert cited(block) == [("https://a.org", "bc")]


def test_searches_and_opened_pages_are_shown():
    got = whole(
        {"text": "abc"},
        urlContextMetadata={
            "urlMetadata": [
                {"retrievedUrl": "https://c.org", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
                {"retrievedUrl": "https://d.org", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_PAYWALL"},
            ]
        },
        **grounded(webSearchQueries=["", "q1", "q2", "q1"], searchEntryPoint={"renderedContent": "<div>"}),
    )
    searched, opened, failed = (block for block in blocks(got) if isinstance(block, HostedItem))
    assert searched.raw["action"] == {
        "type": "search",
        "query": "q1",
        "queries": ["q1", "q2"],
        "sources": [{"type": "url", "url": "https://a.org"}, {"type": "url", "url": "https://b.org"}],
    }
    assert (searched.raw["type"], searched.raw["status"]) == ("web_search_call", "completed")
    assert (opened.raw["action"], opened.raw["status"]) == ({"type": "open_page", "url": "https://c.org"}, "completed")
    assert failed.raw["status"] == "failed"
    assert len({block.raw["id"] for block in (searched, opened, failed)}) == 3
    assert got.extensions == {"search_entry_point": {"renderedContent": "<div>"}}


def test_sources_of_another_kind_and_garbage():
    chunks = [
        {"retrievedContext": {"uri": "gs://b/o", "title": "T"}},
        {"maps": {"uri": "https://maps.org"}},
        {"retrievedContext": {"text": "no address"}},
        5,
        {"web": {"uri": 5}},
    ]
    supports = [
        support(0, 3, "abc", 0, 1, 2, 3, 4, 9),
        {"segment": None, "groundingChunkIndices": ["x"]},
        {"groundingChunkIndices": [0]},
        7,
    ]
    metadata = {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": supports}}
    (block,) = blocks(whole({"text": "abc"}, **metadata))
    assert cited(block) == [("gs://b/o", "abc"), ("https://maps.org", "abc"), ("gs://b/o", "")]
    assert blocks(whole({"text": "abc"}, groundingMetadata=5, citationMetadata=[], urlContextMetadata="x")) == (
        Text("abc"),
    )
