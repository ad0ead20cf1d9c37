"""A shop's API to which three people have added CORS by hand, each for the views of their own.

All three are mistakes that stand in many applications, and they are here as they stand there.
"""

import os

from flask import Blueprint, Flask, Response, abort, jsonify, request, session
from flask.typing import ResponseReturnValue

orders = Blueprint("orders", __name__)
basket = Blueprint("basket", __name__)
account = Blueprint("account", __name__)

BASKET = {"tea": 1}
EMAILS = {"ada": "ada@example.com"}


@orders.after_request
def allow_the_shops_host(response: Response) -> Response:
    # Wrong: an origin begins with its scheme. No browser takes this for one.
    response.headers["Access-Control-Allow-Origin"] = f"localhost:{os.environ['PAGE_PORT']}"
    return response


@orders.get("/orders")
def list_orders() -> ResponseReturnValue:
    return jsonify([{"item": "tea", "count": 2}])


@basket.after_request
def allow_everybody_with_cookies(response: Response) -> Response:
    # Wrong: with cookies no browser takes the wildcard.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Allow-Methods"] = "GET, PUT"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    return response


@basket.get("/basket")
def show_basket() -> ResponseReturnValue:
    return jsonify(BASKET)


@basket.put("/basket/<item>")
def put_into_basket(item: str) -> ResponseReturnValue:
    BASKET[item] = request.get_json()["count"]
    return jsonify(BASKET)


@account.after_request
def allow_pages_of_this_host(response: Response) -> Response:
    # Wrong: an origin can contain this host's name and be somebody else's.
    host = request.host.partition(":")[0]
    origin = request.headers.get("Origin", "")
    if host in origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    return response


@account.post("/login")
def log_in() -> ResponseReturnValue:
    session["user"] = request.get_json()["user"]
    return jsonify(user=session["user"])


@account.get("/account")
def show_account() -> ResponseReturnValue:
    user = session.get("user") or abort(401)
    return jsonify(user=user, email=EMAILS[user], card="4929 1234 5678 9012")


@account.put("/account")
def change_account() -> ResponseReturnValue:
    user = session.get("user") or abort(401)
    EMAILS[user] = request.get_json()["email"]
    return jsonify(user=user, email=EMAILS[user])


app = Flask(__name__)
app.config.update(
    SECRET_KEY="only-for-this-example",
    # Pages of other sites log in here, so their requests have to carry the cookie.
    SESSION_COOKIE_SAMESITE="None",
    SESSION_COOKIE_SECURE=True,
)
for blueprint in (orders, basket, account):
    app.register_blueprint(blueprint)
