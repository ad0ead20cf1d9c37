"""An example as its README runs it: the same commands, in a copy of its folder, on free ports.

The commands are those of the README's ``console`` blocks. All but the last prepare; the last is
``honcho start``, which starts every process of the ``Procfile`` with the ports of ``.env``. A test
gives other ports by a second file of that kind, and nothing else is different.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import randrange
from time import monotonic, sleep

from tests.peers.processes import SMALL, START_SECONDS, Running, running

__all__ = [
    "EXAMPLES",
    "Stack",
    "commands_of",
    "environment_of",
    "example_names",
    "stack",
    "unbuilt_copy",
]

EXAMPLES = Path(__file__).parents[2] / "examples"
START = "honcho start"
PREPARING_SECONDS = 300.0
NOT_COPIED = shutil.ignore_patterns("node_modules", "dist", "__pycache__", ".vite")
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^\d\d:\d\d:\d\d (\S+?)\.\d+ +\| (.*)$")
"""A line of honcho's: the time, a process, what it printed."""


def example_names() -> list[str]:
    """Return the folders that are examples."""
    return sorted(each.parent.name for each in EXAMPLES.glob("*/Procfile"))


def commands_of(readme: str) -> list[str]:
    """Return the commands of a README's ``console`` blocks: the lines that begin with ``$``."""
    return [
        line.removeprefix("$ ")
        for block in CONSOLE.findall(readme)
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


def environment_of(folder: Path) -> dict[str, str]:
    """Return what an example's ``.env`` says."""
    lines = (folder / ".env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@dataclass
class Stack:
    """A stack that runs."""

    folder: Path
    """A copy of the example's."""
    ports: Mapping[str, int]
    """By the name in ``.env``."""
    program: Running = field(repr=False)

    def port(self, name: str) -> int:
        """Return a port by its name in ``.env``, e.g. ``API_PORT``."""
        return self.ports[name]

    def url(self, process: str, host: str = "localhost") -> str:
        """Return where a process listens whose port is called like it: ``api`` is ``API_PORT``."""
        return f"http://{host}:{self.ports[process.upper().replace('-', '_') + '_PORT']}"

    def here(self, text: str) -> str:
        """Return a text of the README with the ports of this stack in place of ``.env``'s."""
        default = environment_of(self.folder)
        ports = {default[name]: str(port) for name, port in self.ports.items()}
        return re.sub(r"(?<=:)\d+\b", lambda match: ports.get(match[0], match[0]), text)

    def configuration(self, changes: Mapping[str, str] | None = None) -> str:
        """Return gateway.yaml for another gateway, which takes a free port, beside this stack.

        Args:
            changes: what stands there once, and what to write in its place.
        """
        text = (self.folder / "gateway.yaml").read_text("utf-8")
        for old, new in (changes or {}).items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        for name, port in self.ports.items():
            text = text.replace(f"${{{name}}}", "0" if name == "GATEWAY_PORT" else str(port))
        return text

    def lines(self, process: str) -> list[str]:
        """Return what a process has printed so far, a line an item."""
        found = [PRINTED.match(line.rstrip("\n")) for line in tuple(self.program.printed)]
        return [match[2] for match in found if match and match[1] == process]

    def wait_for(self, process: str, pattern: str) -> re.Match[str]:
        """Return the first match in what a process has printed or is about to print."""
        deadline = monotonic() + START_SECONDS
        while monotonic() < deadline:
            for line in self.lines(process):
                if found := re.search(pattern, line):
                    return found
            sleep(0.02)
        raise AssertionError(f"{process} did not print {pattern!r}:\n{self._everything()}")

    def wait_until_open(self) -> None:
        """Wait until every port accepts connections."""
        deadline = monotonic() + 2 * START_SECONDS
        for name, port in self.ports.items():
            while True:
                with suppress(OSError), socket.create_connection(("localhost", port)):
                    break
                ended = self.program.process.poll() is not None
                if ended or monotonic() > deadline:
                    raise AssertionError(f"nothing listens on {name}:\n{self._everything()}")
                sleep(0.05)

    def _everything(self) -> str:
        return "".join(self.program.printed)


def unbuilt_copy(name: str, directory: Path) -> Path:
    """Copy an example without building it, for commands that only read its configuration.

    ``files:`` wants its folders and its fallback at load: an empty page stands for the build's.
    """
    folder = directory / name
    shutil.copytree(EXAMPLES / name, folder, ignore=NOT_COPIED)
    (folder / "dist/assets").mkdir(parents=True)
    (folder / "dist/index.html").touch()
    return folder


@contextmanager
def stack(name: str, directory: Path) -> Iterator[Stack]:
    """Run an example until the test is done with it.

    Args:
        name: of its folder.
        directory: an empty one, for the copy.
    """
    folder = directory / name
    shutil.copytree(EXAMPLES / name, folder, ignore=NOT_COPIED)
    *preparing, start = commands_of((folder / "README.md").read_text("utf-8"))
    assert start == START, f"the README of {name} ends with {start!r}"
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin", **SMALL}
    for command in preparing:
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PREPARING_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command!r} failed:\n{done.stdout}{done.stderr}"
    defaults = [name for name in environment_of(folder) if name.endswith("_PORT")]
    with ExitStack() as until_started:
        ports = {each: until_started.enter_context(_free_port()) for each in defaults}
    (folder / "ports.env").write_text("".join(f"{k}={v}\n" for k, v in ports.items()), "utf-8")
    argv = ["honcho", "start", "--no-colour", "-e", ".env,ports.env"]
    with running(argv, env, folder) as program:
        running_stack = Stack(folder, ports, program)
        running_stack.wait_until_open()
        yield running_stack


@contextmanager
def _free_port() -> Iterator[int]:
    """Hold a port until the example's process takes it: none that the kernel gives to a client."""
    with socket.socket() as holder:
        while True:
            with suppress(OSError):
                holder.bind(("127.0.0.1", randrange(20_000, 32_000)))
                break
        yield holder.getsockname()[1]
