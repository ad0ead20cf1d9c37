// One card for each call: what the page saw, straight and through the gateway, and below it why.

import {call as makeCall} from "./calling.js";
import {find, make} from "./markup.js";
import {drawFile, drawSteps, drawWire} from "./reasons.js";

const SIDES = [["straight", "Straight to the API", "api"], ["through", "Through the gateway", "gateway"]];

export function drawCard(what, addresses, onEnd) {
  const again = make("button", {type: "button", className: "quiet", "aria-label": `Run again: ${what.title}`}, "Run");
  const card = make("article", {className: "card", "aria-labelledby": `title-${what.name}`, "data-call": what.name},
    make("header", {},
      make("div", {}, make("h2", {id: `title-${what.name}`}, what.title), make("p", {}, what.about)),
      make("div", {className: "request"}, make("code", {}, spell(what)), again)),
    make("div", {className: "sides"}, ...SIDES.map((side) => drawSide(side, what))),
    make("div", {className: "why"}));
  const run = async () => {
    again.disabled = true;
    const works = [];
    // One after the other: browsers let calls wait for each other, and the times would tell of that.
    for (const [name, , place] of SIDES) works.push(await runSide(card, name, addresses[place], what));
    card.dataset.works = JSON.stringify(works);
    again.disabled = false;
    onEnd();
  };
  again.addEventListener("click", run);
  return {card, run, explain: (reason) => explain(card, reason)};
}

export const worksOf = (card) => JSON.parse(card.dataset.works ?? "[]");

function spell({kind, method, path, headers, credentials}) {
  if (kind === "socket") return `WebSocket ${path}`;
  if (kind === "events") return `EventSource ${path}`;
  const names = Object.keys(headers).concat(credentials ? ["cookies"] : []);
  return [`${method} ${path}`, ...names.map((name) => `+ ${name}`)].join(" ");
}

function drawSide([name, title], what) {
  const label = `What the page sees: ${what.title}, ${title.toLowerCase()}`;
  return make("section", {className: "side", "data-side": name},
    make("div", {className: "head"},
      make("h3", {}, title),
      make("span", {className: "verdict"}, "waiting"),
      make("span", {className: "took"})),
    what.kind === "upload" ? make("progress", {max: 1, value: 0, "aria-label": "Uploaded"}) : null,
    make("pre", {className: "saw", tabIndex: 0, role: "group", "aria-label": label}),
    make("div", {className: "wire"}));
}

async function runSide(card, name, base, what) {
  const side = find(`[data-side=${name}]`, card);
  const set = (state, verdict, text, took = "") => {
    side.dataset.state = state;
    find(".verdict", side).textContent = verdict;
    find(".saw", side).textContent = text.trim();
    find(".took", side).textContent = took;
  };
  const progress = find("progress", side);
  if (progress) progress.value = 0;
  set("calling", "calling", "");
  const got = await makeCall(base, what, (text, share) => {
    set("calling", "calling", text);
    if (progress && share !== undefined) progress.value = share;
  });
  const took = `${got.took < 10 ? got.took.toFixed(1) : Math.round(got.took)} ms`;
  if (!got.works) set("refused", "Kept from the page", got.text, took);
  else if (got.error) set("error", `${got.status}, readable`, got.text, took);
  else set("works", got.status, got.text, took);
  return got.works;
}

function explain(card, {straight, through}) {
  find("[data-side=straight] .wire", card).replaceChildren(...drawWire("What the API answered", straight));
  find("[data-side=through] .wire", card).replaceChildren(
    ...("problem" in through ? [] : drawWire("What the gateway says", through)));
  find(".why", card).replaceChildren(...("problem" in through
    ? [make("p", {className: "notice"}, `The gateway cannot be asked why: ${through.problem}.`)]
    : [drawSteps(through), drawFile(through)]));
}
