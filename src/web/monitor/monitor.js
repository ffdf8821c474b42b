// The monitor's page. What happens comes by one EventSource for all calls: "whole" (all that there is to see),
// then "frame" (what changed), "beat" (nothing did), "over" (the monitor ends). Canvases are drawn when the browser
// is ready to, and only those that can be seen. All words are in monitor.html.

const texts = JSON.parse(document.getElementById("texts").textContent);
const SIDES = ["customer", "operator"];
const SPECTRUM = { width: 200, height: 40 };
/** Without a word for so long the line is dead: the server speaks every 5 s. */
const DEAD_MILLIS = 12_000;
/** How often waveforms are drawn, and how often all is for those who want little motion. */
const WAVE_MILLIS = 100;
const CALM_MILLIS = 500;
/** What is listened to is played so late, so that what comes in bursts is heard in one piece. */
const BEHIND_SECONDS = 1;
const RATE = 8_000;
/** The live region speaks at most so often, and so many sentences at a time. */
const SAY_MILLIS = 2_500;
const SAY_MOST = 3;

const settings = { listening: false, columns: 600, column_millis: 50 };
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

// --- words -------------------------------------------------------------------------------------------------------

/** The text at a path of the texts, with its places filled in; `count` chooses between one and other. */
function words(path, values = {}) {
  let text = path.split(".").reduce((node, name) => node?.[name], texts);
  if (text && typeof text === "object") text = values.count === 1 ? text.one : text.other;
  return String(text ?? path).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** Milliseconds as 0:07, 12:03 or 1:02:03. */
function span(millis) {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A time as yyyy/MM/dd HH:mm:ss.SSS in the browser's zone. */
function label(millis) {
  const at = new Date(millis);
  const pad = (number, length = 2) => String(number).padStart(length, "0");
  return `${at.getFullYear()}/${pad(at.getMonth() + 1)}/${pad(at.getDate())} `
    + `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}

const seconds = (millis) => (millis / 1000).toLocaleString("en", { maximumFractionDigits: 1 });
const side = (name) => texts.side[name];
const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const show = (node, shown) => { if (node.hidden === shown) node.hidden = !shown; };
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// --- the live region ---------------------------------------------------------------------------------------------

const said = document.getElementById("said");
let toSay = [];
let sayTimer = 0;

/** Says something to who does not see the page, in bundles, so that it does not chatter. */
function say(sentence) {
  toSay.push(sentence);
  sayTimer ||= setTimeout(() => {
    const now = toSay.slice(0, SAY_MOST);
    if (toSay.length > SAY_MOST) now.push(words("said.many", { count: toSay.length - SAY_MOST }));
    said.textContent = now.join(" ");
    toSay = [];
    sayTimer = 0;
  }, SAY_MILLIS);
}

// --- panels ------------------------------------------------------------------------------------------------------

const list = document.getElementById("panels");
const panels = new Map();
/** The server's clock minus this one. */
let skew = 0;
/** The server's time; while nobody tells what goes on, when somebody last did: what is shown is of then. */
const now = () => (isBroken() ? line.lostAt : Date.now()) + skew;
const seen = new IntersectionObserver((changes) => {
  for (const change of changes) {
    const panel = panels.get(change.target.dataset.contact);
    if (panel) panel.visible = change.isIntersecting;
  }
});

class Side {
  constructor(name, panel) {
    this.name = name;
    this.node = document.getElementById("side").content.firstElementChild.cloneNode(true);
    this.node.dataset.side = name;
    const find = (place) => this.node.querySelector(place);
    set(find(".who-word"), side(name));
    this.spectrum = find(".spectrum");
    this.spectrum.setAttribute("aria-label", words("label.spectrum", { side: side(name).toLowerCase() }));
    this.wave = find(".wave");
    const kept = settings.columns * settings.column_millis / 1000;
    this.wave.setAttribute("aria-label", words("label.wave", { side: side(name).toLowerCase(), seconds: kept }));
    this.meter = find(".level");
    this.meter.setAttribute("aria-label", words("label.level", { side: side(name).toLowerCase() }));
    this.bar = find(".level-bar");
    this.mute = find(".mute");
    set(this.mute, words("listen.mute", { side: side(name).toLowerCase() }));
    this.mute.addEventListener("click", () => panel.mute(this));
    this.values = null;
    this.spectrumIsNew = true;
    /** Lowest and highest sample of each column, by its number. */
    this.columns = new Int8Array(settings.columns * 2);
    this.forget();
    this.level = -60;
    this.levelAt = 0;
  }

  forget() {
    this.last = -1;
    this.columns.fill(0);
    for (let at = 0; at < this.columns.length; at += 2) [this.columns[at], this.columns[at + 1]] = [127, -128];
  }

  take(news, whole) {
    if (whole) this.forget();
    if (news.spectrum !== undefined) {
      this.values = bytes(news.spectrum);
      this.spectrumIsNew = true;
    }
    if (news.peak !== undefined) {
      const level = news.rms > 0 ? 20 * Math.log10(news.rms / 32768) : -60;
      this.level = Math.max(-60, level);
      this.levelAt = performance.now();
      this.isFull = news.peak >= 32767;
    }
    if (news.wave) this.takeWave(news.wave.first, bytes(news.wave.columns));
  }

  takeWave(first, steps) {
    const kept = settings.columns;
    const count = steps.length / 2;
    // Between what was known and what comes there was no media.
    for (let at = Math.max(this.last + 1, first - kept); at < first; at++) this.put(at, 127, -128);
    for (let at = 0; at < count; at++) {
      this.put(first + at, (steps[2 * at] << 24) >> 24, (steps[2 * at + 1] << 24) >> 24);
    }
    this.last = Math.max(this.last, first + count - 1);
  }

  put(column, low, high) {
    const place = 2 * (column % settings.columns);
    this.columns[place] = low;
    this.columns[place + 1] = high;
  }

  drawSpectrum(ink) {
    this.spectrumIsNew = false;
    const { width, height } = SPECTRUM;
    const context = fitted(this.spectrum, width, height);
    context.fillStyle = ink.canvas;
    context.fillRect(0, 0, width, height);
    const values = this.values;
    if (!values) return;
    context.fillStyle = ink[this.name];
    context.beginPath();
    context.moveTo(0, height);
    for (let at = 0; at < values.length; at++) {
      context.lineTo(at / values.length * width, height - values[at] / 255 * height);
    }
    context.lineTo(width, height);
    context.closePath();
    // A tone is narrower than a pixel: each value has one of its own, so that no peak fades.
    for (let at = 0; at < values.length; at++) {
      const top = values[at] / 255 * height;
      if (top > 0) context.rect(Math.round(at / values.length * width), height - top, 1, top);
    }
    context.fill();
  }

  /** The waveform with its right edge at a column. */
  drawWave(edge, ink) {
    const width = Math.max(1, this.wave.clientWidth);
    const height = SPECTRUM.height;
    const context = fitted(this.wave, width, height);
    context.fillStyle = ink.canvas;
    context.fillRect(0, 0, width, height);
    context.fillStyle = ink.axis;
    context.fillRect(0, height / 2 - 0.5, width, 1);
    const kept = settings.columns;
    const step = width / kept;
    context.fillStyle = ink[this.name];
    context.beginPath();
    for (let at = Math.max(0, edge - kept + 1); at <= Math.min(edge, this.last); at++) {
      if (at <= this.last - kept) continue;
      const place = 2 * (at % kept);
      const [low, high] = [this.columns[place], this.columns[place + 1]];
      if (low > high) continue;
      // The square root makes quiet voices visible beside loud ones.
      const top = height / 2 - shape(high) * height / 2;
      const bottom = height / 2 - shape(low + 1) * height / 2;
      const x = width - (edge - at + 1) * step;
      context.rect(x, Math.min(top, height / 2 - 0.6), Math.max(step, 0.7), Math.max(bottom - top, 1.2));
    }
    context.fill();
  }

  drawLevel() {
    const silentFor = performance.now() - this.levelAt;
    const level = silentFor > 1500 ? -60 : this.level;
    this.shownLevel = level;
    this.bar.style.transform = `scaleY(${((level + 60) / 60).toFixed(3)})`;
    this.meter.classList.toggle("full", Boolean(this.isFull) && silentFor < 1500);
  }

  /** For those who ask for it: often enough, and no oftener. */
  tellLevel() {
    const level = Math.round(this.shownLevel ?? -60);
    this.meter.setAttribute("aria-valuenow", String(level));
    const text = level <= -60 ? words("label.levelNone") : words("label.levelValue", { level: -level });
    this.meter.setAttribute("aria-valuetext", text);
  }
}

/** Full scale to 1, by its square root. */
function shape(step) {
  const size = Math.sqrt(Math.min(1, Math.abs(step) / 128));
  return step < 0 ? -size : size;
}

/** The context of a canvas, as fine as the screen, measured in CSS pixels. */
function fitted(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d", { alpha: false });
  context.setTransform(wide / width, 0, 0, high / height, 0, 0);
  return context;
}

class Panel {
  constructor(contact) {
    this.contact = contact;
    this.item = document.getElementById("panel").content.firstElementChild.cloneNode(true);
    this.item.dataset.contact = contact;
    this.node = this.item.querySelector(".panel");
    this.find = (place) => this.node.querySelector(place);
    this.sides = Object.fromEntries(SIDES.map((name) => [name, new Side(name, this)]));
    this.find(".sides").append(...SIDES.map((name) => this.sides[name].node));
    this.button = this.find(".listen");
    this.button.addEventListener("click", () => (ear?.panel === this ? stopListening() : listen(this)));
    this.visible = true;
    this.waveAt = 0;
    this.warned = new Set();
    seen.observe(this.item);
  }

  /** Who is on the line, as far as it is shown. */
  get number() {
    return this.about?.customer ?? words("unknownNumber");
  }

  take(news, whole) {
    if (news.about) this.takeAbout(news.about, whole);
    if (news.sound_at !== undefined) this.soundAt = news.sound_at;
    for (const name of SIDES) this.sides[name].take(news[name], whole);
  }

  takeAbout(about, whole) {
    const before = this.about;
    this.about = about;
    const start = about.label ?? label(about.start);
    const title = this.find(".start");
    set(title, start);
    this.node.setAttribute("aria-label", words("label.panel", { start }));
    this.start = start;
    for (const [name, text] of Object.entries({
      customer: about.customer ?? words("unknownNumber"), system: about.system, queue: about.queue, contact: this.contact,
    })) {
      const row = this.find(`.fact-${name}`);
      show(row, Boolean(text));
      set(row.querySelector("dd"), text ?? "");
    }
    this.node.dataset.state = about.state.is;
    for (const name of SIDES) this.sides[name].node.classList.toggle("talks", about.talking.includes(name));
    this.drawWords();
    this.drawTally();
    this.drawListening();
    this.sayNews(before, whole);
  }

  /** What has a span in it grows every second. */
  drawWords() {
    const { about } = this;
    if (!about) return;
    set(this.find(".span-value"), span(now() - about.start));
    set(this.find(".state"), this.stateWords());
    const list = this.find(".warnings");
    const lines = about.warnings.map((warning) => warningWords(warning));
    show(list, lines.length > 0);
    while (list.children.length > lines.length) list.lastElementChild.remove();
    while (list.children.length < lines.length) list.append(document.createElement("li"));
    lines.forEach((line, place) => set(list.children[place], line));
  }

  stateWords() {
    const { state, talking } = this.about;
    // What was last seen is no word on what goes on now.
    if (isBroken() && !["ended", "failed"].includes(state.is)) return words("state.unknown");
    const long = state.since === undefined ? "" : span(now() - state.since);
    switch (state.is) {
      case "live": {
        const who = talking.length === 2 ? "both" : talking[0] ?? "none";
        return words(`state.talking.${who}`);
      }
      case "quiet": return words("state.quiet", { span: long });
      case "reconnecting": return words(`state.reconnecting.${state.why}`, { span: long });
      case "failed": return words("state.failed", { cause: state.cause });
      case "ended": return words(`state.ended.${state.why}`);
      default: return words("state.waiting");
    }
  }

  drawTally() {
    const { about } = this;
    const parts = [];
    if (about.gaps) parts.push(words("tally.gaps", { count: about.gaps, seconds: seconds(about.gap_millis) }));
    if (about.reconnects) parts.push(words("tally.reconnects", { count: about.reconnects }));
    SIDES.forEach((name, place) => {
      const count = about.clipped[place];
      if (count) parts.push(words("tally.clipped", { count, side: side(name) }));
    });
    show(this.find(".tally"), parts.length > 0);
    set(this.find(".tally"), parts.join(" · "));
  }

  drawListening() {
    const heard = ear?.panel === this;
    const isOver = ["ended", "failed"].includes(this.about.state.is);
    show(this.button, settings.listening);
    this.button.setAttribute("aria-pressed", String(heard));
    this.button.disabled = (isOver && !heard) || line.state !== "open";
    set(this.button, words(heard ? "listen.stop" : "listen.start"));
    this.button.setAttribute("aria-label", words(heard ? "listen.stopLabel" : "listen.startLabel", { start: this.start }));
    for (const name of SIDES) {
      const { mute } = this.sides[name];
      show(mute, heard);
      mute.setAttribute("aria-pressed", String(heard && ear.muted.has(name)));
    }
    const told = heard ? ear.told : this.lastTold;
    show(this.find(".hearing"), Boolean(told));
    set(this.find(".hearing"), told ?? "");
  }

  mute(side) {
    ear?.toggle(side.name);
    this.drawListening();
  }

  /** What is worth a sentence: beginnings, ends and new warnings; never who talks. */
  sayNews(before, whole) {
    const { about, number } = this;
    if (!before && !whole) say(words("said.began", { number }));
    const became = about.state.is !== before?.state.is;
    if (became && before && about.state.is === "ended") say(words("said.ended", { number }));
    if (became && about.state.is === "failed") say(words("said.failed", { number, cause: about.state.cause }));
    const warned = new Set();
    for (const warning of about.warnings) {
      const known = `${warning.is} ${warning.side ?? ""} ${warning.text ?? ""}`;
      warned.add(known);
      if (!this.warned.has(known) && before) {
        const brief = texts.warningSaid[warning.is]
          ? words(`warningSaid.${warning.is}`, { side: side(warning.side) }) : warningWords(warning);
        say(words("said.warning", { number, warning: brief }));
      }
    }
    this.warned = warned;
  }

  draw(time, ink, all) {
    for (const name of SIDES) {
      const one = this.sides[name];
      if (one.spectrumIsNew || all) one.drawSpectrum(ink);
      one.drawLevel();
    }
    if (all || time - this.waveAt >= WAVE_MILLIS) {
      this.waveAt = time;
      const last = Math.max(...SIDES.map((name) => this.sides[name].last));
      // The waveform rolls on while no sound comes, since time does.
      const silent = this.soundAt === undefined || this.isOver() ? 0 : now() - this.soundAt - 1500;
      const edge = last < 0 ? -1 : last + Math.max(0, Math.floor(silent / settings.column_millis));
      if (edge !== this.edge || all) for (const name of SIDES) this.sides[name].drawWave(edge, ink);
      this.edge = edge;
    }
  }

  isOver() {
    return ["ended", "failed"].includes(this.about?.state.is);
  }

  leave() {
    if (ear?.panel === this) stopListening();
    // Who was in this panel with the keyboard goes on at the list's title.
    if (this.item.contains(document.activeElement)) document.getElementById("calls-title").focus();
    seen.unobserve(this.item);
    this.item.remove();
    panels.delete(this.contact);
  }
}

function warningWords(warning) {
  const values = {
    side: warning.side ? side(warning.side) : "",
    span: warning.since === undefined ? "" : span(now() - warning.since),
    seconds: seconds(warning.millis ?? 0),
    text: warning.text,
  };
  if (warning.is === "reconnected") return words(`warning.reconnected.${warning.why}`);
  if (warning.is === "gap" && !warning.side) return words("warning.gapBoth", values);
  return words(`warning.${warning.is}`, values);
}

/** Puts a panel where its start says. */
function place(panel) {
  const key = (one) => [one.about.start, one.about.order];
  const isBefore = ([a, b], [c, d]) => a < c || (a === c && b < d);
  let next = null;
  for (const item of list.children) {
    const other = panels.get(item.dataset.contact);
    if (other && other !== panel && other.about && isBefore(key(panel), key(other))) {
      next = item;
      break;
    }
  }
  if (panel.item.parentNode !== list || panel.item.nextElementSibling !== next) list.insertBefore(panel.item, next);
}

function takeFrame(frame, whole) {
  skew = frame.now - Date.now();
  for (const contact of frame.gone ?? []) panels.get(contact)?.leave();
  const stays = new Set();
  for (const news of frame.calls) {
    stays.add(news.contact);
    let panel = panels.get(news.contact);
    if (!panel && !news.about) continue;
    const isNew = !panel;
    if (isNew) {
      panel = new Panel(news.contact);
      panels.set(news.contact, panel);
    }
    panel.take(news, whole);
    if (isNew) place(panel);
  }
  if (whole) for (const [contact, panel] of [...panels]) if (!stays.has(contact)) panel.leave();
  drawCount();
}

function drawCount() {
  show(document.getElementById("none"), panels.size === 0 && line.state === "open");
  const count = [...panels.values()].filter((panel) => panel.about?.state.is !== "ended").length;
  // A count is of what goes on now.
  const isKnown = count > 0 && !isBroken();
  set(document.getElementById("count"), isKnown ? words("calls", { count }) : "");
  const title = isKnown ? words("titleCalls", { count }) : words("title");
  if (document.title !== title) document.title = title;
}

// --- the line to the monitor -------------------------------------------------------------------------------------

const line = { state: "connecting", source: null, heardAt: 0, lostAt: 0, wait: 1000 };

function connect() {
  if (line.source) return;
  const source = new EventSource("/events");
  line.source = source;
  line.heardAt = Date.now();
  const on = (name, take) => source.addEventListener(name, (event) => {
    if (line.source !== source) return;
    line.heardAt = Date.now();
    take(JSON.parse(event.data));
  });
  on("whole", (frame) => {
    Object.assign(settings, frame.settings);
    setLine("open");
    takeFrame(frame, true);
  });
  on("frame", (frame) => takeFrame(frame, false));
  on("beat", () => {});
  on("over", () => lose("over"));
  source.addEventListener("error", () => { if (line.source === source) lose("lost"); });
}

/** Gives the line up, and tries again in a moment. */
function lose(state) {
  line.source?.close();
  line.source = null;
  if (line.state === "open") {
    line.lostAt = line.heardAt;
    line.lostSince = Date.now();
    line.wait = 1000;
  }
  // That it was ended is the better word for what follows.
  if (line.state !== "over") setLine(state);
  stopListening();
  setTimeout(connect, line.wait);
  line.wait = Math.min(line.wait * 1.5, 5000);
}

function setLine(state) {
  const before = line.state;
  line.state = state;
  document.getElementById("line").dataset.line = state;
  const word = { lost: "line.lostShort", over: "line.overShort", open: "line.open" }[state] ?? "line.connecting";
  set(document.getElementById("line-word"), words(word));
  list.classList.toggle("stale", isBroken());
  for (const panel of panels.values()) {
    panel.drawWords();
    panel.drawListening();
  }
  drawNotice();
  drawCount();
  if (state === "lost" && before === "open") say(words("said.lost"));
  if (state === "over" && before === "open") say(words("line.over"));
  if (state === "open" && (before === "lost" || before === "over")) say(words("said.back"));
}

/** Whether nobody tells what goes on. */
function isBroken() {
  return line.state === "lost" || line.state === "over";
}

function drawNotice() {
  const notice = document.getElementById("notice");
  show(notice, isBroken());
  if (!isBroken()) return;
  const time = line.lostAt ? new Date(line.lostAt).toLocaleTimeString("en", { hour12: false }) : "";
  const since = span(Date.now() - (line.lostSince ?? Date.now()));
  const isEmpty = line.state === "lost" && panels.size === 0;
  set(notice, words(isEmpty ? "line.lostEmpty" : `line.${line.state}`, { time, span: since }));
}

// --- listening in ------------------------------------------------------------------------------------------------

/** The one call that is heard; there is one at a time. */
let ear = null;

class Ear {
  constructor(panel) {
    this.panel = panel;
    this.muted = new Set();
    this.told = words("listen.waits");
    this.abort = new AbortController();
    // At the calls' own rate blocks follow each other without a seam.
    this.audio = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    this.gains = SIDES.map(() => {
      const gain = this.audio.createGain();
      gain.connect(this.audio.destination);
      return gain;
    });
    /** The audio clock at the call's first sample that came. */
    this.zero = null;
  }

  async play() {
    await this.audio.resume();
    const answer = await fetch(`/calls/${encodeURIComponent(this.panel.contact)}/sound`, {
      signal: this.abort.signal, cache: "no-store",
    });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    const reader = answer.body.getReader();
    let rest = new Uint8Array();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const all = new Uint8Array(rest.length + value.length);
      all.set(rest);
      all.set(value, rest.length);
      rest = all.subarray(this.pieces(all));
    }
  }

  /** Plays all pieces that are whole; gives how many bytes they were. */
  pieces(all) {
    const view = new DataView(all.buffer, all.byteOffset, all.length);
    let at = 0;
    while (all.length - at >= 16) {
      const count = view.getUint32(at + 4, true);
      const end = at + 16 + 2 * count;
      if (end > all.length) break;
      const start = Number(view.getBigInt64(at + 8, true));
      if (count) this.piece(view, all[at], start, at + 16, count);
      at = end;
    }
    return at;
  }

  piece(view, side, start, at, count) {
    const buffer = this.audio.createBuffer(1, count, RATE);
    const samples = buffer.getChannelData(0);
    for (let place = 0; place < count; place++) samples[place] = view.getInt16(at + 2 * place, true) / 32768;
    const soon = this.audio.currentTime;
    // A second behind; anew when it came too late, or so early that the clock is another one.
    this.zero ??= this.whole(soon + BEHIND_SECONDS - start / RATE);
    let when = this.zero + start / RATE;
    if (when < soon || when > soon + 30) {
      this.zero = this.whole(soon + BEHIND_SECONDS - start / RATE);
      when = this.zero + start / RATE;
    }
    const source = this.audio.createBufferSource();
    source.buffer = buffer;
    source.connect(this.gains[side] ?? this.gains[0]);
    source.start(when);
    if (this.told !== words("listen.on")) {
      this.told = words("listen.on");
      this.panel.drawListening();
    }
  }

  /** A time on the grid of samples. */
  whole(time) {
    return Math.round(time * RATE) / RATE;
  }

  toggle(name) {
    const muted = !this.muted.delete(name);
    if (muted) this.muted.add(name);
    const gain = this.gains[SIDES.indexOf(name)].gain;
    gain.setTargetAtTime(muted ? 0 : 1, this.audio.currentTime, 0.01);
  }

  close() {
    this.abort.abort();
    this.audio.close().catch(() => {});
  }
}

async function listen(panel) {
  stopListening();
  panel.lastTold = null;
  let own;
  try {
    own = new Ear(panel);
  } catch {
    panel.lastTold = words("listen.failed", { cause: words("listen.noAudio") });
    panel.drawListening();
    return;
  }
  ear = own;
  panel.drawListening();
  try {
    await own.play();
  } catch (error) {
    const isOwn = error.name === "AbortError";
    const cause = error instanceof TypeError ? words("listen.noLine") : error.message;
    if (!isOwn) panel.lastTold = words("listen.failed", { cause });
  }
  // What was heard last is still to be played.
  if (ear === own) setTimeout(() => { if (ear === own) stopListening(); }, BEHIND_SECONDS * 1000);
}

function stopListening() {
  const own = ear;
  if (!own) return;
  ear = null;
  own.close();
  own.panel.drawListening();
}

// --- drawing -----------------------------------------------------------------------------------------------------

let ink = readInk();
let redraw = true;
let drawnAt = 0;

function readInk() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["customer", "operator", "canvas", "axis"].map((name) =>
    [name, style.getPropertyValue(`--${name}`).trim()]));
}

function draw(time) {
  requestAnimationFrame(draw);
  if (calm.matches && !redraw && time - drawnAt < CALM_MILLIS) return;
  drawnAt = time;
  for (const panel of panels.values()) if (panel.visible && panel.about) panel.draw(time, ink, redraw);
  redraw = false;
}

dark.addEventListener("change", () => { ink = readInk(); redraw = true; });
addEventListener("resize", () => { redraw = true; });
document.addEventListener("visibilitychange", () => { redraw = true; });

setInterval(() => {
  if (line.source && Date.now() - line.heardAt > DEAD_MILLIS) lose("lost");
  drawNotice();
  for (const panel of panels.values()) {
    panel.drawWords();
    if (panel.visible) for (const name of SIDES) panel.sides[name].tellLevel();
  }
}, 1000);

addEventListener("pagehide", () => { stopListening(); line.source?.close(); line.source = null; });
addEventListener("pageshow", (event) => { if (event.persisted) connect(); });

connect();
requestAnimationFrame(draw);
