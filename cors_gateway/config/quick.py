"""A configuration without a file: the few flags or variables that make a gateway.

They become the same document that a file would, so that the same mistakes are found and worded
the same; positions name the flag or the variable. Nothing in them is substituted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from cors_gateway.config.flaws import Flaw
from cors_gateway.config.given import Given
from cors_gateway.config.load import Loaded, load_document
from cors_gateway.config.nodes import Block, Document, Node, Scalar, Series
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.problems import Position, Problem

__all__ = ["load_flags", "settings_from_flags"]

POLICY = "quick"
"""What the one policy is called, in logs and in ``explain``."""

DANGEROUS = re.compile(r"dangerously\w+: true")
NEEDS_A_FILE = ", which needs a file: cors-gateway init writes one"


@dataclass(frozen=True, slots=True)
class _NoReader:
    """Flags are taken as they are: the shell or compose has substituted already."""

    env: Mapping[str, str]

    def read_file(self, path: str) -> str:
        raise FileNotFoundError(path)

    def locate(self, path: str) -> str:
        return path

    def check_pair(self, certificate: str, key: str) -> Sequence[Flaw]:
        del certificate, key
        return ()

    def check_authorities(self, path: str) -> Sequence[Flaw]:
        del path
        return ()

    def check_files(
        self, root: str, fallback: str | None, secrets: Sequence[str]
    ) -> Sequence[Flaw]:
        del root, fallback, secrets
        return ()


def settings_from_flags(
    *,
    upstream: Given,
    allow_origins: Sequence[Given],
    credentials: Given | None = None,
    allow_methods: Sequence[Given] = (),
    allow_headers: Sequence[Given] = (),
    max_age: Given | None = None,
    listen: Given | None = None,
    name: str = "command line",
) -> Document:
    """Make the document that stands for some flags: one route, one policy.

    Args:
        upstream: the API's URL.
        allow_origins: what ``allowOrigins`` would list.
        credentials: ``true`` or ``false``.
        allow_methods: what ``allowMethods`` would list; its default without.
        allow_headers: what ``allowHeaders`` would list; its default without.
        max_age: what ``maxAge`` would say.
        listen: where to accept connections.
        name: what a position calls it where no flag is at fault.
    """
    whole = Position(name)
    policy: dict[str, Node] = {"allowOrigins": _list(allow_origins, whole)}
    if allow_methods:
        policy["allowMethods"] = _list(allow_methods, whole)
    if allow_headers:
        policy["allowHeaders"] = _list(allow_headers, whole)
    if credentials is not None:
        policy["allowCredentials"] = _scalar(credentials, plain=True)
    if max_age is not None:
        policy["maxAge"] = _scalar(max_age, plain=True)
    route = _block({"path": Scalar("/", whole)}, whole)
    settings: dict[str, Node] = {
        "corsPolicies": _block({POLICY: _block(policy, _place(allow_origins, whole))}, whole),
        "routes": Series(
            whole,
            [
                _block(
                    {
                        "name": Scalar("api", whole),
                        "match": route,
                        "upstream": _scalar(upstream),
                        "cors": Scalar(POLICY, whole),
                    },
                    whole,
                )
            ],
        ),
        "defaults": _block({"cors": Scalar(POLICY, whole)}, whole),
    }
    if listen is not None:
        settings["server"] = _block({"listen": _scalar(listen)}, whole)
    return Document(name, _block(settings, whole))


def load_flags(document: Document, suffixes: PublicSuffixes) -> Loaded:
    """Load what ``settings_from_flags`` made."""
    digest = sha256(repr(document.root).encode(errors="surrogatepass")).hexdigest()
    loaded = load_document(document, digest, _NoReader({}), suffixes)
    credentials = document.position(("corsPolicies", POLICY, "allowCredentials"))
    words = _words_for(credentials.source)
    problems = tuple(_reword(problem, words) for problem in loaded.problems)
    return replace(loaded, problems=problems)


def _words_for(credentials: str) -> Mapping[str, str]:
    """Give the words for ``allowCredentials`` where a flag or a variable says it."""
    remove = "leave out" if credentials.startswith("-") else "unset"
    return {
        "remove allowCredentials": f"{remove} {credentials}",
        "allowCredentials: true": credentials,
        "allowCredentials is true": f"{credentials} is given",
    }


def _reword(problem: Problem, words: Mapping[str, str]) -> Problem:
    """Word a problem for who has no file, and so no keys to write or to remove."""
    what, why, fix = problem.what, problem.why, problem.fix
    for key, flag in words.items():
        what, why, fix = (text.replace(key, flag) for text in (what, why, fix))
    if DANGEROUS.search(fix):
        fix += NEEDS_A_FILE
    return replace(problem, what=what, why=why, fix=fix)


def _scalar(given: Given, *, plain: bool = False) -> Scalar:
    return Scalar(given.value.replace("$", "$$"), given.position, plain)


def _list(given: Sequence[Given], whole: Position) -> Series:
    return Series(_place(given, whole), [_scalar(one) for one in given])


def _place(given: Sequence[Given], whole: Position) -> Position:
    return given[0].position if given else whole


def _block(entries: dict[str, Node], position: Position) -> Block:
    keys = {key: node.position for key, node in entries.items()}
    return Block(position, entries, keys)
