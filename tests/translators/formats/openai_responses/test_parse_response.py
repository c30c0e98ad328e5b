import pytest

from translators.canonical import (
    Finish,
    HostedItem,
    Native,
    Opaque,
    Origin,
    Reason,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
)
from translators.formats.openai_responses import CLIENT, PROVIDER

from .recorded import recorded
from .streams import context, terminal


def parsed(*items, kind="completed", **members):
    return PROVIDER.parse_response(terminal(*items, kind=kind, **members)["response"], "azure")


def blocks(*items):
    return parsed(*items).choices[0].message.blocks


def test_items_become_blocks_of_one_message_that_know_their_item():
    thought, said, call, custom = blocks(
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "s"}],
            "encrypted_content": "B",
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "phase": "final_answer",
            "content": [{"type": "output_text", "text": "hi", "annotations": [{"type": "file_path"}], "logprobs": []}],
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "f",
            "arguments": "{}",
            "status": "completed",
        },
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "c", "input": "x"},
    )
    assert thought == Reasoning(
        ("s",), opaque=(Opaque("azure", "openai.encrypted_content", "B"),), origin=Origin(None, 0, "reasoning", "rs_1")
    )
    origin = Origin(None, 1, "message", "msg_1", "completed", "final_answer")
    assert said == Text("hi", ({"type": "file_path"},), origin=origin)
    assert call == ToolCall("call_1", "f", "{}", origin=Origin(None, 2, "function_call", "fc_1", "completed"))
    assert (custom.kind, custom.arguments) == ("custom", "x")


def test_hosted_and_unknown_items_are_kept_whole():
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    news = {"type": "telepathy_call", "id": "tp_1"}
    ran = {"type": "function_call_output", "call_id": "c", "output": "x"}
    found = blocks(search, news, ran)
    assert [type(block) for block in found] == [HostedItem, Native, HostedItem]
    assert [block.raw for block in found] == [search, news, ran]
    assert found[0].provider == "azure"


@pytest.mark.parametrize(
    ("kind", "details", "finish", "reason"),
    [
        ("completed", None, Finish.STOP, None),
        ("incomplete", {"reason": "max_output_tokens"}, Finish.LENGTH, "max_output_tokens"),
        ("incomplete", {"reason": "content_filter"}, Finish.CONTENT_FILTER, "content_filter"),
        ("incomplete", {"reason": "steered"}, Finish.LENGTH, "steered"),
        ("incomplete", None, Finish.LENGTH, "max_output_tokens"),
    ],
)
def test_why_it_ended(kind, details, finish, reason):
    response = parsed(kind=kind, incomplete_details=details)
    assert (response.choices[0].finish, response.incomplete_reason) == (finish, reason)


def test_a_call_ends_in_tool_calls_and_a_refusal_is_an_answer():
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ""}
    assert parsed(call).choices[0].finish is Finish.TOOL_CALLS
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}
    response = parsed(refusal)
    assert response.choices[0].finish is Finish.STOP
    assert isinstance(response.choices[0].message.blocks[0], Refusal)


def test_usage_is_inclusive_and_knows_searches():
    response = parsed(tool_usage={"web_search": {"num_requests": 2}})
    assert response.usage == Usage(input=3, output=2, cached=1, tool_requests={"web_search": 2})
    assert response.extensions == {"tool_usage": {"web_search": {"num_requests": 2}}}


def test_writes_that_are_kept_longer_are_told_apart():
    details = {"cached_tokens": 1, "cache_write_tokens": 9}
    counts = {"input_tokens": 20, "output_tokens": 2, "input_tokens_details": details}
    plain = parsed(usage=counts).usage
    assert (plain.cache_write, plain.cache_write_1h) == (9, 0)
    details["cache_write_tokens_details"] = {"ttl_30m_tokens": 5, "ttl_12h_tokens": 4}
    split = parsed(usage=counts).usage
    assert (split.cache_write, split.cache_write_1h) == (9, 4)


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": "3", "output_tokens": 2}, {"input_tokens": 1.5}])
def test_usage_that_is_no_number_is_none(usage):
    assert parsed(usage=usage).usage.source == "none"


def test_identity_and_what_is_not_modelled():
    response = parsed(created_at=1787150055.0, service_tier="flex", billing={"payer": "x"}, metadata={"a": "b"})
    assert (response.id, response.model, response.created, response.service_tier) == ("resp_1", "m", 1787150055, "flex")
    assert response.extensions == {"billing": {"payer": "x"}}


def test_a_queued_answer_stays_queued():
    recording = recorded("background-mode-reasoning")
    response = PROVIDER.parse_response(recording.whole, "openai")
    assert response.choices[0].finish is Finish.OTHER
    assert CLIENT.render_response(response, context())["status"] == "queued"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"id": "resp_1", "model": "m", "output": None},
        {"id": None, "model": "m", "output": []},
        {"id": "resp_1", "model": "m", "output": ["x"]},
        {"id": "resp_1", "model": "m", "output": [{"id": "x"}]},
        {"id": "resp_1", "model": "m", "output": [{"type": "message", "content": "x"}]},
        {"id": "resp_1", "model": "m", "output": [{"type": "message", "content": [{"type": "output_text"}]}]},
        {"id": "resp_1", "model": "m", "output": [{"type": "function_call", "call_id": "c", "name": "f"}]},
        {"choices": []},
    ],
)
def test_what_is_no_answer_raises(body):
    with pytest.raises(UpstreamError) as raised:
        PROVIDER.parse_response(body, "openai")
    assert (raised.value.reason, raised.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")


def test_a_failed_answer_raises_with_its_reason():
    failed = terminal(kind="failed", error={"code": "rate_limit_exceeded", "message": "slow down"})["response"]
    for body in (failed, {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}):
        with pytest.raises(UpstreamError, match="slow down") as raised:
            PROVIDER.parse_response(body, "openai")
        assert (raised.value.reason, raised.value.failure) == (Reason.RATE_LIMITED, "inband_error")
