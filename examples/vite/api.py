"""A to-do list's API that knows nothing of CORS."""

from flask import Flask, abort, jsonify, request
from flask.typing import ResponseReturnValue

TASKS = [
    {"id": 1, "text": "Water the plants", "done": True},
    {"id": 2, "text": "Read the mail", "done": False},
]

app = Flask(__name__)


@app.get("/tasks")
def list_tasks() -> ResponseReturnValue:
    return jsonify(TASKS)


@app.post("/tasks")
def add_task() -> ResponseReturnValue:
    task = {"id": len(TASKS) + 1, "text": request.get_json()["text"], "done": False}
    TASKS.append(task)
    return jsonify(task), 201


@app.put("/tasks/<int:number>")
def change_task(number: int) -> ResponseReturnValue:
    if not 0 < number <= len(TASKS):
        abort(404)
    TASKS[number - 1]["done"] = bool(request.get_json()["done"])
    return jsonify(TASKS[number - 1])
