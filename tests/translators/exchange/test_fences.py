"""JSON without the fence a model put around it, however the text came: whole, or in pieces cut anywhere."""

from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.canonical import (
    AnnotationAdded,
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    Message,
    OutputSpec,
    Reason,
    Reasoning,
    Refusal,
    Request,
    Response,
    Start,
    Text,
    ToolCall,
    UpstreamError,
    fold,
)
from translators.exchange.answers import render_whole_as_stream
from translators.exchange.fences import Unfencing, without_fences
from translators.exchange.lanes import choose
from translators.formats import RenderContext, Tally, anthropic_messages, openai_chat, sse
from translators.formats.json import dumps, loads

JSON, SCHEMA = OutputSpec(kind="json_object"), OutputSpec(kind="json_schema", schema={"type": "object"})
AROUND = 200  # blanks: more than anyone waits through

FENCED = [
    pytest.param('```json\n{"a":1}\n```', '{"a":1}', id="as models do it"),
    pytest.param('```\n{"a":1}\n```', '{"a":1}', id="of no language"),
    pytest.param('```JSON\r\n{"a":1}\r\n```\r\n', '{"a":1}', id="with carriage returns"),
    pytest.param(' \n```json \t\n{"a":1}\n``` \n\n', '{"a":1}', id="between blanks"),
    pytest.param('```json\n{"a":1}```', '{"a":1}', id="closed on the last line"),
    pytest.param('```json\n{\n\n  "a": 1\n}\n\n```', '{\n\n  "a": 1\n}\n', id="over several lines"),
    pytest.param('```json\n{"a":1', '{"a":1', id="not closed"),
    pytest.param('```json\n{"a":1}\n``', '{"a":1}\n``', id="closed by half"),
    pytest.param('```json\n{"a":"```x``"}\n```', '{"a":"```x``"}', id="with a fence in a string"),
    pytest.param('```json\n{"a":1}\n```\nThere.', '{"a":1}\n```\nThere.', id="with words behind"),
    pytest.param(
        '```json\n{"a":1}\n```' + " " * AROUND, '{"a":1}\n```' + " " * AROUND, id="with too many blanks behind"
    ),
    pytest.param("```json\n```", "", id="around nothing"),
]
PLAIN = [
    pytest.param(text, id=name)
    for name, text in {
        "JSON": '{"a":1}',
        "a fence in a string": '{"a":"```json\\n{}\\n```"}',
        "words before": 'Here:\n```json\n{"a":1}\n```',
        "nothing": "",
        "blanks": " \n\n ",
        "too many blanks before": "\n" * AROUND + '```json\n{"a":1}\n```',
        "the beginning of a fence": " ```js",
        "a fence without its line's end": "```json",
        "another language": "```python\n{}\n```",
        "a word like it": "```jsonx\n{}\n```",
        "code": "`{}`",
        "more than a fence": "````json\n{}\n````",
    }.items()
]


def whole(text: str, output: OutputSpec = JSON) -> tuple[str, list[str]]:
    """The text of a whole answer that said `text`, and what was noted."""
    tally = Tally()
    response = without_fences(answer(Text(text)), output, tally)
    return response.choices[0].message.blocks[0].text, tally.notes


def answer(*blocks) -> Response:
    return Response(
        id="r", model="m", choices=(Choice(index=0, message=Message("assistant", blocks), finish=Finish.STOP),)
    )


def said(*pieces: str, index: int = 0, choice: int = 0) -> list[Chunk]:
    deltas = [BlockDelta(choice, index, "text", piece) for piece in pieces]
    return [BlockStart(choice, index, Text("")), *deltas, BlockStop(choice, index, Text("".join(pieces)))]


def streamed(*pieces: str, output: OutputSpec = JSON) -> tuple[str, list[str]]:
    """The text of an answer that came in `pieces`, and what was noted. What was shown is what the text's end says."""
    tally = Tally()
    unfencing = Unfencing(output, tally)
    passed = [each for chunk in said(*pieces) for each in unfencing.passed([chunk])]
    assert isinstance(passed[-1], BlockStop)
    shown = "".join(chunk.value for chunk in passed if isinstance(chunk, BlockDelta))
    assert shown == passed[-1].block.text
    assert unfencing.rest() == []
    return shown, tally.notes


