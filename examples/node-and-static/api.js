// The scores of an arcade: Node's own HTTP server without a framework, and not a word of CORS.
import { createServer } from "node:http";
import { json } from "node:stream/consumers";

const scores = { ada: 1815, grace: 1906, alan: 1912 };

async function serve(request, response) {
  const [, name] = /^\/scores\/(\w+)$/.exec(request.url) ?? [];
  if (request.method === "GET" && request.url === "/scores") {
    response.setHeader("X-Total-Count", Object.keys(scores).length);
    return answer(response, 200, scores);
  }
  if (request.method === "PUT" && Object.hasOwn(scores, name)) {
    scores[name] = Number((await json(request)).score);
    return answer(response, 200, { [name]: scores[name] });
  }
  return answer(response, 404, { error: "there is no such thing here" });
}

function answer(response, status, value) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}

createServer((request, response) => {
  response.on("finish", () => console.log(request.method, request.url, response.statusCode));
  serve(request, response).catch(() => answer(response, 400, { error: "that is no JSON" }));
}).listen(process.env.API_PORT, "127.0.0.1");
