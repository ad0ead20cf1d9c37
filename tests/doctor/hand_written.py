"""An API with CORS as people write it by hand: one mistake below each path.

``/MISTAKE/orders`` is the same everywhere. What is wrong is in the ``after_request`` functions below,
which are what one finds in repositories and in answers to questions; Flask-CORS stands beside them.
Served by werkzeug in a process of its own.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_cors import CORS

__all__ = ["MISTAKES", "app"]

app = Flask(__name__)
CORS(
    app,
    resources={
        r"/flask-cors/.*": {},
        r"/flask-cors-credentials/.*": {"supports_credentials": True},
    },
)

PAGE = "https://app.example.com"
ALLOWED = {PAGE, "https://admin.example.com"}

Mistake = Callable[[Response, str], None]
"""Gets the response, and the request's Origin."""


def allow(response: Response, origin: str) -> None:
    """Do what all that is right below does."""
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization"


def allow_with_cookies(response: Response, origin: str) -> None:
    allow(response, origin)
    response.headers["Access-Control-Allow-Credentials"] = "true"


def nothing(response: Response, origin: str) -> None:
    pass


def right(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if origin in ALLOWED:
        allow_with_cookies(response, origin)


def public(response: Response, origin: str) -> None:
    allow(response, "*")


def host_without_scheme(response: Response, origin: str) -> None:
    allow(response, "app.example.com")


def slash_at_the_end(response: Response, origin: str) -> None:
    allow(response, f"{PAGE}/")


def capitals(response: Response, origin: str) -> None:
    allow(response, "https://App.Example.com")


def pattern(response: Response, origin: str) -> None:
    allow(response, "https://*.example.com")


def empty(response: Response, origin: str) -> None:
    allow(response, "")


def list_of_origins(response: Response, origin: str) -> None:
    allow(response, ", ".join(sorted(ALLOWED)))


def two_lines(response: Response, origin: str) -> None:
    allow(response, PAGE)
    response.headers.add("Access-Control-Allow-Origin", "*")


def another_origin(response: Response, origin: str) -> None:
    allow(response, "https://www.example.com")


def star_with_credentials(response: Response, origin: str) -> None:
    allow_with_cookies(response, "*")


def python_true(response: Response, origin: str) -> None:
    right(response, origin)
    if origin in ALLOWED:
        response.headers["Access-Control-Allow-Credentials"] = str(True)


def reflects(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if origin:
        allow(response, origin)


def reflects_with_cookies(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if origin:
        allow_with_cookies(response, origin)


def own_host_in_origin(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if request.host.partition(":")[0] in origin or origin == PAGE:
        allow(response, origin)


def begins_like(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if origin.startswith(PAGE):
        allow(response, origin)


def page_host_in_origin(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if "app.example.com" in origin:
        allow(response, origin)


def unescaped_dot(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if re.match(r"^https://app.example.com$", origin):
        allow(response, origin)


def ends_like(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if origin.endswith("example.com"):
        allow(response, origin)


def null_too(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if origin in {*ALLOWED, "null"}:
        allow(response, origin)


def any_scheme(response: Response, origin: str) -> None:
    response.vary.add("Origin")
    if urlsplit(origin).hostname == "app.example.com":
        allow(response, origin)


def without_vary(response: Response, origin: str) -> None:
    if origin in ALLOWED:
        allow(response, origin)


def only_where_it_went_well(response: Response, origin: str) -> None:
    if response.status_code < 400:
        right(response, origin)


def preflights_for_all(response: Response, origin: str) -> None:
    if request.method == "OPTIONS":
        allow(response, "*")
    else:
        right(response, origin)


def methods_without_commas(response: Response, origin: str) -> None:
    right(response, origin)
    response.headers["Access-Control-Allow-Methods"] = "GET POST PUT"


def headers_without_commas(response: Response, origin: str) -> None:
    right(response, origin)
    response.headers["Access-Control-Allow-Headers"] = "Content-Type Authorization"


def no_lists(response: Response, origin: str) -> None:
    response.headers["Access-Control-Allow-Origin"] = PAGE


def methods_in_small_letters(response: Response, origin: str) -> None:
    allow(response, PAGE)
    response.headers["Access-Control-Allow-Methods"] = "get, post, put"


def star_in_headers(response: Response, origin: str) -> None:
    allow(response, PAGE)
    response.headers["Access-Control-Allow-Headers"] = "*"


def star_in_lists_with_cookies(response: Response, origin: str) -> None:
    allow_with_cookies(response, PAGE)
    response.headers["Access-Control-Allow-Methods"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "*"


def age_in_words(response: Response, origin: str) -> None:
    right(response, origin)
    response.headers["Access-Control-Max-Age"] = "10m"


def plain_cookie(response: Response, origin: str) -> None:
    right(response, origin)
    response.set_cookie("session", "secret", httponly=True, samesite="Lax")


def refuses_strange_origins(response: Response, origin: str) -> None:
    if origin and request.method != "OPTIONS":
        response.status_code = 403


ENDS_OF_OPTIONS = {"login-for-all": 401, "no-preflight": 405, "broken-options": 500}

MISTAKES: dict[str, Mistake] = {
    name.replace("_", "-"): one
    for name, one in list(globals().items())
    if callable(one)
    and getattr(one, "__module__", "") == __name__
    and name not in {"allow", "allow_with_cookies"}
}
"""By path: the name, with dashes."""


@app.route("/<mistake>/orders", methods=["GET", "POST", "PUT"])
def orders(mistake: str) -> ResponseReturnValue:
    return jsonify([mistake]), {"X-Total-Count": "1", "X-Powered-By": "hands"}


@app.route("/moved/orders")
def moved() -> ResponseReturnValue:
    return redirect("/right/orders")


@app.before_request
def end_preflights() -> ResponseReturnValue | None:
    kind = request.path.split("/")[1]
    if request.method != "OPTIONS":
        return None
    if kind == "https-for-all":
        return redirect("https://127.0.0.1/elsewhere", 308)
    if kind in ENDS_OF_OPTIONS:
        abort(ENDS_OF_OPTIONS[kind])
    return None


@app.after_request
def add_cors(response: Response) -> Response:
    mistake = MISTAKES.get(request.path.split("/")[1])
    if mistake is not None:
        mistake(response, request.headers.get("Origin", ""))
    return response
