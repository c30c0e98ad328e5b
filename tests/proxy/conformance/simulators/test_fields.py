"""Names of members."""

from proxy.conformance.simulators.fields import camel, fields


def test_a_line_of_names_is_a_set_of_them() -> None:
    assert fields("a b  c") == {"a", "b", "c"}


def test_both_spellings_of_a_name() -> None:
    assert camel("max_output_tokens") == camel("maxOutputTokens") == "maxOutputTokens"
