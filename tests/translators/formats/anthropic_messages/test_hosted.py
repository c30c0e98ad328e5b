import pytest

from translators.formats.anthropic_messages.hosted import is_kept, is_use, shown

USE = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "oslo"}}
PAGE = {"type": "web_search_result", "url": "https://example.com", "title": "t", "encrypted_content": "E"}


def result(kind: str, content: object) -> dict:
    return {"type": kind, "tool_use_id": "srv_1", "content": content}


def test_a_search_is_shown_with_its_sources_and_without_its_sealed_pages():
    item = shown(USE, result("web_search_tool_result", [PAGE]))
    assert item is not None
    assert item.tool == "web_search"
    assert item.origin.item_id == "srv_1"
    assert item.raw == {
        "type": "web_search_call",
        "id": "srv_1",
        "status": "completed",
        "action": {
            "type": "search",
            "query": "oslo",
            "queries": ["oslo"],
            "sources": [{"type": "url", "url": "https://example.com"}],
        },
    }


def test_a_search_that_failed_says_so():
    error = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    assert shown(USE, result("web_search_tool_result", error)).raw["status"] == "failed"


def test_a_search_whose_beginning_was_in_an_earlier_answer_is_shown_all_the_same():
    assert shown(None, result("web_search_tool_result", [PAGE])).raw["action"]["query"] == ""


def test_a_fetched_page_is_an_opened_one():
    use = {**USE, "name": "web_fetch", "input": {"url": "https://a.example"}}
    item = shown(use, result("web_fetch_tool_result", {"type": "web_fetch_result", "url": "https://a.example"}))
    assert item.raw["action"] == {"type": "open_page", "url": "https://a.example"}
    unknown = shown(None, result("web_fetch_tool_result", {"type": "web_fetch_result", "url": "https://b.example"}))
    assert unknown.raw["action"]["url"] == "https://b.example"


@pytest.mark.parametrize("kind", ["code_execution_tool_result", "bash_code_execution_tool_result"])
def test_a_program_is_shown_with_what_it_printed(kind):
    use = {**USE, "name": "bash_code_execution", "input": {"command": "ls"}}
    item = shown(use, result(kind, {"type": "code_execution_result", "stdout": "a", "stderr": "b", "return_code": 0}))
    assert item.tool == "code_interpreter"
    assert (item.raw["code"], item.raw["outputs"]) == ("ls", [{"type": "logs", "logs": "a\nb"}])
    failed = shown(use, result(kind, {"type": "code_execution_tool_result_error", "error_code": "unavailable"}))
    assert (failed.raw["status"], failed.raw["outputs"]) == ("failed", [])


@pytest.mark.parametrize("kind", ["mcp_tool_result", "tool_search_tool_result", "tomorrows_tool_result"])
def test_what_openai_has_no_item_for_is_not_shown(kind):
    assert shown(USE, result(kind, [])) is None
    assert is_kept(kind)


def test_what_is_kept_and_what_starts_an_activity():
    assert is_use("server_tool_use")
    assert is_use("mcp_tool_use")
    assert not is_use("tool_use")
    assert is_kept("compaction")
    assert not is_kept("text")
    assert shown(USE, {"type": "web_search_tool_result", "content": []}) is None
