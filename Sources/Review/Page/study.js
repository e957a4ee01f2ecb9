"use strict";
const defaultKeys = { ArrowLeft: "left", f: "left", ArrowRight: "right", j: "right", l: "language", "?": "help" };
let keys = defaultKeys, trials = [], loaded = new Map(), current = null, shown = null, isBusy = false, isStarted = false;

const side = (name) => get(name);
const keyName = (key) => ({ ArrowLeft: "←", ArrowRight: "→", " ": "Space" })[key] || key;
const keysOf = (action) => Object.keys(keys).filter((key) => keys[key] === action).map(keyName).join(", ");

// Decoded, and never re-encoded: what is drawn are the file's own values.
async function load(trial) {
  const [left, right] = await Promise.all(
    ["left", "right"].map(async (name) => createImageBitmap(await (await ask("GET", "picture/" + trial + "/" + name)).blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" }))
  );
  return { left, right };
}

function preload() {
  for (const trial of trials) if (!loaded.has(trial)) {
    const promise = load(trial);
    promise.catch(() => loaded.delete(trial));
    loaded.set(trial, promise);
  }
  for (const trial of loaded.keys()) if (!trials.includes(trial)) loaded.delete(trial);
}

function progress(found) {
  session.progress = found;
  get("progress").max = Math.max(1, found.total);
  get("progress").value = found.done;
  get("count").textContent = say("count", found);
}

async function refill() {
  const next = await (await ask("POST", "next", {})).json();
  trials = next.trials;
  progress(next.progress);
  preload();
}

// Each pixel of the image takes scale × scale pixels of the screen, whole ones: nothing is smoothed.
function fit() {
  if (!session) return;
  const ratio = devicePixelRatio || 1, width = (session.width * session.scale) / ratio, height = (session.height * session.scale) / ratio;
  const room = get("pair").parentElement.getBoundingClientRect(), gap = Math.max(24, Math.round(width / 8));
  const whole = (value) => Math.round(value * ratio) / ratio;
  const fits = 2 * width + gap <= room.width - 16 && height <= room.height - 16;
  const top = whole(room.top + (room.height - height) / 2), left = whole(room.left + (room.width - 2 * width - gap) / 2);
  for (const [name, x] of [["left", left], ["right", whole(left + width + gap)]]) {
    const style = side(name).style;
    [style.width, style.height, style.left, style.top] = [width + "px", height + "px", x + "px", top + "px"];
  }
  get("pair").className = fits && isStarted && current !== null ? "" : "hidden";
  if (!isStarted || get("notice").dataset.kind === "lost" || get("notice").dataset.kind === "done") return;
  notice(fits ? "" : say("tooSmall"), fits ? "" : "small");
  return fits;
}

async function show() {
  if (!trials.length) await refill();
  current = trials.length ? trials[0] : null;
  if (current === null) {
    document.body.dataset.trial = "none";
    get("pair").className = "hidden";
    drawButtons();
    return notice(say("done"), "done");
  }
  preload();
  try { shown = await loaded.get(current); } catch (error) {
    // Another window has answered it.
    if (error.status !== 404) throw error;
    trials = [];
    return show();
  }
  for (const name of ["left", "right"]) {
    const canvas = side(name);
    [canvas.width, canvas.height] = [shown[name].width, shown[name].height];
    canvas.getContext("2d").drawImage(shown[name], 0, 0);
  }
  fit();
  clock.start();
  document.body.dataset.trial = current;
}

async function send(answer) {
  pending.keep(answer);
  saved("saving");
  try {
    progress((await (await ask("POST", "answer", answer)).json()).progress);
    saved("saved");
  } catch (error) {
    saved("");
    if (error.status !== 409) throw error;
    // Another window was faster.
    trials = [];
  } finally { pending.drop(); }
  return "";
}

async function choose(name) {
  if (!isStarted || isBusy || current === null || get("pair").className === "hidden") return;
  isBusy = true;
  try {
    clock.touch();
    const display = { pixelRatio: devicePixelRatio || 1, width: innerWidth, height: innerHeight };
    // Nothing of a pair is to be seen in the next.
    get("pair").className = "hidden";
    const answer = { trial: current, id: newId(), answer: name, activeMilliseconds: Math.round(clock.active), display, page: pageVersion };
    await send(answer);
    trials = trials.filter((trial) => trial !== answer.trial);
    await show();
    refill().catch(() => {});
  } catch (error) { notice(error.message); } finally { isBusy = false; }
}

function begin() {
  get("dialog").close();
}

const actions = {
  left: () => choose("left"), right: () => choose("right"), help: openInstructions,
  language() {
    language = language === "en" ? "ja" : "en";
    localStorage.setItem("language", language);
    translate();
  },
};

function fillInstructions() {
  const body = get("dialog-body"), text = document.createElement("p"), keysText = document.createElement("p");
  text.className = "instructions";
  text.textContent = (session && session.instructions) || say("text");
  keysText.textContent = say("keysAre", { left: keysOf("left"), right: keysOf("right") });
  body.replaceChildren(text, keysText);
  get("dialog-title").textContent = say("instructions");
  get("dialog-close").textContent = say(isStarted ? "close" : "start");
}

function openInstructions() {
  if (get("dialog").open) return;
  fillInstructions();
  get("dialog").showModal();
  get("dialog-close").focus();
}

function drawButtons() {
  const buttons = ["left", "right"].map((name) => {
    const button = document.createElement("button"), key = document.createElement("kbd");
    button.type = "button";
    button.id = "button-" + name;
    key.textContent = keysOf(name);
    button.append(key, say(name));
    button.addEventListener("click", () => { choose(name); button.blur(); });
    return button;
  });
  get("buttons").replaceChildren(...(current === null ? [] : buttons));
}

function translate() {
  document.documentElement.lang = language;
  document.title = "sipat – " + say("title");
  get("question").textContent = say("question");
  get("language").textContent = say("language");
  get("help").setAttribute("aria-label", say("instructions"));
  for (const name of ["left", "right"]) side(name).setAttribute("aria-label", say(name));
  if (get("dialog").open) fillInstructions();
  drawButtons();
  if (session) progress(session.progress);
  saved(get("saved").dataset.word || "");
  if (get("notice").dataset.kind === "done") notice(say("done"), "done");
  fit();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const action = keys[event.key] || keys[event.key.toLowerCase()];
  if (!action || (get("dialog").open && action !== "language")) return;
  if (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " ")) return;
  event.preventDefault();
  actions[action]();
});
for (const name of ["left", "right"]) side(name).addEventListener("click", () => choose(name));
for (const id of ["language", "help"]) get(id).addEventListener("click", () => { actions[id](); get(id).blur(); });
get("dialog-close").addEventListener("click", begin);
get("dialog").addEventListener("close", () => {
  if (isStarted || !session) return;
  isStarted = true;
  show().then(drawButtons).catch((error) => notice(error.message));
});
addEventListener("resize", fit);
addEventListener("beforeunload", (event) => { if (isBusy) event.preventDefault(); });

async function start() {
  translate();
  if (!token) return notice(say("noToken"));
  try {
    session = await (await ask("POST", "session", {})).json();
    keys = { ...session.keys, ...defaultKeys, ...session.keys };
    translate();
    // An answer that was on its way when the page was loaded anew.
    const lost = await pending.resend(send);
    await refill();
    openInstructions();
    if (lost) notice(lost);
  } catch (error) { notice(error.message); }
}
start();
