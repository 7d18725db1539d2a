// What both explorers look like. It shows what Python computes and reports what the reader does; it decides nothing.
//
// From Python: clips (all that can be chosen), scene (the chosen one, and its video), controls (the knobs that have an
// effect now), view (panels of frames with their answers), quiz, note. To Python: knobs, and messages. In explorer.html
// the model is a table of precomputed views with the same four methods (get, set, save_changes, on).

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

const percent = (p) => (p >= 0.995 ? "1.00" : p.toFixed(2));

// Pictures that were decoded before, by their content: the clean frames stay the same from knob to knob.
const decoded = new Map();
const DECODED = 240; // as many as about 30 views have
const SEEN = 200; // views that the page remembers

// Whether knobs have these values, whatever the others are.
const agree = (values, knobs) => Object.entries(values).every(([name, value]) => knobs[name] === value);

const drawn = (bytes) => createImageBitmap(new Blob([bytes]));

function bitmap(file) {
  if (!file) return undefined;
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  let hash = bytes.length;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  const key = `${bytes.length} ${hash}`, image = decoded.get(key) || drawn(bytes);
  decoded.delete(key); // the key that was used last stands last
  decoded.set(key, image);
  if (decoded.size > DECODED) decoded.delete(decoded.keys().next().value);
  return image;
}

const bitmaps = (frames) => Promise.all((frames || []).map(bitmap));

// ---------------------------------------------------------------------------------------------------- one picture

class Panel {
  // A frame on a canvas, and under it the likeliest classes as bars with numbers.
  constructor(explorer) {
    this.explorer = explorer;
    this.canvas = make("canvas", { width: 480, height: 480 });
    this.title = make("figcaption");
    this.bars = make("div", { className: "bars" });
    this.node = make("figure", {}, this.title, make("div", { className: "frame" }, this.canvas), this.bars);
    this.images = [];
    this.heat = [];
    this.boxes = [];
  }

  show(data, images, heat) {
    this.boxes = data.boxes || [];
    this.title.textContent = data.title;
    this.fill(images, heat);
    this.bars.replaceChildren(...(data.bars || []).map((bar) => this.bar(bar)));
    this.bars.hidden = !data.bars;
  }

  fill(images, heat) {
    [this.images, this.heat] = [images, heat];
    this.draw();
  }

  bar({ name, p, kind }) {
    const fill = make("span", { className: `fill ${kind}`, style: `width: ${100 * p}%` });
    const title = { true: "the true class", prompt: "your own sentence", other: "" }[kind];
    return make(
      "div",
      { className: "bar", title },
      make("span", { className: "name" }, name + (kind === "true" ? " ✓" : "")),
      make("span", { className: "track" }, fill),
      make("span", { className: "number" }, percent(p)),
    );
  }

  draw(image = this.images[this.explorer.frame]) {
    if (!image) return;
    const context = this.canvas.getContext("2d"), { width, height } = this.canvas;
    context.imageSmoothingEnabled = !this.explorer.blocky;
    context.drawImage(image, 0, 0, width, height);
    const heat = this.heat[this.explorer.frame], box = this.boxes[this.explorer.frame];
    if (heat && this.explorer.strength > 0) {
      context.globalAlpha = this.explorer.strength;
      context.imageSmoothingEnabled = true;
      context.drawImage(heat, 0, 0, width, height);
      context.globalAlpha = 1;
    }
    if (box) {
      context.strokeStyle = "rgba(255, 255, 255, 0.9)";
      context.lineWidth = 2;
      context.strokeRect(box[0] * width, box[1] * height, box[2] * width, box[3] * height);
    }
  }
}

// ------------------------------------------------------------------------------------------------------- drawing

