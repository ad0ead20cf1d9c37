const query = new URLSearchParams(location.search);
const api = query.get("api") ?? "http://localhost:8080";
const cdn = query.get("cdn") ?? "http://localhost:8080/cdn";
const show = (id, text) => { document.getElementById(id).textContent = text; };

function showImage() {
  const image = new Image();
  image.alt = "An arcade game";
  image.src = `${cdn}/arcade.svg`;
  image.onload = () => show("image", `loaded, ${image.naturalWidth} × ${image.naturalHeight}`);
  image.onerror = () => show("image", "blocked");
  document.getElementById("picture").append(image);
}

// A browser tells the whole way of a file only where its server allows it: else most times are 0.
function showTiming(list) {
  for (const entry of list.getEntriesByType("resource")) {
    if (entry.name !== `${cdn}/arcade.svg`) continue;
    const waited = entry.responseStart - entry.requestStart;
    show("timing", entry.requestStart > 0 ? `first byte after ${waited.toFixed(1)} ms` : "hidden");
  }
}

async function showFont() {
  const url = `url(${cdn}/press-start-2p-latin-400-normal.woff2)`;
  try {
    document.fonts.add(await new FontFace("Arcade", url).load());
    show("font", "loaded");
  } catch (error) {
    show("font", `blocked: ${error.message}`);
  }
}

async function call(method, path, content) {
  const json = { headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
  try {
    const response = await fetch(api + path, { method, ...(content && json) });
    const total = response.headers.get("X-Total-Count");
    show("call", `${method} ${path}: ${response.status}${total ? `, ${total} in all` : ""}`);
    return await response.json();
  } catch (error) {
    // That is all a page is told. The reason stands in the browser's console.
    show("call", `${method} ${path}: ${error.message}`);
    return {};
  }
}

function draw([name, score]) {
  const row = document.createElement("tr");
  const cells = [name, score, ""].map((text) => Object.assign(document.createElement("td"), { textContent: text }));
  const button = Object.assign(document.createElement("button"), { textContent: "+100" });
  button.setAttribute("aria-label", `100 more for ${name}`);
  button.addEventListener("click", async () => {
    const changed = await call("PUT", `/scores/${name}`, { score: Number(cells[1].textContent) + 100 });
    cells[1].textContent = changed[name] ?? cells[1].textContent;
  });
  cells[2].append(button);
  row.append(...cells);
  return row;
}

show("origin", location.origin);
show("api", api);
show("cdn", cdn);
show("page", crossOriginIsolated ? "isolated, it has SharedArrayBuffer" : "not isolated");
new PerformanceObserver(showTiming).observe({ type: "resource", buffered: true });
showImage();
showFont();
const scores = Object.entries(await call("GET", "/scores"));
document.getElementById("scores").replaceChildren(...scores.map(draw));
