"""Nothing that a client or a provider may send ends in anything but the error that is meant for it."""

import copy
import json
import random

import pytest

from translators.canonical import RequestError, UpstreamError
from translators.formats.openai_responses import CLIENT, PROVIDER

from .recorded import ASKED, STREAMS, WHOLES
from .streams import context, events, simple_stream

JUNK = (None, True, -1, 2**70, 1.5, "", "x", [], [1], [[]], {}, {"type": 3}, {"type": "message"}, {"type": "reasoning"})


def spoiled(value, luck: random.Random, depth: int = 0):
    """`value` with one member, somewhere, replaced by junk or gone."""
    if isinstance(value, dict) and value and (depth == 0 or luck.random() < 0.8):
        key = luck.choice(list(value))
        if luck.random() < 0.1:
            return {name: inner for name, inner in value.items() if name != key}
        return {**value, key: spoiled(value[key], luck, depth + 1)}
    if isinstance(value, list) and value and luck.random() < 0.8:
        changed = list(value)
        place = luck.randrange(len(changed))
        changed[place] = spoiled(changed[place], luck, depth + 1)
        return changed
    return copy.deepcopy(luck.choice(JUNK))


@pytest.mark.parametrize("recording", ASKED, ids=repr)
def test_a_spoiled_request_is_understood_or_refused(recording):
    luck = random.Random(recording.name)
    for _ in range(150):
        body = spoiled(recording.request, luck)
        try:
            request = CLIENT.parse_request(body, b"")
        except RequestError:
            continue
        json.dumps(PROVIDER.render_request(request, "m").body)


@pytest.mark.parametrize("recording", WHOLES, ids=repr)
def test_a_spoiled_answer_is_understood_or_raises(recording):
    luck = random.Random(recording.name)
    for _ in range(150):
        body = spoiled(recording.whole, luck)
        try:
            response = PROVIDER.parse_response(body, "openai")
        except UpstreamError:
            continue
        json.dumps(CLIENT.render_response(response, context()))
        CLIENT.mend(body)


@pytest.mark.parametrize("recording", STREAMS, ids=repr)
def test_a_spoiled_stream_is_understood_or_raises(recording):
    luck = random.Random(recording.name)
    relay = CLIENT.relay(context())
    found = events(relay.feed(recording.text.encode()) + relay.close())
    for _ in range(40):
        changed = list(found)
        for _ in range(3):
            place = luck.randrange(len(changed))
            changed[place] = spoiled(changed[place], luck)
        data = b"".join(b"event: x\ndata: %b\n\n" % json.dumps(event).encode() for event in changed)
        parser, renderer = PROVIDER.stream_parser("openai"), CLIENT.stream_renderer(context())
        try:
            events(renderer.render([*parser.feed(data), *parser.close()]))
        except UpstreamError as error:
            events(renderer.fail(error))
        relay = CLIENT.relay(context())
        try:
            out = relay.feed(data)
            events(out + relay.close())
        except UpstreamError as error:
            events(relay.fail(error))


def test_the_measure_itself_breaks_things():
    luck = random.Random(1)
    good = events(simple_stream())
    assert sum(spoiled(good, luck) != good for _ in range(50)) > 40
