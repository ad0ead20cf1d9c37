"""The configuration that comes with the demonstration loads without a word, and passes its tests."""

import subprocess
import sys

from tests.demo.demonstration import SHIPPED


def test_it_is_as_strict_as_any() -> None:
    argv = [sys.executable, "-m", "cors_gateway", "validate", str(SHIPPED), "--tests", "--strict"]
    env = {"DEMO_PAGE_ORIGIN": "http://localhost:3000", "LEGACY_API_URL": "http://127.0.0.1:5000"}

    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "3 tests passed" in done.stdout
