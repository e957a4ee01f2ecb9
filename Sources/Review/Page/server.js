"use strict";
// What all pages share: the token, questions to the server, the lines that say what is going on, the clock.
const pageVersion = "3";
const get = (id) => document.getElementById(id);
// The largest message that the server takes, in bytes.
const messageLimit = 4 << 20;
let session = null;

// The token stays out of the address: it comes after the #, which is sent to no server, and is then kept in this tab.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem("token", given);
  history.replaceState(null, "", location.pathname);
}
const token = sessionStorage.getItem("token");
// A link that is opened in a tab that shows the page already changes what comes after the # and nothing else.
addEventListener("hashchange", () => location.reload());

// What is on its way to the server, for when the page is loaded anew: for the same person and the same plan only.
const pending = {
  keep(body) { sessionStorage.setItem("pending", JSON.stringify({ person: session.person, plan: session.plan, body })); },
  drop() { sessionStorage.removeItem("pending"); },
  // { body } or { isAnothers }, or null where nothing was on its way.
  find() {
    const text = sessionStorage.getItem("pending");
    if (!text) return null;
    const kept = JSON.parse(text);
    return kept.person === session.person && kept.plan === session.plan ? { body: kept.body } : { isAnothers: true };
  },
  // Sends what was kept. Gives what is to be said of it.
  async resend(send) {
    const found = this.find();
    if (found && found.isAnothers) this.drop();
    return found ? (found.isAnothers ? say("pendingDropped") : send(found.body)) : "";
  },
};

class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

// Asks until there is an answer: a server that is away or a full disk are waited for.
async function ask(method, path, body) {
  for (let wait = 300; ; wait = Math.min(5000, wait * 1.6)) {
    try {
      const answer = await fetch("/api/" + path, {
        method, headers: { Authorization: "Bearer " + token, ...(body ? { "Content-Type": "application/json" } : {}) }, body: body ? JSON.stringify(body) : undefined,
        signal: AbortSignal.timeout(30000),
      });
      if (answer.status < 500 && answer.status !== 429) {
        if (get("notice").dataset.kind === "lost") notice("");
        if (!answer.ok) throw new Refused(answer.status, languages[language].refused[answer.status] || (await answer.json()).error);
        return answer;
      }
      const error = (await answer.json().catch(() => ({}))).error || answer.status;
      notice(say("lost") + " (" + (languages[language].refused[answer.status] || error) + ")", "lost");
    } catch (error) {
      if (error instanceof Refused) throw error;
      notice(say("lost"), "lost");
    }
    await new Promise((done) => setTimeout(done, wait));
  }
}

function notice(text, kind = "") {
  get("notice").textContent = text;
  get("notice").dataset.kind = kind;
  get("notice").className = kind === "lost" ? "bad" : "";
}

function saved(word) {
  get("saved").textContent = word ? say(word) : "";
  get("saved").dataset.word = word;
  get("saved").className = word === "saving" ? "bad" : "";
}

// Time in which a person is at the image: pauses count no longer than session.idleSeconds.
const clock = {
  active: 0, last: 0,
  start() { this.active = 0; this.last = performance.now(); },
  // wasSeen: whether the page was to be seen since the last time.
  touch(wasSeen = true) {
    const now = performance.now();
    if (wasSeen) this.active += Math.min(now - this.last, (session ? session.idleSeconds : 20) * 1000);
    this.last = now;
  },
};
for (const kind of ["keydown", "pointerdown", "pointermove", "wheel"]) document.addEventListener(kind, () => clock.touch(), true);
document.addEventListener("visibilitychange", () => clock.touch(document.visibilityState === "hidden"), true);

// Outside localhost without https there is no randomUUID.
const newId = () => (crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now());
