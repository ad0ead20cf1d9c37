"""Tables of what the program has besides keys: metrics, failures, commands and their options."""

import argparse
from collections.abc import Iterator
from importlib import import_module

from cors_gateway.cli.verbs import VERBS
from cors_gateway.failures import Failure
from cors_gateway.process.metrics import DURATIONS, METRICS, Kind
from cors_gateway.wire.record import LOG_FIELDS
from docs.regions import RegionError
from docs.wording import code, mark_code

__all__ = ["buckets", "commands", "failures", "fields", "metrics", "options_of", "verb"]


def metrics() -> str:
    """List every metric."""
    lines = ["| Metric | Labels | What it says |", "|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(map(code, metric.labels)) or "–"
        name = code(metric.full_name)
        kind = "Histogram. " if metric.kind is Kind.HISTOGRAM else ""
        lines.append(f"| {name} | {labels} | {kind}{mark_code(metric.help)} |")
    return "\n".join(lines)


def buckets() -> str:
    """List the bounds of the histograms."""
    return ", ".join(f"{bound:g}" for bound in DURATIONS) + " seconds."


def fields() -> str:
    """List the fields of a line of the access log."""
    lines = ["| Field | What it says |", "|---|---|"]
    lines += [f"| {code(name)} | {_sentence(text)} |" for name, text in LOG_FIELDS.items()]
    return "\n".join(lines)


def failures() -> str:
    """List what can go wrong: the name that the log has, the status, the error of RFC 9209."""
    lines = [
        "| `problem` | Status | `fault` | `error.type` | What happened |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f'| <a id="problem-{one.value}"></a>{code(one.value)} | {one.status} | {one.fault.value} '
        f"| {code(one.proxy_error)} | {one.summary} |"
        for one in sorted(Failure, key=lambda one: (one.status, one.value))
    ]
    return "\n".join(lines)


def commands() -> str:
    """List the commands."""
    lines = ["| Command | What it does |", "|---|---|"]
    lines += [
        f"| [{code(name)}](#{name}) | {_sentence(one.summary)} |" for name, one in VERBS.items()
    ]
    return "\n".join(lines)


def verb(name: str) -> str:
    """Tell of one command: its example and its options."""
    if name not in VERBS:
        raise RegionError(f"there is no command {name}")
    lines = ["```console", *(f"$ {VERBS[name].example}".splitlines()), "```"]
    options = list(options_of(name))
    if options:
        lines += ["", "| Option | What it does |", "|---|---|"]
        for option in options:
            lines.append(f"| {_spelling(option)} | {_sentence(mark_code(option.help or ''))} |")
    return "\n".join(lines)


def options_of(name: str) -> Iterator[argparse.Action]:
    """Give the options and arguments of a command, without ``--help`` and without hidden ones."""
    parser = argparse.ArgumentParser(add_help=False)
    import_module(f"cors_gateway.cli.{name}").add_arguments(parser)
    for action in parser._actions:  # noqa: SLF001 - argparse offers no other way to ask
        if action.help is not argparse.SUPPRESS:
            yield action


def _spelling(option: argparse.Action) -> str:
    if not option.option_strings:
        return code(str(option.metavar or option.dest))
    value = "" if option.nargs == 0 else f" {option.metavar or '|'.join(option.choices or ())}"
    return ", ".join(code(f"{name}{value}") for name in option.option_strings)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