class Drawing {
  // A mask that is painted, erased, or made of a box or an ellipse with handles; one bit a pixel of the model's input.
  constructor(explorer, size) {
    this.explorer = explorer;
    this.size = size;
    this.painted = document.createElement("canvas");
    this.painted.width = this.painted.height = size;
    this.pen = this.painted.getContext("2d", { willReadFrequently: true });
    this.tool = "brush";
    this.width = 12;
    this.shape = null;
    this.canvas = make("canvas", { className: "overlay", width: 480, height: 480, tabIndex: 0 });
    this.canvas.setAttribute("aria-label", "draw a mask here");
    for (const event of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      this.canvas.addEventListener(event, (e) => this[event](e));
    }
    this.tools = make("div", { className: "tools" });
    for (const tool of ["brush", "eraser", "box", "ellipse"]) {
      this.tools.append(make("button", { textContent: tool, onclick: () => this.choose(tool) }));
    }
    const width = { type: "range", min: 2, max: 40, value: this.width, title: "width of brush and eraser" };
    this.tools.append(make("input", { ...width, oninput: (e) => (this.width = +e.target.value) }));
    this.tools.append(make("button", { textContent: "clear", onclick: () => this.clear() }));
    this.name = make("input", { placeholder: "a name for it", size: 12, "aria-label": "name of the drawn mask" });
    this.tools.append(this.name, make("button", { textContent: "keep as a shape", onclick: () => this.keep() }));
    this.mark();
  }

  mark() {
    for (const button of this.tools.querySelectorAll("button")) {
      button.classList.toggle("on", button.textContent === this.tool);
    }
  }

  choose(tool) {
    this.settle();
    this.tool = tool;
    this.mark();
    if (tool === "box" || tool === "ellipse") {
      const third = this.size / 3;
      this.shape = { tool, x: third, y: third, w: third, h: third };
    }
    this.changed();
  }

  settle() {
    // A shape becomes paint as soon as another tool is taken.
    if (this.shape) this.fill(this.pen, this.shape);
    this.shape = null;
  }

  clear() {
    this.pen.clearRect(0, 0, this.size, this.size);
    this.shape = null;
    this.changed();
  }

  keep() {
    const name = this.name.value.trim();
    if (!name) return this.explorer.say("give the mask a name first");
    this.explorer.send({ kind: "keep", name }, [this.bits()]);
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.size, ((event.clientY - box.top) / box.height) * this.size];
  }

  pointerdown(event) {
    this.canvas.setPointerCapture(event.pointerId);
    const [x, y] = this.at(event), s = this.shape;
    if (s) {
      const near = (a, b) => Math.abs(a - b) < this.size / 16;
      const corner = near(x, s.x + s.w) && near(y, s.y + s.h);
      this.drag = corner ? { stretch: true } : { dx: x - s.x, dy: y - s.y };
    } else {
      this.last = [x, y];
      this.stroke(x, y);
    }
  }

  pointermove(event) {
    const [x, y] = this.at(event), s = this.shape;
    if (s && this.drag) {
      if (this.drag.stretch) [s.w, s.h] = [Math.max(2, x - s.x), Math.max(2, y - s.y)];
      else [s.x, s.y] = [x - this.drag.dx, y - this.drag.dy];
      this.changed();
    } else if (this.last) this.stroke(x, y);
  }

  pointerup() {
    this.last = this.drag = null;
  }

  pointercancel() {
    this.pointerup();
  }

  stroke(x, y) {
    this.pen.globalCompositeOperation = this.tool === "eraser" ? "destination-out" : "source-over";
    this.pen.lineCap = "round";
    this.pen.lineWidth = this.width;
    this.pen.beginPath();
    this.pen.moveTo(...this.last);
    this.pen.lineTo(x + 0.01, y);
    this.pen.stroke();
    this.pen.globalCompositeOperation = "source-over";
    this.last = [x, y];
    this.changed();
  }

  fill(context, { tool, x, y, w, h }) {
    context.beginPath();
    if (tool === "box") context.rect(x, y, w, h);
    else context.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, 2 * Math.PI);
    context.fill();
  }

  bits() {
    const whole = document.createElement("canvas");
    whole.width = whole.height = this.size;
    const context = whole.getContext("2d");
    context.drawImage(this.painted, 0, 0);
    if (this.shape) this.fill(context, this.shape);
    const alpha = context.getImageData(0, 0, this.size, this.size).data;
    return Uint8Array.from({ length: this.size * this.size }, (_, i) => (alpha[4 * i + 3] > 127 ? 1 : 0));
  }

  changed() {
    const context = this.canvas.getContext("2d"), scale = this.canvas.width / this.size;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.shape) {
      const { x, y, w, h } = this.shape;
      context.strokeStyle = "#ee7733";
      context.setLineDash([6, 4]);
      context.lineWidth = 2;
      context.strokeRect(x * scale, y * scale, w * scale, h * scale);
      context.fillStyle = "#ee7733";
      context.fillRect((x + w) * scale - 7, (y + h) * scale - 7, 14, 14);
    }
    if (this.explorer.get("knobs").what === "draw") this.explorer.ask({}, [this.bits()]);
  }
}

