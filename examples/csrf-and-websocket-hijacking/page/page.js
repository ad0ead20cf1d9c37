"use strict";

const query = new URLSearchParams(location.search);
const api = query.get("api") ?? "http://api.bank.localhost:8080";
const live = query.get("live") ?? `${api.replace("http", "ws")}/live`;

const call = async (path, body) => {
  const init = { credentials: "include" };
  if (body) {
    init.method = "POST";
    init.headers = { "Content-Type": "application/json" };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(api + path, init);
  return `${response.status} ${(await response.text()).trim()}`;
};

const listen = () => new Promise((resolve, reject) => {
  const socket = new WebSocket(live);
  socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
  socket.onerror = () => reject(new Error("the connection was refused"));
});

const steps = [
  ["login", "Log in", () => call("/login", { user: "ada" })],
  ["account", "My account", () => call("/account")],
  ["bill", "Pay a bill of 1", () => call("/transfer", { to: "mallory", amount: 1 })],
  ["notice", "My notices", listen],
];

(async () => {
  for (const [id, what, step] of steps) {
    const item = document.createElement("li");
    item.innerHTML = `<span class="what"></span> <span class="saw" role="status">…</span>`;
    item.id = id;
    item.querySelector(".what").textContent = what;
    document.querySelector("#calls").append(item);
    try {
      item.querySelector(".saw").textContent = await step();
      item.className = "answered";
    } catch (error) {
      item.querySelector(".saw").textContent = String(error);
      item.className = "refused";
    }
  }
  document.body.dataset.state = "done";
})();
