from typing import Any

import pytest
from pydantic import ValidationError

from proxy.config.schema.secret import SecretSpec


def code(members: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        SecretSpec.model_validate(members)
    detail = caught.value.errors()[0]
    return str(detail["ctx"]["code"]) if detail["type"] == "joch" else detail["type"]


@pytest.mark.parametrize("name", ["value", "data", "stringData"])
def test_a_secret_never_holds_a_value(name: str) -> None:
    assert code({name: "x"}) == "E-SECRET-INLINE"
    assert code({name: "x", "source": {"type": "env", "name": "A"}}) == "E-SECRET-INLINE"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"keys": {}},
        {"source": {"type": "env", "name": "A"}, "keys": {"a": {"source": {"type": "env", "name": "A"}}}},
        {"source": {"type": "env"}},
        {"source": {"type": "file", "name": "A"}},
    ],
)
def test_a_secret_has_one_complete_form(members: dict[str, Any]) -> None:
    assert code(members) == "E-TYPE"


def test_sources_this_version_cannot_read_are_known_as_such() -> None:
    spec = SecretSpec.model_validate({"source": {"type": "vault", "path": "p", "key": "k"}})
    assert spec.source is not None
    assert not spec.source.readable
