"""Tells whether the files of a configuration changed. Looks when asked; starts no thread and keeps no state."""

from __future__ import annotations

from collections.abc import Sequence

from .sources import STDIN, files

Fingerprint = tuple[tuple[str, int, int, int], ...]
"""Path, modification time in nanoseconds, size and inode of each file; a missing file has zeros."""


def fingerprint(paths: Sequence[str]) -> Fingerprint:
    """What the files look like now. Two fingerprints differ when a file was written, replaced, added or removed.

    Standard input cannot be watched and is left out.
    """
    marks = []
    for path in paths:
        if path == STDIN:
            continue
        for file in files(path):
            try:
                status = file.stat()
            except OSError:
                marks.append((str(file), 0, 0, 0))
                continue
            marks.append((str(file), status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(marks)
