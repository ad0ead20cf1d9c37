"""A configuration as it was written: a tree of nodes that know where they stand."""

from dataclasses import dataclass, field

from cors_gateway.config.problems import Path, Position, Problem

__all__ = ["Block", "Document", "Node", "Scalar", "Series", "Value", "find_node"]

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
"""What a node is once it is resolved."""


@dataclass(slots=True)
class Scalar:
    """A single value as it is written."""

    text: str
    position: Position
    plain: bool = True
    """Whether it stands without quotes and may be a number, a boolean or nothing."""


@dataclass(slots=True)
class Series:
    """A list."""

    position: Position
    items: list["Node"] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """A mapping from text to nodes."""

    position: Position
    entries: dict[str, "Node"] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)


Node = Scalar | Series | Block


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration as it was written."""

    name: str
    root: Node | None
    """``None`` where the text could not be read to its end."""
    problems: tuple[Problem, ...] = ()
    broken: tuple[Path, ...] = ()
    """Where a problem left no value to go on with."""

    def position(self, path: Path, *, at_key: bool = False) -> Position:
        """Where the value at ``path`` stands, or the nearest block around it.

        Args:
            path: from the root; what is not there counts for the block that misses it.
            at_key: take the position of the key instead of its value.
        """
        block, node, rest = find_node(self.root, path)
        if at_key and not rest and isinstance(block, Block) and isinstance(path[-1], str):
            return block.keys[path[-1]]
        return Position(self.name, 1, 1) if node is None else node.position

    def has(self, path: Path) -> bool:
        """Say whether something is written at ``path``."""
        return not find_node(self.root, path)[2]


def find_node(root: Node | None, path: Path) -> tuple[Node | None, Node | None, Path]:
    """Follow ``path`` as far as it goes.

    Returns:
        The node before the last one reached, the last one reached, and the rest of the path.
    """
    parent, node = None, root
    for index, part in enumerate(path):
        following: Node | None = None
        match node:
            case Block() if isinstance(part, str):
                following = node.entries.get(part)
            case Series() if isinstance(part, int) and part < len(node.items):
                following = node.items[part]
        if following is None:
            return parent, node, path[index:]
        parent, node = node, following
    return parent, node, ()
