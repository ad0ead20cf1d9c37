// Serves the page. Its last two headers isolate it from other sites, so that browsers give it
// shared memory and exact clocks; and they make browsers ask every file that it embeds for leave.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const files = {
  "/": ["index.html", "text/html"],
  "/app.js": ["app.js", "text/javascript"],
  "/style.css": ["style.css", "text/css"],
};

createServer(async (request, response) => {
  const [name, type] = files[request.url.split("?")[0]] ?? [];
  if (!name) return response.writeHead(404).end();
  response.writeHead(200, {
    "Content-Type": `${type}; charset=utf-8`,
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
  });
  response.end(await readFile(new URL(`page/${name}`, import.meta.url)));
}).listen(process.env.PAGE_PORT, "127.0.0.1");
