"""Watching files by their content: what counts as a change, and what does not."""

import os
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from cors_gateway.process.watching import FileWatch


class Told:
    """Counts what a watch tells."""

    def __init__(self) -> None:
        self.times = 0
        self.event = threading.Event()

    def __call__(self) -> None:
        self.times += 1
        self.event.set()


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text("a")
    return path


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watch(file: Path, told: Told) -> FileWatch:
    return FileWatch(lambda: [str(file)], told, {str(file): digest("a")})


def rewrite(file: Path) -> None:
    file.write_text("b")


def rename(file: Path) -> None:
    other = file.with_suffix(".tmp")
    other.write_text("b")
    other.replace(file)


def keep_size_and_date(file: Path) -> None:
    before = file.stat()
    file.write_text("b")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def switch_link(file: Path) -> None:
    file.unlink()
    (file.parent / "data").mkdir()
    (file.parent / "data" / file.name).write_text("b")
    file.symlink_to(Path("data") / file.name)


def remove(file: Path) -> None:
    file.unlink()


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


CHANGES = [rewrite, rename, keep_size_and_date, switch_link, remove, make_folder]


@pytest.mark.row("E7")
@pytest.mark.parametrize("change", CHANGES, ids=lambda each: str(each.__name__))
def test_a_change_is_told_once_when_it_has_settled(
    watch: FileWatch, told: Told, file: Path, change: Callable[[Path], None]
) -> None:
    watch.look()
    change(file)
    watch.look()
    assert told.times == 0
    for _ in range(3):
        watch.look()
    assert told.times == 1


def test_the_same_content_is_no_change(watch: FileWatch, told: Told, file: Path) -> None:
    watch.look()
    file.unlink()
    file.write_text("a")
    os.utime(file, (0, 0))
    for _ in range(3):
        watch.look()
    assert told.times == 0


def test_what_is_still_being_written_is_waited_for(
    watch: FileWatch, told: Told, file: Path
) -> None:
    for text in ("", "b", "bc", "bcd"):
        file.write_text(text)
        watch.look()
    assert told.times == 0
    watch.look()
    assert told.times == 1


def test_what_changed_between_loading_and_the_first_look_is_told(
    watch: FileWatch, told: Told, file: Path
) -> None:
    file.write_text("b")
    watch.look()
    watch.look()
    assert told.times == 1


def test_what_somebody_else_has_loaded_is_not_told_and_what_follows_is(
    watch: FileWatch, told: Told, file: Path
) -> None:
    watch.look()
    file.write_text("b")
    watch.look()
    watch.take_as_told()
    for _ in range(3):
        watch.look()
    assert told.times == 0

    file.write_text("c")
    watch.look()
    watch.look()
    assert told.times == 1


def test_a_way_back_is_a_change_as_well(watch: FileWatch, told: Told, file: Path) -> None:
    for text in ("b", "a"):
        file.write_text(text)
        watch.look()
        watch.look()
    assert told.times == 2


def test_a_file_that_joins_later_is_looked_at_from_then_on(tmp_path: Path, told: Told) -> None:
    files = [tmp_path / "gateway.yaml", tmp_path / "secret"]
    for each in files:
        each.write_text("a")
    listed = {str(files[0])}
    watch = FileWatch(lambda: listed, told, {})
    watch.look()
    listed.add(str(files[1]))
    watch.look()
    watch.look()
    assert told.times == 0

    files[1].write_text("b")
    watch.look()
    watch.look()
    assert told.times == 1


def test_a_thread_looks_until_it_is_closed(file: Path, told: Told) -> None:
    watch = FileWatch(lambda: [str(file)], told, {str(file): digest("a")}, 0.01)
    watch.start()
    file.write_text("b")
    assert told.event.wait(30)
    watch.close()
    watch._thread.join(30)
    assert not watch._thread.is_alive()
