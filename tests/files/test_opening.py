"""What can be opened below a folder, on a real disk."""

import errno
import os
import socket
from pathlib import Path

import pytest

from cors_gateway.files import opening
from cors_gateway.files.opening import Absent, OpenFile, open_below
from tests.files.conftest import count_open


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "docs").mkdir(parents=True)
    (folder / "a.css").write_bytes(b"body {}")
    (folder / "docs" / "b.txt").write_bytes(b"deep")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (tmp_path / "site-too").mkdir()
    (tmp_path / "site-too" / "x").write_bytes(b"x")
    return folder


def opened(root: Path, *names: str) -> bytes | Absent:
    """Open a file and give its content; nothing stays open."""
    before = count_open()
    found = open_below(str(root), names)
    if isinstance(found, OpenFile):
        content = found.read(0, 1000)
        found.close()
    assert count_open() == before
    return content if isinstance(found, OpenFile) else found


def test_a_file_and_what_is_known_of_it(root: Path) -> None:
    os.utime(root / "a.css", ns=(0, 1_500_000_000_250_000_000))
    found = open_below(str(root), ("a.css",))

    assert isinstance(found, OpenFile)
    assert (found.size, found.modified) == (7, 1_500_000_000.25)
    assert found.read(5, 10) == b"{}"
    found.close()


def test_a_file_in_a_folder(root: Path) -> None:
    assert opened(root, "docs", "b.txt") == b"deep"


@pytest.mark.parametrize(
    "names, absent",
    [
        pytest.param(("x",), Absent.MISSING, id="nothing of that name"),
        pytest.param(("docs",), Absent.FOLDER, id="a folder"),
        pytest.param((), Absent.FOLDER, id="the folder itself"),
        pytest.param(("a.css", "x"), Absent.MISSING, id="below a file"),
        pytest.param(("a" * 256,), Absent.MISSING, id="a name that is too long"),
        pytest.param(("a",) * 2500, Absent.MISSING, id="a way that is too long"),
        pytest.param(("..", "secret.txt"), Absent.MISSING, id="up, which paths refuse before"),
        pytest.param(("..", "site-too", "x"), Absent.MISSING, id="a folder whose name begins so"),
        pytest.param(("docs", "..", "..", "secret.txt"), Absent.MISSING, id="up from below"),
    ],
)
def test_what_is_no_file(root: Path, names: tuple[str, ...], absent: Absent) -> None:
    assert opened(root, *names) is absent


def test_a_folder_that_is_gone_has_no_files(root: Path) -> None:
    assert opened(root / "gone", "a.css") is Absent.MISSING
    assert opened(root / "a.css", "a.css") is Absent.MISSING


def test_links_inside_are_followed(root: Path) -> None:
    # As Kubernetes mounts a ConfigMap.
    (root / "..data").symlink_to("docs")
    (root / "b.txt").symlink_to("..data/b.txt")
    (root / "whole").symlink_to(root / "docs")

    assert opened(root, "b.txt") == b"deep"
    assert opened(root, "whole", "b.txt") == b"deep"
    assert opened(root, "whole") is Absent.FOLDER


def test_the_folder_may_be_a_link_that_is_switched(root: Path, tmp_path: Path) -> None:
    current = tmp_path / "current"
    current.symlink_to(root)
    assert opened(current, "docs", "b.txt") == b"deep"

    (tmp_path / "release-2").mkdir()
    (tmp_path / "release-2" / "a.css").write_bytes(b"2")
    current.unlink()
    current.symlink_to(tmp_path / "release-2")
    assert opened(current, "a.css") == b"2"


@pytest.mark.parametrize(
    "target", ["../secret.txt", "..", "/etc/passwd", "../site-too/x", "docs/../../secret.txt"]
)
def test_links_that_lead_out_are_not_followed(root: Path, target: str) -> None:
    (root / "out").symlink_to(target)

    assert opened(root, "out") is Absent.MISSING
    assert opened(root, "out", "secret.txt") is Absent.MISSING


def test_links_that_lead_nowhere_or_round_are_missing(root: Path) -> None:
    (root / "nowhere").symlink_to("gone")
    (root / "round").symlink_to("round")

    assert opened(root, "nowhere") is Absent.MISSING
    assert opened(root, "round") is Absent.MISSING
    assert opened(root, "round", "x") is Absent.MISSING


