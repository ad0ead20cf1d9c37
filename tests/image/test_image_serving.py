"""The image at work: without privileges, without a root to write to, and with little memory."""

import json
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from tests.image.calls import ORIGIN, ask, connection, preflight, take
from tests.image.containers import HARDENED, Container, run_once, running_container

CONFIG = """\
routes:
  - match: {path: /}
    upstream: http://api:5000
    cors:
      allowOrigins: ["https://app.example.com"]
      allowMethods: [GET, PUT, POST]
      allowCredentials: true
  - match: {path: /site}
    files: {root: /srv/site, fallback: index.html}
    cors: false
"""
PAGE = b"<!doctype html><title>a page</title>"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def gateway(
    image: str, api: Container, between: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    mounted: Path = tmp_path_factory.mktemp("configuration")
    mounted.chmod(0o755)
    (mounted / "gateway.yaml").write_text(CONFIG)
    site: Path = tmp_path_factory.mktemp("site")
    site.chmod(0o755)
    (site / "index.html").write_bytes(PAGE)
    (site / "large.bin").write_bytes(bytes(range(256)) * 4096 * 300)
    mounts = [f"--volume={mounted}:/etc/cors-gateway:ro", f"--volume={site}:/srv/site:ro"]
    # Enough for one worker and its supervisor, and no swap beside it.
    memory = ["--memory=192m", "--memory-swap=192m"]
    flags = [f"--network={between}", *mounts, *memory]
    with running_container(image, *flags, command=["run", "--workers=1"]) as container:
        yield container


def test_it_answers_preflights(gateway: Container) -> None:
    allowed = preflight(gateway.port, "/orders/1", "PUT")
    refused = preflight(gateway.port, "/orders/1", "PUT", "https://evil.example")

    assert (allowed.status, allowed.grant) == (204, ORIGIN)
    assert (refused.status, refused.grant) == (403, None)


def test_it_forwards_calls(gateway: Container) -> None:
    content = b'{"item": "coffee", "count": 1}'
    kind = "application/json"
    saved = ask(gateway.port, "/orders/2", method="PUT", content=content, Content_Type=kind)

    assert (saved.status, saved.grant) == (200, ORIGIN)
    assert saved.json() == {"id": 2, "item": "coffee", "count": 1}


def test_it_keeps_a_session(gateway: Container) -> None:
    content = b'{"user": "ada"}'
    kind = "application/json"
    login = ask(gateway.port, "/login", method="POST", content=content, Content_Type=kind)
    cookie = login.fields["set-cookie"].partition(";")[0]

    assert ask(gateway.port, "/me", Cookie=cookie).json() == {"user": "ada"}
    assert ask(gateway.port, "/me").status == 401


def test_it_serves_files_though_it_can_write_none(gateway: Container) -> None:
    page = ask(gateway.port, "/site/orders/1", Accept="text/html")
    again = ask(gateway.port, "/site/", If_None_Match=page.fields["etag"])
    large = ask(gateway.port, "/site/large.bin")

    assert (page.status, page.content) == (200, PAGE)
    assert page.fields["content-type"] == "text/html; charset=utf-8"
    assert again.status == 304
    # More than the container's memory.
    assert len(large.content) == 300 * MIB
    assert sha256(large.content).hexdigest() == sha256(bytes(range(256)) * 4096 * 300).hexdigest()


def test_it_streams_an_upload_that_is_larger_than_its_memory(gateway: Container) -> None:
    piece, count = bytes(range(256)) * 4096, 384
    expected = sha256()
    with closing(connection(gateway.port)) as made:
        made.putrequest("POST", "/upload")
        made.putheader("Origin", ORIGIN)
        made.putheader("Content-Length", str(len(piece) * count))
        made.endheaders()
        for _ in range(count):
            made.send(piece)
            expected.update(piece)
        answer = take(made)

    assert answer.json() == {"sha256": expected.hexdigest(), "length": count * MIB}
    assert gateway.is_running


@pytest.mark.row("F13")
def test_it_has_no_privileges(gateway: Container) -> None:
    code = """
import json
status = dict(line.split(":\\t", 1) for line in open("/proc/1/status"))
wanted = ["Uid", "Gid", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"]
print(json.dumps({name: sorted(set(status[name].split())) for name in wanted}))
"""
    nothing = ["0" * 16]

    assert gateway.python(code) == {
        "Uid": ["65532"],
        "Gid": ["65532"],
        "CapPrm": nothing,
        "CapEff": nothing,
        "CapBnd": nothing,
        "CapAmb": nothing,
        "NoNewPrivs": ["1"],
    }


@pytest.mark.row("F13")
def test_its_root_cannot_be_written_to(image: str) -> None:
    code = """
import errno, json
found = []
for folder in ("", "/tmp", "/var/tmp", "/run", "/etc", "/opt/cors-gateway"):
    try:
        open(f"{folder}/probe", "w").close()
    except OSError as error:
        found.append(error.errno == errno.EROFS)
    else:
        found.append(folder)
print(json.dumps(found))
"""
    flags = [*HARDENED, "--user=0", "--entrypoint=python"]

    status, printed = run_once(image, *flags, command=["-I", "-c", code])

    assert (status, json.loads(printed)) == (0, [True] * 6)
