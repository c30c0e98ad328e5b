import pytest

from translators.canonical import HostedItem, Media, Native, Origin, Refusal, Text, ToolCall
from translators.formats.openai_responses.items import (
    arguments_of,
    contiguous,
    fitting_call_id,
    own_rest,
    parse_data_url,
    plain_origin,
    render_data_url,
)


@pytest.mark.parametrize("call_id", ["call_1", "toolu_01-A", "x" * 64])
def test_a_call_id_that_fits_is_kept(call_id):
    assert fitting_call_id(call_id) == call_id


@pytest.mark.parametrize("call_id", ["", "x" * 65, "functions.add:0", "ümläut", "\ud800"])
def test_another_becomes_a_digest_that_is_always_the_same(call_id):
    fitted = fitting_call_id(call_id)
    assert fitted == fitting_call_id(call_id)
    assert fitted.startswith("call_")
    assert len(fitted) == 29
    assert fitted.isascii()


def test_different_calls_keep_different_ids():
    assert fitting_call_id("functions.add:0") != fitting_call_id("functions.add:1")


def test_a_function_without_arguments_is_called_with_an_empty_object():
    assert arguments_of(ToolCall("c", "f", "")) == "{}"
    assert arguments_of(ToolCall("c", "f", ' {"a" : 1}')) == ' {"a" : 1}'
    assert arguments_of(ToolCall("c", "f", "", kind="custom")) == ""


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("data:image/png;base64,AA", ("image/png", "AA")),
        ("data:text/plain;charset=utf-8;base64,AA", ("text/plain;charset=utf-8", "AA")),
        ("data:;base64,AA", (None, "AA")),
        ("data:text/plain,hello", None),
        ("data:image/png;base64", None),
        ("https://x.test/a.png", None),
    ],
)
def test_only_base64_data_urls_are_taken_apart(url, found):
    assert parse_data_url(url) == found


def test_data_goes_back_with_its_type_or_bare():
    assert render_data_url(Media(kind="file", data="AA", mime="application/pdf")) == "data:application/pdf;base64,AA"
    assert render_data_url(Media(kind="file", data="AA")) == "AA"


def test_text_of_one_item_stays_together_and_nothing_else_does():
    first, second = plain_origin(None, 0), plain_origin(None, 1)
    part = Native("openai_responses", {"type": "new"}, first)
    blocks = [Text("a", origin=first), Refusal("b", origin=first), part, Text("c", origin=second)]
    blocks += [ToolCall("c", "f", ""), HostedItem("x", {}), Text("d"), Text("e")]
    assert [len(group) for group in contiguous(blocks)] == [3, 1, 1, 1, 2]


def test_what_another_format_put_aside_is_not_ours_to_send():
    assert own_rest(Origin("/messages/0", rest={"extra_content": 1})) == {}
    assert own_rest(Origin("/input/0", 0, "message", rest={"mood": 1})) == {"mood": 1}
    assert own_rest(None) == {}
