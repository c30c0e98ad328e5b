"""`python -m proxy.conformance --readme [PATH]`: write the table of what works into the README."""

from __future__ import annotations

import sys
from pathlib import Path

from .readme import write


def main(arguments: list[str]) -> int:
    """The exit code: 0 written or up to date, 2 wrong usage."""
    if arguments[:1] != ["--readme"] or len(arguments) > 2:
        sys.stderr.write("usage: python -m proxy.conformance --readme [PATH]\n")
        return 2
    path = Path(arguments[1] if len(arguments) > 1 else "README.md")
    sys.stdout.write(f"{path}: {'written' if write(path) else 'up to date'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
