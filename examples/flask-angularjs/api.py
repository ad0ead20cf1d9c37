"""Orders, and a login that is kept in a session cookie: a Flask application without CORS code.

Settings come from FLASK_… variables: FLASK_SESSION_COOKIE_DOMAIN=api.example.com.
"""

from http import HTTPStatus
from secrets import compare_digest
from typing import Any

from flask import Flask, abort, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

app = Flask(__name__)
app.config.update(SECRET_KEY="an example's, so everybody knows it")
app.config.from_prefixed_env()

PASSWORDS = {"ada": "notes on the engine"}
ORDERS: dict[int, dict[str, Any]] = {
    1: {"id": 1, "item": "tea", "count": 2},
    2: {"id": 2, "item": "biscuits", "count": 12},
}


@app.errorhandler(HTTPException)
def as_json(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    return jsonify(error=error.name), error.code


@app.before_request
def ask_who_it_is() -> None:
    if request.endpoint != "log_in" and request.method != "OPTIONS" and "user" not in session:
        abort(HTTPStatus.UNAUTHORIZED)


@app.post("/login")
def log_in() -> ResponseReturnValue:
    form = request.get_json()
    if not compare_digest(PASSWORDS.get(form["user"], ""), form["password"]):
        abort(HTTPStatus.FORBIDDEN)
    session["user"] = form["user"]
    return jsonify(user=session["user"])


@app.post("/logout")
def log_out() -> ResponseReturnValue:
    session.clear()
    return "", HTTPStatus.NO_CONTENT


@app.get("/me")
def who_am_i() -> ResponseReturnValue:
    return jsonify(user=session["user"])


# Called without the slash at its end, Flask answers with a redirect to where it stands here.
@app.get("/orders/")
def list_orders() -> ResponseReturnValue:
    return jsonify(list(ORDERS.values()))


@app.post("/orders/")
def create_order() -> ResponseReturnValue:
    form = request.get_json()
    number = max(ORDERS, default=0) + 1
    ORDERS[number] = {"id": number, "item": str(form["item"]), "count": int(form["count"])}
    location = url_for("show_order", number=number)
    return jsonify(ORDERS[number]), HTTPStatus.CREATED, {"Location": location}


@app.get("/orders/latest")
def show_latest() -> ResponseReturnValue:
    return redirect(url_for("show_order", number=max(ORDERS), _external=True))


@app.get("/orders/<int:number>")
def show_order(number: int) -> ResponseReturnValue:
    if number not in ORDERS:
        abort(HTTPStatus.NOT_FOUND)
    return jsonify(ORDERS[number])


@app.delete("/orders/<int:number>")
def delete_order(number: int) -> ResponseReturnValue:
    ORDERS.pop(number, None)
    return "", HTTPStatus.NO_CONTENT