def cut(text: str, *places: int) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize(("text", "bare"), FENCED)
@pytest.mark.parametrize("output", [JSON, SCHEMA], ids=["json_object", "json_schema"])
def test_a_fence_is_taken_off_and_noted(text, bare, output):
    assert whole(text, output) == (bare, ["unfenced"])


@pytest.mark.parametrize("text", PLAIN)
def test_what_does_not_begin_with_a_fence_stays_as_it_is(text):
    tally = Tally()
    plain = answer(Text(text, logprobs=({"token": text},)))
    assert without_fences(plain, JSON, tally) is plain
    assert tally.notes == []


@pytest.mark.parametrize("text", [each.values[0] for each in (*FENCED, *PLAIN)])
def test_where_a_text_is_cut_makes_no_difference(text):
    expected = whole(text)
    assert streamed(*text) == expected
    places = range(len(text) + 1) if len(text) < AROUND else (1, 79, 80, 81, len(text) - 80, len(text) - 1)
    for two in combinations(places, 2):
        assert streamed(*cut(text, *two)) == expected


SCRAPS = st.sampled_from(
    ["`", "``", "```", "```json", "js", "on", "\n", "\r\n", "\r", " ", " " * 39, '{"a":', '"```"', "}", "x"]
)


@given(st.lists(SCRAPS, max_size=12).map("".join), st.lists(st.integers(0, 500), max_size=6))
def test_any_text_says_the_same_in_any_pieces(text, places):
    expected, noted = whole(text)
    assert streamed(*cut(text, *places)) == streamed(*text) == (expected, noted)
    assert (noted == ["unfenced"]) == (expected != text)


@pytest.mark.parametrize("output", [OutputSpec(), OutputSpec(kind="grammar", raw={})], ids=["text", "grammar"])
def test_where_no_json_was_asked_for_nothing_is_touched(output):
    text = '```json\n{"a":1}\n```'
    assert whole(text, output) == streamed(*text, output=output) == (text, [])
    chunks = said(*text)
    assert Unfencing(output, Tally()).passed(chunks) is chunks


@pytest.mark.parametrize("text", PLAIN)
def test_chunks_of_a_text_without_a_fence_are_passed_on_themselves(text):
    chunks = [replace(c, logprobs=({"token": c.value},)) if isinstance(c, BlockDelta) else c for c in said(*text)]
    chunks.insert(-1, AnnotationAdded(0, 0, {"type": "url_citation", "start_index": 9, "end_index": 12}))
    unfencing = Unfencing(JSON, Tally())
    passed = [each for chunk in chunks for each in unfencing.passed([chunk])]
    assert list(map(id, passed)) == list(map(id, chunks))


def test_json_is_shown_as_it_comes():
    unfencing = Unfencing(JSON, Tally())
    shown = [
        "".join(each.value for each in unfencing.passed([chunk]) if isinstance(each, BlockDelta))
        for chunk in said("```", "json\n", '{"a', '":1,\n', ' "b":2}', "\n`", "``")
    ]
    assert shown == ["", "", "", '{"a', '":1,', '\n "b":2}', "", "", ""]


def test_what_is_beside_a_text_does_not_wait_for_it():
    """Blocks may be open at the same time, and choices always are."""
    call = [BlockStart(0, 1, ToolCall("c", "f", "")), BlockStop(0, 1, ToolCall("c", "f", "{}"))]
    other = said("```\n", "[]", choice=1)
    start, first, second, stop = said("```js", "on\n{}\n```")
    unfencing = Unfencing(JSON, Tally())
    assert unfencing.passed([start, first, *call, *other[:3]]) == [
        start,
        *call,
        other[0],
        replace(other[2], value="[]"),
    ]
    assert unfencing.passed([second, stop]) == [replace(second, value="{}"), replace(stop, block=Text("{}"))]
    assert unfencing.passed(other[3:]) == [BlockStop(1, 0, Text("[]"))]


def test_only_what_the_model_says_is_looked_at():
    fence = "```json\n{}\n```"
    blocks = (Reasoning(text=fence), Refusal(fence), ToolCall("c", "f", fence))
    tally = Tally()
    assert without_fences(answer(*blocks), JSON, tally) == answer(*blocks)
    for block in blocks:
        chunks: list[Chunk] = [BlockStart(0, 0, block), BlockDelta(0, 0, "text", fence), BlockStop(0, 0, block)]
        assert Unfencing(JSON, tally).passed(chunks) == chunks
    assert tally.notes == []


