"use strict";
const defaultKeys = {
  a: "accept", x: "nothing", w: "wrong", u: "unsure", z: "undo", Backspace: "undo", r: "reset", "+": "larger", "=": "larger", "-": "smaller", m: "remove",
  v: "hide", " ": "hide", k: "cursor", b: "blob", Enter: "corner", n: "reveal", o: "own", s: "status", p: "policy", l: "language", "?": "help",
};
let keys = defaultKeys, queue = [], loaded = new Map(), current = null, isBusy = false, isSaving = false;

const editor = new Editor(get("stage"), () => drawTitle());

async function load(item) {
  const [image, map] = await Promise.all(["image", "map"].map(async (kind) => createImageBitmap(await (await ask("GET", kind + "/" + item.item)).blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" })));
  const canvas = new OffscreenCanvas(map.width, map.height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(map, 0, 0);
  const rgba = context.getImageData(0, 0, map.width, map.height).data, bytes = new Uint8Array(map.width * map.height);
  for (let i = 0; i < bytes.length; i++) bytes[i] = rgba[4 * i];
  return { image, map: bytes };
}

// The images after this one are fetched before they are needed.
function preload() {
  for (const item of queue) if (!loaded.has(item.item)) {
    const promise = load(item);
    promise.catch(() => loaded.delete(item.item));
    loaded.set(item.item, promise);
  }
  const wanted = new Set(queue.map((item) => item.item));
  for (const number of loaded.keys()) if (!wanted.has(number)) loaded.delete(number);
}

async function refill() {
  const next = await (await ask("POST", "next", {})).json();
  const first = current ? [current] : [];
  queue = first.concat(next.items.filter((item) => !current || item.item !== current.item));
  progress(next.progress);
  preload();
}

function progress(found) {
  session.progress = found;
  get("progress").max = Math.max(1, found.total);
  get("progress").value = found.done;
  get("count").textContent = say("count", found);
  const seconds = found.secondsLeft;
  const time =
    seconds === undefined || seconds === null ? null : seconds < 90 ? say("inSeconds", { n: Math.round(seconds) }) : seconds < 5400 ? say("inMinutes", { n: Math.round(seconds / 60) }) : say("inHours", { n: (seconds / 3600).toFixed(1) });
  get("left").textContent = time && found.done < found.total ? say("left", { time }) : "";
}

async function show() {
  current = queue[0] || null;
  if (!current) {
    await refill();
    current = queue[0] || null;
  }
  if (!current) {
    editor.clear();
    for (const id of ["label", "name", "reason"]) get(id).textContent = "";
    document.body.dataset.item = "none";
    return notice(say("done"), "done");
  }
  const item = current;
  preload();
  let parts;
  try { parts = await loaded.get(item.item); } catch (error) {
    // Somebody else has it by now.
    current = null;
    queue = queue.filter((other) => other !== item);
    if (error.status === 401) return notice(error.message);
    return show();
  }
  editor.load(parts.image, parts.map, session.threshold, item.blind && !item.revealed);
  drawButtons();
  notice(editor.hidden ? say("blind", { key: revealKey() }) : item.state === "unseen" ? say("noMap") : editor.isEmpty ? say("empty") : "");
  drawTitle();
  clock.start();
  document.body.dataset.item = item.item;
}

function drawTitle() {
  if (!current) return;
  get("label").textContent = current.label;
  get("name").textContent = current.name + (editor.map && !editor.hidden && editor.isEdited ? " – " + say("edited") : "");
  get("reason").textContent = languages[language].reasons[current.reason];
}

// Gives what is to be said of it once the next image shows; "" for nothing.
async function send(decision) {
  // What the server would refuse is not sent: it would close the connection, which looks as if it were away.
  if (new Blob([JSON.stringify(decision)]).size > messageLimit) throw new Refused(413, languages[language].refused[413]);
  pending.keep(decision);
  saved("saving");
  try {
    const answer = await (await ask("POST", "decision", decision)).json();
    progress(answer.progress);
    saved("saved");
  } catch (error) {
    saved("");
    if (error.status !== 409) throw error;
    return error.message;
  } finally { pending.drop(); }
  return "";
}

async function decide(action) {
  if (!current || isBusy) return;
  if (editor.hidden) return notice(say("revealFirst", { key: revealKey() }));
  if (action === "accept" && current.state === "unseen" && !editor.isEdited) return notice(say("noMapToAccept", { key: keyOf("nothing") }));
  isBusy = isSaving = true;
  try {
    clock.touch();
    const decision = { item: current.item, id: newId(), action, activeMilliseconds: Math.round(clock.active), page: pageVersion };
    const gestures = [...(editor.own ? [...editor.ownGestures, { kind: "reveal" }] : []), ...editor.gestures];
    if (action === "accept" && editor.isEdited) {
      decision.action = editor.isEmpty ? "nothing" : "corrected";
      if (!editor.isEmpty) decision.runs = Editor.runs(editor.mask);
    }
    if (editor.own) decision.own = Editor.runs(editor.own);
    if (gestures.length) decision.gestures = gestures.slice(-2000);
    const lost = await send(decision);
    queue = queue.filter((item) => item.item !== decision.item);
    current = null;
    await show();
    if (lost) notice(lost);
    // Refilled beside: the next images are there already.
    isSaving = false;
    refill().catch(() => {});
  } catch (error) { notice(error.message); } finally { isBusy = isSaving = false; }
}

async function undo() {
  if (isBusy) return;
  if (current && editor.undo()) return;
  isBusy = true;
  try {
    const undone = await (await ask("POST", "undo", { id: newId() })).json();
    progress(undone.progress);
    undone.item.revealed = true;
    queue = [undone.item, ...queue.filter((item) => item.item !== undone.item.item)];
    loaded.delete(undone.item.item);
    await show();
    if (undone.runs) editor.restore(undone.runs);
    notice(say("undone"));
    saved("");
  } catch (error) { notice(error.status === 404 ? say("nothingToUndo") : error.message); } finally { isBusy = false; }
}

const actions = {
  accept: () => decide("accept"), nothing: () => decide("nothing"), wrong: () => decide("wrong"), unsure: () => decide("unsure"), undo,
  reset: () => editor.map && editor.reset(), larger: () => editor.threshold(-8), smaller: () => editor.threshold(8),
  remove() { editor.removing = !editor.removing; drawButtons(); },
  hide() {}, cursor() { editor.toggleCursor(); drawButtons(); }, blob: () => editor.blobAtCursor(),
  corner() {
    if (editor.cursor) return editor.cornerAtCursor();
    actions.reveal();
  },
  reveal() {
    if (!editor.hidden) return;
    editor.reveal();
    drawButtons();
    notice(current.state === "unseen" ? say("noMap") : editor.isEmpty ? say("empty") : "");
  },
  own() { if (editor.own) editor.add({ kind: "own" }); },
  status: () => openDialog("status", async (body) => showStatus(await (await ask("GET", "status")).json(), body)),
  policy: () => openDialog("policy", (body) => body.append(element("pre", session.policy), element("p", "SHA-256 " + session.policyHash))),
  help: () => openDialog("help", (body) => {
    body.append(element("p", say("gestures")));
    const rows = Object.keys(actions).map((action) => [Object.keys(keys).filter((key) => keys[key] === action).map(keyName).join("  "), say(action)]);
    const columns = element("div", undefined, "columns"), half = Math.ceil(rows.length / 2);
    columns.append(table(null, rows.slice(0, half)), table(null, rows.slice(half)));
    body.append(columns);
  }),
  language() {
    language = language === "en" ? "ja" : "en";
    localStorage.setItem("language", language);
    translate();
  },
};

const keyName = (key) => (key === " " ? "Space" : key);
const keyOf = (action) => keyName(Object.keys(keys).find((key) => keys[key] === action) || "");
// With the keyboard cursor on, the key for corners marks one.
const revealKey = () => (!editor.cursor && keyOf("corner")) || keyOf("reveal");

async function openDialog(title, fill) {
  const dialog = get("dialog");
  if (dialog.open) return dialog.close();
  get("dialog-title").textContent = say(title);
  get("dialog-body").replaceChildren();
  dialog.showModal();
  await fill(get("dialog-body"));
}

function drawButtons() {
  const pressed = { remove: editor.removing, cursor: !!editor.cursor };
  get("buttons").replaceChildren(
    ...[...(current && editor.hidden ? ["reveal"] : []), "accept", "nothing", "wrong", "unsure", "undo", "smaller", "larger", "remove", "cursor", "hide"].map((action) => {
      const button = element("button");
      button.type = "button";
      button.id = "button-" + action;
      button.append(element("kbd", keyOf(action)), say(action));
      if (action in pressed) button.setAttribute("aria-pressed", pressed[action]);
      if (action === "hide") {
        button.addEventListener("pointerdown", () => editor.show(false));
        for (const end of ["pointerup", "pointerleave"]) button.addEventListener(end, () => editor.show(true));
      } else button.addEventListener("click", () => { actions[action](); button.blur(); });
      return button;
    })
  );
}

function translate() {
  document.documentElement.lang = language;
  document.title = "sipat – " + say("title");
  for (const id of ["status", "policy", "language"]) get(id).textContent = say(id);
  get("help").setAttribute("aria-label", say("help"));
  get("dialog-close").textContent = say("close");
  drawButtons();
  drawTitle();
  if (session) progress(session.progress);
  saved(get("saved").dataset.word || "");
  if (!["lost", "done"].includes(get("notice").dataset.kind)) notice(editor.hidden && current ? say("blind", { key: revealKey() }) : "");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const action = keys[event.key] || keys[event.key.toLowerCase()];
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (get("dialog").open) {
    if (["help", "status", "policy"].includes(action)) get("dialog").close();
    return;
  }
  if (event.key in arrows && editor.cursor) {
    event.preventDefault();
    return editor.moveCursor(...arrows[event.key], event.shiftKey);
  }
  // A button that has the focus takes Enter and Space itself.
  if (!action || (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " "))) return;
  event.preventDefault();
  if (action === "hide") return editor.show(false);
  if (event.repeat && !["larger", "smaller"].includes(action)) return;
  if (current || ["undo", "status", "policy", "language", "help"].includes(action)) actions[action]();
});
document.addEventListener("keyup", (event) => { if (keys[event.key] === "hide") editor.show(true); });
addEventListener("blur", () => editor.show(true));
for (const id of ["status", "policy", "language", "help"]) get(id).addEventListener("click", () => { actions[id](); get(id).blur(); });
get("dialog-close").addEventListener("click", () => get("dialog").close());
addEventListener("beforeunload", (event) => { if (isSaving) event.preventDefault(); });

async function start() {
  translate();
  if (!token) return notice(say("noToken"));
  notice(say("loading"));
  try {
    session = await (await ask("POST", "session", {})).json();
    // One's own keys come first: they are the ones that buttons show.
    keys = { ...session.keys, ...defaultKeys, ...session.keys };
    translate();
    // A decision whose answer never came, before the page was loaded anew.
    const lost = await pending.resend(send);
    await refill();
    await show();
    if (lost) notice(lost);
  } catch (error) { notice(error.message); }
}
start();
