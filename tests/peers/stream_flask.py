"""An ordinary Flask application that streams, and takes files. It has never heard of CORS.

Its streams go out piece by piece, when the test says so: ``POST /push/NAME`` appends the request's
content to the answer called NAME, ``/end/NAME`` and ``/break/NAME`` end it well and badly. What the
application notices is a line of JSON on its output.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from queue import SimpleQueue

from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue

__all__ = ["app"]

app = Flask(__name__)

PIECES: defaultdict[str, SimpleQueue[bytes | None]] = defaultdict(SimpleQueue)
"""What is still to be sent on each stream; empty bytes break it off, ``None`` ends it."""


def note(what: str, name: str, **more: object) -> None:
    print(json.dumps({"what": what, "name": name, **more}, separators=(",", ":")), flush=True)


@app.get("/blank")
def blank() -> ResponseReturnValue:
    return "<!doctype html><title>a page</title><link rel=icon href=data:,>"


@app.get("/stream/<name>")
def stream(name: str) -> ResponseReturnValue:
    fields = {key.lower(): value for key, value in request.headers.items()}
    note("opened", name, method=request.method, fields=fields)

    def pieces() -> Iterator[bytes]:
        try:
            while (piece := PIECES[name].get()) is not None:
                if not piece:
                    raise ConnectionError("broken off on purpose")
                yield piece
        finally:
            note("closed", name)

    return Response(pieces(), content_type=request.args["type"])


@app.post("/push/<name>")
def push(name: str) -> ResponseReturnValue:
    PIECES[name].put(request.get_data())
    return "", 204


@app.post("/end/<name>")
def end(name: str) -> ResponseReturnValue:
    PIECES[name].put(None)
    return "", 204


@app.post("/break/<name>")
def break_off(name: str) -> ResponseReturnValue:
    PIECES[name].put(b"")
    return "", 204


@app.post("/form")
def take_form() -> ResponseReturnValue:
    file = request.files["file"]
    digest, length = hashlib.sha256(), 0
    while piece := file.stream.read(64 * 1024):
        digest.update(piece)
        length += len(piece)
    return jsonify(
        sha256=digest.hexdigest(), length=length, filename=file.filename, note=request.form["note"]
    )
