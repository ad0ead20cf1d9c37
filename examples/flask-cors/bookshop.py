"""A bookshop's API that uses Flask-CORS view by view, as it has grown.

The views are decorated as the package's own examples show it: with its defaults, with
``supports_credentials``, with origins of their own, and some not at all.
"""

import os

from flask import Flask, abort, jsonify, request, session
from flask.typing import ResponseReturnValue
from flask_cors import cross_origin

PARTNER = f"http://partner.localhost:{os.environ['PAGE_PORT']}"
BOOKS = {1: "Emma", 2: "Dracula", 3: "Ulysses"}
STOCK = {1: 12, 2: 0, 3: 5}

app = Flask(__name__)
app.config.update(
    SECRET_KEY="only-for-this-example",
    # Pages of other sites log in here, so their requests have to carry the cookie.
    SESSION_COOKIE_SAMESITE="None",
    SESSION_COOKIE_SECURE=True,
)


@app.get("/books")
@cross_origin()
def list_books() -> ResponseReturnValue:
    return jsonify(list(BOOKS.values())), {"X-Total-Count": str(len(BOOKS))}


@app.get("/books/<int:number>")
@cross_origin()
def show_book(number: int) -> ResponseReturnValue:
    if number not in BOOKS:
        abort(404)
    return jsonify(BOOKS[number])


@app.post("/login")
@cross_origin(supports_credentials=True)
def log_in() -> ResponseReturnValue:
    session["user"] = request.get_json()["user"]
    return jsonify(user=session["user"])


@app.get("/account")
@cross_origin(supports_credentials=True)
def show_account() -> ResponseReturnValue:
    if "user" not in session:
        abort(401)
    return jsonify(user=session["user"], card="4929 1234 5678 9012")


@app.get("/orders")
def list_orders() -> ResponseReturnValue:
    return jsonify([{"book": 1, "count": 2}])


@app.get("/partners/stock")
@cross_origin(origins=PARTNER)
def list_stock() -> ResponseReturnValue:
    return jsonify(STOCK)


@app.put("/partners/stock/<int:number>")
@cross_origin(origins=PARTNER)
def count_stock(number: int) -> ResponseReturnValue:
    STOCK[number] = request.get_json()["count"]
    return jsonify({number: STOCK[number]})


@app.get("/partners/news")
def list_news() -> ResponseReturnValue:
    return jsonify(["Closed on Monday"])
