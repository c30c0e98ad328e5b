"""What is common to all flavours."""

from proxy.conformance.simulators.openai.flavours import AZURE_FLAVOUR, OPENAI_FLAVOUR, filtered


def test_only_azure_filters() -> None:
    assert filtered(OPENAI_FLAVOUR) == {}
    assert filtered(AZURE_FLAVOUR)["content_filter_results"]["hate"]["severity"] == "safe"
