import pytest

from proxy.config.inline import key_shape, masked, pasted_keys
from proxy.config.problems import Position

# Written in halves, so that no scanner takes this file for a leak.
KEYS = [
    "sk-" + "proj-a1B2c3D4e5F6g7H8i9J0",
    "sk-" + "ant-api03-a1B2c3D4e5F6g7H8",
    "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "gsk_" + "a1B2c3D4e5F6g7H8i9J0a1B2",
    "hf_" + "abcdefghijklmnopqrstuvwxyzABCD",
    "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "-----BEGIN " + "RSA PRIVATE KEY-----",
    "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_pasted_key_is_found_and_not_repeated(key: str) -> None:
    found = pasted_keys(f"a: 1\nb: '{key}' # {key}\n", "c.yaml")
    assert [problem.code for problem in found] == ["E-SECRET-INLINE"]
    assert found[0].position == Position("c.yaml", 2, 5)
    assert key not in str(found[0])
    assert key_shape(key)


@pytest.mark.parametrize(
    "text", ["sk-...", "task-a1B2c3D4e5F6g7H8i9J0", "sk-learn-something-with-words", "OPENAI_API_KEY", ""]
)
def test_what_is_no_key_passes(text: str) -> None:
    assert key_shape(text) is None
    assert pasted_keys(f"a: {text}", "c.yaml") == []


def test_a_comment_is_no_hiding_place() -> None:
    assert len(pasted_keys(f"# old: {KEYS[0]}", "c.yaml")) == 1


def test_masking_takes_keys_out_of_a_sentence() -> None:
    assert masked(f"there is no model {KEYS[0]}, or {KEYS[2]}") == "there is no model ***, or ***"
    assert masked("there is no model gpt-4o") == "there is no model gpt-4o"
