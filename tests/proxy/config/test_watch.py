import os
from pathlib import Path

from proxy.config.watch import fingerprint


def test_every_kind_of_change_is_seen(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.yaml", tmp_path / "more"
    folder.mkdir()
    paths = [str(file), str(folder), "-"]
    seen = [fingerprint(paths)]
    file.write_text("one")
    seen.append(fingerprint(paths))
    os.utime(file, ns=(1, 1))
    seen.append(fingerprint(paths))
    (folder / "b.yaml").write_text("two")
    seen.append(fingerprint(paths))
    other = tmp_path / "other"
    other.write_text("one")
    os.utime(other, ns=(1, 1))
    other.replace(file)  # the same size and time, another file: how editors and mounts write
    seen.append(fingerprint(paths))
    file.unlink()
    seen.append(fingerprint(paths))
    assert len(set(seen)) == len(seen)
    assert fingerprint(paths) == seen[-1]


def test_a_file_that_is_no_configuration_does_not_count(tmp_path: Path) -> None:
    before = fingerprint([str(tmp_path)])
    (tmp_path / ".swp.yaml").write_text("x")
    (tmp_path / "notes.txt").write_text("x")
    assert fingerprint([str(tmp_path)]) == before
