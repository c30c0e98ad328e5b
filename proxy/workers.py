"""Several serving processes on one port: a parent that starts, watches and stops them, and serves nothing itself.

The kernel spreads connections (SO_REUSEPORT). A worker that dies is replaced within two seconds; one that cannot start
at all ends the parent, since it would only die again. What must be exact across workers does not live in a process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable

RESTART_SECONDS = 1.0
_SETUP_FAILURES = (1, 2)


def supervise(count: int, work: Callable[[], int]) -> int:
    """Run `work` in `count` child processes until told to stop. Returns the parent's exit code."""
    parent = _Parent(work)
    for _ in range(count):
        parent.start_one()
    return parent.watch()


class _Parent:
    def __init__(self, work: Callable[[], int]) -> None:
        self._work = work
        self._children: dict[int, float] = {}
        self._stopping = False
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, self._forward)

    def start_one(self) -> None:
        child = os.fork()
        if child == 0:
            for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(name, signal.SIG_DFL)
            _end_with_parent()
            code = 1
            try:
                code = self._work()
            finally:
                sys.stderr.flush()
                os._exit(code)
        self._children[child] = time.monotonic()
        if self._stopping:  # told to stop while forking: the signal went to the others only
            os.kill(child, signal.SIGTERM)

    def watch(self) -> int:
        """Wait for children until none is left."""
        result = 0
        while self._children:
            try:
                child, status = os.wait()
            except ChildProcessError:
                break
            lived = time.monotonic() - self._children.pop(child, 0.0)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                continue
            if code in _SETUP_FAILURES and lived < 5.0:
                result = code
                self._forward(signal.SIGTERM, None)
                continue
            sys.stderr.write(f"joch: a worker ended ({code}); starting another\n")
            time.sleep(RESTART_SECONDS)  # a worker that dies at once must not be forked in a busy loop
            if not self._stopping:
                self.start_one()
        return result

    def _forward(self, number: int, _frame: object) -> None:
        if number != signal.SIGHUP:
            self._stopping = True
        for child in list(self._children):
            os.kill(child, number)


def _end_with_parent() -> None:
    """Ask the kernel to end this worker when its parent dies, so that a killed parent leaves no worker on the port."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1  # prctl(2)
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)
