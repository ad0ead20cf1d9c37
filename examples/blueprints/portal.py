"""A portal of five blueprints. It knows nothing of CORS, and writes down which blueprint was asked for what."""

from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue

ANY = ["GET", "PUT", "DELETE"]

test = Blueprint("test", __name__, url_prefix="/test")
admin = Blueprint("admin", __name__, url_prefix="/admin")
site = Blueprint("site", __name__)
user = Blueprint("user", __name__, url_prefix="/user")
public = Blueprint("public", __name__, url_prefix="/public")


@test.route("/echo", methods=ANY)
@admin.route("/users", methods=ANY)
@site.route("/menu", methods=ANY)
@user.route("/profile", methods=ANY)
@public.route("/news", methods=ANY)
def answer() -> ResponseReturnValue:
    return jsonify(blueprint=request.blueprint, method=request.method)


app = Flask(__name__)
for blueprint in (test, admin, site, user, public):
    app.register_blueprint(blueprint)


@app.before_request
def write_down() -> None:
    print(f"asked: {request.blueprint or 'nobody'} {request.method} {request.path!r}", flush=True)
