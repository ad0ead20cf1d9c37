"""Short words to have something examined, and to look at what came of it."""

from cors_gateway.config.load import Loaded, load
from cors_gateway.config.policies import PublicSuffixes
from cors_gateway.config.public_suffixes import is_public_suffix, is_registry_suffix
from cors_gateway.doctor.case import Answer, Case, Course, Exchange
from cors_gateway.doctor.examination import Examination, examine
from cors_gateway.doctor.opening import open_case
from cors_gateway.doctor.probes import next_probe
from tests.cases.fetch_loading import NoReader

__all__ = ["API", "APP", "SUFFIXES", "Server", "answer", "case", "course", "examined", "loaded"]

API = "https://api.example.com/orders"
APP = "https://app.example.com"
SUFFIXES = PublicSuffixes(is_public_suffix, is_registry_suffix)


def case(
    *origins: str,
    url: str = API,
    method: str | None = None,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    credentials: bool = False,
) -> Case:
    """Open a case."""
    return open_case(
        url, origins, is_public_suffix, method=method, headers=headers, credentials=credentials
    )


def answer(status: int = 200, /, **fields: str) -> Answer:
    """Make an answer; ``allow_origin`` is ``Access-Control-Allow-Origin``, ``vary`` itself."""
    short = ("allow_", "expose_", "max_")
    lines = [
        (f"Access-Control-{name.replace('_', '-')}" if name.startswith(short) else name, value)
        for name, value in fields.items()
    ]
    return Answer(
        status, tuple((name.replace("_", "-").encode(), text.encode()) for name, text in lines)
    )


class Server:
    """Answers a probe, in place of a socket."""

    def answer(self, method: str, target: str, origin: str | None) -> Answer | None:
        raise NotImplementedError


def course(opened: Case, server: Server) -> Course:
    """Ask a server all that is to be asked."""
    taken = Course()
    while (probe := next_probe(opened, taken)) is not None:
        origin = None if probe.origin is None else probe.origin.decode()
        answered = server.answer(probe.method.decode(), probe.target.decode(), origin)
        exchange = Exchange(probe, answered, "" if answered else "hangs up without an answer")
        taken = Course((*taken.exchanges, exchange))
    return taken


def examined(opened: Case) -> Examination:
    """Examine what really is there."""
    return examine(
        opened, is_public_suffix, before=lambda _: None, after=lambda _: None, seconds=60
    )


def loaded(configuration: str) -> Loaded:
    """Load what is proposed."""
    return load(configuration, "proposed.yaml", NoReader(), *SUFFIXES)
