"""What a worker's process does before it has its orders."""

import json
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = Path(str((find_spec("aiohttp") or pytest.fail("no aiohttp")).origin)).parent

LOAD = """
import sys
{before}
from cors_gateway.process.worker_main import load
load()
{after}
"""


def after_loading(after: str, before: str = "", folder: Path | None = None) -> str:
    """What a fresh interpreter prints that has loaded what a worker needs."""
    first = f"sys.path.insert(0, {str(folder)!r})" if folder else ""
    script = LOAD.format(before=f"{first}\n{before}", after=after)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_worker_carries_nothing_that_it_does_not_need() -> None:
    unwanted = {
        "aiohttp",
        "aiohttp.client",
        "aiohttp.connector",
        "aiohttp.web",
        "cors_gateway.config.load",
        "cors_gateway.process.supervisor",
        "pydantic",
        "prometheus_client",
        "publicsuffixlist",
        "yaml",
    }

    assert after_loading(f"print(sorted({unwanted!r} & set(sys.modules)))") == "[]"


def test_what_comes_with_the_orders_needs_nothing_more() -> None:
    script = "import cors_gateway.process.beginning, cors_gateway.process.worker"

    before, after = after_loading(
        f"print(len(sys.modules))\n{script}\nprint(len(sys.modules))"
    ).split()

    assert before == after


def test_the_collector_works_again_and_passes_over_what_was_loaded() -> None:
    printed = after_loading("import gc\nprint(gc.isenabled(), gc.get_freeze_count() > 10_000)")

    assert printed == "True True"


@pytest.mark.parametrize(
    "way", ["from aiohttp import web", "import aiohttp.web; web = aiohttp.web"]
)
def test_who_imports_the_rest_of_aiohttp_afterwards_gets_all_of_it(way: str) -> None:
    printed = after_loading(
        f"{way}\n"
        "import aiohttp\n"
        "from aiohttp.http_parser import HttpRequestParser\n"
        "from cors_gateway.wire import heads\n"
        "print(web.Application.__name__, aiohttp.ClientSession.__name__,"
        " heads.HttpRequestParser is HttpRequestParser is aiohttp.http.HttpRequestParser)"
    )

    assert printed == "Application ClientSession True"


@pytest.mark.parametrize(
    "file, line",
    [
        pytest.param("http_exceptions.py", "from . import __version__", id="at the beginning"),
        pytest.param("http_parser.py", "from . import __version__", id="at the end"),
        pytest.param("streams.py", "import aiohttp; aiohttp.__version__", id="as an attribute"),
    ],
)
def test_an_aiohttp_whose_parser_needs_the_rest_is_imported_whole(
    tmp_path: Path, file: str, line: str
) -> None:
    changed = shutil.copytree(PACKAGE, tmp_path / "aiohttp")
    with (changed / file).open("a") as module:
        module.write(f"\n{line}\n")

    printed = after_loading(
        "from cors_gateway.wire.heads import has_c_parser\n"
        "print(has_c_parser(), 'aiohttp.client' in sys.modules, sys.modules['aiohttp'].__path__)",
        folder=tmp_path,
    )

    assert printed == f"True True {[str(changed)]}"


def test_a_package_that_is_not_installed_is_told_to_the_supervisor() -> None:
    ours, theirs = socket.socketpair()
    script = (
        "import sys\n"
        "sys.modules['uvloop'] = None\n"
        "from cors_gateway.process.worker_main import main\n"
        f"sys.exit(main({theirs.fileno()}))"
    )
    with (
        ours,
        subprocess.Popen(
            [sys.executable, "-c", script], pass_fds=[theirs.fileno()], stderr=subprocess.PIPE
        ) as process,
    ):
        theirs.close()
        # Also where its orders are on their way already.
        ours.sendall(bytes(1000))
        said = ours.makefile("rb").readline()
        ours.shutdown(socket.SHUT_WR)
        assert process.stderr is not None
        error = process.stderr.read()
        status = process.wait(60)

    why = json.loads(said)["failed"]
    assert why.startswith(f"the package uvloop is not installed for {sys.executable}: ")
    assert (status, error) == (1, b"")
