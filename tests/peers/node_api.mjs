// A Node server that does what Node servers do: interim responses, trailers, early refusals.
//
// A stream at /streams/NAME writes only what POST /streams/NAME gives it, so a test decides when.
// /left/NAME answers once the client of the request NAME has gone, as Node noticed it.

import { createHash } from "node:crypto";
import http from "node:http";

const streams = new Map();
const departures = new Map();
const slow = new Map();
let connections = 0;

function departure(name) {
  if (!departures.has(name)) {
    const noted = {};
    noted.promise = new Promise((resolve) => (noted.resolve = resolve));
    departures.set(name, noted);
  }
  return departures.get(name);
}

function noteDeparture(name, response) {
  // "close" comes after every response; only one that had not ended tells of a departure.
  response.on("close", () => response.writableFinished || departure(name).resolve());
}

async function digest(request) {
  const hash = createHash("sha256");
  let length = 0;
  for await (const piece of request) {
    hash.update(piece);
    length += piece.length;
  }
  return { sha256: hash.digest("hex"), length };
}

async function content(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

function json(response, value) {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(value));
}

const pages = {
  async echo(request, response) {
    const fields = request.rawHeaders.map((text) => Buffer.from(text, "latin1").toString("hex"));
    json(response, { method: request.method, target: request.url, fields, ...(await digest(request)) });
  },

  connection(request, response) {
    json(response, { connection: request.socket.number });
  },

  connections(request, response) {
    server.getConnections((_, open) => json(response, { open, ever: connections }));
  },

  trailers(request, response) {
    response.writeHead(200, { Trailer: "X-Sum, Set-Cookie", "Content-Type": "text/plain" });
    response.write("first ");
    response.write("second");
    response.addTrailers({ "X-Sum": "12", "Set-Cookie": "session=somebody" });
    response.end();
  },

  hints(request, response) {
    response.writeProcessing();
    response.writeEarlyHints({ link: ["</a.css>; rel=preload; as=style", "</b.js>; rel=preload"] });
    response.setHeader("Link", "</a.css>; rel=preload; as=style");
    json(response, { hinted: true });
  },

  bytes(request, response) {
    response.setHeader("X-Latin", "caf\xe9 \xa7");
    response.setHeader("X-Utf-8", Buffer.from("日本語").toString("latin1"));
    response.setHeader("Set-Cookie", ["b=\xfc", "a=1"]);
    response.statusMessage = "Tr\xe8s bien";
    // With a string Node would send the head as UTF-8 as well.
    response.end(Buffer.from("bytes"));
  },

  large(request, response) {
    for (let number = 0; number < 60; number++) response.setHeader(`X-Field-${number}`, "v".repeat(1000));
    response.end("large head");
  },

  refuse(request, response) {
    // The content is never read: what is still coming meets a closed connection.
    response.writeHead(413, { Connection: "close", "Content-Type": "text/plain" });
    response.end("too much", () => request.destroy());
  },

  cut(request, response, name) {
    // A response that breaks off: counted, or chunked.
    const lengths = name === "counted" ? { "Content-Length": 1000 } : {};
    response.writeHead(200, lengths);
    response.write("the beginning", () => response.destroy());
  },

  hang(request, response) {
    // No answer at all, on a connection that is closed.
    request.socket.destroy();
  },

  async streams(request, response, name) {
    if (request.method === "POST") {
      const stream = streams.get(name);
      const query = new URL(request.url, "http://node").searchParams;
      const piece = await content(request);
      if (query.has("break")) stream.destroy();
      else if (piece.length) stream.write(piece);
      else stream.end();
      response.writeHead(204).end();
      return;
    }
    noteDeparture(name, response);
    streams.set(name, response);
    response.writeHead(200, { "Content-Type": "text/plain" });
    response.flushHeaders();
  },

  silence(request, response, name) {
    noteDeparture(name, response);
    response.writeProcessing(); // the request is here
  },

  async uploads(request, response, name) {
    // "close" of a request that is not complete: its client went away while sending.
    request.on("close", () => request.complete || departure(name).resolve());
    request.on("error", () => {});
    response.writeProcessing(); // the request is here
    try {
      json(response, await digest(request));
    } catch {
      response.destroy();
    }
  },

  async slow(request, response, name) {
    if (request.method === "POST") {
      slow.get(name)();
      response.writeHead(204).end();
      return;
    }
    await new Promise((resolve) => slow.set(name, resolve));
    json(response, await digest(request));
  },

  async left(request, response, name) {
    await departure(name).promise;
    response.writeHead(204).end();
  },
};

const server = http.createServer((request, response) => {
  const [page, name] = request.url.split("?")[0].split("/").slice(1);
  const answer = pages[page];
  if (answer === undefined) {
    response.writeHead(404).end("no such page");
    return;
  }
  Promise.resolve(answer(request, response, name)).catch((error) => response.destroy(error));
});

server.on("connection", (socket) => {
  connections += 1;
  socket.number = connections;
});

server.listen(0, "127.0.0.1", () => {
  console.log(`node listens on http://127.0.0.1:${server.address().port}`);
});
