"""Facts compare by name, media by their bytes."""

from proxy.conformance.simulators.facts import Facts, media, media_url
from tests.proxy.conformance.simulators.asking import PNG


def test_media_is_its_type_and_its_bytes() -> None:
    assert media("image/png", PNG) == media_url(f"data:image/png;base64,{PNG}")
    assert media("image/png", PNG) != media("image/jpeg", PNG)
    assert media("image/png", "not base64!") == "image/png broken"
    assert media_url("https://example.com/a.png") == "https://example.com/a.png"


def test_facts_are_told_by_name() -> None:
    said = Facts(model="m", stream=False, schema={"properties": {"b": 1, "a": 2}}).said()
    assert (said["model"], said["properties"], said["limit"]) == ("m", ["b", "a"], None)
