import pytest

from translators.canonical import CacheHint, Media, Native, Origin, Refusal, RequestError, Text
from translators.formats.openai_responses.parse_parts import parse_parts, place_of


def part(wire):
    (block,) = parse_parts([wire], 2, "content")
    return block


def test_text_keeps_its_place_and_its_cache_mark():
    marked = {"type": "input_text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
    assert part(marked) == Text("hi", cache=CacheHint("30m"), origin=Origin("/input/2/content/0", 2, "message"))


def test_an_image_comes_by_url_as_data_or_by_id():
    by_url = part({"type": "input_image", "image_url": "https://x.test/a.png", "detail": "low"})
    assert (by_url.url, by_url.data, by_url.detail) == ("https://x.test/a.png", None, "low")
    by_data = part({"type": "input_image", "image_url": "data:image/png;base64,AAAA"})
    assert (by_data.url, by_data.data, by_data.mime) == (None, "AAAA", "image/png")
    by_id = part({"type": "input_image", "file_id": "file-1"})
    assert (by_id.file_id, by_id.provider) == ("file-1", "openai")


def test_a_file_comes_as_data_by_url_or_by_id():
    data = part({"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"})
    assert (data.kind, data.data, data.mime, data.filename) == ("file", "AAAA", "application/pdf", "a.pdf")
    assert part({"type": "input_file", "file_data": "AAAA"}).mime is None
    assert part({"type": "input_file", "file_url": "https://x.test/a.pdf"}).url == "https://x.test/a.pdf"
    assert part({"type": "input_file", "file_id": "file-1"}).provider == "openai"


def test_sound_is_accepted_though_the_api_has_no_place_for_it():
    sound = part({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}})
    assert isinstance(sound, Media)
    assert (sound.kind, sound.data, sound.mime) == ("audio", "AAAA", "audio/wav")


def test_a_replayed_answer_keeps_what_it_had():
    wire = {"type": "output_text", "text": "t", "annotations": [{"type": "file_path"}], "logprobs": [{"token": "t"}]}
    block = part(wire)
    assert block.annotations == ({"type": "file_path"},)
    assert block.logprobs == ({"token": "t"},)
    assert part({"type": "output_text", "text": "t"}) == Text("t", origin=Origin("/input/2/content/0", 2, "message"))
    assert part({"type": "refusal", "refusal": "no"}).text == "no"
    assert isinstance(part({"type": "refusal", "refusal": "no"}), Refusal)


def test_unknown_members_and_unknown_parts_are_kept():
    assert part({"type": "input_text", "text": "a", "mood": "calm", "nothing": None}).origin.rest == {"mood": "calm"}
    hologram = {"type": "input_hologram", "cubes": 3}
    assert part(hologram) == Native("openai_responses", hologram, Origin("/input/2/content/0", 2, "message"))


@pytest.mark.parametrize(
    ("wire", "param", "code"),
    [
        ("text", "input[2].content[0]", "invalid_type"),
        ({"text": "a"}, "input[2].content[0].type", "missing_required_parameter"),
        ({"type": 3}, "input[2].content[0].type", "invalid_type"),
        ({"type": "text", "text": "a"}, "input[2].content[0].type", "invalid_value"),
        ({"type": "image_url", "image_url": {"url": "x"}}, "input[2].content[0].type", "invalid_value"),
        ({"type": "input_text"}, "input[2].content[0].text", "missing_required_parameter"),
        ({"type": "input_image", "image_url": {"url": "x"}}, "input[2].content[0].image_url", "invalid_type"),
        ({"type": "input_image"}, "input[2].content[0].image_url", "missing_required_parameter"),
        ({"type": "input_file"}, "input[2].content[0].file_data", "missing_required_parameter"),
        ({"type": "input_audio"}, "input[2].content[0].input_audio", "missing_required_parameter"),
        ({"type": "input_audio", "input_audio": {"data": 1}}, "input[2].content[0].input_audio.data", "invalid_type"),
        ({"type": "output_text", "text": "a", "annotations": 1}, "input[2].content[0].annotations", "invalid_type"),
    ],
)
def test_a_mistake_is_named_by_its_place(wire, param, code):
    with pytest.raises(RequestError) as raised:
        part(wire)
    assert (raised.value.body.param, raised.value.body.code) == (param, code)


def test_a_place_is_spelled_as_in_errors():
    assert place_of(Origin("/input/0/content/1")) == "input[0].content[1]"
