"""Finds keys that were pasted into a configuration file. Never repeats what it found."""

from __future__ import annotations

import re

from .problems import Position, Problem

_START = r"(?<![A-Za-z0-9_-])"
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a provider API key",
        re.compile(_START + r"sk-(?=[A-Za-z0-9_-]*\d)[A-Za-z0-9_-]{20,}"),
    ),  # OpenAI, Anthropic and kin
    ("a Google API key", re.compile(_START + r"AIza[A-Za-z0-9_-]{35}")),
    ("a provider API key", re.compile(_START + r"(?:gsk_|xai-|r8_|pplx-|nvapi-)[A-Za-z0-9_-]{24,}")),
    ("a Hugging Face token", re.compile(_START + r"hf_[A-Za-z0-9]{30,}")),
    ("a GitHub token", re.compile(_START + r"(?:gh[opsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})")),
    ("an AWS access key", re.compile(_START + r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])")),
    # 43 characters of chance always have capitals; names of hosts and resources have none.
    (
        "a client's key",
        re.compile(_START + r"joch-(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*[a-z])[A-Za-z0-9_-]{32,}"),
    ),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a signed token", re.compile(_START + r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
)
HINT = "put the value into the environment or a file, name it in a Secret, and replace the key: it may have been seen"


def key_shape(text: str) -> str | None:
    """What kind of key `text` contains, or None."""
    return next((what for what, shape in _SHAPES if shape.search(text)), None)


def masked(text: str) -> str:
    """`text` with everything shaped like a key taken out: for words that quote what a file says."""
    for _, shape in _SHAPES:
        text = shape.sub("***", text)
    return text


def pasted_keys(text: str, source: str) -> list[Problem]:
    """One problem for each line, comments included, that holds something shaped like a key."""
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        for what, shape in _SHAPES:
            if found := shape.search(line):
                problems.append(
                    Problem(
                        code="E-SECRET-INLINE",
                        message=f"this looks like {what}",
                        position=Position(source, number, found.start() + 1),
                        hint=HINT,
                    )
                )
                break
    return problems
