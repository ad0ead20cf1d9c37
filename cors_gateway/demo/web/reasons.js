// Why a call ends as it does, drawn from what the page's server was told: by the API itself for the
// straight way, by the gateway's admin listener for the other.

import {make} from "./markup.js";

const CHECKS = {origin: "Origin", method: "Method", headers: "Headers", "same-origin": "Same origin"};
const PASSED = {origin: "allowed by "};
const VERDICT = {true: ["yes", "✓"], false: ["no", "✕"]};

export function drawWire(title, {exchanges, error, why}) {
  const lines = exchanges.flatMap(({line, end, headers, missing}) => [
    make("dt", {}, line, make("span", {}, ` → ${end}`)),
    ...headers.map(([name, value]) => make("dd", {}, make("b", {}, `${name}: `), value)),
    ...missing.map((name) => make("dd", {className: "missing"}, `${name} is not there`)),
  ]);
  return [
    make("h4", {}, title),
    ...(lines.length ? [make("dl", {}, ...lines)] : []),
    ...(why ? [make("p", {className: "reason"}, error ? make("code", {}, error) : "", ` ${capital(why)}.`)] : []),
  ];
}

export function drawSteps({asks, steps, remedy, stranger}) {
  const parts = [make("h4", {}, "Why, as the gateway explains it")];
  if (asks.length) parts.push(make("p", {}, `The browser asks first: ${asks.join("; ")}.`));
  parts.push(drawList(steps));
  if (stranger) {
    parts.push(make("p", {}, `A page of ${stranger.origin} would get ${stranger.status}:`), drawList(stranger.steps));
  }
  if (remedy) parts.push(...drawRemedy(remedy));
  return make("section", {className: "steps"}, ...parts);
}

function drawList(steps) {
  return make("ul", {}, ...steps.map(({check, passed, subject, detail}) => {
    const [kind, mark] = VERDICT[passed];
    const told = passed ? `${PASSED[check] ?? ""}${detail}` : detail;
    return make("li", {className: kind}, make("span", {className: "mark", "aria-label": kind}, mark),
      make("span", {}, `${CHECKS[check] ?? check} `, make("code", {}, subject), `: ${told}`));
  }));
}

function drawRemedy({changes, advice, warnings}) {
  return [
    ...(advice ? [make("p", {}, advice)] : []),
    ...changes.map(({source, key, change}) => make("p", {className: "remedy"}, "To allow it: ",
      make("b", {}, change), " at ", make("code", {}, key), ` (line ${source.split(":").at(-1)})`)),
    ...warnings.map((warning) => make("p", {}, warning)),
  ];
}

export function drawFile({file}) {
  if (!file || !file.lines.length) return make("section", {className: "file"});
  const lines = file.lines.map(({number, text, key, change}) => make("span",
    {className: change ? "line change" : key ? "line marked" : "line"},
    make("span", {className: "number", "aria-hidden": "true"}, String(number)),
    make("code", {}, text), change ? make("em", {}, `↑ ${change}`) : null));
  const values = Object.entries(file.variables).map(([name, value]) => make("p", {className: "value"},
    make("code", {}, name), " is ", make("code", {}, value)));
  return make("section", {className: "file"},
    make("h4", {}, `The lines of ${file.name} that decide`),
    make("pre", {tabIndex: 0, role: "group", "aria-label": `Lines of ${file.name}`}, ...lines), ...values);
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
