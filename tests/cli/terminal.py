"""The command on a terminal of its own, as a person has it: what it shows, and the keys."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import select
from time import monotonic

__all__ = ["OnTerminal", "on_terminal"]

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

# Makes its standard streams the terminal that ^C comes from, and becomes the command.
BECOME = (
    "import os, sys; os.login_tty(0);"
    "os.execv(sys.executable, [sys.executable, '-m', 'cors_gateway', *sys.argv[1:]])"
)


@dataclass
class OnTerminal:
    """A command that runs, and what its terminal shows so far."""

    process: subprocess.Popen[bytes]
    terminal: int
    shown: str = ""

    def press(self, keys: str) -> None:
        """Press keys; ``\\x03`` is ^C."""
        os.write(self.terminal, keys.encode())

    def wait_for(self, text: str) -> None:
        """Read until the terminal shows a text."""
        deadline = monotonic() + PATIENCE
        while text not in self.shown:
            assert self._read(deadline), f"it does not show {text!r}:\n{self.shown}"

    def wait_for_end(self) -> int:
        """Read to the end; give the exit code."""
        deadline = monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self.process.wait(PATIENCE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select([self.terminal], [], [], max(0.0, deadline - monotonic()))
        try:
            read = os.read(self.terminal, 65536) if ready else b""
        except OSError:  # how Linux says that nobody has the terminal any more
            read = b""
        self.shown += read.decode(errors="replace").replace("\r\n", "\n")
        return bool(read)


@contextmanager
def on_terminal(*arguments: str, **env: str) -> Iterator[OnTerminal]:
    """Run the command with a terminal of its own; at the end it is gone."""
    parent, child = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", BECOME, *arguments],
            env={"PYTHONPATH": str(ROOT), "TERM": "xterm", **env},
            stdin=child,
            stdout=child,
            stderr=child,
        )
    finally:
        os.close(child)
    try:
        yield OnTerminal(process, parent)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(parent)
