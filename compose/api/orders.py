"""A Flask application as one finds them: orders, a login with a session cookie, a report.

It has never heard of CORS and nothing in it is written for the gateway. Where it is given a key
(``ORDERS_API_KEY_FILE``) it answers only who sends that as ``X-Api-Key``.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, abort, jsonify, request, session
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

__all__ = ["app"]

REPORT_LINES = 5
REPORT_PAUSE = 0.5

app = Flask(__name__)
app.config.update(SECRET_KEY=secrets.token_bytes(32), API_KEY=None)
if name := os.environ.get("ORDERS_API_KEY_FILE"):
    app.config["API_KEY"] = Path(name).read_text("utf-8").strip()

ORDERS: dict[int, dict[str, Any]] = {
    1: {"id": 1, "item": "green tea", "count": 2},
    2: {"id": 2, "item": "ginger biscuits", "count": 12},
}


@app.before_request
def require_the_key() -> None:
    """Refuse whoever does not know the key."""
    key = app.config["API_KEY"]
    if key and not compare_digest(request.headers.get("X-Api-Key", "").encode(), key.encode()):
        abort(HTTPStatus.UNAUTHORIZED, "the API key is missing")


@app.errorhandler(HTTPException)
def as_json(error: HTTPException) -> ResponseReturnValue:
    """Answer errors as JSON too."""
    return jsonify(error=error.description), error.code or HTTPStatus.INTERNAL_SERVER_ERROR


@app.get("/orders")
def list_orders() -> ResponseReturnValue:
    """Give all orders."""
    return jsonify(list(ORDERS.values())), {"X-Total-Count": str(len(ORDERS))}


@app.put("/orders/<int:number>")
def change_order(number: int) -> ResponseReturnValue:
    """Change one order."""
    if number not in ORDERS:
        abort(HTTPStatus.NOT_FOUND, "there is no such order")
    order = request.get_json()
    ORDERS[number] = {"id": number, "item": str(order["item"]), "count": int(order["count"])}
    return jsonify(ORDERS[number])


@app.post("/login")
def log_in() -> ResponseReturnValue:
    """Remember who it is in a session cookie."""
    session["user"] = str(request.get_json()["user"])
    return jsonify(user=session["user"])


@app.get("/me")
def who_am_i() -> ResponseReturnValue:
    """Say whose session it is."""
    if "user" not in session:
        abort(HTTPStatus.UNAUTHORIZED, "nobody is logged in")
    return jsonify(user=session["user"])


@app.post("/upload")
def upload() -> ResponseReturnValue:
    """Say what has arrived, however much that is."""
    digest, length = hashlib.sha256(), 0
    while piece := request.stream.read(64 * 1024):
        digest.update(piece)
        length += len(piece)
    return jsonify(sha256=digest.hexdigest(), length=length)


@app.get("/report")
def report() -> ResponseReturnValue:
    """Give lines as they are made, slowly."""

    def lines() -> Iterator[str]:
        for number in range(1, REPORT_LINES + 1):
            time.sleep(REPORT_PAUSE)
            yield f"line {number} of {REPORT_LINES}\n"

    return lines(), {"Content-Type": "text/plain"}