// ---------------------------------------------------------------------------------------------- finding a clip

class Finder {
  constructor(explorer) {
    this.explorer = explorer;
    this.typed = make("input", { type: "search", placeholder: "find: class, scene, clip", oninput: () => this.list() });
    this.typed.setAttribute("aria-label", "find a clip");
    this.cls = make("select", { title: "class", onchange: () => this.list() });
    this.scene = make("select", { title: "scene", onchange: () => this.list() });
    this.wrong = make("input", { type: "checkbox", onchange: () => this.list() });
    this.flips = make("input", { type: "checkbox", onchange: () => this.list() });
    this.found = make("select", { className: "found", onchange: () => this.go(this.found.value) });
    this.found.setAttribute("aria-label", "clips found");
    this.count = make("span", { className: "count" });
    this.wrongLabel = make("label", {}, this.wrong, " only wrong");
    this.flipsLabel = make("label", {}, this.flips, " only where this mask changes the answer");
    this.node = make(
      "div",
      { className: "finder" },
      make("button", { textContent: "◀", title: "previous clip", onclick: () => this.step(-1) }),
      make("button", { textContent: "▶", title: "next clip", onclick: () => this.step(1) }),
      this.typed, this.cls, this.scene, this.wrongLabel, this.flipsLabel, this.count, this.found,
    );
  }

  fill() {
    const clips = this.explorer.get("clips");
    for (const [select, field, all] of [[this.cls, "cls", "all classes"], [this.scene, "scene", "all scenes"]]) {
      const kept = select.value, values = [...new Set(clips.map((clip) => clip[field]))].filter(Boolean);
      select.replaceChildren(make("option", { value: "", textContent: all }));
      select.append(...values.map((value) => make("option", { value, textContent: value })));
      select.value = kept;
      select.hidden = values.length < 2;
    }
    const judged = clips.some((clip) => clip.right !== null);
    this.wrong.disabled = !judged;
    this.wrongLabel.title = judged ? "" : "not known yet: run notebook 02";
    this.list();
  }

  matching() {
    const words = this.typed.value.toLowerCase().split(/\s+/).filter(Boolean), flips = this.explorer.get("view").flips;
    const known = Array.isArray(flips);
    this.flips.disabled = !known;
    this.flipsLabel.title = known ? "" : "not known: this condition is not in notebook 03's sweep";
    const changed = new Set(known && this.flips.checked ? flips : []);
    return this.explorer.get("clips").filter((clip) => {
      const text = `${clip.cls} ${clip.scene} ${clip.clip}`.toLowerCase();
      return (
        words.every((word) => text.includes(word)) &&
        (!this.cls.value || clip.cls === this.cls.value) &&
        (!this.scene.value || clip.scene === this.scene.value) &&
        (!this.wrong.checked || this.wrong.disabled || clip.right === false) &&
        (!this.flips.checked || !known || changed.has(clip.clip))
      );
    });
  }

  list() {
    const clips = this.matching(), now = this.explorer.get("knobs").clip;
    this.found.replaceChildren(
      ...clips.map(({ clip, cls, scene, right }) => {
        const words = [cls, scene && `${scene} scene`, right === null ? "" : right ? "right" : "wrong", clip];
        return make("option", { value: clip, textContent: words.filter(Boolean).join(" · ") });
      }),
    );
    this.found.value = now;
    this.count.textContent = `${clips.length} of ${this.explorer.get("clips").length} clips`;
  }

