"""A test that needs a program which is not installed is reported as not run, with the remedy.

``@pytest.mark.system("nginx", "node")`` names the programs; ``@pytest.mark.chromium`` and
``@pytest.mark.firefox`` stand for the browsers, which Debian calls ``chromium`` and ``firefox-esr``.
Where the programs are installed nothing is skipped.
"""

import pytest

from tests.peers.programs import missing_programs

BROWSERS = {"chromium": "chromium", "firefox": "firefox-esr"}
"""The program behind each mark that is a browser's name."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        missing = missing_programs(_programs_of(item))
        if missing:
            reason = f"needs {', '.join(missing)}: make test-system"
            item.add_marker(pytest.mark.skip(reason=reason))


def _programs_of(item: pytest.Item) -> tuple[str, ...]:
    """Return what an item, its class and its module ask for."""
    names = [str(name) for mark in item.iter_markers("system") for name in mark.args]
    names += [program for mark, program in BROWSERS.items() if item.get_closest_marker(mark)]
    return tuple(dict.fromkeys(names))
