"""python -m tests.bench [ROW ...]: measure, print the table, and say with the exit status whether the budget holds."""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import os
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from . import load
from .rows import ROWS, Figure
from .servers import cores
from .stage import Stage
from .upstream import Upstream

_HEAD = ("row", "unit", "bare", "joch", "ratio", "budget ratio", "")


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description="The performance budget, measured.")
    options.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all if none is named")
    options.add_argument("--rounds", type=int, default=5, help="how often each pair is measured (5)")
    options.add_argument("--subject", choices=("joch", "bare"), default="joch", help="bare: see the noise itself")
    options.add_argument("--quick", action="store_true", help="two rounds: a look, not a verdict")
    chosen = options.parse_args()
    unknown = set(chosen.rows) - ROWS.keys()
    if unknown:
        options.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    return chosen


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _cells(figure: Figure) -> tuple[str, ...]:
    pair, limit = figure.pair, figure.limit
    sign = "<=" if limit.better == "less" else ">="
    fixed = limit.allowed is None
    return (
        figure.row,
        figure.unit,
        _number(pair.bare),
        _number(pair.joch),
        _number(pair.ratio),
        f"{sign} {_number(limit.budget)} {figure.unit}".rstrip() if fixed else f"{sign} {limit.allowed:.2f}",
        figure.verdict + (f"  ({figure.note})" if figure.note else ""),
    )


def _print_table(figures: list[Figure]) -> None:
    lines = [_HEAD, *(_cells(figure) for figure in figures)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEAD))]
    for number, line in enumerate(lines):
        cells = (
            cell.ljust(width) if at in (0, 1, 6) else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(cells).rstrip())
        if number == 0:
            print("-" * (sum(widths[:6]) + 16))


async def _run(chosen: argparse.Namespace, own_core: int | None, core: int | None) -> int:
    figures: list[Figure] = []
    failed: list[str] = []
    upstream = Upstream()
    await upstream.start()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        rounds = 2 if chosen.quick else chosen.rounds
        stage = Stage(upstream, core, Path(folder), rounds=rounds, subject=chosen.subject)
        for name in chosen.rows or ROWS:
            says = (ROWS[name].__doc__ or "").splitlines()[0]
            print(f"[{time.perf_counter() - began:4.0f} s] {name}: {says}", flush=True)
            try:
                figures += [figure async for figure in ROWS[name](stage)]
            except (load.BadAnswerError, OSError, TimeoutError) as error:
                failed.append(f"{name}: {error}")
    await upstream.close()
    print()
    if figures:
        _print_table(figures)
    over = [figure.row for figure in figures if figure.verdict != "ok"]
    pinned = (
        f"clients on core {own_core}, server on core {core}" if core is not None else "one core for all: distrust it"
    )
    print(
        f"\n{len(figures) - len(over)} of {len(figures)} within the budget, {time.perf_counter() - began:.0f} s, {pinned}"
    )
    for line in failed:
        print(f"not measured: {line}")
    return 1 if over or failed else 0


def main() -> int:
    chosen = _options()
    pair = cores()
    if pair is not None:
        os.sched_setaffinity(0, {pair[0]})
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(chosen, *(pair or (None, None))))


if __name__ == "__main__":
    sys.exit(main())