  step(by) {
    const clips = this.matching().map(({ clip }) => clip), at = clips.indexOf(this.explorer.get("knobs").clip);
    if (clips.length) this.go(clips[at < 0 ? 0 : (at + by + clips.length) % clips.length]);
  }

  go(clip) {
    this.found.value = clip;
    this.explorer.ask({ clip });
  }
}

// ------------------------------------------------------------------------------------------------------- the whole

class Explorer {
  constructor(model, el) {
    this.model = model;
    this.frame = 0;
    this.strength = 0;
    this.blocky = false;
    this.waiting = null; // knobs that were moved while Python was still at the ones before
    this.ticket = 0;
    this.answered = 0;
    this.panels = [];
    this.seen = []; // views that were shown, each with the knobs that had an effect
    this.finder = new Finder(this);
    this.knobs = make("div", { className: "knobs" });
    this.change = make("p", { className: "change" });
    this.pictures = make("div", { className: "panels" });
    this.strip = make("div", { className: "strip" });
    this.busy = make("span", { className: "busy", textContent: "computing", hidden: true });
    this.note = make("p", { className: "note", hidden: true });
    this.words = make("p", {});
    this.table = make("div", { className: "table" });
    this.trainer = make("div", { className: "tools" });
    this.code = make("pre", { className: "code" });
    this.quiz = make("div", { className: "quiz" });
    this.drawing = model.get("size") ? new Drawing(this, model.get("size")) : null;
    const parts = [this.finder.node, this.knobs, this.change];
    if (this.drawing) parts.push(this.drawing.tools);
    parts.push(make("div", { className: "stage" }, this.pictures, this.strip), this.player(), this.note);
    parts.push(this.words, this.table, this.trainer);
    const copy = make("button", { textContent: "copy", onclick: () => this.copy() });
    if (this.get("accepts")) parts.push(this.details("Predict, then measure", this.quiz));
    parts.push(this.own(), this.details("As code", copy, this.code));
    this.node = make("div", { className: "clipaction" }, this.busy, ...parts.filter(Boolean));
    el.append(this.node);
    for (const [name, act] of Object.entries({
      clips: () => this.finder.fill(),
      scene: () => this.newScene(),
      controls: () => this.newControls(),
      view: () => this.newView(),
      quiz: () => this.newQuiz(),
      training: () => this.newTraining(),
      note: () => this.say(model.get("note")),
    })) {
      model.on(`change:${name}`, act);
      act();
    }
  }

  get(name) {
    return this.model.get(name);
  }

  // One question at a time is on its way; of those asked meanwhile only the last one counts.
  ask(moved, buffers = null) {
    const asked = { ...(this.waiting?.moved || {}), ...moved };
    this.waiting = { moved: asked, buffers: buffers || this.waiting?.buffers };
    if (this.answered >= this.ticket) this.go();
    else this.recall({ ...this.sent, ...asked }, this.ticket + 1);
  }

