"""Whether the gateway is ready: some worker takes requests, and it is not about to end.

APIs do not count: a gateway that was taken out because its API is down could not say so. Nor
does a reload that failed, because what was served before still is; it is told, though. The long
form is like that of Kubernetes' own API server.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from cors_gateway.admin.overview import Overview, served
from cors_gateway.process.overview import WorkerState

__all__ = ["describe", "spell_time", "unreadiness"]


def unreadiness(overview: Overview) -> str:
    """Say why the gateway is not ready; empty where it is."""
    if overview.is_draining:
        return "it is draining"
    return "" if _ready_slots(overview) else "no worker is ready"


def describe(overview: Overview) -> str:
    """Say in some lines how the gateway is."""
    verdict = "failed" if unreadiness(overview) else "passed"
    return "".join(f"{line}\n" for line in (*_lines(overview), f"readyz check {verdict}"))


def spell_time(seconds: float) -> str:
    """Write a time since the epoch for people and programs."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _lines(overview: Overview) -> Iterator[str]:
    yield _describe_workers(overview)
    for worker in overview.workers():
        if worker.is_silent:
            yield f"    {worker.name} has said nothing for {worker.silence:.0f} s"
    yield (
        "[-]drain failed: it is draining"
        if overview.is_draining
        else "[+]drain ok: it is not draining"
    )
    snapshot, reloads = served(overview), overview.reloads
    yield (
        f"[+]configuration ok: {snapshot.source}, digest {snapshot.digest}, "
        f"loaded {spell_time(overview.loaded_at)}, "
        f"{'watched' if overview.is_watched else 'not watched'}"
    )
    if reloads.began:
        yield f"[+]reload in progress: it began {spell_time(reloads.began)}"
    counts = f"{reloads.succeeded} succeeded, {reloads.failed} failed"
    if not reloads.last_problem:
        yield f"[+]reload ok: {counts}"
        return
    yield f"[-]reload failed: {counts}; what was served before still is"
    yield from (f"    {line}" for line in reloads.last_problem.splitlines())


def _describe_workers(overview: Overview) -> str:
    if overview.is_draining:
        # They may answer still, and are not ready to a probe.
        return f"[-]workers stopping: {len(overview.workers())} left"
    ready, slots = len(_ready_slots(overview)), overview.slots
    mark, verdict = ("+", "ok") if ready == slots else ("-", "failed" if not ready else "degraded")
    replaced = f", {overview.restarts} replaced" if overview.restarts else ""
    return f"[{mark}]workers {verdict}: {ready} of {slots} ready{replaced}"


def _ready_slots(overview: Overview) -> set[int]:
    return {
        worker.slot
        for worker in overview.workers()
        if worker.state is WorkerState.READY and not worker.is_silent
    }
