"""An examination in words for a person, and as data for a program.

What an API sent is shown escaped. Values of headers that a page sets are not shown at all: one of
them may be its token.
"""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from cors_gateway.config.problems import quote
from cors_gateway.doctor.case import Case, Exchange, Probe, Purpose
from cors_gateway.doctor.catalogue import Kind
from cors_gateway.doctor.examination import Examination
from cors_gateway.doctor.finding import Finding

__all__ = ["as_data", "tell_answer", "tell_begin", "tell_end", "tell_probe", "tell_verdict"]

_LONGEST_TEXT = 300
"""Characters of a value that are shown; an API may send any number."""
_WIDTH = 100
_SHOWN = ("access-control-", "vary", "location", "allow")
_CHECK = "check it by cors-gateway validate --tests"
_ANNOUNCED = frozenset({b"access-control-request-method", b"access-control-request-headers"})
_GROUPS = {
    Kind.DANGEROUS: "What others get",
    Kind.BROKEN: "What the page does not get",
    Kind.NOTE: "Worth knowing",
}


def tell_begin(case: Case) -> str:
    """Say what will be examined, and what stands for what was not said."""
    pages = " and ".join(_pages(case))
    call = _call(case)
    lines = [f"{case.base}{_text(case.page.target)}: can pages of {pages} call it, by {call}?"]
    if case.is_page_assumed:
        lines.append(f"{pages} stands for your page; --origin names it.")
    if case.is_call_assumed:
        lines.append("A POST of JSON stands for what it sends; --method and --header say it.")
    lines.append("Only GET, HEAD and OPTIONS are sent, without cookies, and no body is read.")
    return "\n".join(lines) + "\n"


def tell_probe(probe: Probe) -> str:
    """Announce a request."""
    lines = [] if probe.origin is None else [f"Origin: {_text(probe.origin)}"]
    for name, value in probe.fields:
        is_ours = name.lower() in _ANNOUNCED
        lines.append(f"{_text(name)}: {_text(value) if is_ours else '…'}")
    return "  ".join([f"→ {_text(probe.method)} {_text(probe.target)}", *lines])


def tell_answer(exchange: Exchange) -> str:
    """Say what came of it, as far as CORS is concerned."""
    if exchange.answer is None:
        return f"  ← it {exchange.trouble}"
    lines = [f"{name}: {value}" for name, value in _shown_fields(exchange)]
    return "  ".join([f"  ← {exchange.answer.status}", *lines])


def tell_verdict(examination: Examination) -> str:
    """Say in one sentence what it comes to."""
    case = examination.case
    pages = " and ".join(_pages(case))
    if examination.trouble:
        return f"{case.base} {examination.trouble}."
    kinds = {one.kind for one in examination.findings}
    if Kind.BROKEN in kinds:
        return f"Pages of {pages} cannot call it as they should" + (
            ", and others are let in that nobody named." if Kind.DANGEROUS in kinds else "."
        )
    if Kind.DANGEROUS in kinds:
        return f"Pages of {pages} can call it, and others are let in that nobody named."
    return f"Pages of {pages} can call it, and nothing dangerous was seen."


def tell_end(examination: Examination) -> str:
    """Say what is wrong, and what would be right."""
    lines = []
    number = 0
    for kind, title in _GROUPS.items():
        findings = [one for one in examination.findings if one.kind is kind]
        lines += ["", f"{title}:"] if findings else []
        for one in findings:
            number += 1
            lines += ["", *_tell_finding(number, one)]
    if not examination.is_fine and examination.proposal:
        lines += [
            "",
            f"The gateway in front of it, as cors-gateway.yaml ({_CHECK}):",
            "",
            *examination.proposal.splitlines(),
        ]
    return "".join(f"{line}\n" for line in lines)


def as_data(examination: Examination) -> dict[str, Any]:
    """Give an examination as JSON has it."""
    case = examination.case
    return {
        "url": f"{case.base}{_text(case.page.target)}",
        "origins": list(_pages(case)),
        "originIsAssumed": case.is_page_assumed,
        "method": case.page.method.decode(),
        "headers": [name.decode() for name, _ in case.page.headers],
        "credentials": case.page.credentials,
        "verdict": "unreachable"
        if examination.trouble
        else ("fine" if examination.is_fine else "findings"),
        "summary": tell_verdict(examination),
        "requests": [_exchange_data(one) for one in examination.course.exchanges],
        "findings": [
            {
                "code": one.code,
                "kind": one.kind,
                "what": one.what,
                "browser": one.console or None,
                "why": one.why,
                "gateway": one.gateway,
                "seen": [_seen(probe) for probe in one.seen],
            }
            for one in examination.findings
        ],
        "configuration": examination.proposal or None,
    }


def _exchange_data(exchange: Exchange) -> dict[str, Any]:
    probe, answer = exchange.probe, exchange.answer
    return {
        "purpose": probe.purpose,
        "method": probe.method.decode(),
        "target": probe.target.decode(),
        "origin": None if probe.origin is None else probe.origin.decode(),
        "status": None if answer is None else answer.status,
        "headers": [list(line) for line in _shown_fields(exchange)],
        "error": exchange.trouble or None,
    }


def _tell_finding(number: int, finding: Finding) -> Iterator[str]:
    yield from _fill(f"{number}. {finding.what} [{finding.code}]", "   ", first="")
    if finding.console:
        yield from _fill(f"browser: {finding.console}", "            ", first="   ")
    yield from _fill(f"why:     {finding.why}", "            ", first="   ")
    yield from _fill(f"gateway: {finding.gateway}", "            ", first="   ")
    if finding.seen:
        seen = "; ".join(map(_seen, finding.seen))
        yield from _fill(f"seen in: {seen}", "            ", first="   ")


def _seen(probe: Probe) -> str:
    what = "preflight" if probe.method == b"OPTIONS" else _text(probe.method)
    target = f" {_text(probe.target)}" if probe.purpose is Purpose.MISSING else ""
    origin = "without Origin" if probe.origin is None else f"from {_text(probe.origin)}"
    return f"{what}{target} {origin}"


def _call(case: Case) -> str:
    names = [name.decode() for name, _ in case.page.headers]
    headers = f" with {', '.join(names)}" if names else ""
    cookies = " and with cookies" if case.page.credentials else ""
    return f"{case.page.method.decode()}{headers}{cookies}"


def _pages(case: Case) -> Iterator[str]:
    return (_text(page.origin or b"") for page in case.pages)


def _shown_fields(exchange: Exchange) -> Iterator[tuple[str, str]]:
    fields = exchange.answer.fields if exchange.answer else ()
    for name, value in fields:
        if name.lower().decode().startswith(_SHOWN):
            yield _text(name), _text(value)


def _text(value: bytes) -> str:
    text = value.decode("latin-1")
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}..."
    return text if text.isascii() and text.isprintable() else quote(text)


def _fill(text: str, indent: str, *, first: str) -> list[str]:
    return wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
