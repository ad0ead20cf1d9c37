"""What stands in an answer of an example's servers, line by line, where no browser hides anything."""

import http.client
from collections.abc import Mapping

from tests.examples.stacks import Stack

__all__ = ["cors_lines"]


def cors_lines(
    it: Stack, process: str, method: str, path: str, headers: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Ask a process, and return the lines of its answer that are about CORS.

    Returns:
        Name in lower case and value of each ``Access-Control-*`` and ``Vary`` line, in order;
        what occurs twice is there twice.
    """
    # As a browser writes Host: an API may look at it.
    host = it.url(process).removeprefix("http://")
    connection = http.client.HTTPConnection("127.0.0.1", int(host.rpartition(":")[2]))
    connection.request(method, path, headers={"Host": host, **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    lines = [(name.lower(), value) for name, value in answer.getheaders()]
    return [line for line in lines if line[0].startswith("access-control-") or line[0] == "vary"]
