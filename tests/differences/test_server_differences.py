"""What changes for all routes alike."""

import pytest

from cors_gateway.config.load import load
from cors_gateway.differences.compare import compare
from tests.cases.configs import READER
from tests.differences.comparing import configured, routed, said

MORE = "clients may reach it that could not, or without TLS"
TLS = "tls: {certificate: c.pem, key: k.pem}"


@pytest.mark.parametrize(
    "old, new, lines",
    [
        pytest.param("", "server: {timeouts: {head: 30s}}", ["server.timeouts.head: 10s → 30s"],
                     id="a time"),
        pytest.param("", "server: {limits: {content: 1MiB, fieldLines: 1000}}",
                     ["server.limits.fieldLines: 100 → 1000", "server.limits.content: none → 1MiB"],
                     id="limits, raised and not"),
        pytest.param("", "log: {level: debug, access: false}",
                     ["log.level: info → debug", "log.access: true → false"], id="the log"),
        pytest.param("", "server: {workers: 2}", ["server.workers: auto → 2"], id="workers"),
        pytest.param("", "server: {listen: 127.0.0.1:8080}",
                     ["server.listen: now with 127.0.0.1:8080 and without 0.0.0.0:8080"],
                     id="fewer can reach it"),
        pytest.param("server: {listen: 127.0.0.1:8080}", "",
                     [("wider: server.listen: now with 0.0.0.0:8080 and without 127.0.0.1:8080: "
                      f"{MORE}")], id="more can reach it"),
        pytest.param("server: {listen: 'unix:/s'}", "server: {listen: ['unix:/s', 'unix:/t']}",
                     [f"wider: server.listen: now with unix:/t: {MORE}"], id="one more socket"),
        pytest.param("server: {listen: '[::]:80'}", "server: {listen: ['10.0.0.1:80', 'unix:/t']}",
                     ["server.listen: now with 10.0.0.1:80 and unix:/t and without [::]:80"],
                     id="a part of all"),
        pytest.param("server: {listen: 10.0.0.1:80}", "server: {listen: 10.0.0.2:80}",
                     [f"wider: server.listen: now with 10.0.0.2:80 and without 10.0.0.1:80: {MORE}"],
                     id="from elsewhere"),
        pytest.param(f"server: {{{TLS}}}", "",
                     [f"wider: server.tls: {{certificate: c.pem, key: k.pem}} → nothing: {MORE}"],
                     id="without TLS"),
        pytest.param("", f"server: {{{TLS}}}",
                     ["server.tls: nothing → {certificate: c.pem, key: k.pem}"], id="with TLS"),
        pytest.param("", "server: {trustedProxies: [10.0.0.0/8, '::1']}",
                     [("wider: server.trustedProxies: now with 10.0.0.0/8 and ::1/128: "
                      "their X-Forwarded-* count now")], id="proxies"),
        pytest.param("server: {trustedProxies: [10.0.0.0/8, unix]}",
                     "server: {trustedProxies: [10.1.0.0/16]}",
                     ["server.trustedProxies: now with 10.1.0.0/16 and without 10.0.0.0/8 and unix"],
                     id="fewer proxies"),
        pytest.param("server: {trustedProxies: [10.0.0.0/9, 10.128.0.0/9]}",
                     "server: {trustedProxies: [10.0.0.0/8]}",
                     [("server.trustedProxies: now with 10.0.0.0/8 and without 10.0.0.0/9 and "
                      "10.128.0.0/9")], id="the same proxies, written shorter"),
        pytest.param("server: {trustedProxies: [10.0.0.0/8]}",
                     "server: {trustedProxies: [10.0.0.0/8, unix]}",
                     ["wider: server.trustedProxies: now with unix: their X-Forwarded-* count now"],
                     id="whoever connects to a unix socket"),
        pytest.param("", "server: {publicOrigin: https://www.example.com}",
                     [("wider: server.publicOrigin: nothing → https://www.example.com: "
                      "pages of another origin count as the gateway's own")], id="what we are called"),
        pytest.param("", "admin: {listen: 0.0.0.0:9901}",
                     [("wider: admin.listen: 127.0.0.1:9901 → 0.0.0.0:9901: "
                      "more may reach the admin listener")], id="admin for all"),
        pytest.param("", "admin: {listen: 127.0.0.1:9902}",
                     ["admin.listen: 127.0.0.1:9901 → 127.0.0.1:9902"], id="admin elsewhere"),
        pytest.param("admin: {listen: 0.0.0.0:9901}", "admin: false",
                     ["admin: {listen: 0.0.0.0:9901, hosts: []} → false"], id="no admin"),
        pytest.param("admin: false", "",
                     [("wider: admin: false → {listen: 127.0.0.1:9901, hosts: []}: "
                      "more may reach the admin listener")], id="admin again"),
        pytest.param("", "admin: {hosts: [admin.example.com]}",
                     [("wider: admin.hosts: now with admin.example.com: "
                      "more may reach the admin listener")], id="names of admin"),
    ],
)  # fmt: skip
def test_what_is_said_of_the_server(old: str, new: str, lines: list[str]) -> None:
    assert said(routed(rest=old), routed(rest=new)) == lines


def test_it_is_told_with_its_line() -> None:
    new = configured(
        routed(rest="server:\n  timeouts:\n    head: 1s\nlog: {level: debug}\n"), "new"
    )

    assert [each.source for each in compare(configured(routed()), new)] == ["new:4", "new:5"]


def test_what_is_not_served_is_no_difference() -> None:
    tests = "tests: [{path: /a, expect: allow}]\n"

    assert said(routed(), routed(rest=tests)) == []


def test_what_has_mistakes_amounts_to_nothing() -> None:
    wrong = load("routes: []", "f.yaml", READER, lambda _: False)

    with pytest.raises(ValueError, match="errors"):
        compare(wrong, configured(routed()))
