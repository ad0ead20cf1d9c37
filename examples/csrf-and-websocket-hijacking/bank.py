"""Accounts with a login in a session cookie: a Flask application without CORS code, and without a defence.

It does what much software of its age does: it takes a change by GET as well, takes JSON whatever
the content type says, and never asks which page wants it. The hit counter is its own.
"""

from http import HTTPStatus

from flask import Flask, abort, jsonify, request, session
from flask.typing import ResponseReturnValue

app = Flask(__name__)
app.config.update(SECRET_KEY="an example's, so everybody knows it")

balances = {"ada": 1000, "mallory": 0}
hits: list[str] = []

LOGIN = """<!doctype html>
<html lang="en">
<title>The bank: log in</title>
<link rel="icon" href="data:,">
<form method="post"><label>Name <input name="user" value="ada"></label> <button>Log in</button></form>
"""


@app.before_request
def count_the_hit() -> None:
    if request.path != "/hits":
        hits.append(f"{request.method} {request.path}")
        print(f"hit {len(hits)}: {hits[-1]} as {session.get('user', 'nobody')}", flush=True)


@app.get("/hits")
def show_hits() -> ResponseReturnValue:
    return jsonify(hits)


@app.get("/login")
def show_login() -> ResponseReturnValue:
    return LOGIN


@app.post("/login")
def log_in() -> ResponseReturnValue:
    session["user"] = sent()["user"]
    return show_account()


@app.get("/account")
def show_account() -> ResponseReturnValue:
    return jsonify(user=user(), balance=balances[user()])


@app.route("/transfer", methods=["GET", "POST"])
def transfer() -> ResponseReturnValue:
    order = sent()
    balances[user()] -= int(order["amount"])
    balances[order["to"]] += int(order["amount"])
    return show_account()


def user() -> str:
    name = str(session.get("user"))
    if name not in balances:
        abort(HTTPStatus.UNAUTHORIZED)
    return name


def sent() -> dict[str, str]:
    """What was sent: a form, a query, or JSON under any name."""
    return request.values.to_dict() or request.get_json(force=True)
