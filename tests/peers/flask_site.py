"""An ordinary Flask site: pages, files, streams, uploads. It has never heard of a gateway.

The same application is served by werkzeug and by gunicorn (``tests.peers.servers``). A stream at
``/streams/NAME`` writes only what ``POST /streams/NAME`` gives it, so a test decides when; and
``/streams/NAME/left`` answers once whoever read it has gone.
"""

import gzip
import hashlib
import select
import socket
from collections import defaultdict
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Event

from flask import Flask, Response, abort, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

__all__ = ["app"]

app = Flask(__name__)

REPORT = b"".join(b"line %05d of the report\n" % number for number in range(4096))
LOOK_AROUND = 0.05
"""Seconds after which a silent stream looks whether its reader is still there."""
PATIENCE = 30.0


class Stream:
    """What one stream has still to write, and whether its reader has left."""

    def __init__(self) -> None:
        self.pieces: SimpleQueue[bytes | None] = SimpleQueue()
        self.left = Event()


STREAMS: defaultdict[str, Stream] = defaultdict(Stream)


@app.get("/hello")
def hello() -> ResponseReturnValue:
    return jsonify(greeting="hello", host=request.host)


@app.get("/pages")
def pages() -> ResponseReturnValue:
    return Response((f"page {number}\n" for number in range(3)), mimetype="text/plain")


@app.get("/invoice")
def invoice() -> ResponseReturnValue:
    disposition = 'attachment; filename="R\xe9sum\xe9 \xa7 5.pdf"'
    return REPORT, {"Content-Type": "application/pdf", "Content-Disposition": disposition}


@app.route("/echo", methods=["GET", "POST", "PUT"])
def echo() -> ResponseReturnValue:
    digest, length = hashlib.sha256(), 0
    while piece := request.stream.read(64 * 1024):
        digest.update(piece)
        length += len(piece)
    return jsonify(
        target=request.environ["RAW_URI"],
        fields=list(request.headers.items()),
        sha256=digest.hexdigest(),
        length=length,
    )


@app.get("/old")
def moved() -> ResponseReturnValue:
    return redirect("/hello")


@app.get("/older")
def moved_far() -> ResponseReturnValue:
    return redirect(url_for("hello", _external=True), 308)


@app.get("/report")
def report() -> ResponseReturnValue:
    response = Response(REPORT, mimetype="text/plain")
    response.set_etag("fifth edition")
    return response.make_conditional(request, accept_ranges=True, complete_length=len(REPORT))


@app.get("/parts")
def parts() -> ResponseReturnValue:
    content = b"".join(
        b"--edge\r\nContent-Type: text/plain\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%b\r\n"
        % (first, first + 9, len(REPORT), REPORT[first : first + 10])
        for first in (0, 100)
    )
    return content + b"--edge--\r\n", 206, {"Content-Type": "multipart/byteranges; boundary=edge"}


@app.get("/cookies")
def cookies() -> ResponseReturnValue:
    response = Response("crumbs")
    response.set_cookie("zeta", "1", httponly=True)
    response.set_cookie("alpha", "2", path="/old", samesite="Lax")
    response.set_cookie("zeta", "3", max_age=60, secure=True)
    return response


@app.get("/compressed")
def compressed() -> ResponseReturnValue:
    content = gzip.compress(REPORT, mtime=0)
    return content, {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}


@app.get("/private")
def private() -> ResponseReturnValue:
    challenge = 'Basic realm="caf\xe9", charset="UTF-8"'
    return "who are you?", 401, {"WWW-Authenticate": challenge}


@app.delete("/hello")
def delete() -> ResponseReturnValue:
    return "", 204


@app.get("/broken")
def break_down() -> ResponseReturnValue:
    raise RuntimeError("this view is broken on purpose")


@app.get("/streams/<name>")
def stream(name: str) -> ResponseReturnValue:
    sock = request.environ.get("gunicorn.socket") or request.environ["werkzeug.socket"]
    kind = request.args.get("type", "text/event-stream")
    return Response(write_when_told(STREAMS[name], sock), mimetype=kind)


@app.post("/streams/<name>")
def write(name: str) -> ResponseReturnValue:
    STREAMS[name].pieces.put(request.get_data() or None)
    return "", 204


@app.get("/streams/<name>/left")
def wait_until_left(name: str) -> ResponseReturnValue:
    if not STREAMS[name].left.wait(PATIENCE):
        abort(504)
    return "", 204


def write_when_told(stream: Stream, sock: socket.socket) -> Iterator[bytes]:
    """Yield what is put into a stream, until ``None``; look meanwhile who still reads."""
    yield b""  # the head goes out before there is anything to say
    while True:
        try:
            piece = stream.pieces.get(timeout=LOOK_AROUND)
        except Empty:
            if has_hung_up(sock):
                stream.left.set()
                return
            continue
        if piece is None:
            return
        yield piece


def has_hung_up(sock: socket.socket) -> bool:
    """Say whether the other end of a connection is gone; nothing that it sent is taken."""
    if not select.select([sock], [], [], 0)[0]:
        return False
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except ConnectionError:
        return True
