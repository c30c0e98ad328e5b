"""Media and declarations that both dialects check alike."""

from __future__ import annotations

import pytest

from proxy.conformance.simulators.openai.pieces import check_file, check_function, check_image
from proxy.conformance.simulators.openai.saying_no import OPENAI
from proxy.conformance.simulators.server import RefusedError
from tests.proxy.conformance.simulators.asking import PDF, PNG


def test_images() -> None:
    check_image(f"data:image/png;base64,{PNG}", "x", OPENAI)
    check_image("https://example.com/a.png", "x", OPENAI)
    for wrong in (PNG, "ftp://x", f"data:image/png,{PNG}", f"data:image/gif;base64,{PNG}", 7):
        with pytest.raises(RefusedError):
            check_image(wrong, "x", OPENAI)
    with pytest.raises(RefusedError):
        check_image("https://example.com/a.png", "x", OPENAI, fetches=False)


def test_files() -> None:
    check_file(f"data:application/pdf;base64,{PDF}", "a.pdf", "x", OPENAI)
    for data, name in (
        (PDF, "a.pdf"),
        (f"data:application/pdf;base64,{PNG}", "a.pdf"),
        (f"data:a/b;base64,{PDF}", None),
    ):
        with pytest.raises(RefusedError):
            check_file(data, name, "x", OPENAI)


def test_functions() -> None:
    check_function({"name": "a-b_1", "parameters": {"type": "object"}}, "x", OPENAI, strict=False)
    for wrong in ({"name": "a.b"}, {"name": "a", "kind": 1}, {"name": "a", "parameters": {"type": "string"}}):
        with pytest.raises(RefusedError):
            check_function(wrong, "x", OPENAI, strict=False)
    with pytest.raises(RefusedError):
        check_function({"name": "a", "parameters": {"type": "object"}}, "x", OPENAI, strict=True)
