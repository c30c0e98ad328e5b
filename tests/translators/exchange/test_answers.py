"""An estimate that stands in for usage counts the answer once, however the answer came."""

from __future__ import annotations

from translators.canonical import Choice, Finish, Message, Request, Response, Text, Usage
from translators.exchange import render_whole_as_stream
from translators.formats import RenderContext, Tally, openai_chat


def test_a_whole_answer_shown_as_a_stream_is_not_counted_twice() -> None:
    seen: list[int] = []

    def estimate(tally: Tally) -> Usage:
        seen.append(tally.output_chars)
        return Usage(input=1, output=tally.output_chars, source="estimated")

    context = RenderContext(
        request=Request(messages=(), stream=True, include_usage=True),
        new_id=lambda prefix: prefix + "1",
        created=0,
        estimate=estimate,
    )
    answer = Response(
        id="r1",
        model="m",
        choices=(Choice(index=0, finish=Finish.STOP, message=Message("assistant", (Text("abc"),))),),
    )
    tally = Tally()
    render_whole_as_stream(openai_chat.CLIENT, answer, context, tally)
    assert seen == [3]
    assert tally.output_chars == 3
    assert tally.usage is not None
    assert tally.usage.output == 3
