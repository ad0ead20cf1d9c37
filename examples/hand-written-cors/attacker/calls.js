// Where the API is: ?api=… in the page's address, or else the gateway.
const api = new URLSearchParams(location.search).get("api") ?? "http://localhost:8080";

// Makes each call after the one before it, and writes under it what this page learns of it.
export async function make(calls) {
  document.querySelector("input[name=api]").value = api;
  for (const [id, what, path, init = {}] of calls) {
    const item = document.createElement("li");
    item.id = id;
    item.innerHTML = `<span class="what"></span><span class="saw" role="status">…</span>`;
    item.querySelector(".what").textContent = `${what}: ${init.method ?? "GET"} ${path}`;
    document.querySelector("#calls").append(item);
    try {
      const response = await fetch(api + path, { credentials: "include", ...init });
      const text = (await response.text()).trim();
      item.querySelector(".saw").textContent = `${response.status} ${text}`;
      item.className = "answered";
    } catch (error) {
      // That is all a page is told. The reason stands in the browser's console.
      item.querySelector(".saw").textContent = String(error);
      item.className = "refused";
    }
  }
  document.body.dataset.state = "done";
}

export const json = (method, value) => ({
  method,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(value),
});
