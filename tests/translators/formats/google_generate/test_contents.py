import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.canonical import Media, Message, Native, Reason, Text, ToolResult, UpstreamError
from translators.formats.google_generate.contents import GO_ON, NO_RESULT, UNSIGNED
from translators.formats.google_generate.model_turn import ModelTurn
from translators.formats.google_generate.models import NEWEST, generation

from .asking import NEW, OLD, assistant, call, changes, contents, rendered, result, thought, user

PNG = Media(kind="image", mime="image/png", data="iVBORw0KGgo=")
SOUND = Media(kind="audio", mime="audio/wav", data="UklGRg==")


def test_turns_of_one_side_become_one():
    got = contents(user("a"), user("b"), assistant(Text("c")), assistant(Text("d")), user("e"))
    assert got == [
        ("user", [{"text": "a"}, {"text": "b"}]),
        ("model", [{"text": "c"}, {"text": "d"}]),
        ("user", [{"text": "e"}]),
    ]


def test_leading_instructions_stand_apart_and_late_ones_become_notes():
    messages = (Message("developer", (Text("two"),)), user("hi"), Message("system", (Text("late"),)), user("go"))
    body = rendered(*messages, instructions=(Text("one"),))
    assert body["systemInstruction"] == {"parts": [{"text": "one"}, {"text": "two"}]}
    assert body["contents"][0]["parts"] == [{"text": "hi"}, {"text": "<system>\nlate\n</system>"}, {"text": "go"}]
    assert changes(*messages) == ["messages[0].role: mapped", "messages[2]: reshaped"]


def test_an_instruction_that_says_nothing_is_no_note():
    messages = (user("q"), Message("system", (Text(""),)), user("r"))
    assert contents(*messages) == [("user", [{"text": "q"}, {"text": "r"}])]
    assert changes(*messages) == ["messages[1]: dropped"]


def test_results_stand_in_one_turn_in_the_order_of_their_calls():
    got = contents(
        user("q"),
        assistant(thought("call_signature", "S"), call("a", "f"), call("b", "g")),
        result("b", "2"),
        result("a", "1"),
        user("thanks"),
    )
    assert got[1][1][0] == {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "S"}
    assert got[2] == (
        "user",
        [
            {"functionResponse": {"id": "a", "name": "f", "response": {"output": "1"}}},
            {"functionResponse": {"id": "b", "name": "g", "response": {"output": "2"}}},
            {"text": "thanks"},
        ],
    )


def test_older_models_match_results_by_place_and_take_no_ids():
    got = contents(user("q"), assistant(call("a")), result("a", "1"), model=OLD)
    assert got[1][1] == [{"functionCall": {"name": "f", "args": {}}}]
    assert got[2][1] == [{"functionResponse": {"name": "f", "response": {"output": "1"}}}]


def test_an_id_that_is_used_again_stays_one_of_a_kind_for_its_call_and_result():
    got = contents(user("q"), assistant(call("0", "f")), result("0", "1"), assistant(call("0", "g")), result("0", "2"))
    assert got[3][1][0]["functionCall"]["id"] == got[4][1][0]["functionResponse"]["id"] == "0_2"
    assert got[4][1][0]["functionResponse"] == {"id": "0_2", "name": "g", "response": {"output": "2"}}


def test_a_result_is_data_whatever_it_looks_like():
    text = '{"$ref": "#/x", "output": 1}'
    got = contents(user("q"), assistant(call("a")), result("a", text))
    assert got[2][1][0]["functionResponse"]["response"] == {"output": text}


def test_an_error_is_told_as_one():
    got = contents(user("q"), assistant(call("a")), result("a", "gone", is_error=True))
    assert got[2][1][0]["functionResponse"]["response"] == {"error": "gone"}


def test_pictures_stand_in_the_result_where_the_model_takes_them():
    messages = (user("q"), assistant(call("a")), result("a", "see", PNG))
    part = contents(*messages)[2][1]
    assert part[0]["functionResponse"]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": PNG.data}}]
    assert contents(*messages, model=OLD)[2][1][1:] == [
        {"text": "Output of f:"},
        {"inlineData": {"mimeType": "image/png", "data": PNG.data}},
    ]
    assert "messages[2]: reshaped" in changes(*messages, model=OLD)


def test_sound_never_stands_in_a_result():
    messages = (user("q"), assistant(call("a"), call("b")), result("a", "hear", SOUND), result("b", "2"))
    parts = contents(*messages)[2][1]
    assert ["functionResponse" in part for part in parts] == [True, True, False, False]
    assert parts[3] == {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}}


def test_a_call_without_a_result_gets_one_that_says_so():
    messages = (user("q"), assistant(call("a"), call("b")), result("b", "2"), user("and?"))
    parts = contents(*messages)[2][1]
    assert parts[0]["functionResponse"]["response"] == {"error": NO_RESULT}
    assert parts[1]["functionResponse"]["response"] == {"output": "2"}
    assert "messages[1]: emulated" in changes(*messages)


