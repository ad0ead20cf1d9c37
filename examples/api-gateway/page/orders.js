// Where the API is, or else the gateway in front of Amazon; and who calls: ?api=…&token=….
const asked = new URLSearchParams(location.search);
const api = asked.get("api") ?? "http://api.localhost:8080";
const token = asked.get("token") ?? "token-of-ann";

const sent = {
  method: "PUT",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ state: "sent" }),
};
const calls = [
  ["orders", "All orders", "/orders"],
  ["again", "The same once more, which the API counts by its cookie", "/orders"],
  ["send", "Order 1 is on its way", "/orders/1", sent],
];

// Makes each call after the one before it, and writes under it what this page learns of it.
document.querySelector("#origin").textContent = location.origin;
document.querySelector("#api").value = api;
document.querySelector("#token").value = token;
for (const [id, what, path, init = {}] of calls) {
  const item = document.createElement("li");
  item.id = id;
  item.innerHTML = `<span class="what"></span><span class="saw" role="status">…</span>`;
  item.querySelector(".what").textContent = `${what}: ${init.method ?? "GET"} ${path}`;
  document.querySelector("#calls").append(item);
  try {
    const headers = { ...init.headers, Authorization: `Bearer ${token}` };
    const response = await fetch(api + path, { ...init, credentials: "include", headers });
    item.querySelector(".saw").textContent = `${response.status} ${await response.text()}`;
    item.className = "answered";
  } catch (error) {
    // That is all a page is told. The reason stands in the browser's console.
    item.querySelector(".saw").textContent = String(error);
    item.className = "refused";
  }
}
document.body.dataset.state = "done";
