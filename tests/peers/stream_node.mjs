// A Node server whose answers go out piece by piece, when the test says so. It has never heard of
// CORS. The test talks to it beside the browser: POST /push/NAME writes the request's content into
// the answer called NAME, /end/NAME and /break/NAME end it well and badly, /take/NAME?bytes=N lets
// the upload called NAME be read further. What the server notices is a line of JSON on its output.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";

const BLOCK = 64 * 1024;
const answers = new Map();
const uploads = new Map();

function note(what, name, more = {}) {
  console.log(JSON.stringify({ what, name, ...more }));
}

const pages = {
  blank: (request, response) =>
    answer(response, 200, "text/html", "<!doctype html><title>a page</title><link rel=icon href=data:,>"),

  // ?type= of the content; ?length= announces it, ?fields= are further fields as JSON.
  stream: (request, response, name, query) => {
    answers.set(name, response);
    const fields = { "Content-Type": query.get("type"), ...JSON.parse(query.get("fields") ?? "{}") };
    if (query.has("length")) fields["Content-Length"] = query.get("length");
    response.writeHead(200, fields).flushHeaders();
    response.on("close", () => note("closed", name, { whole: response.writableFinished }));
    note("opened", name, { method: request.method, fields: request.headers });
  },

  answer: (request, response, name, query) => {
    note("asked", name, { method: request.method, fields: request.headers });
    response.setHeader("X-Total-Count", "3");
    response.setHeader("X-Internal", "of no concern to the page");
    answer(response, Number(query.get("status") ?? 200), query.get("type") ?? "text/plain", "an answer");
  },

  cookie: (request, response) => {
    response.setHeader("Set-Cookie", "user=ada; Path=/; HttpOnly");
    answer(response, 200, "text/plain", "set");
  },

  compressed: (request, response) => {
    response.setHeader("Content-Encoding", "gzip");
    answer(response, 200, "text/plain; charset=utf-8", gzipSync("Kännchen ☕ ".repeat(50_000)));
  },

  json: (request, response, name, query) => {
    const rows = Array.from({ length: Number(query.get("rows")) }, (_, id) => ({ id, item: "tea ☕" }));
    answer(response, 200, "application/json", JSON.stringify(rows));
  },

  // Blocks that differ from each other, counted; their checksum is noted when they are sent.
  bytes: (request, response, name, query) => {
    const size = Number(query.get("size"));
    const fields = { "Content-Type": "application/octet-stream", "Content-Length": size };
    if (query.has("disposition")) fields["Content-Disposition"] = query.get("disposition");
    response.writeHead(200, fields);
    send(response, name, 0, size, () => response.end());
  },

  // A download that breaks off half-way once, and goes on from where it is asked to.
  resumable: (request, response, name, query) => {
    const size = Number(query.get("size"));
    const fields = {
      "Content-Type": "application/octet-stream",
      "Content-Disposition": 'attachment; filename="resumed.bin"',
      "Accept-Ranges": "bytes",
      ETag: '"one"',
      "Last-Modified": "Mon, 05 Jan 2026 10:00:00 GMT",
    };
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    note("asked", name, { from, fields: request.headers });
    if (from === 0) {
      response.writeHead(200, { ...fields, "Content-Length": size });
      send(response, name, 0, size / 2, () => request.socket.end());
    } else {
      fields["Content-Range"] = `bytes ${from}-${size - 1}/${size}`;
      response.writeHead(206, { ...fields, "Content-Length": size - from });
      send(response, name, from, size, () => response.end());
    }
  },

  // ?take= is how many bytes are read before /take lets it go on; without it all are.
  upload: (request, response, name, query) => {
    const upload = { request, taken: 0, allowed: Number(query.get("take") ?? Infinity) };
    const digest = createHash("sha256");
    uploads.set(name, upload);
    note("opened", name, { method: request.method, fields: request.headers });
    request.on("data", (piece) => {
      digest.update(piece);
      upload.taken += piece.length;
      if (upload.taken >= upload.allowed) request.pause();
    });
    request.on("end", () => {
      const seen = { sha256: digest.digest("hex"), length: upload.taken };
      note("uploaded", name, seen);
      answer(response, 200, "application/json", JSON.stringify(seen));
    });
    request.on("close", () => request.complete || note("aborted", name));
    if (upload.allowed === 0) request.pause();
  },

  // Refuses as soon as the head is there; ?then= what happens to the rest: "read" or "close".
  refuse: (request, response, name, query) => {
    const close = query.get("then") === "close";
    if (close) response.setHeader("Connection", "close");
    note("asked", name);
    answer(response, 413, "text/plain", "too large");
    if (close) response.on("finish", () => request.socket.destroySoon());
    else request.resume();
  },

  redirect: (request, response, name, query) => {
    note("asked", name, { method: request.method, fields: request.headers });
    request.resume().on("end", () => {
      response.setHeader("Location", query.get("to"));
      answer(response, Number(query.get("status")), "text/plain", "elsewhere");
    });
  },

  landing: (request, response, name) => {
    note("landed", name, { method: request.method, fields: request.headers });
    request.resume().on("end", () => answer(response, 200, "text/plain", request.method));
  },

  cached: (request, response, name) => {
    const fresh = request.headers["if-none-match"] === '"one"';
    note("asked", name, { fields: request.headers, status: fresh ? 304 : 200 });
    response.setHeader("ETag", '"one"');
    response.setHeader("Cache-Control", "no-cache");
    if (fresh) response.writeHead(304).end();
    else answer(response, 200, "text/plain", "cached content");
  },

  image: (request, response) =>
    answer(
      response,
      200,
      "image/svg+xml",
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"><rect width="4" height="3" fill="#00ff00"/></svg>',
    ),

  script: (request, response) =>
    answer(response, 200, "text/javascript", 'window.loaded = "by the script"; throw new Error("told");'),
};

const commands = {
  push: async (name, query, content) => answers.get(name).write(content),
  end: async (name) => answers.get(name).end(),
  break: async (name) => answers.get(name).destroy(),
  take: async (name, query) => {
    const upload = uploads.get(name);
    upload.allowed = upload.taken + Number(query.get("bytes"));
    upload.request.resume();
  },
};

function answer(response, status, type, content) {
  const empty = status === 204;
  const fields = empty ? {} : { "Content-Type": type, "Content-Length": Buffer.byteLength(content) };
  response.writeHead(status, fields).end(empty ? undefined : content);
}

function send(response, name, from, size, finish) {
  const digest = createHash("sha256");
  let offset = from;
  const more = () => {
    while (offset < size) {
      const block = Buffer.alloc(BLOCK, Buffer.from(`${Math.floor(offset / BLOCK)} `.padStart(16)));
      const piece = block.subarray(offset % BLOCK, Math.min(BLOCK, (offset % BLOCK) + size - offset));
      offset += piece.length;
      digest.update(piece);
      if (!response.write(piece)) return response.once("drain", more);
    }
    note("sent", name, { sha256: digest.digest("hex"), from, to: size });
    finish();
  };
  more();
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  const [, what, name] = url.pathname.split("/");
  if (Object.hasOwn(commands, what)) {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", async () => {
      await commands[what](name, url.searchParams, Buffer.concat(pieces));
      answer(response, 204);
    });
  } else if (Object.hasOwn(pages, what)) {
    pages[what](request, response, name, url.searchParams);
  } else {
    answer(response, 404, "text/plain", "no such thing");
  }
});

server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
