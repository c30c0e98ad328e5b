"""Recorded exchanges say the same after they went through the format, however their bytes are split."""

import json

import pytest

from translators.canonical import Reason, RequestError, Text, UpstreamError, fold
from translators.formats.openai_completions import CLIENT, PROVIDER

from .samples import ask, context, events, parsed, recordings, relayed


def answers(recording) -> str:
    body = recording["response"].get("body_json")
    return recording["response"]["body_text"] if body is None else json.dumps(body)


GOOD = [each for each in recordings() if each["response"]["status"] == 200 and '"text_completion"' in answers(each)]
WHOLE = [pytest.param(each, id=each["id"]) for each in GOOD if not each["stream"]]
STREAMS = [pytest.param(each, id=each["id"]) for each in GOOD if each["stream"]]
REFUSED = [pytest.param(each, id=each["id"]) for each in recordings() if each["response"]["status"] != 200]
ALIEN = [
    pytest.param(each, id=each["id"]) for each in recordings() if each["response"]["status"] == 200 and each not in GOOD
]


def assert_says_the_same(response, documents) -> None:
    """Compares with what the documents say, read here without any of the code under test."""
    choices = [choice for document in documents for choice in document["choices"]]
    for index in {choice["index"] for choice in choices}:
        mine = [choice for choice in choices if choice["index"] == index]
        said = response.choices[index]
        assert "".join(block.text for block in said.message.blocks if isinstance(block, Text)) == "".join(
            choice["text"] for choice in mine
        )
        assert said.finish_raw == mine[-1]["finish_reason"] == said.finish.value
    usages = [document["usage"] for document in documents if document.get("usage")]
    counted = (response.usage.input, response.usage.output)
    assert counted == ((usages[-1]["prompt_tokens"], usages[-1]["completion_tokens"]) if usages else (0, 0))
    assert (response.id, response.model) == (documents[0]["id"], documents[0]["model"])


def test_there_are_recordings_of_every_kind():
    assert (len(WHOLE), len(STREAMS), len(REFUSED), len(ALIEN)) == (4, 3, 2, 3)


@pytest.mark.parametrize("recording", WHOLE)
def test_a_whole_answer_says_the_same(recording):
    body = recording["response"]["body_json"]
    response = PROVIDER.parse_response(body, recording["provider"])
    assert_says_the_same(response, [body])
    assert CLIENT.mend(body) is None
    shown = CLIENT.render_response(response, context())
    assert PROVIDER.parse_response(shown, recording["provider"]) == response
    assert [choice["logprobs"] for choice in shown["choices"]] == [choice["logprobs"] for choice in body["choices"]]


@pytest.mark.parametrize("recording", STREAMS)
def test_a_stream_says_the_same_however_it_is_split(recording):
    raw = recording["response"]["body_text"].encode()
    folded = [fold(parsed(raw, step)) for step in (len(raw), 1, 7, 1000)]
    assert_says_the_same(folded[0], events(raw)[:-1])
    assert folded == [folded[0]] * len(folded)


@pytest.mark.parametrize("recording", STREAMS)
@pytest.mark.parametrize("step", [1, 50, 1 << 20])
def test_a_stream_of_the_same_format_keeps_its_bytes(recording, step):
    raw = recording["response"]["body_text"].encode()
    request = ask(**{key: value for key, value in recording["request"]["body"].items() if value is not None})
    relay = CLIENT.relay(context(request))
    assert relayed(relay, raw, step) == raw
    response = fold(parsed(raw))
    assert relay.tally.finishes == [choice.finish.value for choice in response.choices]
    assert (relay.tally.usage is None) == (response.usage.source == "none")


@pytest.mark.parametrize("recording", STREAMS)
def test_a_recorded_stream_without_its_last_text_has_failed(recording):
    raw = recording["response"]["body_text"]
    finish = raw.index('"finish_reason":"')
    cut = raw[: raw.rindex("data:", 0, finish)].encode()
    for stream in (PROVIDER.stream_parser("openai"), CLIENT.relay(context(ask(stream=True)))):
        stream.feed(cut)
        with pytest.raises(UpstreamError) as caught:
            stream.close()
        assert caught.value.reason is Reason.STREAM_CUT


@pytest.mark.parametrize("recording", REFUSED)
def test_a_refusal_is_understood(recording):
    answer = recording["response"]
    error = PROVIDER.parse_error(answer["status"], answer["headers"], json.dumps(answer["body_json"]).encode())
    assert error.http_status == answer["status"]
    assert error.upstream_code == answer["body_json"]["error"]["code"]
    assert error.reason is (Reason.AUTH if answer["status"] == 401 else Reason.INVALID_REQUEST)


def test_our_own_refusal_is_in_openais_words():
    (recording,) = [each for each in recordings() if "bad-request" in each["id"]]
    asked = {**recording["request"]["body"], "temperature": 1}  # OpenAI names one mistake of the two
    with pytest.raises(RequestError) as caught:
        CLIENT.parse_request(asked, b"")
    assert CLIENT.render_error(caught.value) == recording["response"]["body_json"]


@pytest.mark.parametrize("recording", ALIEN)
def test_an_answer_of_another_api_is_refused_at_once(recording):
    answer = recording["response"]
    take = CLIENT.relay(context(ask(stream=True))).feed if recording["stream"] else PROVIDER.parse_response
    given = (answer["body_text"].encode(),) if recording["stream"] else (answer["body_json"], "openai")
    with pytest.raises(UpstreamError) as caught:
        take(*given)
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")
