"""What clients ask for, as scripts of ``wrk``: the fields are those that a browser sends."""

from collections.abc import Mapping

from bench.scenario import origin

__all__ = ["BROWSER", "DISTINCT", "HOST", "STRANGER", "different", "same", "uploading_chunks"]

HOST = "api.example.com"
STRANGER = "https://evil.example.net"
DISTINCT = 5_000
"""Requests that differ, after which the first comes again."""
BROWSER: Mapping[str, str] = {
    "Host": HOST,
    "Accept": "application/json, text/plain, */*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
    "Cookie": "session=eyJ1c2VyIjoxMjM0NX0.aBcDeF.0123456789abcdef; theme=dark",
    "Origin": origin(3),
    "Referer": origin(3) + "/orders",
    "Sec-Ch-Ua": '"Chromium";v="140", "Not=A?Brand";v="24"',
    "Sec-Ch-Ua-Mobile": "?0",
    "Sec-Ch-Ua-Platform": '"Linux"',
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-site",
    "User-Agent": (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Safari/537.36"
    ),
}

# What a run has come to, on one line: its summary for people rounds.
TOLD = """
done = function(summary)
  local e = summary.errors
  io.write(string.format(
    'counted {"requests": %.0f, "bytes": %.0f, "seconds": %.6f, "refused": %.0f, "broken": %.0f}\\n',
    summary.requests, summary.bytes, summary.duration / 1e6, e.status,
    e.connect + e.read + e.write + e.timeout))
end
"""

DIFFERENT = """
local requests, count, at = {}, DISTINCT, 0
local fields = FIELDS
init = function()
  for i = 1, count do
    local h = {}
    for name, value in pairs(fields) do h[name] = value end
    local from = string.format("https://app%06d.example.com", ORIGIN)
    h["Origin"] = from
    h["Referer"] = from .. "/orders/" .. i
    h["Cookie"] = string.format("session=eyJ1c2VyIjox%06d.aBcDeF.%016x; theme=dark", i, i * 104729)
    h["User-Agent"] = fields["User-Agent"] .. string.format(" Build/%04d", i)
    h["Accept-Language"] = "en-GB,en;q=0." .. (i % 9 + 1)
    h["Traceparent"] = string.format("00-%032x-%016x-01", i * 99991 + 1, i + 1)
    h["If-None-Match"] = string.format('"%06d"', i)
    requests[i] = wrk.format("GET", TARGET, h)
  end
end
request = function()
  at = at % count + 1
  return requests[at]
end
"""


def _table(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"[{_quoted(k)}] = {_quoted(v)}" for k, v in fields.items()) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def same(
    method: str, path: str, fields: Mapping[str, str] = BROWSER, content: int | None = None
) -> str:
    """Give a script that sends the same request again and again."""
    lines = [f"wrk.method = {_quoted(method)}", f"wrk.path = {_quoted(path)}"]
    if content is not None:
        lines.append(f'wrk.body = string.rep("x", {content})')
    return "\n".join([*lines, f"wrk.headers = {_table(fields)}", TOLD])


def different(origins: range = range(10), routes: range = range(0)) -> str:
    """Give a script whose requests differ in target and fields, as those of many users do.

    Args:
        origins: of which allowed origins they come.
        routes: to which routes they go; none is one for everything.
    """
    target = 'string.format("/orders/%06d?page=%03d", i, i * 31 % 977)'
    if routes:
        target = f'string.format("/service-%06d/orders/%06d", {_spread(routes)}, i)'
    script = DIFFERENT.replace("FIELDS", _table(BROWSER)).replace("ORIGIN", _spread(origins))
    script = script.replace("DISTINCT", f"{DISTINCT}")
    return script.replace("TARGET", target) + TOLD


def _spread(numbers: range) -> str:
    """Give what the ``i``-th request takes of some numbers, none of them often in a row."""
    return f"{numbers.start} + i * 7919 % {len(numbers)}"


def uploading_chunks(path: str, chunk: int, count: int) -> str:
    """Give a script that uploads so many chunks of so many bytes."""
    fields = {**BROWSER, "Transfer-Encoding": "chunked"}
    head = f"PUT {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    head = _quoted(head).replace("\r\n", "\\r\\n")
    return f"""
local piece = "{chunk:x}\\r\\n" .. string.rep("x", {chunk}) .. "\\r\\n"
local sent = {head} .. "\\r\\n" .. string.rep(piece, {count}) .. "0\\r\\n\\r\\n"
request = function() return sent end
{TOLD}"""
