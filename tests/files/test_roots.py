"""What is said of a folder when a configuration is loaded."""

import errno
import os
from pathlib import Path

import pytest

from cors_gateway.config.flaws import Flaw
from cors_gateway.files import roots
from cors_gateway.files.roots import find_tree_flaws
from tests.files.conftest import count_open


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "docs").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"page")
    (tmp_path / "secret.html").write_bytes(b"secret")
    return folder


def said(
    root: Path,
    fallback: str | None = None,
    configuration: Path | None = None,
    *secrets: Path,
) -> list[str]:
    named = None if configuration is None else str(configuration)
    flaws = find_tree_flaws(str(root), fallback, named, [str(path) for path in secrets])
    return [
        f"{flaw.role}: {', '.join(filter(None, (flaw.what, flaw.why, flaw.fix)))}" for flaw in flaws
    ]


def test_a_folder_with_its_fallback_is_fine(root: Path, tmp_path: Path) -> None:
    (root / "link.html").symlink_to("index.html")

    assert said(root) == []
    assert said(root, "index.html", tmp_path / "gateway.yaml") == []
    assert said(root, "link.html") == []


def test_a_folder_that_is_not_there(root: Path) -> None:
    assert said(root / "x", "index.html") == [
        f'root: {{value}} is not there, looked for at "{root}/x", build the site, or correct the path'
    ]


def test_a_link_that_leads_nowhere_is_no_folder(root: Path) -> None:
    (root / "x").symlink_to("gone")

    assert "is not there" in said(root / "x")[0]


def test_a_file_in_place_of_the_folder(root: Path) -> None:
    assert said(root / "index.html") == [
        "root: {value} is no folder, name the folder that it is in"
    ]


def test_a_path_that_no_folder_can_have(root: Path) -> None:
    assert said(root / ("x" * 300)) == [
        f"root: {{value}} cannot be read, {os.strerror(errno.ENAMETOOLONG)}, correct the path"
    ]


def test_a_folder_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Who runs the tests may be root, whom nothing is refused.
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(os, "supports_effective_ids", set())

    assert said(root) == [
        f"root: {{value}} cannot be read, permission denied, let user {os.geteuid()} read it"
    ]


def test_a_folder_that_would_give_the_configuration_away(root: Path, tmp_path: Path) -> None:
    expected = [
        (
            "root: {value} holds this configuration, everybody could read it, "
            "give the files a folder of their own"
        )
    ]
    (tmp_path / "link").symlink_to(tmp_path)

    assert said(tmp_path, None, tmp_path / "gateway.yaml") == expected
    assert said(tmp_path / "link", None, tmp_path / "gateway.yaml") == expected
    assert said(root, None, root / "docs" / "gateway.yaml") == expected
    assert said(Path("/"), None, tmp_path / "gateway.yaml") == expected
    assert said(root, None, tmp_path / "site.yaml") == []


def holds(secret: Path) -> list[str]:
    return [
        (
            f'root: {{value}} holds a secret, everybody could read "{secret}", '
            "give the files a folder of their own"
        )
    ]


@pytest.mark.parametrize("name", ["key.pem", "docs/key.pem", ".well-known/key.pem", "docs/../k"])
def test_a_folder_that_would_give_a_key_away(root: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("site")
    other = tmp_path / "other.pem"

    for folder in (root, tmp_path / "link"):
        secret = folder / name
        assert said(root, None, None, other, secret) == holds(secret)
        assert said(folder, "index.html", None, root / name) == holds(root / name)


def test_a_key_that_a_link_leads_to(root: Path, tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to("site/docs/key.pem")

    assert said(root, None, None, tmp_path / "key.pem") == holds(tmp_path / "key.pem")


def test_a_key_that_is_a_link_to_a_hidden_file(root: Path, tmp_path: Path) -> None:
    """As Kubernetes mounts it; with the folder itself, or one in it, a link too."""
    (root / "..data").mkdir()
    (root / "key.pem").symlink_to("..data/key.pem")
    (root / "keys").symlink_to("..data")
    (tmp_path / "link").symlink_to("site")

    for folder in (root, tmp_path / "link"):
        for secret in (folder / "key.pem", folder / "keys" / "key.pem"):
            assert said(root, None, None, secret) == holds(secret)


@pytest.mark.parametrize(
    "name", ["../key.pem", "../site2/key.pem", ".keys/key.pem", "docs/.key.pem", "docs/../../key"]
)
def test_a_key_that_nobody_could_ask_for(root: Path, name: str) -> None:
    assert said(root, "index.html", None, root / name) == []


def test_a_fallback_that_is_not_there(root: Path) -> None:
    assert said(root, "docs/x.html") == [
        (
            f'fallback: {{value}} is not there, looked for at "{root}/docs/x.html", '
            "correct the path: it begins at root"
        )
    ]


def test_a_fallback_that_is_no_file(root: Path) -> None:
    os.mkfifo(root / "pipe")

    assert said(root, "docs") == ["fallback: {value} is a folder, name the file in it"]
    assert said(root, "pipe") == ["fallback: {value} is no regular file, name a file"]
    assert "cannot be read" in said(root, "index.html/x")[0]


def test_a_fallback_that_a_link_leads_out_to(root: Path, tmp_path: Path) -> None:
    (root / "out.html").symlink_to("../secret.html")
    (root / "out").symlink_to("..")

    for fallback in ("out.html", "out/secret.html"):
        assert said(root, fallback) == [
            (
                f'fallback: {{value}} leads out of root, a link leads to "{tmp_path}/secret.html", '
                "name a file that is below root"
            )
        ]


def test_a_fallback_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **settings: object) -> int:
        raise PermissionError

    monkeypatch.setattr(roots, "open_below", refuse)

    assert said(root, "index.html") == [
        f"fallback: {{value}} cannot be read, permission denied, let user {os.geteuid()} read it"
    ]


def test_nothing_stays_open(root: Path) -> None:
    before = count_open()
    find_tree_flaws(str(root), "index.html", None)

    assert count_open() == before


def test_a_flaw_is_an_error() -> None:
    assert all(not flaw.is_warning for flaw in find_tree_flaws("/gone", None, None))
    assert isinstance(find_tree_flaws("/gone", None, None)[0], Flaw)
