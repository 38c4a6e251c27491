// The document: rows, counters and words. Everything that came from outside is set as text, never as markup.

import { confidence } from "./confidence.js";
import { htmlLanguage, word } from "./words.js";

const SHOWN = 200;
const SHANGHAI_MS = 8 * 3_600_000;

const $ = (id) => document.getElementById(id);
const rows = new Map();

const element = (name, className, ...children) => {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
};

const percent = (fraction) => `${Math.round(fraction * 100)}%`;
const sideClass = ({ side }) => (side === "Up" ? "up" : "down");
const exchangeTime = (ns) => new Date(ns / 1e6 + SHANGHAI_MS).toISOString().slice(11, 19);

function duration(milliseconds) {
  if (milliseconds === null) return "–";
  if (milliseconds >= 10_000) return `${Math.round(milliseconds / 1000)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

function age(ns) {
  const seconds = Math.max(0, Math.floor(ns / 1e9));
  const parts = [[Math.floor(seconds / 3600), "hours"], [Math.floor(seconds / 60) % 60, "minutes"], [seconds % 60, "seconds"]];
  const first = parts.findIndex(([value]) => value > 0);
  const shown = first < 0 ? parts.slice(2) : parts.slice(first, first + 2); // more would be noise
  return shown.map(([value, unit]) => `${value} ${word(unit)}`).join(" ");
}

function row(opportunity) {
  const { members, state } = opportunity;
  const reasons = members.map(({ strategy, reason }) => `${strategy}: ${reason}`).join("\n");
  const made = element(
    "tr",
    sideClass(opportunity),
    element("td", "symbol", opportunity.symbol),
    element("td", "side", word(opportunity.side)),
    element("td", `state ${state.toLowerCase()}`, element("span", "", word(state))),
    element("td", "confidence", element("div", "", element("span", "value"), element("span", "bar", element("i", "")))),
    element("td", "strength number", opportunity.strength.toFixed(0)),
    element("td", "price number", opportunity.reference_price?.toFixed(2) ?? "–"),
    element("td", "strategies", members.map(({ strategy }) => strategy).join(", ")),
    element("td", "age number"),
    element("td", "reason", members.at(-1)?.reason ?? ""),
  );
  made.querySelector(".reason").title = reasons;
  return made;
}

/** Shows changed opportunities, the newest first; `ids` null means all of them. */
export function showOpportunities(book, ids) {
  if (ids === null) {
    rows.clear();
    $("open").replaceChildren();
  }
  for (const id of ids ?? book.open.keys()) {
    rows.get(id)?.remove();
    rows.delete(id);
    const opportunity = book.open.get(id);
    if (!opportunity) continue;
    const made = row(opportunity);
    if (ids !== null) made.classList.add("fresh");
    rows.set(id, made);
    $("open").prepend(made);
  }
  while ($("open").children.length > SHOWN) $("open").lastElementChild.remove();
  showCounters(book);
  showClosed(book);
  showTime(book);
}

/** What changes by the mere passing of time: age and decayed confidence. */
export function showTime(book) {
  const now = book.now();
  for (const [id, shown] of rows) {
    const opportunity = book.open.get(id);
    const left = confidence(opportunity, now);
    shown.querySelector(".value").textContent = percent(left);
    shown.querySelector(".bar i").style.width = percent(left);
    shown.querySelector(".age").textContent = age(now - opportunity.opened);
  }
}

function showCounters(book) {
  $("count-open").textContent = book.open.size;
  $("count-confirmed").textContent = book.count(({ state }) => state === "Confirmed");
  $("count-up").textContent = book.count(({ side }) => side === "Up");
  $("count-down").textContent = book.count(({ side }) => side === "Down");
  $("count-revisions").textContent = book.revisions.toLocaleString("en");
  $("latency").textContent = duration(book.latency());
  $("empty").hidden = book.open.size > 0;
}

function showClosed(book) {
  const items = book.closed.map((opportunity) =>
    element(
      "li",
      sideClass(opportunity),
      element("span", "", exchangeTime(opportunity.as_of)),
      element("span", "symbol", opportunity.symbol),
      element("span", "side", word(opportunity.side)),
      element("span", "", word(opportunity.closed)),
    ),
  );
  $("closed").replaceChildren(...(items.length ? items : [element("p", "", word("none"))]));
}

export function showConnection(state) {
  $("connection").dataset.state = state;
  $("connection").lastElementChild.textContent = word(state);
}

export function showVersion({ name, version, feed }) {
  const notMarket = feed === "synthetic" || feed === "replay";
  $("feed").hidden = !notMarket;
  $("feed").textContent = notMarket ? word(feed) : "";
  $("version").textContent = name ? `${name} ${version}` : "";
}

export function showWords() {
  document.documentElement.lang = htmlLanguage();
  for (const labelled of document.querySelectorAll("[data-word]")) labelled.textContent = word(labelled.dataset.word);
  $("language").textContent = word("other");
  $("empty").textContent = word("empty");
}
