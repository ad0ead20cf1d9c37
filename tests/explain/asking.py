"""Short words to load a configuration and to ask it something."""

from cors_gateway.config.load import Loaded, load
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.explain.explanation import Exchange, Explanation, explain, home_of
from cors_gateway.explain.question import parse_question
from cors_gateway.explain.remedies import Remedy, find_remedy
from tests.cases.fetch_loading import NoReader

__all__ = ["APP", "FILE", "SUFFIXES", "ask", "configured", "find_problems", "last_of", "remedy_for"]

APP = "https://app.example.com"
SUFFIXES = PublicSuffixes(is_public_suffix, is_registry_suffix)

FILE = """\
corsPolicies:
  spa:
    allowOrigins:
      - https://app.example.com
    allowMethods: [GET, PUT]
defaults: {cors: spa}
routes:
  - {name: api, match: {path: /api}, upstream: http://h}
"""


def find_problems(text: str) -> list[str]:
    """Load a configuration that has mistakes, and tell of them."""
    return list(map(str, load(text, "f.yaml", NoReader(), *SUFFIXES).problems))


def configured(text: str = FILE) -> Loaded:
    """Load a configuration that has no mistakes."""
    loaded = load(text, "f.yaml", NoReader(), *SUFFIXES)
    assert loaded.snapshot is not None, loaded.problems
    return loaded


def ask(
    loaded: Loaded,
    origin: str | None,
    method: str = "GET",
    url: str = "/api",
    *headers: tuple[bytes, bytes],
    credentials: bool = False,
    websocket: bool = False,
) -> Explanation:
    """Ask what becomes of a request."""
    assert loaded.snapshot is not None
    question = parse_question(
        url,
        origin=origin,
        method=method,
        headers=headers,
        credentials=credentials,
        websocket=websocket,
        home=home_of(loaded.snapshot),
    )
    return explain(loaded.snapshot, question, is_public_suffix)


def last_of(explanation: Explanation) -> Exchange:
    """Give the exchange with which it ends, where something was sent."""
    assert explanation.last is not None
    return explanation.last


def remedy_for(loaded: Loaded, explanation: Explanation) -> Remedy:
    """Find the remedy that there has to be."""
    remedy = find_remedy(loaded, explanation, SUFFIXES)
    assert remedy is not None
    return remedy
