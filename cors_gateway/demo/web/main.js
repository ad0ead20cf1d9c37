// Draws a card for each call, makes all the calls, and keeps the score.

import {drawCard, worksOf} from "./cards.js";
import {find, findAll, make} from "./markup.js";

// Browsers drop what is on its way when a network comes or goes, as with a container or a VPN.
async function ask(path, attempts = 3) {
  try {
    const response = await fetch(path);
    if (!response.ok) throw new RangeError(`${path} answers ${response.status}`);
    return await response.json();
  } catch (error) {
    if (attempts <= 1 || error instanceof RangeError) throw error;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return ask(path, attempts - 1);
  }
}

function count(cards) {
  const works = cards.map(({card}) => worksOf(card)).filter((pair) => pair.length);
  const [straight, through] = [0, 1].map((side) => works.filter((pair) => pair[side]).length);
  if (works.length < cards.length) return;
  const scores = {straight, through, all: cards.length};
  for (const place of findAll("[data-score]")) place.textContent = scores[place.dataset.score];
  find("#sum").textContent =
    `${straight} of ${cards.length} calls work straight, ${through} of ${cards.length} through the gateway.`;
}

async function runAll(cards) {
  find("#again").disabled = true;
  find("#sum").textContent = "Calling…";
  for (const {card} of cards) delete card.dataset.works;
  for (const {run} of cards) await run();
  find("#again").disabled = false;
}

async function explainAll(cards, names) {
  const reasons = await Promise.all(names.map((name) => ask(`/reasons/${name}`)));
  cards.forEach(({explain}, index) => explain(reasons[index]));
}

function tellPlaces(demo) {
  for (const place of findAll("[data-place]")) {
    const {protocol, hostname, port} = new URL(demo[place.dataset.place]);
    place.replaceChildren(protocol === "https:" ? "https://" : "", `${hostname}:`, make("wbr"), port);
  }
  find("#curl").textContent = `curl -i -H 'Origin: ${demo.page}' ${demo.gateway}/orders`;
  find("#config").textContent = demo.config;
}

async function begin() {
  const demo = await ask("/demo.json");
  tellPlaces(demo);
  const cards = demo.calls.map((what) => drawCard(what, demo, () => count(cards)));
  // Before anything is shown, so that nothing moves when it comes.
  await explainAll(cards, demo.calls.map(({name}) => name));
  find("#calls").append(...cards.map(({card}) => card));
  find("#again").addEventListener("click", () => runAll(cards));
  await runAll(cards);
}

begin().catch((error) => {
  find("#sum").textContent = "";
  find("#calls").replaceChildren(make("p", {className: "notice"},
    `The demonstration does not answer any more (${error.message}). Start it again: cors-gateway demo`));
});
