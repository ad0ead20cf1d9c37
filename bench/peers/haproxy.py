"""HAProxy: the allowlist as a file of an ACL, which is a tree; no ``splice``, which measured no better.

A thread for each worker. It cannot write an access log to a file by itself: a line a request goes to its standard output, which
is a file here.
"""

from collections.abc import Sequence

from bench.machine import BenchError, where
from bench.scenario import ALLOWED_HEADERS, ALLOWED_METHODS, MAX_AGE, Setup

__all__ = ["command"]

CONFIGURATION = """\
global
  nbthread {workers}
  maxconn 2000
  {log}
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout http-keep-alive 1h
  {live}
  {log_defaults}
frontend clients
  bind 127.0.0.1:{port}{tls}
  option forwardfor
  unique-id-format %[uuid()]
  unique-id-header X-Request-ID
  acl has_origin req.hdr(Origin) -m found
  acl is_allowed req.hdr(Origin) -m str -f {folder}/origins
  acl is_preflight req.hdr(Access-Control-Request-Method) -m found
  http-request set-var(txn.origin) req.hdr(Origin) if is_allowed
  http-request deny deny_status 403 if has_origin !is_allowed
  http-request return status 204 hdr Access-Control-Allow-Origin %[req.hdr(Origin)] hdr Access-Control-Allow-Credentials true hdr Access-Control-Allow-Methods "{methods}" hdr Access-Control-Allow-Headers "{headers}" hdr Access-Control-Max-Age {max_age} hdr Vary "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" hdr X-Request-ID %[unique-id] if METH_OPTIONS is_preflight is_allowed
  http-request set-header X-Forwarded-Proto {scheme}
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-response del-header Access-Control-Allow-Origin
  http-response del-header Access-Control-Allow-Credentials
  http-response set-header Access-Control-Allow-Origin %[var(txn.origin)] if {{ var(txn.origin) -m found }}
  http-response set-header Access-Control-Allow-Credentials true if {{ var(txn.origin) -m found }}
  http-response add-header Vary Origin
  http-response set-header X-Request-ID %[unique-id]
  default_backend api
backend api
  http-reuse always
  server api 127.0.0.1:{api}
"""


def command(setup: Setup) -> Sequence[str]:
    """Write its configuration; give how it is started."""
    scenario = setup.scenario
    if scenario.routes:
        raise BenchError("HAProxy is not set up for several routes here")
    setup.write("origins", "\n".join(setup.origins) + "\n")
    pair = setup.folder / "pair.pem"
    pair.write_bytes(setup.certificate.read_bytes() + setup.key.read_bytes())
    text = CONFIGURATION.format(
        workers=scenario.workers,
        # Without it an event waits for the next: the kernel is told that more is to come.
        live="option http-no-delay" if scenario.live else "",
        log="log stdout format raw local0" if scenario.log else "",
        log_defaults="log global\n  option httplog" if scenario.log else "",
        folder=setup.folder,
        port=setup.port,
        tls=f" ssl crt {pair} ssl-min-ver TLSv1.3" if scenario.tls else "",
        scheme="https" if scenario.tls else "http",
        methods=", ".join(ALLOWED_METHODS),
        headers=", ".join(ALLOWED_HEADERS),
        max_age=MAX_AGE,
        api=setup.api,
    )
    return [where("haproxy"), "-db", "-f", str(setup.write("haproxy.cfg", text))]
