"""What is said where a package that the gateway stands on is not there."""

import sys

__all__ = ["describe_lacking"]


def describe_lacking(error: ModuleNotFoundError) -> str:
    """Name the package, and what to do; it is none of our own modules."""
    return (
        f"the package {error.name} is not installed for {sys.executable}: install cors-gateway "
        "with pip, or start it by the Python that it was installed for"
    )
