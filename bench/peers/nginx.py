"""nginx: the CORS snippet as people have it, with an allowlist by ``map``.

Its buffers are as they are by default. With ``large_buffers`` it passes content on as it comes, as the others do, by
64 KiB: with buffering off and the default of 4 or 8 KiB it would cost more than with buffering on. The access log is
written in blocks of 64 KiB, which costs it least.
"""

import getpass
import os
from collections.abc import Sequence

from bench.machine import where
from bench.scenario import ALLOWED_HEADERS, ALLOWED_METHODS, MAX_AGE, Setup

__all__ = ["command"]

CONFIGURATION = """\
daemon off; worker_processes {workers}; pid {folder}/pid; error_log stderr crit; {user}
events {{ worker_connections 4000; }}
http {{
  access_log {log}; keepalive_requests 1000000000; keepalive_timeout 1h; client_max_body_size 0;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  map_hash_max_size 262144; map_hash_bucket_size 128;
  map $http_origin $allowed {{
    default "";
{origins}
  }}
  map $http_origin $has_origin {{ default 1; "" ""; }}
  map $allowed $refused {{ default ""; "" $has_origin; }}
  map $allowed $credentials {{ default true; "" ""; }}
  map $http_upgrade $passed_on {{ default upgrade; "" ""; }}
  upstream api {{ server 127.0.0.1:{api}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096{tls};
    {certificate}
{locations}
  }}
}}
"""

LOCATION = """\
if ($refused) { return 403; }
if ($request_method = OPTIONS) {
  add_header Access-Control-Allow-Origin $allowed;
  add_header Access-Control-Allow-Credentials $credentials;
  add_header Access-Control-Allow-Methods "METHODS";
  add_header Access-Control-Allow-Headers "HEADERS";
  add_header Access-Control-Max-Age MAX_AGE;
  add_header Vary "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
  add_header X-Request-ID $request_id;
  return 204;
}
add_header Access-Control-Allow-Origin $allowed always;
add_header Access-Control-Allow-Credentials $credentials always;
add_header Vary Origin always;
add_header X-Request-ID $request_id always;
proxy_hide_header Access-Control-Allow-Origin;
proxy_hide_header Access-Control-Allow-Credentials;
proxy_set_header Host $host;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Host $host;
proxy_set_header X-Request-ID $request_id;
proxy_http_version 1.1;
"""

KEPT = 'proxy_set_header Connection "";\n'
LIVE = """\
proxy_set_header Connection $passed_on; proxy_set_header Upgrade $http_upgrade;
proxy_read_timeout 1h;
"""
UNBUFFERED = "proxy_buffering off; proxy_request_buffering off;\n"
LARGE_BUFFERS = """\
proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k; client_body_buffer_size 64k;
"""


def command(setup: Setup, *, large_buffers: bool = False) -> Sequence[str]:
    """Write its configuration; give how it is started."""
    scenario = setup.scenario
    settings = LOCATION.replace("METHODS", ", ".join(ALLOWED_METHODS))
    settings = settings.replace("HEADERS", ", ".join(ALLOWED_HEADERS))
    settings = settings.replace("MAX_AGE", str(MAX_AGE)) + (LIVE if scenario.live else KEPT)
    if large_buffers or scenario.live:
        settings += UNBUFFERED
    if large_buffers:
        settings += LARGE_BUFFERS
    included = setup.write("location.conf", settings + "proxy_pass http://api;\n")
    text = CONFIGURATION.format(
        folder=setup.folder,
        workers=scenario.workers,
        # Started by root, its workers would be nobody's, and could not use the folder.
        user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
        log=f"{setup.folder}/access.log combined buffer=64k" if scenario.log else "off",
        origins="\n".join(f'    "{each}" $http_origin;' for each in setup.origins),
        api=setup.api,
        port=setup.port,
        tls=" ssl" if scenario.tls else "",
        certificate=(
            f"ssl_certificate {setup.certificate}; ssl_certificate_key {setup.key}; ssl_protocols TLSv1.3;"
            if scenario.tls
            else ""
        ),
        locations="\n".join(
            f"    location {path} {{ include {included}; }}" for path in setup.routes
        ),
    )
    file = setup.write("nginx.conf", text)
    return [where("nginx"), "-e", "stderr", "-p", str(setup.folder), "-c", str(file)]
