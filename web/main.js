// Wires the stream, what is known and the document together.

import { Book } from "./book.js";
import { Stream } from "./stream.js";
import { showConnection, showOpportunities, showTime, showVersion, showWords } from "./view.js";
import { switchLanguage } from "./words.js";

const book = new Book();
let version = {};
let connection = "connecting";
let changed = new Set();

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** What the stream does not tell: where the ticks come from, and what closed before the page was opened. */
async function learn() {
  try {
    version = await ask("api/version");
    book.feed = version.feed;
    showVersion(version);
    book.remember((await ask("api/opportunities?state=Closed&limit=12")).opportunities);
  } catch (error) {
    console.warn(error); // asked again with the next snapshot
  }
  changed = null;
}

/** Messages come in bursts; the document is changed at most once a frame. */
function showChanges() {
  if (changed === null || changed.size) showOpportunities(book, changed && [...changed]);
  changed = new Set();
  requestAnimationFrame(showChanges);
}

function showEverything() {
  showWords();
  showConnection(connection);
  showVersion(version);
  changed = null;
}

document.getElementById("language").addEventListener("click", () => {
  switchLanguage();
  showEverything();
});
setInterval(() => showTime(book), 1000);

showEverything();
showChanges();
learn();
new Stream(
  (message) => {
    const ids = book.take(message);
    if (ids === null) changed = null;
    else ids.forEach((id) => changed?.add(id));
    if (message.type === "snapshot") learn();
  },
  (state) => {
    connection = state;
    showConnection(state);
  },
);
