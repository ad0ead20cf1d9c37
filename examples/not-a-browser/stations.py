"""Weather stations: an API that programs have used for years, and that no page could ever call."""

import hashlib
import io

from flask import Flask, abort, jsonify, request, send_file
from flask.typing import ResponseReturnValue

KEY = "key-of-the-weather-service"
STATIONS = {1: {"name": "Zugspitze", "celsius": -3.5}, 2: {"name": "Sylt", "celsius": 11.0}}
RECORDING = bytes(number * number % 251 for number in range(100_000))
"""A file that is no text: what was measured last night."""

app = Flask(__name__)


@app.get("/stations")
def list_stations() -> ResponseReturnValue:
    return jsonify(list(STATIONS.values())), {"X-Total-Count": str(len(STATIONS))}


@app.put("/stations/<int:number>")
def report(number: int) -> ResponseReturnValue:
    if request.headers.get("X-Api-Key") != KEY:
        abort(401)
    if number not in STATIONS:
        abort(404)
    STATIONS[number]["celsius"] = request.get_json()["celsius"]
    return jsonify(STATIONS[number])


@app.get("/recording")
def recording() -> ResponseReturnValue:
    return send_file(
        io.BytesIO(RECORDING),
        mimetype="application/octet-stream",
        etag=hashlib.sha256(RECORDING).hexdigest(),
        conditional=True,
    )


@app.post("/upload")
def upload() -> ResponseReturnValue:
    content = request.get_data()
    return jsonify(length=len(content), sha256=hashlib.sha256(content).hexdigest())


@app.route("/request", methods=["GET", "PUT", "OPTIONS"])
def show_request() -> ResponseReturnValue:
    """Show a request as it has arrived here."""
    return jsonify(method=request.method, headers=list(request.headers.items()))
