import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from asap.datasets.files import expect_writable, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_parts_are_written_one_after_the_other_into_a_new_folder(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new" / "file", [b"one ", memoryview(b"two")])
    assert (tmp_path / "new" / "file").read_bytes() == b"one two"
    assert names(tmp_path / "new") == ["file"]


def test_what_could_not_be_written_is_told_without_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"old")
    expect_writable(tmp_path / "file")
    expect_writable(tmp_path / "new" / "folder" / "file")
    with pytest.raises(NotADirectoryError, match="file/below"):
        expect_writable(tmp_path / "file" / "below")
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        expect_writable(tmp_path)
    monkeypatch.setattr(os, "access", lambda folder, mode: False)
    with pytest.raises(PermissionError, match="new/file"):
        expect_writable(tmp_path / "new" / "file")
    assert names(tmp_path) == ["file"]


def test_when_writing_fails_the_old_file_stays_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")

    def failing() -> Iterator[bytes]:
        yield b"new, and not all of it"
        assert (tmp_path / "file").read_bytes() == b"old"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", failing())
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_file_reaches_the_disk_before_it_gets_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        steps.append(("fsync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_dir()))
        fsync(descriptor)

    def note_replace(source: Path, target: Path) -> None:
        steps.append(("replace", target.name))
        replace(source, target)

    monkeypatch.setattr("os.fsync", note_fsync)
    monkeypatch.setattr("os.replace", note_replace)
    write_atomically(tmp_path / "file", [b"contents"])
    assert steps == [("fsync", False), ("replace", "file"), ("fsync", True)]


def test_the_file_gets_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "any").write_bytes(b"")
    write_atomically(tmp_path / "file", [b""])
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "any").stat().st_mode