def test_every_choice_and_every_text_has_a_fence_of_its_own():
    tally = Tally()
    chunks = [
        Start("r", "m"),
        *said("```\n1\n```"),
        *said("```\n2\n```", index=1),
        *said("3", choice=1),
        ChoiceStop(0, Finish.STOP),
        ChoiceStop(1, Finish.STOP),
        End(),
    ]
    bare = fold(Unfencing(JSON, tally).passed(chunks))
    assert [[block.text for block in choice.message.blocks] for choice in bare.choices] == [["1", "2"], ["3"]]
    assert bare == without_fences(fold(chunks), JSON, Tally())


def test_log_probabilities_and_citations_come_along():
    """The first are of all that was said; the second point into what is left."""

    def cited(start: int, end: int) -> dict:
        return {"type": "url_citation", "url": "u", "start_index": start, "end_index": end}

    pieces = ["```", "json\n", '{"a":', '"b"', "}", "\n```"]
    start, *deltas, stop = said(*pieces)
    deltas = [replace(delta, logprobs=({"token": delta.value},)) for delta in deltas]
    named = {"type": "file_citation", "file_id": "f", "index": 13}
    added = [AnnotationAdded(0, 0, each) for each in (cited(0, 3), named, cited(13, 16))]
    tokens = tuple({"token": piece} for piece in pieces)
    stop = replace(stop, block=replace(stop.block, annotations=(cited(0, 3), named, cited(13, 16)), logprobs=tokens))
    ends = [ChoiceStop(0, Finish.STOP), End()]
    chunks = [Start("r", "m"), start, deltas[0], *added[:2], *deltas[1:4], added[2], *deltas[4:], stop, *ends]
    unfencing = Unfencing(JSON, Tally())
    passed = [each for chunk in chunks for each in unfencing.passed([chunk])]
    kept = (cited(0, 0), named, cited(5, 8))
    assert [each.annotation for each in passed if isinstance(each, AnnotationAdded)] == list(kept)
    assert fold(passed).choices[0].message.blocks == (Text('{"a":"b"}', kept, tokens),)
    assert fold(each for each in passed if not isinstance(each, BlockStop)) == fold(passed)
    assert without_fences(fold(chunks), JSON, Tally()) == fold(passed)


def test_a_whole_answer_that_is_shown_as_a_stream_has_none_either():
    tally = Tally()
    out = render_whole_as_stream(openai_chat.CLIENT, answer(Text("```json\n[]\n```")), asked(), tally)
    assert b'"content":"[]"' in out
    assert b"`" not in out
    assert tally.notes == ["unfenced"]


def asked() -> RenderContext:
    request = Request(messages=(), output=JSON)
    return RenderContext(request=request, new_id=lambda prefix: f"{prefix}1", created=1)


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        pytest.param(["``"], "``", id="in what may be a fence"),
        pytest.param(["```json\n", '{"a"'], '{"a"', id="in the JSON"),
        pytest.param(["```json\n", '{"a":1', "\n "], '{"a":1\n ', id="in blanks"),
        pytest.param(["```json\n", '{"a":1}', "\n``"], '{"a":1}\n``', id="in the closing fence"),
        pytest.param(["```json\n", '{"a":1}', "\n```"], '{"a":1}', id="behind it"),
    ],
)
def test_a_stream_that_breaks_off_has_shown_all_there_was(pieces, shown):
    context = asked()
    crossing = choose(openai_chat.CLIENT, anthropic_messages.PROVIDER, context.request, "anthropic")
    stream = crossing.open_stream(context)
    out = b""
    events = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": each}}
            for each in pieces
        ),
    ]
    for each in events:
        out += stream.feed(sse.render(dumps(each), each["type"].encode()))
    with pytest.raises(UpstreamError) as broken:
        stream.close()
    out += stream.fail(broken.value)
    assert broken.value.reason is Reason.STREAM_CUT
    *told, failure = [loads(line.removeprefix(b"data: ")) for line in out.split(b"\n\n") if line]
    assert "".join(each["choices"][0]["delta"].get("content") or "" for each in told) == shown
    assert "error" in failure
