"""`python -m proxy` and the command `joch`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; exits with its code."""
    from proxy.cli import command

    command(prog_name="joch")


if __name__ == "__main__":
    main()
