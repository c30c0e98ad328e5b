from translators.canonical import CacheHint, Message, Request, Text, ToolCall, ToolResult, Transform
from translators.formats.anthropic_messages.caching import Marks
from translators.formats.anthropic_messages.request import render_request


def written(*ttls: str | None, automatic: bool = False) -> tuple[list, list[Transform]]:
    transforms: list[Transform] = []
    marks = Marks(transforms)
    blocks: list[dict] = [{} for _ in ttls]
    for index, ttl in enumerate(ttls):
        marks.add(blocks[index], CacheHint(ttl), f"messages[{index}]")
    marks.write(automatic=automatic)
    return [block.get("cache_control") for block in blocks], transforms


FIVE = {"type": "ephemeral"}


def test_a_mark_is_a_breakpoint():
    assert written(None, "5m", "1h") == (
        [FIVE, {**FIVE, "ttl": "5m"}, FIVE],
        [Transform("messages[2].cache", "mapped", "five minutes, as an hour may not follow five minutes")],
    )
    assert written("1h", None) == ([{**FIVE, "ttl": "1h"}, FIVE], [])


def test_longer_lives_become_an_hour():
    marks, transforms = written("30m", "12h", "24h")
    assert marks == [{**FIVE, "ttl": "1h"}] * 3
    assert {(each.action, each.detail) for each in transforms} == {
        ("mapped", "1h instead of 30m"),
        ("mapped", "1h instead of 12h"),
        ("mapped", "1h instead of 24h"),
    }


def test_a_life_nobody_knows_is_the_default():
    marks, transforms = written("tomorrows")
    assert marks == [FIVE]
    assert [each.detail for each in transforms] == ["five minutes instead of tomorrows"]


def test_the_last_four_are_kept():
    marks, transforms = written(*[None] * 6)
    assert marks == [None, None, FIVE, FIVE, FIVE, FIVE]
    assert [(each.field, each.action) for each in transforms] == [
        ("messages[0].cache", "dropped"),
        ("messages[1].cache", "dropped"),
    ]


def test_the_servers_own_takes_one_place():
    marks, transforms = written(*[None] * 4, automatic=True)
    assert marks == [None, FIVE, FIVE, FIVE]
    assert len(transforms) == 1


def test_without_marks_nothing_is_written():
    transforms: list[Transform] = []
    marks = Marks(transforms)
    block: dict = {}
    marks.add(block, None, "x")
    marks.drop(None, "x")
    marks.write(automatic=False)
    assert (block, transforms) == ({}, [])


def test_a_mark_on_what_cannot_have_one_is_listed():
    transforms: list[Transform] = []
    Marks(transforms).drop(CacheHint(), "messages[0].content[0]")
    assert [(each.field, each.action) for each in transforms] == [("messages[0].content[0].cache", "dropped")]


def test_the_order_that_counts_is_that_of_the_prompt():
    """Results are moved in front of what else a turn says, and with them their marks."""
    late = Text("late", cache=CacheHint("1h"))
    answer = ToolResult("c", (Text("r"),), cache=CacheHint("5m"))
    call = Message("assistant", (ToolCall("c", "f", "{}"),))
    messages = (Message("user", (Text("q"),)), call, Message("user", (late, answer)))
    rendered = render_request(Request(messages=messages), "m")
    content = rendered.body["messages"][2]["content"]
    assert [block["cache_control"] for block in content] == [{"type": "ephemeral", "ttl": "5m"}, {"type": "ephemeral"}]


def test_a_mark_on_a_result_without_its_call_is_listed():
    messages = (Message("user", (ToolResult("c", (Text("r"),), cache=CacheHint()),)),)
    rendered = render_request(Request(messages=messages), "m")
    assert "cache_control" not in str(rendered.body)
    assert ("messages[0].content[0].cache", "dropped") in [(each.field, each.action) for each in rendered.transforms]