def test_a_result_that_comes_late_moves_up_to_its_call():
    messages = (user("q"), assistant(call("a")), user("wait"), result("a", "1"))
    assert contents(*messages)[2][1] == [
        {"functionResponse": {"id": "a", "name": "f", "response": {"output": "1"}}},
        {"text": "wait"},
    ]
    assert "messages[3]: reshaped" in changes(*messages)


def test_a_result_without_its_call_becomes_text():
    messages = (user("q"), result("zz", "1", name="f"))
    assert contents(*messages) == [("user", [{"text": "q"}, {"text": "Result of f:\n1"}])]
    assert changes(*messages) == ["messages[1]: reshaped"]


def test_a_result_never_answers_a_call_that_comes_after_it():
    messages = (user("q"), result("a", "old"), assistant(call("a")), result("a", "new"))
    got = contents(*messages)
    assert got[0][1][1] == {"text": "Result of a tool:\nold"}
    assert got[2][1][0]["functionResponse"]["response"] == {"output": "new"}


def test_a_second_result_of_a_call_becomes_text():
    messages = (user("q"), assistant(call("a")), result("a", "1"), result("a", "2"))
    assert contents(*messages)[2][1] == [
        {"functionResponse": {"id": "a", "name": "f", "response": {"output": "1"}}},
        {"text": "Result of a tool:\n2"},
    ]
    assert "messages[3]: reshaped" in changes(*messages)


def test_a_call_that_was_given_up_takes_no_result_of_a_later_one_with_its_id():
    messages = (user("q"), assistant(call("a")), user("no"), assistant(call("a")), result("a", "2"))
    got = contents(*messages)
    assert got[2][1][0]["functionResponse"]["response"] == {"error": NO_RESULT}
    assert got[4][1][0]["functionResponse"]["response"] == {"output": "2"}


def test_calls_with_one_id_in_one_turn_are_answered_in_order():
    got = contents(user("q"), assistant(call("a")), assistant(call("a")), result("a", "1"), result("a", "2"))
    assert [part["functionResponse"]["response"]["output"] for part in got[2][1]] == ["1", "2"]


def test_a_long_history_that_uses_one_id_again_and_again_costs_no_more_than_any_other():
    class Ids(dict):
        asked = 0

        def __contains__(self, key):
            Ids.asked += 1
            return super().__contains__(key)

    ids = Ids()
    for _ in range(500):
        ModelTurn(NEW, "messages[0]", ids, lambda *_: None).render((call("a"),))
    assert Ids.asked < 2000, "the numbers that are taken were counted again for every call"
    assert len(ids) == 500


@pytest.mark.parametrize(
    ("messages", "roles"),
    [
        ((), ["user"]),
        ((Message("system", (Text("x"),)),), ["user"]),
        ((assistant(Text("a")),), ["user", "model", "user"]),
        ((user("q"), assistant(Text("The answer is"))), ["user", "model", "user"]),
        ((user(""),), ["user"]),
    ],
)
def test_the_user_begins_and_ends(messages, roles):
    got = contents(*messages)
    assert [role for role, _ in got] == roles
    assert got[-1][1] == [{"text": GO_ON}]
    assert any(change.endswith("emulated") for change in changes(*messages))


# --- signatures of the running turn -----------------------------------------------------------------------------------


def signed(*messages: Message, model: str = NEW) -> list[str | None]:
    parts = [part for _, parts in contents(*messages, model=model) for part in parts]
    return [part.get("thoughtSignature") for part in parts if "functionCall" in part]


def test_each_unsigned_step_of_the_running_turn_gets_the_placeholder_on_its_first_call():
    messages = (
        user("q"),
        assistant(call("a"), call("b")),
        result("a", "1"),
        result("b", "2"),
        assistant(thought("call_signature", "S"), call("c"), call("d")),
        result("c", "3"),
        result("d", "4"),
    )
    assert signed(*messages) == [UNSIGNED, None, "S", None]
    assert signed(*messages, model=OLD) == [None, None, "S", None]
    assert changes(*messages) == ["messages.reasoning: emulated"]


def test_earlier_turns_need_no_signature():
    messages = (user("q"), assistant(call("a")), result("a", "1"), assistant(Text("done")), user("more"))
    assert signed(*messages) == [None]
    assert changes(*messages) == []


