// Where the API is: ?api=… in the page's address, or else the gateway.
const api = new URLSearchParams(location.search).get("api") ?? "http://localhost:8080";
const key = { "Content-Type": "application/json", "X-Api-Key": "key-of-the-weather-service" };
const calls = [
  ["stations", "All stations", "/stations"],
  ["report", "Report a temperature", "/stations/2", { method: "PUT", headers: key, body: '{"celsius": 12}' }],
];

// Makes each call after the one before it, and writes under it what this page learns of it.
document.querySelector("#origin").textContent = location.origin;
document.querySelector("#api").value = api;
for (const [id, what, path, init = {}] of calls) {
  const item = document.createElement("li");
  item.id = id;
  item.innerHTML = `<span class="what"></span><span class="saw" role="status">…</span>`;
  item.querySelector(".what").textContent = `${what}: ${init.method ?? "GET"} ${path}`;
  document.querySelector("#calls").append(item);
  try {
    const response = await fetch(api + path, init);
    item.querySelector(".saw").textContent = `${response.status} ${await response.text()}`;
    item.className = "answered";
  } catch (error) {
    // That is all a page is told. The reason stands in the browser's console.
    item.querySelector(".saw").textContent = String(error);
    item.className = "refused";
  }
}
document.body.dataset.state = "done";
