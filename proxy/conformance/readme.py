"""The README's table of what works: made of the suite's results, between two markers, never by hand."""

from __future__ import annotations

from pathlib import Path

from .report import Report, markdown
from .runner import run
from .scenario import load
from .targets import TARGETS

BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"
LEGEND = (
    "*exact*: it arrives, and comes back, as it was said. *emulated*: by other means, and said so. *reported loss*: something "
    "of it is left out, listed in the call's event and counted in `x-joch-loss`. *refused*: nothing is sent, and the error "
    "names what is missing. Made by `joch providers verify --all -o markdown`; see [docs/conformance.md](docs/conformance.md).\n"
)


def table() -> str:
    """The matrix of joch's own providers, and what its words mean. Runs the whole suite."""
    report = Report()
    for target in TARGETS:
        report.add(run(target, load()))
    return f"{markdown(report)}\n{LEGEND}"


def replaced(text: str, made: str) -> str:
    """`text` with what stands between the markers replaced. Raises `ValueError` when there are none."""
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise ValueError(f"the markers {BEGIN} and {END} are not both there")
    return f"{before}{BEGIN}\n{made}{END}{after}"


def write(path: Path) -> bool:
    """Write the table into the README at `path`. Whether that changed it."""
    old = path.read_text(encoding="utf-8")
    new = replaced(old, table())
    path.write_text(new, encoding="utf-8")
    return new != old
