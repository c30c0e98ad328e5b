import pytest

from translators.canonical import UpstreamError
from translators.formats.google_generate.calls import CallIds, PartialArguments, arguments_of


def ids(response: str = "r1") -> CallIds:
    made = CallIds()
    made.of_answer({"responseId": response})
    return made


def test_googles_own_ids_stay():
    assert ids().give("8hd01vsf", "f", "{}") == "8hd01vsf"


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, 5, "ä"])
def test_ids_that_openais_clients_refuse_are_derived(given):
    id = ids().give(given, "f", "{}")
    assert id.startswith("call_")
    assert len(id) == 21
    assert id == ids().give(given, "f", "{}")


def test_derived_ids_tell_answers_places_names_and_arguments_apart():
    made = ids()
    found = [
        made.give(None, "f", "{}"),
        made.give(None, "f", "{}"),
        ids().give(None, "g", "{}"),
        ids().give(None, "f", "1"),
    ]
    assert len({*found, ids("r2").give(None, "f", "{}")}) == 5


def test_an_id_is_given_once():
    made = ids()
    assert made.give("x", "f", "{}") != made.give("x", "f", "{}")


def put(*pieces: tuple[str, dict]) -> str:
    arguments = PartialArguments()
    for path, value in pieces:
        arguments.read({"partialArgs": [{"jsonPath": path, **value}]})
    return arguments.text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([("$.a", {"stringValue": "x"}), ("$.a", {"stringValue": "y"})], '{"a":"xy"}'),
        ([("$.a.b", {"numberValue": 1.5}), ("$.a.c", {"boolValue": False})], '{"a":{"b":1.5,"c":false}}'),
        (
            [("$.l[0].n", {"stringValue": "x"}), ("$.l[1].n", {"nullValue": "NULL_VALUE"})],
            '{"l":[{"n":"x"},{"n":null}]}',
        ),
        ([("$['a b']", {"stringValue": "x"}), ('$["c\\"d"]', {"numberValue": 2})], '{"a b":"x","c\\"d":2}'),
        ([("$.m[1][0]", {"numberValue": 1})], '{"m":[null,[1]]}'),
        ([("$.a", {"willContinue": True})], '{"a":null}'),
        ([], "{}"),
    ],
)
def test_values_are_put_where_their_path_leads(pieces, text):
    assert put(*pieces) == text


@pytest.mark.parametrize("path", [None, "", "$", "a", "$.", "$..a", "$[x]", "$[*]", "$[99999999]", "$.a["])
def test_a_path_that_leads_nowhere_is_a_failure(path):
    with pytest.raises(UpstreamError):
        put((path, {"stringValue": "x"}))


def test_a_path_through_a_value_is_a_failure():
    with pytest.raises(UpstreamError):
        put(("$.a", {"stringValue": "x"}), ("$.a.b", {"stringValue": "y"}))
    with pytest.raises(UpstreamError):
        put(("$.a", {"stringValue": "x"}), ("$.a[0]", {"stringValue": "y"}))


def nested(depth: int) -> dict:
    found: dict = {}
    for _ in range(depth):
        found = {"a": found}
    return found


def test_arguments_that_nest_too_deep_to_be_passed_on_are_a_failure():
    with pytest.raises(UpstreamError, match="cannot be passed on"):
        arguments_of({"args": nested(300)})
    with pytest.raises(UpstreamError, match="cannot be passed on"):
        put(("$" + ".a" * 300, {"numberValue": 1}))
