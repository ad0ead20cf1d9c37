"""How the runs load a row's configuration: through ``load``, from data, with nothing outside it."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from cors_gateway.config.flaws import Flaw
from cors_gateway.config.load import Loaded, load
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.snapshot import Snapshot
from tests.cases.fetch import Case

__all__ = ["NoReader", "load_data", "snapshot_of"]


class NoReader:
    """No environment and no files."""

    env: Mapping[str, str] = MappingProxyType({})

    def read_file(self, path: str) -> str:
        raise FileNotFoundError(path)

    def locate(self, path: str) -> str:
        return path

    def check_pair(self, certificate: str, key: str) -> Sequence[Flaw]:
        return ()

    def check_authorities(self, path: str) -> Sequence[Flaw]:
        return ()

    def check_files(
        self, root: str, fallback: str | None, secrets: Sequence[str]
    ) -> Sequence[Flaw]:
        return ()


def load_data(document: Mapping[str, Any]) -> Loaded:
    """Load a configuration given as data: JSON is YAML."""
    return _load(json.dumps(document))


def snapshot_of(case: Case, upstream_url: str) -> Snapshot:
    """Load a row's configuration in front of an upstream."""
    return _snapshot(json.dumps(case.document(upstream_url)))


def _load(text: str) -> Loaded:
    return load(text, "gateway.yaml", NoReader(), is_public_suffix, is_registry_suffix)


@cache
def _snapshot(text: str) -> Snapshot:
    loaded = _load(text)
    assert loaded.snapshot is not None, loaded.problems
    return loaded.snapshot
