"""Without a program, the tests that need it are named as not run, with the remedy."""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_what_needs_a_missing_program_is_named_with_the_remedy(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-fold-skipped"]

    ended = subprocess.run(
        [*argv, str(HERE / "test_real_node.py")],
        cwd=HERE.parents[1],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout
    named = re.findall(
        r"^SKIPPED \S+::\S+.* needs node: make test-system$", ended.stdout, re.MULTILINE
    )
    summary = re.search(r"^(\d+) skipped in ", ended.stdout, re.MULTILINE)
    assert summary is not None, ended.stdout
    assert len(named) == int(summary[1]) > 0
