// Where the API is: ?api=… in the page's address, or else the gateway.
const api = new URLSearchParams(location.search).get("api") ?? "http://localhost:8080";

const areas = {
  test: "/test/echo", admin: "/admin/users", site: "/menu", user: "/user/profile", public: "/public/news",
};
const withCookies = new Set(["admin", "user"]);
const detours = [
  "//admin/users",
  "/%61dmin/users",
  "/admin%2fusers",
  "/public/..%2fadmin/users",
  "/public/%2e%2e%2fadmin/users",
  "/public/..;/admin/users",
  "/public/..%5cadmin/users",
  "/public/%252e%252e/admin/users",
];

// Calls, and writes into an element what this page learns of it.
async function call(place, path, init) {
  try {
    const response = await fetch(api + path, init);
    const answer = response.ok ? (await response.json()).blueprint : response.statusText;
    place.querySelector(".saw").textContent = `${response.status} ${answer}`;
    place.className = "answered";
  } catch {
    place.querySelector(".saw").textContent = "refused";
    place.className = "refused";
  }
}

function add(parent, tag, id, label = "") {
  const element = document.createElement(tag);
  element.id = id;
  element.innerHTML = `<code class="what"></code> <span class="saw" role="status">…</span>`;
  element.querySelector(".what").textContent = label;
  parent.append(element);
  return element;
}

document.querySelector("input[name=api]").value = api;
document.querySelector("#origin").textContent = location.origin;
for (const [area, path] of Object.entries(areas)) {
  const row = document.querySelector("#areas").insertRow();
  row.innerHTML = `<th scope="row">${area} <code>${path}</code></th>`;
  for (const method of ["GET", "PUT", "DELETE"]) {
    const credentials = withCookies.has(area) ? "include" : "omit";
    await call(add(row, "td", `${area}-${method}`), path, { method, credentials });
  }
}
for (const [index, path] of detours.entries()) {
  await call(add(document.querySelector("#detours"), "li", `detour-${index}`, path), path, {});
}
document.body.dataset.state = "done";