def test_who_puts_a_link_in_after_the_way_was_looked_at_gains_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.txt").write_bytes(b"secret")
    real = os.path.realpath

    def look_and_swap(path: str, *, strict: bool) -> str:
        found = real(path, strict=strict)
        if found.endswith("b.txt"):
            (root / "docs").rename(root / "before")
            (root / "docs").symlink_to(tmp_path)
        return found

    monkeypatch.setattr(os.path, "realpath", look_and_swap)

    assert opened(root, "docs", "b.txt") is Absent.MISSING


def test_who_puts_a_link_in_place_of_the_file_gains_nothing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat

    def look_and_swap(path: str, **settings: object) -> os.stat_result:
        found = stat(path, **settings)  # type: ignore[arg-type]
        if path == "a.css":
            (root / "a.css").unlink()
            (root / "a.css").symlink_to(tmp_path / "secret.txt")
        return found

    monkeypatch.setattr(os, "stat", look_and_swap)

    assert opened(root, "a.css") is Absent.MISSING


def test_pipes_sockets_and_devices_are_not_opened(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))

        assert opened(root, "pipe") is Absent.MISSING
        assert opened(root, "s") is Absent.MISSING
    assert opened(Path("/dev"), "null") is Absent.MISSING


def test_a_pipe_in_place_of_the_file_holds_nobody_up(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat

    def look_and_swap(path: str, **settings: object) -> os.stat_result:
        found = stat(path, **settings)  # type: ignore[arg-type]
        if path == "a.css":
            (root / "a.css").unlink()
            os.mkfifo(root / "a.css")
        return found

    monkeypatch.setattr(os, "stat", look_and_swap)

    assert opened(root, "a.css") is Absent.MISSING


@pytest.mark.parametrize(
    "number, absent",
    [
        (errno.EACCES, Absent.FORBIDDEN),
        (errno.EPERM, Absent.FORBIDDEN),
        (errno.ELOOP, Absent.MISSING),
    ],
)
def test_what_the_system_says_is_told_apart(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int, absent: Absent
) -> None:
    def refuse(*arguments: object, **settings: object) -> int:
        raise OSError(number, "")

    monkeypatch.setattr(os, "open", refuse)

    assert opened(root, "a.css") is absent


def test_what_is_nobodys_answer_is_raised(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **settings: object) -> int:
        raise OSError(errno.EMFILE, "")

    monkeypatch.setattr(os, "open", fail)

    with pytest.raises(OSError, match=str(errno.EMFILE)):
        open_below(str(root), ("a.css",))


def test_the_root_of_the_system_has_files_too() -> None:
    assert isinstance(opened(Path("/"), "etc", "passwd"), bytes)


def test_another_file_has_another_mark(root: Path) -> None:
    """Also one of the same name, size and date, as reproducible builds make them."""
    marks = set()
    for content in (b"one", b"two", b"longer"):
        (root / "new").write_bytes(content)
        os.utime(root / "new", (0, 0))
        (root / "new").replace(root / "page")
        found = open_below(str(root), ("page",))
        assert isinstance(found, OpenFile)
        marks.add(found.mark)
        found.close()
    assert len(marks) == 3


def test_what_the_system_has_in_memory_is_read_at_once(root: Path) -> None:
    found = open_below(str(root), ["a.css"])
    assert isinstance(found, OpenFile)
    content = (root / "a.css").read_bytes()

    # The kernel says so of a file that has just been written, where the file system can.
    assert found.read_at_once(1, 2) in {content[1:3], None}
    assert found.read_at_once(1, 1000) in {content[1:], None}
    assert found.read_at_once(len(content), 10) in {b"", None}
    found.close()


def test_what_would_have_to_be_waited_for_is_not_read_at_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_: object) -> int:
        raise BlockingIOError

    found = open_below(str(root), ["a.css"])
    assert isinstance(found, OpenFile)
    with monkeypatch.context() as patch:
        patch.setattr(os, "preadv", wait)
        assert found.read_at_once(0, 10) is None
    monkeypatch.setattr(opening, "_AT_ONCE", 0)
    assert found.read_at_once(0, 10) is None
    found.close()
