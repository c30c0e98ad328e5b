"""`python -m tests.faults`: runs the suite and prints how many faults of each group were survived.

Arguments are pytest's. The counts are over the catalogue: a fault without a test was not survived.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CATALOGUE = {"A": 12, "B": 25, "C": 17, "D": 28}
REQUESTS = {"F": 25}


class Count:
    """Gathers the outcome of every test that carries a fault's id."""

    def __init__(self) -> None:
        self._faults_of: dict[str, list[str]] = {}
        self._passed: dict[str, bool] = {}
        self._cancelled: list[float] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self._faults_of[item.nodeid] = [mark.args[0] for mark in item.iter_markers("fault")]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._cancelled += [float(str(value)) for name, value in report.user_properties if name == "cancel_ms"]
        if report.when != "call" and report.passed:
            return
        for fault in self._faults_of.get(report.nodeid, ()):
            self._passed[fault] = self._passed.get(fault, True) and report.passed

    def cancels(self) -> str:
        """How soon upstream connections ended after their clients had left."""
        times = sorted(self._cancelled)
        if not times:
            return "client gone -> upstream closed: not measured"
        middle, worst = times[len(times) // 2], times[-1]
        return f"client gone -> upstream closed: p50 {middle:.1f} ms, worst {worst:.1f} ms of {len(times)} (target 100)"

    def lost(self, groups: dict[str, int]) -> Iterator[str]:
        """The faults of `groups` that were not survived."""
        for group, size in groups.items():
            for number in range(1, size + 1):
                if not self._passed.get(f"{group}{number}", False):
                    yield f"{group}{number}"


def main(arguments: list[str]) -> int:
    """The exit status: pytest's, or 1 when a whole run did not survive every fault."""
    count = Count()
    status = int(pytest.main([str(Path(__file__).parent), *arguments], plugins=[count]))
    lost = [*count.lost(CATALOGUE), *count.lost(REQUESTS)]
    print()
    print("  ".join(_line(count, {group: size}, group) for group, size in {**CATALOGUE, **REQUESTS}.items()))
    if lost:
        print(f"not survived: {' '.join(lost)}")
    print(count.cancels())
    print(_line(count, REQUESTS, "requests refused"))
    print(_line(count, CATALOGUE, "faults survived"))
    return status or int(bool(lost) and not arguments)


def _line(count: Count, groups: dict[str, int], title: str) -> str:
    size = sum(groups.values())
    return f"{title} {size - len(list(count.lost(groups)))}/{size}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