def test_a_note_among_the_results_does_not_end_the_turn():
    late = Message("system", (Text("hurry"),))
    messages = (user("q"), assistant(call("a")), result("a", "1"), late, assistant(call("b")), result("b", "2"))
    assert signed(*messages) == [UNSIGNED, UNSIGNED]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-2.5-pro", (2, 5)),
        ("models/gemini-3-flash-preview", (3, 0)),
        ("gemini-3.1-flash-lite", (3, 1)),
        ("gemini-4-argon", (4, 0)),
        ("gemini-flash-latest", NEWEST),
        ("gemini-embedding-001", NEWEST),
        ("tunedModels/abc", NEWEST),
    ],
)
def test_names_tell_the_generation(model, expected):
    assert generation(model) == expected


# --- any conversation at all ------------------------------------------------------------------------------------------

IDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["", "hi"]).map(Text)
CALLS = st.builds(call, IDS, st.sampled_from(["f", "g"]))
SEALS = st.sampled_from(["call_signature", "thought_signature", "text_signature", "part"]).map(
    lambda kind: thought(kind, '{"toolCall":{}}' if kind == "part" else "S")
)
MESSAGES = st.lists(
    st.one_of(
        st.lists(TEXTS, max_size=2).map(lambda blocks: Message("user", tuple(blocks))),
        TEXTS.map(lambda block: Message("system", (block,))),
        st.lists(st.one_of(TEXTS, CALLS, SEALS), max_size=4).map(lambda blocks: assistant(*blocks)),
        st.builds(result, IDS, st.just("out"), is_error=st.booleans()),
    ),
    max_size=9,
)


@given(messages=MESSAGES, model=st.sampled_from([OLD, NEW]))
@settings(max_examples=200, deadline=None)
def test_whatever_the_client_sends_google_gets_what_it_demands(messages, model):
    got = contents(*messages, model=model)
    roles = [role for role, _ in got]
    assert roles[0] == roles[-1] == "user"
    assert all(one != other for one, other in itertools.pairwise(roles)), "turns alternate"
    used: list[str] = []
    for at, (role, parts) in enumerate(got):
        assert parts
        assert all(part["text"] or "thoughtSignature" in part for part in parts if "text" in part)
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        assert not (calls and role == "user")
        assert not (results and role == "model")
        if calls:
            answers = [part["functionResponse"] for part in got[at + 1][1] if "functionResponse" in part]
            assert [(each["name"], each.get("id")) for each in calls] == [
                (each["name"], each.get("id")) for each in answers
            ]
        if results:
            assert any("functionCall" in part for part in got[at - 1][1])
        used += [each["id"] for each in calls if "id" in each]
    assert len(set(used)) == len(used)
    if model == NEW:
        assert_running_turn_is_signed(got)


def assert_running_turn_is_signed(got: list[tuple[str, list[dict]]]) -> None:
    starts = [
        at for at, (role, parts) in enumerate(got) if role == "user" and not any("functionResponse" in p for p in parts)
    ]
    for _, parts in got[starts[-1] :] if starts else got:
        calls = [part for part in parts if "functionCall" in part]
        assert not calls or "thoughtSignature" in calls[0]


# --- what cannot be said ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (Message("user", (Native("openai_chat", {}),)), "content that only openai_chat knows"),
        (Message("system", (PNG,)), "anything but text in an instruction"),
        (Message("user", (call("a"),)), "this content in this place"),
        (Message("user", (Media(kind="file", file_id="file-1"),)), "file input that is not in the request itself"),
    ],
)
def test_what_cannot_be_said_is_refused(message, what):
    with pytest.raises(UpstreamError) as caught:
        contents(message)
    assert caught.value.reason is Reason.UNSUPPORTED
    assert what in caught.value.body.message


def test_results_of_custom_tools_are_refused():
    custom = Message("tool", (ToolResult("a", (Text("1"),), kind="custom"),))
    with pytest.raises(UpstreamError, match="custom"):
        contents(user("q"), assistant(call("a")), custom)


def test_hints_are_left_out_and_listed():
    named = Message("user", (Text("hi", annotations=({"type": "x"},)),), name="Ann", extra={"tag": 1})
    assert changes(named) == [
        "messages[0].name: dropped",
        "messages[0].tag: dropped",
        "messages[0].content[0].annotations: dropped",
    ]


@pytest.mark.parametrize(
    ("details", "resolution"),
    [
        (("low", "low"), "MEDIA_RESOLUTION_LOW"),
        (("high",), "MEDIA_RESOLUTION_HIGH"),
        (("low", "high"), None),
        (("low", None), None),
        (("auto",), None),
    ],
)
def test_detail_is_the_resolution_of_all_media_where_all_pictures_agree(details, resolution):
    pictures = tuple(Media(kind="image", mime="image/png", data="iVBORw0KGgo=", detail=each) for each in details)
    body = rendered(Message("user", pictures))
    assert body.get("generationConfig", {}).get("mediaResolution") == resolution
    listed = [change for change in changes(Message("user", pictures)) if change.endswith("mapped")]
    assert bool(listed) is (resolution is not None)
