import itertools
from dataclasses import replace

from translators.canonical import (
    HostedItem,
    Media,
    Native,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Request,
    StateSpec,
    Text,
    ToolCall,
)
from translators.formats import RenderContext
from translators.formats.openai_responses.render_output import Ids, render_output, seal_of


def nothing(blobs):
    return None


def first(blobs):
    """What a client that asks for `reasoning.encrypted_content` is given: the blob of this format."""
    return seal_of(CONTEXT)(blobs)


CONTEXT = RenderContext(
    request=Request(messages=(), state=StateSpec(include=("reasoning.encrypted_content",))), new_id=str, created=0
)


def render(*blocks, seal=nothing, incomplete=False):
    counter = itertools.count(1)
    ids = Ids(lambda prefix: f"{prefix}new{next(counter)}")
    return render_output(blocks, ids, seal=seal, incomplete=incomplete)


def test_interleaving_is_kept_and_adjacent_text_is_one_message():
    items = render(Text("a"), Text("b"), ToolCall("call_1", "f", "{}"), Refusal("c"))
    assert [item["type"] for item in items] == ["message", "function_call", "message"]
    assert [part["text"] for part in items[0]["content"]] == ["a", "b"]
    assert items[2]["content"] == [{"type": "refusal", "refusal": "c"}]
    assert [item["id"] for item in items] == ["msg_new1", "fc_new2", "msg_new3"]


def test_text_has_annotations_flat_and_logprobs_with_bytes():
    nested = {"type": "url_citation", "url_citation": {"url": "https://x.test", "title": "x"}}
    flat = {"type": "file_citation", "file_id": "f"}
    probable = {"token": "a", "logprob": -1, "bytes": None, "top_logprobs": [{"token": "b", "logprob": -2}]}
    (item,) = render(Text("a", (nested, flat), (probable,)))
    (part,) = item["content"]
    assert part["annotations"] == [{"type": "url_citation", "url": "https://x.test", "title": "x"}, flat]
    assert part["logprobs"] == [
        {
            "token": "a",
            "logprob": -1,
            "bytes": [],
            "top_logprobs": [{"token": "b", "logprob": -2, "bytes": []}],
        }
    ]
    assert render(Text("a"))[0]["content"][0]["logprobs"] == []


def test_an_id_is_kept_where_it_is_one_of_this_api_and_not_taken():
    origins = [Origin(item=n, item_type="message", item_id=i) for n, i in enumerate(("msg_a", "msg_a", "gen-1"))]
    items = render(*(Text("x", origin=origin) for origin in origins))
    assert [item["id"] for item in items] == ["msg_a", "msg_new1", "msg_new2"]


def test_a_call_has_json_arguments_and_a_fitting_id():
    call, custom = render(ToolCall("functions.f:0", "f", ""), ToolCall("c", "g", "free", "custom", "ns"))
    assert call["arguments"] == "{}"
    assert call["call_id"].startswith("call_")
    assert call["status"] == "completed"
    assert custom == {
        "id": "ctc_new2",
        "type": "custom_tool_call",
        "status": "completed",
        "call_id": "c",
        "name": "g",
        "input": "free",
        "namespace": "ns",
    }


def test_only_the_last_item_of_a_cut_answer_is_incomplete():
    items = render(Text("a"), ToolCall("c", "f", '{"x'), incomplete=True)
    assert [item["status"] for item in items] == ["completed", "incomplete"]
    assert items[1]["arguments"] == '{"x'
    assert render(ToolCall("c", "f", ""), incomplete=True)[0]["arguments"] == ""


def test_reasoning_shows_its_text_and_its_blob_only_when_asked():
    sealed = Opaque("openai", "openai.encrypted_content", "BLOB")
    foreign = Opaque("anthropic", "anthropic.signature", "SIGNATURE")
    block = Reasoning(("s",), "raw", (foreign, sealed))
    (item,) = render(block)
    assert item == {
        "id": "rs_new1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "s"}],
        "content": [{"type": "reasoning_text", "text": "raw"}],
    }
    (item,) = render(block, seal=first)
    assert item["encrypted_content"] == "BLOB"
    (item,) = render(Reasoning(opaque=(foreign,)), seal=first)
    assert "encrypted_content" not in item


def test_a_seal_takes_all_the_blobs_of_an_item():
    blobs = (Opaque("a:m", "thinking", "1"), Opaque("a:m", "redacted_thinking", "2"))
    (item,) = render(Reasoning(opaque=blobs), seal=lambda given: "+".join(blob.data for blob in given))
    assert item["encrypted_content"] == "1+2"
    assert seal_of(replace(CONTEXT, seal=lambda given: "sealed"))(blobs) == "sealed"
    assert (
        seal_of(replace(CONTEXT, request=Request(messages=())))((Opaque("openai", "openai.encrypted_content", "B"),))
        is None
    )


def test_a_phase_and_unmodelled_members_come_back():
    origin = Origin(None, 0, "message", "msg_1", "completed", "commentary", {"mood": 1, "message": {"extra": 2}})
    (item,) = render(Text("a", origin=origin))
    assert (item["phase"], item["extra"], item["content"][0]["mood"]) == ("commentary", 2, 1)
    assert "message" not in item["content"][0]


def test_hosted_items_of_this_api_are_shown_and_others_are_not():
    ours = HostedItem("web_search", {"type": "web_search_call", "status": "completed"})
    theirs = HostedItem("web_search", {"type": "server_tool_use", "id": "srvtoolu_1"}, "anthropic")
    assert render(ours) == [{"type": "web_search_call", "status": "completed", "id": "item_new1"}]
    assert render(theirs, Text("a"))[0]["type"] == "message"
    news = {"type": "telepathy_call", "id": "tp_1"}
    assert render(Native("openai_responses", news, Origin(None, 0, "telepathy_call", "tp_1"))) == [news]
    assert render(Native("google_generate", {"type": "x"})) == []


def test_a_generated_image_is_a_call_of_image_generation():
    (item,) = render(Media(kind="image", data="AA", mime="image/png"))
    assert item == {
        "id": "ig_new1",
        "type": "image_generation_call",
        "status": "completed",
        "result": "AA",
        "output_format": "png",
    }


def test_sound_is_shown_as_what_it_says():
    (item,) = render(Media(kind="audio", data="AA", transcript="hello"))
    assert item["content"][0]["text"] == "hello"
    assert render(Media(kind="video", url="https://x.test/v.mp4")) == []
