// page/ becomes dist/: one script and one stylesheet, each named after what is in it, and all of it
// beside that compressed, for servers that know what to do with app.1a2b3c4d.js.br and .gz.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");

function write(name, text) {
  const file = new URL(`dist/${name}`, import.meta.url);
  writeFileSync(file, text);
  writeFileSync(new URL(`${file}.gz`), gzipSync(text, { level: 9 }));
  writeFileSync(new URL(`${file}.br`), brotliCompressSync(text));
}

function asset(stem, ending, text) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  const name = `assets/${stem}.${hash}.${ending}`;
  write(name, text);
  return `/${name}`;
}

rmSync(new URL("dist", import.meta.url), { recursive: true, force: true });
mkdirSync(new URL("dist/assets", import.meta.url), { recursive: true });

const angular = read("node_modules/angular/angular.min.js").replace(/^\/\/# source.*$/m, "");
const script = asset("app", "js", [angular, read("page/config.js"), read("page/app.js")].join("\n"));
const style = asset("style", "css", read("page/style.css"));
write("favicon.svg", read("page/favicon.svg"));
write("index.html", read("page/index.html").replace("%SCRIPT%", script).replace("%STYLE%", style));
console.log(`dist/index.html with ${script} and ${style}`);
