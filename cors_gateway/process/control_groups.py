"""Where the kernel says what a container may have: the control groups of this process.

cgroup v2 has one tree for everything, v1 one for each controller. A bound of any group above counts as
well. In a container the process's own group may be where the tree is mounted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Group", "groups_of"]


@dataclass(frozen=True, slots=True)
class Group:
    """One control group, or where one would be."""

    folder: Path
    is_v2: bool

    def read(self, name: str) -> str:
        """Give what a file of it says; nothing where there is none."""
        try:
            return (self.folder / name).read_text("ascii", "replace").strip()
        except OSError:
            return ""


def groups_of(controller: str, root: Path = Path("/")) -> Iterator[Group]:
    """Give the groups that bound this process, its own first.

    Args:
        controller: what is bounded: ``cpu`` or ``memory``.
        root: where ``proc`` and ``sys`` are found.
    """
    mounts = root / "sys/fs/cgroup"
    for line in Group(root / "proc/self", is_v2=True).read("cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if not controllers:
            yield from _upwards(mounts, name, is_v2=True)
        elif controller in controllers.split(","):
            yield from _upwards(mounts / controller, name, is_v2=False)


def _upwards(mount: Path, name: str, *, is_v2: bool) -> Iterator[Group]:
    folder = mount / name.strip("/")
    yield Group(folder, is_v2)
    for above in folder.parents:
        if above.is_relative_to(mount):
            yield Group(above, is_v2)
