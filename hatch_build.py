"""The wheel's build: pure Python, or with ``CORS_GATEWAY_COMPILE=1`` with its hot modules compiled by mypyc.

The source is the same for both, and stays in the wheel: a compiled module stands beside its source, and the
interpreter prefers it. ``pyproject.toml`` lists the modules. Only a compiled build needs mypy, a C compiler and
Python's headers. An editable installation is never compiled.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH = "CORS_GATEWAY_COMPILE"
"""The environment variable that asks for a compiled wheel: anything but nothing and ``0``."""


class CompilingHook(BuildHookInterface[Any]):
    """Puts compiled modules into a wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for the compiler only where it is used."""
        return self.config["requires"] if self._compiles("standard") else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the wheel is pure or an editable installation's."""
        if not self._compiles(version):
            return
        self._scratch = TemporaryDirectory()
        compiled = compile_modules(self._modules(), Path(self.root), Path(self._scratch.name))
        build_data["force_include"].update(compiled)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        del build_data, artifact_path
        if self._compiles(version):
            self._scratch.cleanup()

    def _compiles(self, version: str) -> bool:
        return version == "standard" and os.environ.get(SWITCH, "") not in {"", "0"}

    def _modules(self) -> list[str]:
        """List the files to compile, relative to the root."""
        root = Path(self.root)
        found = {
            path.relative_to(root).as_posix()
            for pattern in self.config["compiled"]
            for path in root.glob(pattern)
            if path.name != "__init__.py"
        }
        return sorted(found - set(self.config["interpreted"]))


def compile_modules(modules: list[str], root: Path, scratch: Path) -> dict[str, str]:
    """Compile modules, all into one library.

    Args:
        modules: the files, relative to ``root``.
        root: of the project.
        scratch: an empty folder.

    Returns:
        The compiled files, and where in the wheel each belongs.
    """
    from mypyc.build import mypycify  # noqa: PLC0415 - only here is it installed
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    os.chdir(root)
    extensions = mypycify(
        [
            # Types are `make types`' business, with everything installed; here they only guide the compiler.
            "--config-file=",
            "--ignore-missing-imports",
            "--explicit-package-bases",
            f"--cache-dir={scratch / 'types'}",
            *modules,
        ],
        opt_level="3",
        debug_level="0",
        group_name="cors_gateway",
        target_dir=str(scratch / "c"),
    )
    command = build_ext(Distribution({"ext_modules": extensions}))
    command.build_lib = str(scratch / "lib")
    command.build_temp = str(scratch / "objects")
    command.parallel = os.cpu_count()
    command.ensure_finalized()
    command.run()
    libraries = scratch / "lib"
    return {str(path): path.relative_to(libraries).as_posix() for path in libraries.rglob("*.so")}
