"use strict";
// The image, the map on it, and what a person does to it. The region is always what the threshold gives, then each gesture in order:
// so a gesture is undone by doing the others again.
class Editor {
  constructor(stage, changed) {
    this.stage = stage;
    [this.picture, this.overlay, this.pencil] = stage.querySelectorAll("canvas");
    this.changed = changed;
    this.removing = false;
    this.cursor = null;
    this.drag = null;
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.up(event));
    stage.addEventListener("pointercancel", () => { this.drag = null; this.drawPencil(); });
    addEventListener("resize", () => this.fit());
  }

  // map: a byte per pixel. blind: the map is hidden until reveal().
  load(bitmap, map, level, blind) {
    this.width = bitmap.width;
    this.height = bitmap.height;
    this.map = map;
    this.level = this.startLevel = level;
    this.hidden = blind;
    this.own = null;
    this.gestures = [];
    this.restored = null;
    this.corner = null;
    if (this.cursor) this.cursor = { x: this.width >> 1, y: this.height >> 1 };
    this.picture.width = this.width;
    this.picture.height = this.height;
    this.picture.getContext("2d").drawImage(bitmap, 0, 0);
    // The map is drawn fine enough for a thin line, and of a large image as fine as the screen shows it: finer lines would fade.
    const side = Math.max(this.width, this.height), shown = this.shownScale() * (devicePixelRatio || 1);
    const scale = Math.min(1400 / side, side > 700 ? Math.max(200 / side, shown) : Math.ceil(700 / side));
    for (const canvas of [this.overlay, this.pencil]) {
      canvas.width = Math.max(1, Math.round(this.width * scale));
      canvas.height = Math.max(1, Math.round(this.height * scale));
    }
    this.fit();
    this.rebuild();
  }

  clear() {
    for (const canvas of [this.picture, this.overlay, this.pencil]) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    this.map = null;
  }

  fit() {
    if (!this.width) return;
    const scale = this.shownScale();
    this.stage.style.width = this.width * scale + "px";
    this.stage.style.height = this.height * scale + "px";
    this.picture.classList.toggle("large", scale < 1);
  }

  // Pixels of the page for one of the image.
  shownScale() {
    const room = this.stage.parentElement;
    return Math.min((room.clientWidth - 24) / this.width, (room.clientHeight - 24) / this.height);
  }

  base(level) {
    const mask = new Uint8Array(this.map.length);
    for (let i = 0; i < mask.length; i++) mask[i] = this.map[i] >= level ? 1 : 0;
    return mask;
  }

  rebuild() {
    this.level = this.startLevel;
    let mask = this.hidden ? new Uint8Array(this.map.length) : this.base(this.level);
    // A new threshold replaces what machines marked, not what people did: it is looked for first.
    const last = this.gestures.filter((g) => g.kind === "threshold").pop();
    if (last && !this.hidden) mask = this.base((this.level = last.value));
    this.mask = mask;
    for (const gesture of this.gestures) this.apply(gesture);
    this.draw();
    this.changed();
  }

  apply(gesture) {
    if (gesture.kind === "box") this.box(gesture);
    if (gesture.kind === "blob") this.blob(gesture);
    if (gesture.kind === "own" && this.own) this.mask = this.own.slice();
    if (gesture.kind === "restored" && this.restored) this.mask = this.restored.slice();
  }

  add(gesture) {
    this.gestures.push(gesture);
    if (gesture.kind === "threshold") return this.rebuild();
    this.apply(gesture);
    this.draw();
    this.changed();
  }

  // Whether there was a gesture to take back.
  undo() {
    if (this.gestures.length === 0) return false;
    this.gestures.pop();
    this.rebuild();
    return true;
  }

  reset() {
    this.gestures = [];
    this.rebuild();
  }

  reveal() {
    if (!this.hidden) return;
    this.own = this.mask;
    this.ownGestures = this.gestures;
    this.hidden = false;
    this.gestures = [];
    this.rebuild();
  }

  // An earlier correction of this image, when it is taken back.
  restore(runs) {
    const mask = new Uint8Array(this.map.length);
    let place = 0;
    runs.forEach((run, number) => {
      if (number % 2) mask.fill(1, place, place + run);
      place += run;
    });
    this.restored = mask;
    this.add({ kind: "restored" });
  }

  get isEdited() {
    if (this.gestures.length === 0) return false;
    const base = this.base(this.startLevel);
    return this.mask.some((value, i) => value !== base[i]);
  }

  get isEmpty() { return !this.mask.includes(1); }

  static runs(mask) {
    const runs = [];
    let value = 0, start = 0;
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] !== value) {
        runs.push(i - start);
        start = i;
        value = mask[i];
      }
    }
    runs.push(mask.length - start);
    return runs;
  }

  box({ x, y, x2, y2, adds }) {
    const left = Math.max(0, Math.round(Math.min(x, x2))), right = Math.min(this.width, Math.max(Math.round(Math.max(x, x2)), Math.round(Math.min(x, x2)) + 1));
    const top = Math.max(0, Math.round(Math.min(y, y2))), bottom = Math.min(this.height, Math.max(Math.round(Math.max(y, y2)), Math.round(Math.min(y, y2)) + 1));
    for (let row = top; row < bottom; row++) this.mask.fill(adds ? 1 : 0, row * this.width + left, row * this.width + right);
  }

  // Inside the region: removes the part around the click. Outside: adds what is nearly as salient around it, or a disc where nothing is.
  blob({ x, y }) {
    const column = Math.min(this.width - 1, Math.max(0, Math.floor(x))), row = Math.min(this.height - 1, Math.max(0, Math.floor(y)));
    const start = row * this.width + column;
    if (this.mask[start]) return this.flood(start, (i) => this.mask[i] === 1, 0);
    const value = this.hidden ? 0 : this.map[start];
    if (value >= 16) return this.flood(start, (i) => this.map[i] >= value * 0.6 && !this.mask[i], 1);
    const radius = Math.max(1.5, 0.06 * Math.min(this.width, this.height));
    for (let r = Math.max(0, Math.floor(row - radius)); r <= Math.min(this.height - 1, row + radius); r++) {
      for (let c = Math.max(0, Math.floor(column - radius)); c <= Math.min(this.width - 1, column + radius); c++) {
        if ((r - row) ** 2 + (c - column) ** 2 <= radius * radius) this.mask[r * this.width + c] = 1;
      }
    }
  }

  flood(start, holds, value) {
    const seen = new Uint8Array(this.mask.length), stack = [start], found = [];
    seen[start] = 1;
    while (stack.length) {
      const i = stack.pop(), column = i % this.width;
      found.push(i);
      const near = [i - this.width, i + this.width, column > 0 ? i - 1 : -1, column < this.width - 1 ? i + 1 : -1];
      for (const j of near) {
        if (j >= 0 && j < seen.length && !seen[j] && holds(j)) {
          seen[j] = 1;
          stack.push(j);
        }
      }
    }
    for (const i of found) this.mask[i] = value;
  }

  threshold(step) {
    if (this.hidden) return;
    const value = Math.min(255, Math.max(1, this.level + step));
    if (value !== this.level) this.add({ kind: "threshold", value });
  }

  draw() {
    const { width: w, height: h } = this.overlay, context = this.overlay.getContext("2d");
    const data = context.createImageData(w, h), pixels = new Uint32Array(data.data.buffer);
    const columns = new Int32Array(w), rows = new Int32Array(h);
    for (let x = 0; x < w; x++) columns[x] = Math.floor((x * this.width) / w);
    for (let y = 0; y < h; y++) rows[y] = Math.floor((y * this.height) / h) * this.width;
    const fill = 0x4c30a5ff, edge = 0xff30a5ff, dark = 0xc0000000, doubt = 0x6060f0f0; // ABGR
    const showsDoubt = !this.hidden && this.gestures.length === 0;
    const inside = (x, y) => this.mask[rows[y] + columns[x]];
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const here = inside(x, y);
        const border = (x > 0 && inside(x - 1, y) !== here) || (x < w - 1 && inside(x + 1, y) !== here) || (y > 0 && inside(x, y - 1) !== here) || (y < h - 1 && inside(x, y + 1) !== here);
        if (border) pixels[y * w + x] = here ? edge : dark;
        else if (showsDoubt && Math.abs(this.map[rows[y] + columns[x]] - this.level) <= 25 && ((x + y) & 7) < 2) pixels[y * w + x] = doubt;
        else if (here) pixels[y * w + x] = fill;
      }
    }
    context.putImageData(data, 0, 0);
    this.drawPencil();
  }

  drawPencil() {
    const context = this.pencil.getContext("2d"), scale = this.pencil.width / this.width;
    context.clearRect(0, 0, this.pencil.width, this.pencil.height);
    const box = this.drag && this.drag.moved ? [this.drag.from, this.drag.to] : this.corner && this.cursor ? [this.corner, this.cursor] : null;
    context.lineWidth = 2;
    if (box) {
      context.strokeStyle = (this.drag && this.drag.removes) || this.removing ? "#ff7a6b" : "#6be38f";
      context.strokeRect(box[0].x * scale, box[0].y * scale, (box[1].x - box[0].x) * scale, (box[1].y - box[0].y) * scale);
    }
    if (this.cursor) {
      const x = (this.cursor.x + 0.5) * scale, y = (this.cursor.y + 0.5) * scale;
      for (const [color, wide] of [["#000", 5], ["#fff", 2]]) {
        context.strokeStyle = color;
        context.lineWidth = wide;
        context.beginPath();
        context.moveTo(x - 14, y); context.lineTo(x + 14, y); context.moveTo(x, y - 14); context.lineTo(x, y + 14);
        context.stroke();
      }
    }
  }

  show(isShown) { this.overlay.classList.toggle("hidden", !isShown); }

  at(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * this.width, y: ((event.clientY - box.top) / box.height) * this.height };
  }

  down(event) {
    if (!this.map || event.button !== 0) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    const from = this.at(event);
    this.drag = { from, to: from, startX: event.clientX, startY: event.clientY, moved: false, removes: this.removing || event.shiftKey };
  }

  move(event) {
    if (!this.drag) return;
    this.drag.to = this.at(event);
    this.drag.moved = this.drag.moved || Math.hypot(event.clientX - this.drag.startX, event.clientY - this.drag.startY) > 4;
    this.drawPencil();
  }

  up() {
    if (!this.drag) return;
    const { from, to, moved, removes } = this.drag;
    this.drag = null;
    if (moved) this.add({ kind: "box", adds: !removes, x: from.x, y: from.y, x2: to.x, y2: to.y });
    else this.add({ kind: "blob", x: from.x, y: from.y });
    this.drawPencil();
  }

  // The keyboard's way to point.
  toggleCursor() {
    this.cursor = this.cursor ? null : { x: this.width >> 1, y: this.height >> 1 };
    this.corner = null;
    this.drawPencil();
  }

  moveCursor(dx, dy, fine) {
    if (!this.cursor) return;
    const step = fine ? 1 : Math.max(1, Math.round(Math.max(this.width, this.height) / 32));
    this.cursor.x = Math.min(this.width - 1, Math.max(0, this.cursor.x + dx * step));
    this.cursor.y = Math.min(this.height - 1, Math.max(0, this.cursor.y + dy * step));
    this.drawPencil();
  }

  blobAtCursor() {
    if (this.cursor) this.add({ kind: "blob", x: this.cursor.x + 0.5, y: this.cursor.y + 0.5 });
  }

  cornerAtCursor() {
    if (!this.cursor) return;
    if (!this.corner) {
      this.corner = { ...this.cursor };
    } else {
      const a = this.corner, b = this.cursor;
      this.corner = null;
      this.add({ kind: "box", adds: !this.removing, x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), x2: Math.max(a.x, b.x) + 1, y2: Math.max(a.y, b.y) + 1 });
    }
    this.drawPencil();
  }
}
