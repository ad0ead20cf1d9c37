import "./style.css";
import { title } from "./title.js";

// /api is the API of whoever serves this page. ?api=http://localhost:5000 is the API itself.
const api = new URLSearchParams(location.search).get("api") ?? "/api";
const $ = (id) => document.getElementById(id);

async function call(method, path, content) {
  const json = { headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) };
  try {
    const response = await fetch(api + path, { method, ...(content && json) });
    $("message").textContent = `${method} ${path}: ${response.status}`;
    return await response.json();
  } catch (error) {
    // That is all a page is told. The reason stands in the browser's console.
    $("message").textContent = `${method} ${path}: ${error.message}`;
    throw error;
  }
}

async function showTasks() {
  const tasks = await call("GET", "/tasks");
  $("tasks").replaceChildren(...tasks.map(draw));
}

function draw({ id, text, done }) {
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: done });
  box.addEventListener("change", () => call("PUT", `/tasks/${id}`, { done: box.checked }));
  const label = document.createElement("label");
  label.append(box, " ", text);
  const item = document.createElement("li");
  item.append(label);
  return item;
}

$("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  await call("POST", "/tasks", { text: event.target.elements.text.value });
  event.target.reset();
  await showTasks();
});

$("title").textContent = title;
$("origin").textContent = location.origin;
$("api").textContent = new URL(api, location.href).href;
showTasks();

// When title.js is saved, Vite brings the new one, and what stands on the page stays.
import.meta.hot?.accept("./title.js", (changed) => {
  $("title").textContent = changed.title;
});
