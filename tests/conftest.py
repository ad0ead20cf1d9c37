"""A test that needs a program which is not installed is reported as not run, with the remedy.

``@pytest.mark.system("nginx", "node")`` names the programs; ``@pytest.mark.chromium`` stands for
``system("chromium")``. Where the programs are installed nothing is skipped.
"""

import pytest

from tests.peers.programs import missing_programs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        missing = missing_programs(_programs_of(item))
        if missing:
            reason = f"needs {', '.join(missing)}: make test-system"
            item.add_marker(pytest.mark.skip(reason=reason))


def _programs_of(item: pytest.Item) -> tuple[str, ...]:
    """Return what an item, its class and its module ask for."""
    names = [str(name) for mark in item.iter_markers("system") for name in mark.args]
    if item.get_closest_marker("chromium"):
        names.append("chromium")
    return tuple(dict.fromkeys(names))
