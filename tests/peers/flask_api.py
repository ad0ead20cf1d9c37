"""An ordinary Flask application with orders and a login. It has never heard of CORS.

Nothing here is written for the gateway: no CORS code, no proxy code. It is served by werkzeug, in
a process of its own (``tests.peers.processes.flask_api``). Settings come from ``FLASK_…``
variables, the way Flask reads them: ``FLASK_SESSION_COOKIE_SAMESITE=None``.
"""

import hashlib
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, abort, jsonify, request, session
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

__all__ = ["app"]

app = Flask(__name__)
app.config.update(SECRET_KEY="a secret that only tests know", HIT_LOG=None)
app.config.from_prefixed_env()

ORDERS: dict[int, dict[str, Any]] = {1: {"id": 1, "item": "tea", "count": 2}}


@app.before_request
def note_the_hit() -> None:
    if (name := app.config["HIT_LOG"]) is not None:
        hit = {
            "method": request.method,
            "target": request.full_path.removesuffix("?"),
            "headers": list(request.headers.items()),
        }
        with Path(name).open("a", encoding="utf-8") as log:
            log.write(json.dumps(hit) + "\n")


@app.errorhandler(HTTPException)
def as_json(error: HTTPException) -> ResponseReturnValue:
    return jsonify(error=error.name), error.code or HTTPStatus.INTERNAL_SERVER_ERROR


@app.get("/orders")
def list_orders() -> ResponseReturnValue:
    return jsonify(list(ORDERS.values())), {"X-Total-Count": str(len(ORDERS))}


@app.post("/orders")
def create_order() -> ResponseReturnValue:
    order = {"id": max(ORDERS) + 1, **request.get_json()}
    ORDERS[order["id"]] = order
    return jsonify(order), HTTPStatus.CREATED, {"Location": f"/orders/{order['id']}"}


@app.put("/orders/<int:number>")
def change_order(number: int) -> ResponseReturnValue:
    if request.authorization is None or request.authorization.token != "letmein":
        abort(HTTPStatus.UNAUTHORIZED)
    if number not in ORDERS:
        abort(HTTPStatus.NOT_FOUND)
    ORDERS[number] = {"id": number, **request.get_json()}
    return jsonify(ORDERS[number])


@app.delete("/orders/<int:number>")
def delete_order(number: int) -> ResponseReturnValue:
    ORDERS.pop(number, None)
    return "", HTTPStatus.NO_CONTENT


@app.post("/login")
def log_in() -> ResponseReturnValue:
    session["user"] = request.get_json()["user"]
    return jsonify(user=session["user"])


@app.get("/me")
def who_am_i() -> ResponseReturnValue:
    if "user" not in session:
        abort(HTTPStatus.UNAUTHORIZED)
    return jsonify(user=session["user"])


@app.get("/broken")
def break_down() -> ResponseReturnValue:
    raise RuntimeError("this view is broken on purpose")


@app.post("/upload")
def upload() -> ResponseReturnValue:
    digest, length = hashlib.sha256(), 0
    while piece := request.stream.read(64 * 1024):
        digest.update(piece)
        length += len(piece)
    return jsonify(sha256=digest.hexdigest(), length=length)
