"""`joch providers verify`: the conformance suite against simulated providers, or with --live against a real one.

Offline it asks nobody but simulators on loopback. Live it needs a configuration and spends money, up to a cap.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click

from translators import providers

from . import output
from .flags import config_options

if TYPE_CHECKING:
    from proxy.conformance.report import Cell, Report
    from proxy.conformance.scenario import Scenario

STYLES = ("table", "json", "markdown")
DEFAULT_CAP = "0.25"
_SHOWN = 12


def _amount(_context: click.Context, _option: click.Parameter, value: str | None) -> Decimal | None:
    if value is None:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount <= 0:
        raise click.BadParameter("should be an amount of US dollars, like 0.25")
    return amount


@click.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everyone", is_flag=True, help="every installed provider that can be simulated")
@click.option("--section", "sections", multiple=True, metavar="SECTION", help="only this section; may be repeated")
@click.option("--scenario", "scenarios", multiple=True, metavar="NAME", help="only this scenario; may be repeated")
@click.option("--live", is_flag=True, help="ask the real provider of a configuration; costs money")
@click.option(
    "--max-usd", "cap", callback=_amount, metavar="USD", help=f"what --live may spend; {DEFAULT_CAP} by default"
)
@click.option("--model", metavar="MODEL", help="with --live: which model to ask")
@config_options
@click.option("-o", "--output", "style", type=click.Choice(STYLES), default="table", help="how to print the result")
def command(
    *,
    names: tuple[str, ...],
    everyone: bool,
    sections: tuple[str, ...],
    scenarios: tuple[str, ...],
    live: bool,
    cap: Decimal | None,
    model: str | None,
    paths: tuple[str, ...],
    overlay: tuple[str, ...],
    style: str,
) -> None:
    """Check that providers do what joch says they do. Exit code 1 when a section fails."""
    wanted = _wanted(names, everyone=everyone)
    chosen = _chosen(sections, scenarios)
    asked = _live(wanted, chosen, cap, model, paths, overlay) if live else _offline(wanted, chosen, everyone=everyone)
    show(asked, style)
    sys.exit(1 if asked.failed else 0)


def _wanted(names: tuple[str, ...], *, everyone: bool) -> list[str]:
    installed = providers.names()
    unknown = [name for name in names if name not in installed]
    if unknown:
        raise click.UsageError(
            f"no installed package offers the provider {unknown[0]!r}; installed: {', '.join(installed)}"
        )
    if not names and not everyone:
        raise click.UsageError("name a provider, or say --all")
    return list(names or installed)


def _chosen(sections: tuple[str, ...], scenarios: tuple[str, ...]) -> list[Scenario]:
    from proxy.conformance import scenario

    wrong = [name for name in sections if name not in scenario.SECTIONS]
    if wrong:
        raise click.UsageError(f"no section {wrong[0]!r}; there are: {', '.join(scenario.SECTIONS)}")
    known = scenario.load()
    wrong = [name for name in scenarios if name not in {each.name for each in known}]
    if wrong:
        raise click.UsageError(f"no scenario {wrong[0]!r}")
    return [
        each
        for each in known
        if (not sections or each.section in sections) and (not scenarios or each.name in scenarios)
    ]


def _offline(wanted: Sequence[str], chosen: Sequence[Scenario], *, everyone: bool) -> Report:
    from proxy.conformance import runner
    from proxy.conformance.report import Report
    from proxy.conformance.targets import NotVerifiableError

    report = Report()
    for name in wanted:
        try:
            verified = runner.verify(name, chosen)
        except (NotVerifiableError, providers.BrokenProviderError) as error:
            if not everyone:
                output.failure(str(error))
                sys.exit(2)
            report.notes.append(str(error))
            continue
        report.add(verified.cells)
    return report


def _live(
    wanted: Sequence[str],
    chosen: Sequence[Scenario],
    cap: Decimal | None,
    model: str | None,
    paths: tuple[str, ...],
    overlay: tuple[str, ...],
) -> Report:
    from proxy import config
    from proxy.config import zero
    from proxy.conformance.live import NotAffordableError, verify_live

    from .reading import load, paths_or_default

    if len(wanted) != 1:
        raise click.UsageError("--live verifies one provider at a time")
    try:
        found = paths_or_default(paths)
        snapshot = load(found, overlay).snapshot if found else zero.from_environment(os.environ, {})
    except config.ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    try:
        return verify_live(
            snapshot,
            wanted[0],
            chosen,
            cap=cap or Decimal(DEFAULT_CAP),
            cap_given=cap is not None,
            name=model,
            progress=_progress if sys.stderr.isatty() else None,
        )
    except NotAffordableError as error:
        output.failure(str(error))
        sys.exit(2)


def _progress(cell: Cell) -> None:
    click.echo(f"{cell.word:8} {cell.place}", err=True)


def show(report: Report, style: str) -> None:
    """Print a report."""
    from proxy.conformance.report import markdown

    if style == "json":
        output.document(report.document(), "json")
        return
    if style == "markdown":
        click.echo(markdown(report), nl=False)
    else:
        output.columns(("PROVIDER", "SECTION", "RESULT", "PASSED"), _rows(report), right=("PASSED",))
    for cell in report.failed[:_SHOWN]:
        click.echo(f"\n{cell.target}: {cell.place}", err=True)
        for failure in cell.failures:
            click.echo(f"  {failure}", err=True)
    if len(report.failed) > _SHOWN:
        click.echo(f"\n... and {len(report.failed) - _SHOWN} more; -o json has them all", err=True)
    for note in report.notes:
        click.echo(note, err=True)


def _rows(report: Report) -> list[tuple[Any, ...]]:
    rows = []
    for provider in dict.fromkeys(cell.provider for cell in report.cells):
        for section, (passed, of) in report.sections(provider).items():
            rows.append((provider, section, "ok" if passed == of else "fail", f"{passed}/{of}"))
    return rows
