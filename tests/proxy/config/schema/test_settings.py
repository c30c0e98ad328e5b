from typing import Any

import pytest
from pydantic import ValidationError

from proxy.config.schema.settings import RouterSettingsSpec


def read(members: dict[str, Any]) -> RouterSettingsSpec:
    return RouterSettingsSpec.model_validate(members)


def test_aliases_keep_their_order() -> None:
    assert list(read({"aliases": {"z*": "a", "a*": "b", "m": "c"}}).aliases) == ["z*", "a*", "m"]


@pytest.mark.parametrize(
    "members",
    [
        {"listen": {"port": 70000}},
        {"listen": {"port": True}},
        {"listen": {"basePaths": []}},
        {"listen": {"basePaths": ["v1"]}},
        {"listen": {"basePaths": ["/v1?x"]}},
        {"listen": {"tls": {"certFile": "a"}}},
        {"unknownModel": "default-route"},
        {"logging": {"level": "loud"}},
        {"residency": {"EU": {"alow": []}}},
        {"fx": {"EUR": -1}},
    ],
)
def test_what_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(members)


def test_base_paths_lose_their_trailing_slash() -> None:
    assert read({"listen": {"basePaths": ["/v1/", "/"]}}).listen.base_paths == ["/v1", "/"]
