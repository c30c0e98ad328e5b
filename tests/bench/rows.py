"""The rows of the table: what each asks, how it is measured, and the limit it is held to.

Per round both servers are measured right after each other, in alternating order, and the ratio is taken within the round:
whatever else the machine does then weighs on both. The median over the rounds is what counts.
"""

from __future__ import annotations

import asyncio
import sys
import sysconfig
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from . import budget, load, route
from .servers import ROOT, Server, cpu_seconds
from .stage import LARGE, PACED, SMALL, TRANSLATED, VERBATIM, Pair, Stage, Work, medians
from .upstream import Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. `pair.bare` is NaN where there is nothing to compare with.

    `at_least`: joch's figure is a lower bound, since something else than joch set the end.
    """

    row: str
    unit: str
    pair: Pair
    limit: budget.Limit
    note: str = ""
    at_least: bool = False

    @property
    def verdict(self) -> Literal["ok", "over", "unsure"]:
        if self.limit.holds(self.pair.joch, None if self.limit.allowed is None else self.pair.ratio):
            return "ok"
        return "unsure" if self.at_least else "over"


Row = Callable[[Stage], AsyncIterator[Figure]]

_NOTHING = float("nan")


def _alone(value: float) -> Pair:
    return Pair(_NOTHING, value, _NOTHING)


async def small(stage: Stage) -> AsyncIterator[Figure]:
    """A small call, the same format on both sides: CPU with 16 clients, added time with one."""
    async with stage.both(SMALL) as (bare, joch):
        cpu = await stage.in_turns(lambda server: stage.cpu_per_call(server, SMALL), bare, joch)
        yield Figure(row="small call, CPU", unit="ms", pair=cpu, limit=budget.SMALL_CPU)
        rounds: list[tuple[load.Calls, load.Calls, load.Calls]] = []
        direct = SMALL.ask_directly(stage.upstream.port)
        for number in range(stage.rounds):
            turns = [direct, SMALL.ask(bare), SMALL.ask(joch)]
            order = (0, 1, 2) if number % 2 == 0 else (2, 1, 0)
            seen = {at: await load.closed_loop(turns[at], connections=1, seconds=0.8) for at in order}
            rounds.append((seen[0], seen[1], seen[2]))
    for share, name, limit in ((0.5, "p50", budget.SMALL_P50), (0.99, "p99", budget.SMALL_P99)):
        pair = medians([_added(direct, bare, joch, share) for direct, bare, joch in rounds])
        yield Figure(row=f"small call, added {name}", unit="ms", pair=pair, limit=limit)


def _added(direct: load.Calls, bare: load.Calls, joch: load.Calls, share: float) -> tuple[float, float]:
    """Milliseconds that each adds to a call. Never less than a microsecond, so that a ratio exists."""
    through = (bare.at(share) - direct.at(share), joch.at(share) - direct.at(share))
    return max(through[0] * 1000, 0.001), max(through[1] * 1000, 0.001)


async def large(stage: Stage) -> AsyncIterator[Figure]:
    """A call of 17 kB with twenty messages and ten tools. The forwarder decodes and encodes the body once."""
    async with stage.both(LARGE, decode=True) as (bare, joch):
        cpu = await stage.in_turns(lambda server: stage.cpu_per_call(server, LARGE), bare, joch)
    yield Figure(row="17 kB call with 10 tools, CPU", unit="ms", pair=cpu, limit=budget.LARGE_CPU)


async def plan(stage: Stage) -> AsyncIterator[Figure]:
    """One evaluation of a route of five candidates with health, budget and residency on."""
    figures = sorted(route.microseconds() for _ in range(stage.rounds))
    pair = _alone(figures[len(figures) // 2])
    yield Figure(row="route evaluation, 5 candidates", unit="us", pair=pair, limit=budget.ROUTE)


async def verbatim(stage: Stage) -> AsyncIterator[Figure]:
    """Chat to chat, streamed: 50 pieces a second each."""
    async for figure in _stream(stage, VERBATIM, "verbatim stream", budget.VERBATIM_CPU, budget.VERBATIM_STREAMS):
        yield figure


async def translated(stage: Stage) -> AsyncIterator[Figure]:
    """A client of one format over an upstream of another, streamed. The forwarder carries the upstream's own stream."""
    for name, work in TRANSLATED.items():
        async for figure in _stream(stage, work, name, budget.TRANSLATED_CPU, budget.TRANSLATED_STREAMS):
            yield figure


async def _stream(
    stage: Stage, work: Work, name: str, cpu_limit: budget.Limit, streams_limit: budget.Limit
) -> AsyncIterator[Figure]:
    async def cpu_per_piece(server: Server) -> float:
        return (await stage.paced(server, work, 100, window=1.5))[0]

    async with stage.both(work) as (bare, joch):
        cpu = await stage.in_turns(cpu_per_piece, bare, joch)
        yield Figure(row=f"{name}, CPU per piece", unit="us", pair=cpu, limit=cpu_limit)
        if stage.bare_streams is None:
            stage.bare_streams = await stage.most_streams(bare, work, cpu.bare)
        bare_most, bare_note = stage.bare_streams
        joch_most, joch_note = await stage.most_streams(joch, work, cpu.joch)
    note = "; ".join(f"{who}: {note}" for who, note in (("bare", bare_note), ("joch", joch_note)) if note)
    pair = Pair(bare_most, joch_most, joch_most / max(bare_most, 1))
    yield Figure(
        row=f"{name}, streams per core",
        unit="",
        pair=pair,
        limit=streams_limit,
        note=note,
        at_least=bool(joch_note),
    )


