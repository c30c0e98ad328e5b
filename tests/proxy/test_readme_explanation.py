"""The README's explanation is what a real call over three candidates leaves; times and ids are written the same each time.

`python -m tests.proxy.test_readme_explanation` writes it anew.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import httpx

from proxy.resources import Constraints, Pricing
from tests.proxy.cli.running import joch as command
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import scripted_server
from tests.support.snapshots import model, route, snapshot

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- explanation: begin -->", "<!-- explanation: end -->"
_STEADY = (
    (re.compile(r"mc_[0-9A-Z]{26}"), "mc_01K…"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"), "2026-11-25 10:15:30Z"),
    (re.compile(r"[\d ]*\d(?:\.\d+)? ms"), " 12 ms"),
    (re.compile(r"RateLimited: [\d.]+ s"), "RateLimited: 20.0 s"),
)


def explanation() -> str:
    """What `joch route exec-123 --explain` prints of it."""
    with scripted_server() as upstream:
        price = Pricing(input=Decimal("1.25"), output=Decimal(10))
        models = [
            model("openai", upstream.script("a", refusal(503)), "gpt-5-thinking", pricing=price),
            model("openai", upstream.script("b", refusal(429, retry_after="20")), "gpt-4o", pricing=price),
            model("openai", upstream.script("c", chat_upstream("Offer B is cheaper.")), "gpt-4o-eu", pricing=price),
        ]
        blind = model("openai", upstream.url("d"), "small", pricing=price, context_window=16)
        limits = Constraints(max_cost_per_execution=Decimal(5))
        refs = [models[0].ref, models[1].ref, blind.ref, models[2].ref]
        made = snapshot([*models, blind], [route("research", *refs, constraints=limits)])
        with running_joch(made) as running:
            httpx.post(
                f"{running.base_url}/chat/completions",
                json={
                    "model": "research",
                    "messages": [{"role": "user", "content": "Which of the two offers is cheaper?"}],
                    "max_tokens": 200,
                },
                headers={"X-Joch-Execution": "exec-123", "X-Joch-Agent": "researcher"},
                timeout=20,
            )
            printed = command("route", "exec-123", "--explain", "--server", running.root).stdout
    for pattern, steady in _STEADY:
        printed = pattern.sub(steady, printed)
    return printed.strip()


def replaced(text: str, made: str) -> str:
    """The README with `made` between the markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n```\n$ joch route exec-123 --explain\n{made}\n```\n{END}{after}"


def test_the_explanation_in_the_readme_is_what_a_call_leaves() -> None:
    text = README.read_text(encoding="utf-8")
    assert BEGIN in text
    assert END in text
    assert text == replaced(text, explanation()), "write it anew: python -m tests.proxy.test_readme_explanation"


if __name__ == "__main__":
    README.write_text(replaced(README.read_text(encoding="utf-8"), explanation()), encoding="utf-8")
