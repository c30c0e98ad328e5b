"""Both spellings of a field are one field."""

from proxy.conformance.simulators.google.spelling import get


def test_a_field_is_found_however_it_is_spelled() -> None:
    assert get({"tool_config": 1}, "toolConfig") == get({"toolConfig": 1}, "toolConfig") == 1
    assert get({}, "toolConfig") is None