async def first(stage: Stage) -> AsyncIterator[Figure]:
    """Added time to the first piece of text, four streams that start together."""
    rounds = []
    async with stage.both(VERBATIM) as (bare, joch):
        stage.upstream.pace = Pace(4)
        turns = [VERBATIM.ask_directly(stage.upstream.port), VERBATIM.ask(bare), VERBATIM.ask(joch)]
        for number in range(stage.rounds):
            order = (0, 1, 2) if number % 2 == 0 else (2, 1, 0)
            seen = {at: await load.in_step(turns[at], connections=4, seconds=0.6) for at in order}
            rounds.append(_added(seen[0], seen[1], seen[2], 0.5))
    yield Figure(row="added time to first piece, p50", unit="ms", pair=medians(rounds), limit=budget.FIRST_PIECE)


async def workers(stage: Stage) -> AsyncIterator[Figure]:
    """Two workers against one, by calls per CPU second of the busiest process.

    So the figure does not need two idle cores to be seen. 256 clients, since the kernel deals out connections by chance.
    """

    async def capacity(server: Server) -> float:
        before = {pid: cpu_seconds(pid) for pid in server.pids}
        calls = await load.closed_loop(SMALL.ask(server), connections=256, seconds=1.5)
        busiest = max(cpu_seconds(pid) - before.get(pid, 0.0) for pid in server.pids)
        return calls.count / busiest

    async with stage.running(stage.joch(), SMALL) as one, stage.running(stage.joch("--workers", "2"), SMALL) as two:
        pair = await stage.in_turns(capacity, one, two, rounds=3)
    yield Figure(row="two workers, times one", unit="x", pair=_alone(pair.ratio), limit=budget.TWO_WORKERS)


async def cold(stage: Stage) -> AsyncIterator[Figure]:
    """From starting the process to its first answered call."""

    async def start(recipe_name: str) -> float:
        recipe = stage.bare() if recipe_name == "bare" else stage.joch()
        server = Server(recipe, stage.core)
        began = time.perf_counter()
        async with server:
            await server.ready(SMALL.ask(server))
            return time.perf_counter() - began

    await start("bare"), await start("joch")  # compiled files and disk caches, which a first start would pay for
    rounds = []
    for number in range(stage.rounds):
        names = ("bare", "joch") if number % 2 == 0 else ("joch", "bare")
        seen = {name: await start(name) for name in names}
        rounds.append((seen["bare"], seen["joch"]))
    yield Figure(row="cold start to first answer", unit="s", pair=medians(rounds), limit=budget.COLD_START)


async def memory(stage: Stage) -> AsyncIterator[Figure]:
    """Resident memory after one call, and while 400 slow streams run."""

    async def streaming(server: Server) -> float:
        stage.upstream.pace = Pace(100_000, PACED * 10)
        streams = load.Streams()
        try:
            await streams.open(VERBATIM.ask(server), 400, ramp=1.0)
            await asyncio.sleep(1.5)
            return server.megabytes
        finally:
            stage.upstream.stop_streams()
            await streams.ended(within=5)

    async with stage.both(VERBATIM) as (bare, joch):
        await asyncio.sleep(0.5)
        idle = medians([(bare.megabytes, joch.megabytes)])
        yield Figure(row="memory, idle", unit="MB", pair=idle, limit=budget.MEMORY_IDLE)
        full = medians([(await streaming(bare), await streaming(joch))])
        yield Figure(row="memory, 400 streams", unit="MB", pair=full, limit=budget.MEMORY_STREAMS)


async def installed(stage: Stage) -> AsyncIterator[Figure]:
    """What the base lock installs on this platform, joch itself included, by the installers' own records."""
    locked = [line.split("==")[0] for line in _locked() if "==" in line]
    found = [package for name in locked if (package := _distribution(name)) is not None]
    size = sum(_size(package) for package in found)
    size += sum(path.stat().st_size for folder in ("proxy", "translators") for path in (ROOT / folder).rglob("*.py*"))
    yield Figure(row="installed packages", unit="", pair=_alone(len(found) + 1), limit=budget.PACKAGES)
    yield Figure(row="installed size", unit="MB", pair=_alone(size / 1e6), limit=budget.INSTALLED)


def _locked() -> list[str]:
    lines = (ROOT / "requirements" / "base.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith((" ", "#"))]


def _distribution(name: str) -> metadata.Distribution | None:
    """None for what the lock holds for another platform."""
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _size(package: metadata.Distribution) -> int:
    """Bytes on disk, compiled files included whether or not the installer made them yet."""
    site = Path(sysconfig.get_path("purelib"))
    total = 0
    for file in package.files or ():
        path = Path(str(package.locate_file(file)))
        if path.suffix != ".pyc" and path.is_relative_to(site) and path.is_file():
            total += path.stat().st_size
            compiled = path.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
            total += compiled.stat().st_size if path.suffix == ".py" and compiled.is_file() else 0
    return total


ROWS: dict[str, Row] = {
    "small": small,
    "large": large,
    "plan": plan,
    "verbatim": verbatim,
    "translated": translated,
    "first": first,
    "workers": workers,
    "cold": cold,
    "memory": memory,
    "installed": installed,
}
