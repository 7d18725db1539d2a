// A stand-in for the kernel: it looks up in DATA what Python computed, and answers as Python would.

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

const model = {
  at: 0,
  clip: DATA.clips[0].clip,
  ticket: 0,
  asked: 0,
  right: 0,
  guess: -1,
  listeners: {},

  get(name) {
    const state = DATA.states[this.at];
    if (name === "clips") return DATA.clips;
    if (name === "scene") return { clip: this.clip, seconds: 1, video: DATA.scenes[this.clip].video.map(bytes) };
    if (name === "controls") return state.controls;
    if (name === "knobs") return { ...state.knobs, clip: this.clip };
    if (name === "view") {
      const view = DATA.views[this.clip][this.at], [clean, shown] = view.panels;
      const panels = [
        { ...clean, frames: DATA.clean[this.clip].map(bytes) },
        { ...shown, frames: shown.frames.map(bytes) },
      ];
      return { ...view, panels, ticket: this.ticket };
    }
    if (name === "quiz") return this.question();
    return { size: 0, accepts: true, note: "", training: {} }[name];
  },

  question() {
    const asked = DATA.questions[this.asked], locked = this.guess >= 0;
    if (!asked) return { reason: "" };
    return {
      number: this.asked + 1, of: DATA.questions.length, text: asked.text, options: asked.options,
      answer: locked ? [asked.right, this.guess, asked.numbers] : null,
      score: this.asked + locked ? `${this.right} of ${this.asked + locked} right` : "",
    };
  },

  send({ kind, knobs, ticket, choice }) {
    let changed = ["quiz"];
    if (kind === "knobs") {
      const now = DATA.states[this.at], moved = now.controls.find(({ name }) => knobs[name] !== now.knobs[name]);
      if (moved) this.at = moved.options.find(({ value }) => String(value) === String(knobs[moved.name])).to;
      changed = knobs.clip === this.clip ? ["controls", "view"] : ["scene", "controls", "view"];
      [this.clip, this.ticket] = [knobs.clip, ticket];
    } else if (kind === "guess" && this.guess < 0) {
      this.guess = choice;
      this.right += choice === DATA.questions[this.asked].right;
    } else if (kind === "next") [this.asked, this.guess] = [this.asked + 1, -1];
    for (const name of changed) for (const act of this.listeners[`change:${name}`] || []) act();
  },

  save_changes() {},

  on(name, act) {
    (this.listeners[name] ||= []).push(act);
  },
};

front.render({ model, el: document.getElementById("explorer") });