  // Sends what is waiting; true where it was seen before and is shown already.
  go() {
    const { moved, buffers } = this.waiting;
    this.waiting = null;
    this.ticket = Math.max(this.ticket, this.answered) + 1; // another view of the same explorer may be ahead
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.busy.hidden = false), 150);
    this.sent = { ...this.get("knobs"), ...moved };
    const recalled = this.recall(this.sent, this.ticket);
    this.send({ kind: "knobs", knobs: this.sent, ticket: this.ticket }, buffers || []);
    return recalled;
  }

  // Shows at once what was seen before; Python's answer comes a moment later and counts.
  recall(knobs, ticket) {
    if (knobs.what === "draw") return false; // its picture depends on more than knobs
    const seen = this.seen.find(({ of }) => agree(of, knobs));
    if (seen) this.show({ ...seen.view, ticket });
    return !!seen;
  }

  send(content, buffers = []) {
    if (["keep", "prompt", "video", "train"].includes(content.kind)) this.seen = [];
    this.model.send(content, undefined, buffers.map((bytes) => bytes.buffer));
  }

  say(words) {
    this.note.textContent = words || "";
    this.note.hidden = !words;
  }

  details(title, ...inside) {
    return make("details", {}, make("summary", { textContent: title }), ...inside);
  }

  copy() {
    navigator.clipboard?.writeText(this.code.textContent);
  }

  newScene() {
    this.video = [];
    const { clip, video } = this.get("scene");
    // Not remembered: a clip's whole video would push the pictures of many views out.
    Promise.all((video || []).map(drawn)).then((images) => this.get("scene").clip === clip && (this.video = images));
  }

  newControls() {
    // Only knobs that have an effect are there. One that stays keeps its element, so that nothing jumps or loses focus.
    const controls = this.get("controls");
    const old = new Map([...this.knobs.children].map((node) => [node.dataset.name, node]));
    this.knobs.replaceChildren(
      ...controls.map((control) => {
        const node = old.get(control.name) || this.knob(control);
        node.update(control);
        return node;
      }),
    );
    if (this.drawing) this.drawing.tools.hidden = this.get("knobs").what !== "draw";
  }

  knob({ name, kind, label }) {
    const node = make("div", { className: `knob ${kind}` }, make("span", { className: "label", textContent: label }));
    node.dataset.name = name;
    const ask = (value) => this.ask({ [name]: value });
    if (kind === "buttons") {
      const row = make("span", { className: "row" });
      node.append(row);
      node.update = ({ options, value }) => {
        row.replaceChildren(
          ...options.map((option) =>
            make("button", {
              textContent: option.label, disabled: !!option.reason, title: option.reason,
              className: option.value === value ? "on" : "", onclick: () => ask(option.value),
            }),
          ),
        );
      };
    } else if (kind === "menu") {
      const select = make("select", { onchange: () => ask(select.value) });
      select.setAttribute("aria-label", label);
      node.append(select);
      node.update = ({ options, value }) => {
        select.replaceChildren(
          ...options.map((option) =>
            make("option", {
              value: option.value, textContent: option.label + (option.reason ? " –" : ""),
              disabled: !!option.reason, title: option.reason,
            }),
          ),
        );
        select.value = value;
        const closed = options.filter(({ reason }) => reason).map(({ label, reason }) => `${label}: ${reason}`);
        select.title = closed.join("\n");
      };
    } else if (kind === "slider") {
      const number = make("output"), slider = make("input", { type: "range" });
      slider.setAttribute("aria-label", label);
      slider.addEventListener("input", () => ask(+(number.textContent = slider.value)));
      node.append(slider, number);
      node.update = ({ min, max, step, value }) => {
        Object.assign(slider, { min, max, step });
        if (document.activeElement !== slider || this.answered >= this.ticket) slider.value = value;
        number.textContent = value;
      };
    } else {
      const box = make("input", { type: "checkbox", onchange: () => ask(box.checked) });
      box.setAttribute("aria-label", label);
      node.append(box);
      node.update = ({ value, reason }) => {
        box.checked = value;
        box.disabled = !!reason;
        node.title = reason || "";
      };
    }
    return node;
  }

  async newView() {
    const view = this.get("view");
    this.answered = Math.max(this.answered, view.ticket || 0);
    if (this.sent && this.sent.what !== "draw" && view.ticket === this.ticket && !this.get("note")) {
      const names = ["clip", ...this.get("controls").map(({ name }) => name)];
      const of = Object.fromEntries(names.map((name) => [name, this.sent[name]]));
      this.seen = [{ of, view }, ...this.seen.filter((each) => !agree(each.of, this.sent))].slice(0, SEEN);
    }
    if (this.waiting && this.answered >= this.ticket) {
      if (this.go()) return; // a later view is shown
    } else {
      clearTimeout(this.timer);
      this.busy.hidden = true;
    }
    if (!(await this.show(view))) return;
    if (this.drawing) {
      const on = this.get("knobs").what === "draw", frame = this.panels.at(-1).node.querySelector(".frame");
      if (on && this.drawing.canvas.parentNode !== frame) frame.append(this.drawing.canvas);
      if (!on) this.drawing.canvas.remove();
    }
    this.newControls(); // a value that was refused goes back
    if (this.finder.flips.checked || this.flipsKnown !== Array.isArray(view.flips)) this.finder.list();
    this.flipsKnown = Array.isArray(view.flips);
    this.finder.found.value = this.get("knobs").clip;
  }

  // Shows the frame that is looked at, and then the others. False where a later view is on its way.
  async show(view) {
    const turn = (this.turn = (this.turn || 0) + 1);
    const now = (this.frame = Math.min(this.frame, view.panels[0].frames.length - 1));
    const only = (pictures) => pictures?.map((bytes, t) => (t === now ? bytes : undefined));
    const decode = (keep) =>
      Promise.all(view.panels.map(({ frames, heat }) => Promise.all([bitmaps(keep(frames)), bitmaps(keep(heat))])));
    const first = await decode(only);
    if (turn !== this.turn) return false;
    while (this.panels.length < view.panels.length) {
      const panel = new Panel(this);
      this.panels.push(panel);
      this.pictures.append(panel.node);
    }
    for (const extra of this.panels.splice(view.panels.length)) extra.node.remove();
    this.blocky = view.blocky;
    this.panels.forEach((panel, i) => panel.show(view.panels[i], ...first[i]));
    this.change.textContent = view.change;
    this.change.dataset.state = view.state;
    this.code.textContent = view.code;
    this.words.textContent = view.words || "";
    this.words.hidden = !view.words;
    this.newTable(view.table || []);
    this.looks.hidden = !view.panels.some((panel) => panel.heat);
    this.showStrip(view.panels.at(-1));
    this.node.dataset.ticket = view.ticket || 0;
    decode((pictures) => pictures).then((all) => {
      if (turn !== this.turn) return;
      this.panels.forEach((panel, i) => panel.fill(...all[i]));
      this.showStrip(view.panels.at(-1));
    });
    return true;
  }

  showStrip({ answers }) {
    const images = this.panels.at(-1).images;
    if (this.strip.children.length !== images.length) {
      this.strip.replaceChildren(
        ...images.map((_, t) =>
          make(
            "button",
            { className: "still", onclick: () => this.at(t) },
            make("canvas", { width: 120, height: 120 }),
            make("span"),
          ),
        ),
      );
    }
    [...this.strip.children].forEach((still, t) => {
      if (images[t]) still.firstChild.getContext("2d").drawImage(images[t], 0, 0, 120, 120);
      const { name, p, kind } = answers?.[t] || { name: "", p: 0, kind: "other" };
      still.lastChild.textContent = name && `${name} ${percent(p)}`;
      still.lastChild.className = kind;
    });
    this.at(this.frame, false);
  }

  at(t, draw = true) {
    this.frame = t;
    [...this.strip.children].forEach((still, i) => still.classList.toggle("on", i === t));
    if (draw) this.panels.forEach((panel) => panel.draw());
    if (this.scrub) this.scrub.value = (t + 0.5) / Math.max(1, this.strip.children.length);
  }

  // The clip as it is plays all its frames; the other pictures step through the frames that are judged.
  player() {
    const time = { type: "range", min: 0, max: 1, step: 0.001, value: 0.1 };
    this.scrub = make("input", { ...time, oninput: () => this.seek(+this.scrub.value) });
    this.scrub.setAttribute("aria-label", "time in the clip");
    const play = make("button", { textContent: "play", onclick: () => this.toggle(play) });
    const share = { type: "range", min: 0, max: 0.8, step: 0.05, value: 0.5 };
    const strength = make("input", { ...share, oninput: () => this.overlay(+strength.value) });
    strength.setAttribute("aria-label", "strength of the overlay");
    this.strength = 0.5;
    this.looks = make("label", { className: "looks", hidden: true }, "overlay ", strength);
    return make("div", { className: "player" }, play, this.scrub, this.looks);
  }

  overlay(strength) {
    this.strength = strength;
    this.panels.forEach((panel) => panel.draw());
  }

  seek(share) {
    const stills = this.strip.children.length;
    this.at(Math.min(stills - 1, Math.floor(share * stills)));
    this.scrub.value = share;
    const at = Math.min(this.video.length - 1, Math.floor(share * this.video.length));
    if (at >= 0 && !this.blocky) this.panels[0].draw(this.video[at]);
  }

  toggle(button) {
    if (this.playing) {
      clearInterval(this.playing);
      this.playing = null;
    } else {
      const seconds = this.get("scene").seconds || 1;
      this.playing = setInterval(() => {
        if (!this.node.isConnected) return clearInterval(this.playing);
        this.seek((+this.scrub.value + 0.05 / seconds) % 1);
      }, 50);
    }
    button.textContent = this.playing ? "stop" : "play";
  }

  own() {
    if (!this.get("accepts") || !this.drawing) return null;
    const prompt = make("input", { placeholder: "a photo of a person fencing.", size: 32 });
    prompt.setAttribute("aria-label", "your own sentence");
    const sentence = () => prompt.value.trim() && this.send({ kind: "prompt", text: prompt.value.trim() });
    const add = make("button", { textContent: "add sentence", onclick: sentence });
    const file = make("input", { type: "file", accept: "video/*,.avi,.mkv", "aria-label": "your own video" });
    file.addEventListener("change", async () => {
      if (!file.files.length) return;
      if (file.files[0].size > 9e6) return this.say("over 9 MB: open it with explorer.add_video(path) in a cell");
      this.send({ kind: "video", name: file.files[0].name }, [new Uint8Array(await file.files[0].arrayBuffer())]);
    });
    const tools = make("div", { className: "tools" }, prompt, add, make("label", {}, "video ", file));
    return this.details("Your own sentence or video", tools);
  }

  newTable(rows) {
    this.table.replaceChildren(
      ...rows.map(({ method, name, p, kind }) => {
        const answer = make("span", { className: kind, textContent: `${name} ${percent(p)}` });
        return make("div", {}, make("span", { textContent: method }), answer);
      }),
    );
  }

  newTraining() {
    const { label, running, loss } = this.get("training");
    if (!label) return;
    const send = () => this.send({ kind: "train" });
    const parts = [make("button", { textContent: running ? "stop" : label, onclick: send })];
    if (loss.length > 1) {
      const low = Math.min(...loss), high = Math.max(...loss), line = document.createElementNS(SVG, "polyline");
      const height = (value) => 38 - (36 * (value - low)) / (high - low || 1);
      const points = loss.map((value, i) => `${(200 * i) / (loss.length - 1)},${height(value)}`);
      line.setAttribute("points", points.join(" "));
      const svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("viewBox", "0 0 200 40");
      svg.append(line);
      const now = `step ${loss.length - 1}: ${loss.at(-1).toFixed(2)}, without noise ${loss[0].toFixed(2)}`;
      const words = `${now} (cross-entropy of validation frames)`;
      parts.push(svg, make("span", { textContent: words }));
    }
    this.trainer.replaceChildren(...parts);
  }

  newQuiz() {
    const { number, of, text, options, answer, score, reason } = this.get("quiz");
    if (!text) return this.quiz.replaceChildren(make("p", { textContent: reason || "" }));
    const locked = Array.isArray(answer);
    const next = () => this.send({ kind: "next" });
    const children = [
      make("p", { textContent: `${number} of ${of}. ${text}` }),
      ...options.map((option, i) => {
        const right = locked && i === answer[0], mine = locked && i === answer[1];
        const words = option + (locked ? `: ${answer[2][i]}` : "");
        return make("button", {
          textContent: words, disabled: locked, className: right ? "right" : mine ? "wrong" : "",
          onclick: () => this.send({ kind: "guess", choice: i }),
        });
      }),
      make("p", { textContent: score }),
    ];
    if (locked && number < of) children.push(make("button", { textContent: "next question", onclick: next }));
    this.quiz.replaceChildren(...children);
  }
}

export default {
  render({ model, el }) {
    const explorer = new Explorer(model, el);
    return () => clearInterval(explorer.playing);
  },
};
