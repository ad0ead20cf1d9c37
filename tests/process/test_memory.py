"""The C library keeps what content has passed through, instead of asking the kernel again."""

import subprocess
import sys

ALLOCATE = """
import resource
{setting}
pieces = [b"x" * 262144 for _ in range(24)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    pieces.clear()
    pieces += [b"x" * 262144 for _ in range(24)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
KEEP = "from cors_gateway.process.memory import keep_freed_memory; assert keep_freed_memory()"
PIECES = 50 * 24


def faults(setting: str) -> int:
    program = ALLOCATE.format(setting=setting)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return int(ended.stdout)


def test_a_buffer_is_taken_from_what_was_kept() -> None:
    assert faults("") > 10 * PIECES
    assert faults(KEEP) < PIECES
