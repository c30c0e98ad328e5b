import pytest

from translators.formats.anthropic_messages.citations import parse_citation


def test_a_web_page_is_cited_by_its_address():
    citation = {
        "type": "web_search_result_location",
        "url": "https://example.com",
        "title": None,
        "cited_text": "…",
        "encrypted_index": "E",
    }
    assert parse_citation(citation, 3, 9) == {
        "type": "url_citation",
        "url": "https://example.com",
        "title": "",
        "start_index": 3,
        "end_index": 9,
    }


def test_a_search_result_is_a_page_if_its_source_is_an_address():
    citation = {"type": "search_result_location", "source": "https://a.example", "title": "A", "search_result_index": 1}
    assert parse_citation(citation, 0, 1)["url"] == "https://a.example"
    elsewhere = parse_citation({**citation, "source": "crm/42", "title": None}, 0, 1)
    assert elsewhere == {"type": "file_citation", "file_id": "", "filename": "crm/42", "index": 1}


@pytest.mark.parametrize("kind", ["char_location", "page_location", "content_block_location"])
def test_a_document_is_cited_by_its_place_in_the_request(kind):
    citation = {"type": kind, "document_index": 2, "document_title": "a.pdf", "file_id": None, "cited_text": "…"}
    assert parse_citation(citation, 0, 1) == {
        "type": "file_citation",
        "file_id": "",
        "filename": "a.pdf",
        "index": 2,
    }


@pytest.mark.parametrize("citation", [None, "x", {}, {"type": "tomorrows"}])
def test_what_nobody_knows_is_passed_over(citation):
    assert parse_citation(citation, 0, 1) is None
