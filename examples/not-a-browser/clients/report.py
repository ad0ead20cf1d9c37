"""A weather service's server reports what it has measured: server to server, with Python alone.

python clients/report.py [API]
"""

import json
import sys
from urllib.request import Request, urlopen

API = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8080"

request = Request(
    f"{API}/stations/1",
    method="PUT",
    data=json.dumps({"celsius": -4.0}).encode(),
    headers={"Content-Type": "application/json", "X-Api-Key": "key-of-the-weather-service"},
)
with urlopen(request) as answer:
    print(answer.status, json.load(answer))
with urlopen(f"{API}/stations") as answer:
    print(answer.status, answer.headers["X-Total-Count"], json.load(answer))
