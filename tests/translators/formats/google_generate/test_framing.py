import itertools
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.canonical import UpstreamError
from translators.formats import sse
from translators.formats.google_generate.framing import Splitter

TEXTS = st.text(alphabet='ab{}[]",\\\n:é😀 ', max_size=12)
DOCUMENTS = st.lists(
    st.dictionaries(TEXTS, st.recursive(TEXTS, lambda inner: st.dictionaries(TEXTS, inner, max_size=2)), max_size=3),
    max_size=4,
)


def split(data: bytes, cuts: list[int]) -> list:
    splitter = Splitter()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    found = [each for start, end in itertools.pairwise(edges) for each in splitter.feed(data[start:end])]
    return [json.loads(each) for each in found + splitter.close()]


@given(documents=DOCUMENTS, cuts=st.lists(st.integers(0, 999), max_size=8), indent=st.sampled_from([None, 2]))
@settings(max_examples=150, deadline=None)
def test_an_array_comes_apart_wherever_it_is_cut(documents, cuts, indent):
    assert split(b"\n" + json.dumps(documents, indent=indent).encode(), cuts) == documents


@given(documents=DOCUMENTS, cuts=st.lists(st.integers(0, 999), max_size=8), end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150, deadline=None)
def test_events_come_apart_wherever_they_are_cut(documents, cuts, end):
    data = "".join(f"data: {json.dumps(each)}{end}{end}" for each in documents).encode()
    assert split(data, cuts) == documents


def test_a_bare_object_is_one_document():
    assert split(b'{\n  "error": {"code": 404}\n}\n', [3, 9]) == [{"error": {"code": 404}}]


def test_half_a_document_is_given_back_for_its_reader_to_refuse():
    splitter = Splitter()
    assert splitter.feed(b'[{"a": 1},\n{"b": "x') == [b'{"a": 1}']
    assert splitter.close() == [b'{"b": "x']


def test_nothing_is_nothing():
    splitter = Splitter()
    assert splitter.feed(b"") == splitter.feed(b"\r\n ") == splitter.close() == []


def test_a_document_that_is_too_large_is_refused():
    splitter = Splitter()
    splitter.feed(b'[{"a": "' + b"x" * (sse.EVENT_LIMIT - 8))
    with pytest.raises(UpstreamError) as caught:
        splitter.feed(b"xx")
    assert caught.value.failure == "too_big"


def test_a_long_text_in_an_array_is_looked_at_once():
    whole = json.dumps([{"a": 'x\\"{' + "y" * 2_000_000}]).encode()
    splitter = Splitter()
    began = time.perf_counter()
    found = [each for start in range(0, len(whole), 1024) for each in splitter.feed(whole[start : start + 1024])]
    assert json.loads(b"[" + found[0] + b"]") == json.loads(whole)
    assert time.perf_counter() - began < 2, "what came before was looked at again with every piece"
