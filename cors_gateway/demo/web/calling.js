// The calls themselves, by each of the browser's ways to make one. Nothing here knows which of the
// two addresses it calls. What a way returns has reached the page; what it throws is all that the
// page is told of a failure.

const UPLOAD = new Uint8Array(8 * 1024 * 1024);

export async function call(base, what, show) {
  const began = performance.now();
  try {
    const got = await WAYS[what.kind](base, what, show);
    return {works: true, ...got, took: performance.now() - began};
  } catch (error) {
    return {works: false, text: String(error), took: performance.now() - began};
  }
}

const WAYS = {fetch: fetchOnce, login: logIn, upload, events: listen, socket: talk};

async function fetchOnce(base, {path, method, headers, body, credentials}) {
  const response = await fetch(base + path, {
    method, headers, body: body ?? undefined, credentials: credentials ? "include" : "same-origin", cache: "no-store",
  });
  const content = await response.text();
  return {status: spell(response), error: !response.ok, content, text: `${readable(response.headers)}\n${content}`};
}

async function logIn(base, what, show) {
  const login = await fetchOnce(base, what);
  show(`POST /login  ${login.status}`);
  const me = await fetchOnce(base, {path: "/me", method: "GET", credentials: true});
  return {...me, text: `POST /login  ${login.status}\nGET  /me     ${me.status}\n\n${me.content}`};
}

// fetch() tells of no progress in an upload; XMLHttpRequest does.
function upload(base, {path, method, headers}, show) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, base + path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({loaded, total}) => {
      show(`sent ${mebibytes(loaded)} of ${mebibytes(total)} MiB`, loaded / total);
    };
    request.onload = () => resolve({
      status: `${request.status} ${request.statusText}`.trim(), error: request.status >= 400, text: request.responseText,
    });
    request.onerror = () => reject("error event of XMLHttpRequest, status 0");
    request.send(UPLOAD);
  });
}

function listen(base, {path}, show) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(base + path);
    let text = "";
    source.onmessage = ({data}) => show(text += `${data}\n`);
    // The API ends its stream. A browser would then connect again, for ever.
    source.onerror = () => {
      source.close();
      if (text) resolve({status: "Stream received", text});
      else reject("error event of EventSource, nothing received");
    };
  });
}

function talk(base, {path}, show) {
  const words = ["Hello?", "Is anybody there?"];
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(base.replace("http", "ws") + path);
    let text = "";
    const say = () => {
      const next = words.shift();
      if (next === undefined) return socket.close(1000);
      show(text += `→ ${next}\n`);
      return socket.send(next);
    };
    socket.onopen = say;
    socket.onmessage = ({data}) => {
      show(text += `← ${data}\n`);
      say();
    };
    socket.onclose = ({code}) => {
      if (code === 1000) resolve({status: "101 Switching Protocols", text});
      else reject(`close event of WebSocket, code ${code}`);
    };
  });
}

const spell = ({status, statusText}) => `${status} ${statusText}`.trim();
const mebibytes = (bytes) => (bytes / 1024 / 1024).toFixed(1);

// Only what the browser lets a page read is in here.
function readable(headers) {
  return [...headers].filter(([name]) => name !== "content-length" && name !== "cache-control")
    .map(([name, value]) => `${name}: ${value}\n`).join("");
}
