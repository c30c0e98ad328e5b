import copy

from translators.formats.openai_responses import CLIENT
from translators.formats.openai_responses.mend import mend_item, mend_usage

from .streams import USAGE, opening, terminal

FINE = terminal({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": []})[
    "response"
]


def test_an_answer_that_is_fine_stays_as_it_is():
    assert CLIENT.mend(FINE) is None
    assert CLIENT.mend(opening()["response"]) is None


def test_members_that_typed_clients_need_are_added_and_the_original_is_not_touched():
    poor = {key: value for key, value in FINE.items() if key not in ("tools", "tool_choice", "object")}
    before = copy.deepcopy(poor)
    assert CLIENT.mend(poor) == {**FINE}
    assert poor == before


def test_every_count_of_usage_becomes_an_integer():
    assert mend_usage(USAGE) is None
    assert mend_usage({"input_tokens": 3, "output_tokens": 2, "input_tokens_details": {"cached_tokens": None}}) == {
        **USAGE,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    }
    assert mend_usage({"input_tokens": 3, "output_tokens": None, "output_tokens_details": None})["total_tokens"] == 3


def test_items_get_the_types_that_sdks_read_without_looking():
    assert mend_item({"type": "message", "content": None}) == {"type": "message", "content": []}
    assert mend_item({"type": "reasoning"}) == {"type": "reasoning", "summary": []}
    call = {"type": "function_call", "arguments": {"a": 1}}
    assert mend_item(call)["arguments"] == '{"a":1}'
    assert mend_item({**call, "arguments": "", "status": "completed"})["arguments"] == "{}"
    assert mend_item({**call, "arguments": "", "status": "incomplete"}) is None
    assert mend_item({**call, "arguments": "{}"}) is None
    assert mend_item("nonsense") is None


def test_only_the_item_at_fault_is_replaced():
    good = {"type": "message", "content": [], "id": "msg_1"}
    mended = CLIENT.mend({**FINE, "output": [good, {"type": "reasoning", "id": "rs_1"}]})
    assert mended["output"][0] is good
    assert mended["output"][1]["summary"] == []


def test_details_of_an_older_model_keep_their_bytes():
    """OpenAI leaves `cache_write_tokens` out for models before mid-2026; SDKs read it as optional."""
    older = {**USAGE, "input_tokens_details": {"cached_tokens": 1}}
    assert mend_usage(older) is None
    assert mend_usage({**USAGE, "input_tokens_details": None})["input_tokens_details"] == {
        "cached_tokens": 0,
        "cache_write_tokens": 0,
    }
