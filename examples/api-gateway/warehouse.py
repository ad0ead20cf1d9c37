"""The orders of a warehouse: an API that knows nothing of CORS, and nothing of Amazon."""

from flask import Flask, abort, jsonify, request, session
from flask.typing import ResponseReturnValue

ORDERS = {1: {"item": "tea", "state": "open"}, 2: {"item": "cups", "state": "sent"}}

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only-for-this-example",
    # Two applications of other sites call it, so the cookie has to be sent from other sites.
    SESSION_COOKIE_SAMESITE="None",
    SESSION_COOKIE_SECURE=True,
)


@app.get("/orders")
def list_orders() -> ResponseReturnValue:
    session["visits"] = session.get("visits", 0) + 1
    return jsonify(orders=ORDERS, visits=session["visits"])


@app.put("/orders/<int:number>")
def change_order(number: int) -> ResponseReturnValue:
    if number not in ORDERS:
        abort(404)
    ORDERS[number]["state"] = request.get_json()["state"]
    return jsonify(ORDERS[number])
