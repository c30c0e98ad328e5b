import pytest

from translators.formats.model_list import parse_entries


def test_entries_with_an_id_are_listed_in_order():
    entries = [{"id": "b"}, {"id": ""}, {}, "x", {"id": 5}, {"id": "a", "owned_by": "me"}]
    assert parse_entries({"object": "list", "data": entries}) == ({"id": "b"}, {"id": "a", "owned_by": "me"})


def test_a_bare_list_is_a_list():
    assert parse_entries([{"id": "a"}]) == ({"id": "a"},)


@pytest.mark.parametrize("body", [None, {}, {"data": None}, {"data": {}}, "x", 5])
def test_anything_else_lists_nothing(body):
    assert parse_entries(body) == ()
