// One recording: what its verdict says, both sides drawn, and its sound. A call of 12 hours is played as it comes: the
// waveform is drawn from …_peaks.dat, zoomed in close from ranges of the WAV file, and nothing is decoded as a whole.

/** The header of a WAV file of Callreel's, and of a peaks file. */
const WAV_HEADER = 44;
const PEAKS_HEADER = 24;
const SIDES = ["from", "to"];
/** Samples are fetched in pieces of so many seconds, kept for so many pieces, and drawn when so little is in view. */
const PIECE_SECONDS = 4;
const PIECES_KEPT = 24;
const SAMPLES_SECONDS = 10;
/** The shortest stretch that can be in view. */
const LEAST_SECONDS = 0.02;
/** Silence of so many seconds is skipped, but for what is left of it at both ends. */
const SKIP_SECONDS = 1.5;
const SKIP_EDGE = 0.25;
/** Sound that is too loud is one mark while it is so again within so many seconds. */
const CLIPPED_APART = 0.25;
/** Pixels that a part of a call is wide at the least, and a row of them high. */
const PART_WIDE = 36;
const PART_HIGH = 40;
/** Milliseconds without sound that are told. */
const WAIT = 1_000;
/** Pixels beyond the canvas to which marks are drawn. */
const EDGE = 20;
/** Points of a level of the waveform that make one of the next. */
const FOLD = 16;
/** Marks that the list shows. */
const MARKS_SHOWN = 300;
/** Bytes of a waveform that are asked for whole, and else at a time. */
const MOST_AT_ONCE = 4 << 20;
const PIECE = 3 << 20;
/** What can be wrong with a file that was written, the worst first. */
const TROUBLES = ["gone", "cut", "changed", "archived"];
/** Sorts of marks, by colour: what is lost, what is moved or cut, what is too loud, what is quiet. */
const SIGN = {
  lost: "loss", never_listed: "loss", damaged: "loss", refused: "loss", fragment: "loss", silent: "loss",
  overlap: "moved", displaced: "moved", clipped: "clip", hold: "quiet", late_start: "quiet", silence: "none",
};

/** Seconds in an address. */
const short = (second) => String(Math.round(second * 100) / 100);

export function openCall(kit, key, options) {
  const call = new Call(kit, key, options);
  call.open();
  return call;
}

// --- the waveform's points ---------------------------------------------------------------------------------------

/**
 * What …_peaks.dat holds (audiowaveform's binary format, version 2, 8 bits), with coarser levels for what is far. Whose a
 * single channel is does not stand in it: the first of `sides` that names one alone tells.
 */
class Peaks {
  constructor(buffer, sides) {
    const view = new DataView(buffer);
    const [version, flags, rate, perPoint, points, channels] =
      [view.getInt32(0, true), ...[4, 8, 12, 16, 20].map((at) => view.getUint32(at, true))];
    if (version !== 2 || !(flags & 1) || !rate || !perPoint || channels < 1 || channels > 2) throw new Error("its header is of another kind");
    if (buffer.byteLength < PEAKS_HEADER + points * channels * 2) throw new Error("it ends before its last point");
    this.sides = channels === SIDES.length ? SIDES : [sides.find((known) => known?.length === 1)?.[0] ?? SIDES[0]];
    this.perSecond = rate / perPoint;
    this.points = points;
    const all = new Int8Array(buffer, PEAKS_HEADER, points * channels * 2);
    this.levels = this.sides.map((_, channel) => {
      const low = new Int8Array(points);
      const high = new Int8Array(points);
      for (let at = 0, from = channel * 2; at < points; at++, from += channels * 2) {
        low[at] = all[from];
        high[at] = all[from + 1];
      }
      const levels = [{ low, high }];
      while (levels.at(-1).low.length > FOLD) levels.push(folded(levels.at(-1)));
      return levels;
    });
  }

  /** Lowest and highest of a side in a stretch of seconds, from -128 to 127; null where there is no point. */
  range(side, from, to) {
    let [first, last] = [Math.floor(from * this.perSecond), Math.ceil(to * this.perSecond)];
    [first, last] = [Math.max(0, first), Math.min(this.points, Math.max(last, first + 1))];
    if (first >= last) return null;
    let level = 0;
    const levels = this.levels[side];
    for (; last - first >= 2 * FOLD && level + 1 < levels.length; level++) [first, last] = [Math.floor(first / FOLD), Math.ceil(last / FOLD)];
    const { low, high } = levels[level];
    let [least, most] = [127, -128];
    for (let at = first; at < last; at++) {
      if (low[at] < least) least = low[at];
      if (high[at] > most) most = high[at];
    }
    return [least, most];
  }

  /** How high the highest points of a side are, but for one in a hundred. */
  height() {
    const counts = new Float64Array(129);
    for (const [{ low, high }] of this.levels) for (let at = 0; at < low.length; at++) counts[Math.max(-low[at], high[at])]++;
    let left = counts.reduce((sum, count) => sum + count, 0) / 100;
    let height = 128;
    for (; height > 1 && left - counts[height] >= 0; height--) left -= counts[height];
    return height;
  }

  /** Stretches of a side, in seconds, in which something holds for each point. */
  stretches(side, is, least) {
    const [{ low, high }] = this.levels[side];
    return runs(low.length, (at) => is(low[at], high[at]), this.perSecond, least);
  }

  /** Stretches in which no side is louder than its line. */
  silences(least) {
    const loud = this.levels.map(([{ low, high }]) => {
      // The line's own level: what a fifth of the points lie below.
      const counts = new Float64Array(129);
      for (let at = 0; at < low.length; at++) counts[Math.max(-low[at], high[at])]++;
      let [floor, sum] = [0, counts[0]];
      while (sum < low.length / 5) sum += counts[++floor];
      return Math.min(Math.max(2, 2 * floor), 6);
    });
    const isQuiet = (at) => this.levels.every(([{ low, high }], side) => Math.max(-low[at], high[at]) <= loud[side]);
    return runs(this.points, isQuiet, this.perSecond, least);
  }
}

function folded({ low, high }) {
  const length = Math.ceil(low.length / FOLD);
  const coarse = { low: new Int8Array(length).fill(127), high: new Int8Array(length).fill(-128) };
  for (let at = 0; at < low.length; at++) {
    const to = Math.floor(at / FOLD);
    if (low[at] < coarse.low[to]) coarse.low[to] = low[at];
    if (high[at] > coarse.high[to]) coarse.high[to] = high[at];
  }
  return coarse;
}

function runs(length, is, perSecond, least) {
  const found = [];
  let begun = -1;
  for (let at = 0; at <= length; at++) {
    const holds = at < length && is(at);
    if (holds && begun < 0) begun = at;
    if (holds || begun < 0) continue;
    if ((at - begun) / perSecond >= least) found.push([begun / perSecond, at / perSecond]);
    begun = -1;
  }
  return found;
}

/** Stretches that are no further apart than this are one. */
function near(stretches, apart) {
  const found = [];
  for (const [a, b] of stretches) {
    if (found.length && a - found.at(-1)[1] <= apart) found.at(-1)[1] = b;
    else found.push([a, b]);
  }
  return found;
}

/** Marks in their order; the same of both sides is one. */
function joined(marks, ofBoth) {
  const order = (mark) => (mark.kind === "fragment" ? 1 : 0);
  marks.sort((one, other) => one.a - other.a || order(one) - order(other) || other.b - one.b);
  const found = [];
  for (const mark of marks) {
    let same;
    // Those before it are in their order: a few begin where it does.
    for (let at = found.length - 1; !same && at >= 0 && mark.a - found[at].a < 0.01; at--) {
      const other = found[at];
      if (other.kind === mark.kind && other.what === mark.what) same = other;
    }
    if (same?.side && mark.side && same.side !== mark.side) Object.assign(same, { side: null, text: ofBoth(same.what) });
    else found.push(mark);
  }
  return found;
}

// --- where the sound is ------------------------------------------------------------------------------------------

/** One file of a recording: its address, which is asked for at the first need and anew when it is used up. */
class Source {
  constructor(kit, key, file) {
    Object.assign(this, { kit, key, file });
    this.sides = file.kind === "mixed" ? SIDES : [file.kind];
    this.pieces = new Map();
  }

  async url(anew = false) {
    if (anew || !this.known || performance.now() > this.until) {
      this.known = await this.place("play");
      this.until = this.known.seconds === null ? Infinity : performance.now() + this.known.seconds * 900;
    }
    this.isElsewhere = new URL(this.known.url, location.href).origin !== location.origin;
    return this.known.url;
  }

  async place(act) {
    const query = new URLSearchParams({ key: this.key, file: this.file.kind, act });
    return (await this.kit.ask(`/api/audio?${query}`, { method: "POST" })).json();
  }

  /** The samples of a piece, all channels in turn, or undefined while they come; `came` is called when they did. */
  piece(number, rate, came) {
    const known = this.pieces.get(number);
    if (known !== undefined) return known || undefined;
    this.pieces.set(number, null);
    this.fetchPiece(number, rate).then((samples) => {
      this.pieces.set(number, samples);
      for (const old of this.pieces.keys()) {
        if (this.pieces.size <= PIECES_KEPT) break;
        this.pieces.delete(old);
      }
      came();
    }).catch((error) => came(error));
    return undefined;
  }

  async fetchPiece(number, rate, anew = false) {
    const bytes = PIECE_SECONDS * rate * 2 * this.sides.length;
    const first = WAV_HEADER + number * bytes;
    const url = await this.url(anew);
    const answer = await fetch(url, { headers: { range: `bytes=${first}-${first + bytes - 1}` } });
    if (answer.status === 403 && !anew) return this.fetchPiece(number, rate, true);
    if (answer.status === 416) return new Int16Array(0);
    if (answer.status !== 206) throw await this.kit.refusal(answer);
    const buffer = await answer.arrayBuffer();
    return new Int16Array(buffer, 0, Math.floor(buffer.byteLength / 2));
  }
}

/** What is heard: an audio element, and behind it a volume and a level for each side. */
class Sound {
  constructor() {
    this.begin("apart");
    this.volume = { from: 1, to: 1 };
    this.muted = { from: false, to: false };
    this.apart = false;
  }

  /**
   * Begins with another audio element. `way` is `apart`, with something to be done to each side, or `plain`: as a
   * browser plays what a page may not read.
   */
  begin(way) {
    if (this.audio) this.close();
    this.way = way;
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.context = this.nodes = undefined;
  }

  /** Made at the first press of play: browsers let no page begin to sound by itself. */
  connect(sides) {
    if (this.context || this.way === "plain") return;
    const context = (this.context = new AudioContext());
    const source = context.createMediaElementSource(this.audio);
    const splitter = context.createChannelSplitter(2);
    const merger = context.createChannelMerger(2);
    source.connect(splitter);
    this.nodes = {};
    sides.forEach((side, channel) => {
      const gain = context.createGain();
      const analyser = context.createAnalyser();
      analyser.fftSize = 1024;
      const ears = [context.createGain(), context.createGain()];
      splitter.connect(gain, sides.length > 1 ? channel : 0);
      gain.connect(analyser);
      ears.forEach((ear, place) => gain.connect(ear).connect(merger, 0, place));
      this.nodes[side] = { gain, analyser, ears, samples: new Float32Array(analyser.fftSize) };
    });
    merger.connect(context.destination);
    this.tune();
  }

  tune() {
    for (const [side, { gain, ears }] of Object.entries(this.nodes ?? {})) {
      gain.gain.value = this.muted[side] ? 0 : this.volume[side];
      const own = side === "from" ? 0 : 1;
      const isAlone = Object.keys(this.nodes).length < 2;
      ears.forEach((ear, place) => (ear.gain.value = isAlone || !this.apart || place === own ? 1 : 0));
    }
  }

  /** The level of a side just now, in dB below full scale. */
  level(side) {
    const node = this.nodes?.[side];
    if (!node || this.audio.paused) return -Infinity;
    node.analyser.getFloatTimeDomainData(node.samples);
    let sum = 0;
    for (const sample of node.samples) sum += sample * sample;
    return 10 * Math.log10(sum / node.samples.length);
  }

  close() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    this.context?.close();
  }
}

// --- the page of one recording -----------------------------------------------------------------------------------

class Call {
  constructor(kit, key, options) {
    Object.assign(this, kit, { kit, key, options });
    this.stop = new AbortController();
    this.at = 0;
    this.view = [0, 0];
    this.stretch = null;
    this.isLooped = false;
    this.sound = new Sound();
    this.marks = [];
    this.silences = [];
  }

  on(node, name, run, options = {}) {
    node.addEventListener(name, run, { signal: this.stop.signal, ...options });
  }

  async open() {
    const { get, set, show, words } = this;
    show(get("call-body"), false);
    show(get("call-none"), false);
    set(get("call-title"), words("call.loading"));
    try {
      const query = new URLSearchParams({ key: this.key });
      this.found = await (await this.ask(`/api/recording?${query}`, { signal: this.stop.signal })).json();
    } catch (error) {
      if (error.name === "AbortError") return;
      const isNone = error.status === 404;
      set(get("call-title"), words("nothing"));
      document.title = words("titleNothing");
      this.tell(words("call.failed", { cause: error.message }));
      set(get("call-none-tip"), words(isNone ? "call.noneTip" : "call.failedTip"));
      show(get("call-again"), !isNone);
      this.on(get("call-again"), "click", () => this.again({}));
      show(get("call-none"), true);
      if (this.options.focus) get("call-title").focus();
      return;
    }
    this.tellMe(this.found.me);
    this.tellVerdict();
    this.tellParts();
    this.choose();
    this.tellFiles();
    this.prepare();
    show(get("call-body"), true);
    this.wire();
    this.fit();
    this.readPlace();
    if (this.options.focus) get("call-title").focus();
    await this.loadPeaks();
    if (this.stop.signal.aborted) return;
    this.tellMarks();
    get("call-view").dataset.ready = "yes";
    if (this.options.play) this.play();
  }

  close() {
    this.stop.abort();
    this.sizes?.disconnect();
    this.sound.close();
    cancelAnimationFrame(this.frame);
    delete this.get("call-view").dataset.ready;
  }

  // --- what the verdict says, in words ---------------------------------------------------------------------------

  tellVerdict() {
    const { get, set, show, words, number, lasting } = this;
    const { row, verdict } = this.found;
    const start = this.start(row);
    set(get("call-title"), words("call.title", { start }));
    document.title = words("titleCall", { start });
    // What was written and what is there now are two things.
    const trouble = verdict && TROUBLES.find((state) => this.found.files.some((file) => file.state === state));
    this.setStatus(get("status"), trouble ?? row.status);
    set(get("verdict-words"), trouble ? words("verdict.since", { sentence: this.sentence(), trouble: words(`verdict.now.${trouble}`) }) : this.sentence());
    const list = get("reasons");
    list.replaceChildren();
    const add = (text, sort) => {
      const item = document.createElement("li");
      if (sort) item.className = sort;
      item.textContent = this.plain(text);
      list.append(item);
    };
    for (const reason of verdict?.reasons ?? []) add(reason.detail || reason.code, "loss");
    if (verdict?.one_way_audio) add(words(`verdict.oneWay.${row.silent_sides[0] ?? "from"}`), "loss");
    if (row.gave_up_at) add(words("verdict.gaveUp", { when: this.when(row.gave_up_at) }));
    const kept = row.authorised;
    if (verdict && kept.length === 1) {
      add(words("verdict.authorised", { side: this.name(kept[0]), long: this.texts.sideLong[kept[0]] ?? "" }));
    }
    for (const note of verdict?.notes ?? []) add(note.detail || note.code);
    const facts = { customer: row.customer, system: row.system, queue: row.queue, agent: row.agent,
      method: row.initiation_method?.toLowerCase().replaceAll("_", " "), contact: row.contact_id,
      length: verdict ? this.span(row.seconds, 1) : null };
    for (const [name, value] of Object.entries(facts)) set(get(`fact-${name}`), this.plain(value ?? words("unknown")));
    const sound = verdict?.sound;
    const percent = (share) => number(100 * (share ?? 0), 0);
    const longest = sound?.longest_silence;
    const silence = longest && { longest: lasting(longest.seconds), at: this.span(longest.at_seconds) };
    show(get("sound-words"), Boolean(silence));
    if (!silence) return;
    const isBoth = sound.from_share !== null && sound.to_share !== null;
    const [only, share] = sound.from_share !== null ? ["from", sound.from_share] : ["to", sound.to_share];
    set(get("sound-words"), isBoth
      ? words("verdict.sound", { from: percent(sound.from_share), to: percent(sound.to_share), both: percent(sound.both_share), ...silence })
      : words("verdict.soundOne", { side: this.name(only), share: percent(share), ...silence }));
  }

  /** A side in a sentence. */
  name(side) {
    return this.texts.side[side]?.toLowerCase() ?? side;
  }

  sentence() {
    const { row, verdict } = this.found;
    const say = (name, values) => this.words(`verdict.${name}`, values);
    if (!verdict) return say("unreadable", { problem: this.plain(row.problem ?? this.words("unknown")) });
    const { own, missing, unlisted } = verdict.fragments;
    const lost = missing + unlisted;
    switch (row.status) {
      case "complete": return own ? say("complete", { count: own }) : say("completeMedia");
      case "partial": return lost
        ? say("partial", { own, all: own + lost, seconds: this.number(this.lostSeconds(), 2) })
        : say("partialWhole", { own });
      case "empty": return say("empty");
      default: return say("failed");
    }
  }

  /** What is lost on the side that lacks more; of a recording whose gaps do not tell, by the mean length of fragments. */
  lostSeconds() {
    const isLoss = ({ cause }) => SIGN[cause] === "loss";
    const sides = SIDES.map((side) => this.found.verdict.sides[side]?.gaps.list ?? []);
    const lost = sides.map((gaps) => gaps.filter(isLoss).reduce((sum, gap) => sum + gap.seconds, 0));
    return Math.max(...lost) || this.found.row.lost_seconds;
  }

  /** All parts of the call on one line, where the clock has them. */
  tellParts() {
    const { get, show, words } = this;
    const parts = this.found.parts.map(({ key, row }) => ({ key, row, from: Date.parse(row.starts_at) / 1000 }));
    show(get("parts"), parts.length > 1);
    const list = get("parts-line");
    list.replaceChildren();
    this.nextPart = undefined;
    this.parts = [];
    if (parts.length < 2) return;
    const own = parts.findIndex(({ key }) => key === this.key);
    const next = parts.findIndex(({ row }, place) => place > own && row.bytes > 0);
    if (next > 0) this.nextPart = { key: parts[next].key, number: next + 1 };
    const from = Math.min(...parts.map((part) => part.from));
    const to = Math.max(...parts.map((part) => part.from + Math.max(1, part.row.seconds)));
    this.parts = parts.map(({ key, row, from: begins }, place) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = this.callUrl(key);
      link.textContent = this.plain([place + 1, row.queue, row.agent].filter(Boolean).join(" · "));
      const label = words("part.label", { number: place + 1, start: this.when(row.starts_at), span: this.span(row.seconds), status: row.status });
      link.append(Object.assign(document.createElement("span"), { className: "unseen", textContent: `. ${label}` }));
      link.title = label;
      if (key === this.key) link.setAttribute("aria-current", "page");
      item.append(link);
      list.append(item);
      return { item, at: (begins - from) / (to - from), share: Math.max(1, row.seconds) / (to - from) };
    });
  }

  /** Where each part stands on the line. One that runs while another one does has a row of its own below it. */
  layParts() {
    const line = this.get("parts-line");
    const width = line.clientWidth;
    if (!width) return;
    const ends = [];
    for (const { item, at, share } of this.parts) {
      const wide = Math.max(PART_WIDE, share * width);
      const left = Math.max(0, Math.min(at * width, width - wide));
      let row = ends.findIndex((end) => end <= left + 0.5);
      if (row < 0) row = ends.length;
      ends[row] = left + wide;
      Object.assign(item.style, { left: `${left}px`, width: `${wide}px`, top: `${row * PART_HIGH}px`, height: `${PART_HIGH}px` });
    }
    line.style.height = `${ends.length * PART_HIGH}px`;
  }

  // --- files -----------------------------------------------------------------------------------------------------

  /** The file that is played: the mix, or else a side. */
  choose() {
    const files = this.found.files;
    const canPlay = (file) => ["there", "changed", "cut"].includes(file.state) && file.bytes > WAV_HEADER;
    this.playable = files.filter(canPlay);
    const file = [this.options.kind, "mixed", ...SIDES].map((kind) => this.playable.find((it) => it.kind === kind)).find(Boolean);
    this.source = file && new Source(this.kit, this.key, file);
    const { verdict } = this.found;
    const inFile = file ? (file.bytes - WAV_HEADER) / (2 * this.source.sides.length) / 8000 : 0;
    this.rate = verdict?.span.sample_rate || 8000;
    this.length = Math.max(0, verdict ? verdict.span.seconds : inFile);
    this.sides = this.source && !verdict ? this.source.sides : SIDES.filter((side) => verdict?.sides[side]);
    if (!this.sides.length) this.sides = this.source?.sides ?? this.found.row.authorised.filter((side) => SIDES.includes(side));
    if (!this.sides.length) this.sides = SIDES;
  }

  tellFiles() {
    const { get, show, set, words } = this;
    const problems = [];
    for (const file of this.found.files) {
      if (file.state === "there") continue;
      const isTier = file.class?.endsWith("_ACCESS");
      const state = file.comes_back ? "comes_back" : isTier ? "in_tier" : file.state;
      problems.push(words(`file.${state}`, { ...file, file: words(`file.${file.kind}`) }));
    }
    if (!this.source) problems.push(words("file.nothing"));
    else if (this.source.file.kind !== "mixed" && this.found.files.some(({ kind }) => kind === "mixed")) {
      problems.push(words("file.other", { file: words(`file.${this.source.file.kind}`) }));
    }
    const list = get("file-problems");
    list.replaceChildren(...problems.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    show(list, problems.length > 0);
    const choice = get("file");
    choice.replaceChildren(...this.playable.map(({ kind }) => new Option(words(`file.${kind}`), kind)));
    if (this.source) choice.value = this.source.file.kind;
    show(get("file-tools"), Boolean(this.source));
    for (const name of ["play", "back-5", "on-5", "speed", "skip", "ears", "loop-from", "loop-to"]) get(name).disabled = !this.source;
    set(get("checked"), "");
  }

  /** Where the mix cannot be played, the file that is chosen is heard. */
  hear(kind) {
    if (this.source.sides.length > 1 || this.source.file.kind === kind) return;
    history.replaceState(history.state, "", this.place());
    this.again({ kind });
  }

  async download() {
    const kind = this.get("file").value;
    try {
      const file = this.playable.find((it) => it.kind === kind);
      const { url } = await new Source(this.kit, this.key, file).place("download");
      this.save(url);
    } catch (error) {
      this.say(this.words("play.failed", { cause: error.message }), true);
    }
  }

  /** A long file is checked piece by piece: each answer has the state that the next request goes on from. */
  async check() {
    if (this.checking) {
      this.checking.abort();
      return;
    }
    const { get, set, show, words } = this;
    const kind = get("file").value;
    const file = words(`file.${kind}`);
    const own = (this.checking = new AbortController());
    this.stop.signal.addEventListener("abort", () => own.abort(), { once: true });
    set(get("check"), words("check.stop"));
    set(get("checked"), words("check.checking", { file }));
    const bar = get("check-bar");
    try {
      const url = `/api/check?${new URLSearchParams({ key: this.key, file: kind })}`;
      let state;
      let found = null;
      while (found === null) {
        const body = state && JSON.stringify(state);
        const answer = await (await this.ask(url, { method: "POST", signal: own.signal, body })).json();
        ({ found, state } = answer);
        if (found !== null) break;
        bar.value = answer.checked / answer.bytes;
        bar.setAttribute("aria-label", words("check.bar", { file }));
        show(bar, true);
      }
      set(get("checked"), words(`check.${found}`, { file }));
    } catch (error) {
      if (this.stop.signal.aborted) return;
      const isStopped = error.name === "AbortError";
      set(get("checked"), isStopped ? words("check.stopped", { file }) : words("check.failed", { file, cause: error.message }));
    } finally {
      this.checking = undefined;
      set(get("check"), words("check.check"));
      show(bar, false);
    }
  }

  // --- the waveform ----------------------------------------------------------------------------------------------

  async loadPeaks() {
    const state = this.found.peaks?.state;
    if (state !== "there") {
      this.waveNote = this.length ? this.words("wave.none") : "";
      this.draw();
      return;
    }
    try {
      const query = new URLSearchParams({ key: this.key });
      const whole = await this.pieces(`/api/peaks?${query}`, this.found.peaks.bytes);
      const { verdict, files } = this.found;
      // Who made it later made it of the first file that is there.
      const there = files.filter(({ state }) => state !== "gone").map(({ kind }) => kind);
      const first = SIDES.filter((side) => there.includes(side)).slice(0, 1);
      this.peaks = new Peaks(whole, [verdict?.peaks?.sides, this.sides, first]);
      this.sides = SIDES.filter((side) => this.sides.includes(side) || this.peaks.sides.includes(side));
      this.silences = this.peaks.silences(SKIP_SECONDS);
      this.gain = Math.min(16, Math.max(1, 115 / this.peaks.height()));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.waveNote = this.words("wave.gone", { cause: error.message });
    }
    this.fit();
  }

  /** A file of so many bytes; a large one in pieces, since the function's answers have 6 MB at the most. */
  async pieces(url, bytes) {
    const { signal } = this.stop;
    if (bytes <= MOST_AT_ONCE) return (await this.ask(url, { signal })).arrayBuffer();
    const whole = new Uint8Array(bytes);
    for (let from = 0; from < bytes; from += PIECE) {
      const range = `bytes=${from}-${Math.min(bytes, from + PIECE) - 1}`;
      const answer = await this.ask(url, { signal, headers: { accept: "application/json", range } });
      whole.set(new Uint8Array(await answer.arrayBuffer()), from);
    }
    return whole.buffer;
  }

  /** Gives the canvases the pixels that they have on the screen, and draws. */
  fit() {
    this.layParts();
    for (const canvas of [this.get("wave-canvas"), this.get("overview")]) {
      const ratio = devicePixelRatio || 1;
      const { width, height } = canvas.getBoundingClientRect();
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
    }
    const style = getComputedStyle(document.documentElement);
    const names = ["from", "to", "canvas", "axis", "ink", "soft", "loss", "hold", "moved", "clip", "stretch", "edge"];
    this.colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.overviewPicture = undefined;
    this.draw();
  }

  draw() {
    this.isToBeDrawn = true;
    this.frame ??= requestAnimationFrame(() => this.turn());
  }

  /** One picture: while it plays they follow each other. */
  turn() {
    this.frame = undefined;
    if (this.stop.signal.aborted) return;
    const isPlaying = !this.sound.audio.paused;
    if (isPlaying) this.moveOn();
    if (this.isToBeDrawn || isPlaying) {
      this.isToBeDrawn = false;
      this.drawWave();
      this.drawOverview();
      this.tellTime();
    }
    this.tellLevels(isPlaying);
    if (isPlaying) this.frame = requestAnimationFrame(() => this.turn());
  }

  lanes(height) {
    const ruler = 20 * (devicePixelRatio || 1);
    const each = (height - ruler) / this.sides.length;
    return { ruler, each, middle: (lane) => ruler + each * (lane + 0.5) };
  }

  drawWave() {
    const canvas = this.get("wave-canvas");
    const paper = canvas.getContext("2d");
    const { width, height } = canvas;
    const { colours } = this;
    const [from, to] = this.view;
    const ratio = devicePixelRatio || 1;
    const x = (second) => ((second - from) / (to - from)) * width;
    paper.fillStyle = colours.canvas;
    paper.fillRect(0, 0, width, height);
    const lanes = this.lanes(height);
    this.drawRuler(paper, x, width, height, ratio);
    if (!this.length) return;
    if (this.stretch) this.drawStretch(paper, x, 0, height, lanes.ruler);
    const perPixel = (to - from) / width;
    const pieces = to - from <= SAMPLES_SECONDS && this.source ? this.samplesInView() : null;
    this.sides.forEach((side, lane) => {
      const middle = lanes.middle(lane);
      const half = lanes.each / 2 - 4 * ratio;
      paper.fillStyle = colours.axis;
      paper.fillRect(0, Math.round(middle), width, 1);
      this.drawMarks(paper, side, x, middle, lanes.each);
      paper.fillStyle = paper.strokeStyle = colours[side];
      const channel = pieces ? this.source.sides.indexOf(side) : -1;
      if (pieces && channel >= 0) this.drawSamples(paper, pieces, channel, { x, middle, half, perPixel, ratio });
      else this.drawPeaks(paper, side, { middle, half, from, perPixel, width });
      this.drawName(paper, side, middle - lanes.each / 2, ratio);
    });
    paper.fillStyle = colours.ink;
    const cursor = Math.round(x(this.at));
    paper.fillRect(cursor - Math.floor(ratio / 2), 0, Math.max(1, Math.round(1.5 * ratio)), height);
    const notes = [this.waveNote];
    if (pieces) notes.push(this.words("wave.samples"));
    if (this.gain > 1.2) notes.push(this.words("wave.gain", { gain: this.number(this.gain, 1) }));
    this.set(this.get("wave-note"), notes.filter(Boolean).join(" · "));
    const digits = to - from < 30 ? 2 : 0;
    this.set(this.get("view-span"), this.words("wave.view", { from: this.span(from, digits), to: this.span(to, digits) }));
  }

  drawName(paper, side, top, ratio) {
    paper.font = `${12 * ratio}px system-ui, sans-serif`;
    paper.textBaseline = "top";
    const name = this.texts.side[side];
    paper.globalAlpha = 0.8;
    paper.fillStyle = this.colours.canvas;
    paper.fillRect(3 * ratio, top + 1, paper.measureText(name).width + 8 * ratio, 18 * ratio);
    paper.globalAlpha = 1;
    paper.fillStyle = this.colours.ink;
    paper.fillText(name, 7 * ratio, top + 4 * ratio);
  }

  drawRuler(paper, x, width, height, ratio) {
    const [from, to] = this.view;
    if (!(to > from)) return;
    const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
    const least = ((to - from) / width) * 90 * ratio;
    let step = steps.find((it) => it >= least) ?? steps.at(-1);
    while (step < least) step *= 2;
    const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
    paper.font = `${11 * ratio}px system-ui, sans-serif`;
    paper.textBaseline = "middle";
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const place = Math.round(x(at));
      paper.fillStyle = this.colours.axis;
      paper.fillRect(place, 0, 1, height);
      paper.fillStyle = this.colours.soft;
      paper.fillText(this.span(at, digits), place + 4 * ratio, 10 * ratio);
    }
  }

  drawStretch(paper, x, top, height, edge) {
    const [a, b] = this.stretch.map(x);
    paper.save();
    paper.globalAlpha = 0.16;
    paper.fillStyle = this.colours.stretch;
    paper.fillRect(a, top, Math.max(2, b - a), height);
    paper.globalAlpha = 0.9;
    paper.fillRect(a, top, Math.max(2, b - a), Math.min(edge / 4, 5));
    paper.restore();
  }

  drawMarks(paper, side, x, middle, each) {
    const [from, to] = this.view;
    const { colours } = this;
    const colour = { loss: colours.loss, moved: colours.moved, clip: colours.clip, quiet: colours.hold };
    const drawn = {};
    for (const mark of this.marks) {
      const sign = SIGN[mark.kind];
      // Thousands of marks are far fewer pixels: what lies under another one of its kind is not drawn once more.
      const end = Math.round(x(mark.b));
      if (end <= drawn[mark.kind]) continue;
      if ((mark.side && mark.side !== side) || mark.b < from || mark.a > to || !colour[sign]) continue;
      drawn[mark.kind] = end;
      // A mark of hours, zoomed in close, is millions of pixels wide: what is out of sight is not drawn.
      const a = Math.max(-EDGE, x(mark.a));
      const wide = Math.max(2, Math.min(paper.canvas.width + EDGE, x(mark.b)) - a);
      const top = middle - each / 2;
      paper.save();
      paper.fillStyle = colour[sign];
      paper.globalAlpha = sign === "quiet" ? 0.16 : sign === "clip" ? 0.12 : 0.26;
      paper.fillRect(a, top, wide, each);
      // Not by colour alone: losses are crossed out, what was moved is dotted at its foot.
      paper.globalAlpha = 0.9;
      paper.strokeStyle = colour[sign];
      if (sign === "loss") {
        paper.beginPath();
        paper.rect(a, top, wide, each);
        paper.clip();
        for (let at = Math.floor((a - each) / 9) * 9; at < a + wide; at += 9) {
          paper.moveTo(at, top + each);
          paper.lineTo(at + each, top);
        }
        paper.globalAlpha = 0.5;
        paper.stroke();
      } else if (sign === "clip") paper.fillRect(a, top, wide, 3);
      else if (sign === "moved") for (let at = a; at < a + wide; at += 6) paper.fillRect(at, top + each - 4, 3, 3);
      paper.restore();
    }
  }

  drawPeaks(paper, side, { middle, half, from, perPixel, width }) {
    const channel = this.peaks?.sides.indexOf(side) ?? -1;
    if (channel < 0) return;
    const scale = (half * this.gain) / 128;
    for (let column = 0; column < width; column++) {
      const at = from + column * perPixel;
      const range = this.peaks.range(channel, at, at + perPixel);
      if (!range) continue;
      const top = Math.min(half, range[1] * scale);
      const foot = Math.max(-half, range[0] * scale);
      paper.fillRect(column, middle - top, 1, Math.max(1, top - foot));
    }
  }

  /** The pieces of samples that are in view; null until all of them came. */
  samplesInView() {
    const [from, to] = this.view.map((second) => Math.floor(second / PIECE_SECONDS));
    const pieces = new Map();
    for (let number = Math.max(0, from); number <= to; number++) {
      const piece = this.source.piece(number, this.rate, (error) => {
        // What a page may not read is an error of the browser's without a cause.
        const cause = error instanceof TypeError && this.source.isElsewhere ? this.words("play.unreachable") : error?.message;
        if (error) this.waveNote = this.words("wave.noSamples", { cause });
        this.draw();
      });
      if (piece) pieces.set(number, piece);
    }
    return pieces.size === to - Math.max(0, from) + 1 ? pieces : null;
  }

  drawSamples(paper, pieces, channel, { x, middle, half, perPixel, ratio }) {
    const { rate } = this;
    const channels = this.source.sides.length;
    const scale = (half * (this.gain ?? 1)) / 32768;
    const each = PIECE_SECONDS * rate;
    const sample = (at) => pieces.get(Math.floor(at / each))?.[(at % each) * channels + channel];
    const [first, last] = [Math.floor(this.view[0] * rate), Math.ceil(this.view[1] * rate)];
    const y = (value) => middle - Math.max(-half, Math.min(half, value * scale));
    if (perPixel * rate > 2) {
      // Several samples a pixel: from the lowest to the highest of each.
      let [column, least, most] = [-1, 0, 0];
      const put = () => { if (column >= 0) paper.fillRect(column, y(most), 1, Math.max(1, y(least) - y(most))); };
      for (let at = Math.max(0, first); at <= last; at++) {
        const value = sample(at);
        if (value === undefined) continue;
        const place = Math.floor(x(at / rate));
        if (place !== column) {
          put();
          [column, least, most] = [place, value, value];
        } else [least, most] = [Math.min(least, value), Math.max(most, value)];
      }
      put();
      return;
    }
    paper.lineWidth = 1.3 * ratio;
    paper.beginPath();
    const dots = perPixel * rate < 0.2;
    for (let at = Math.max(0, first); at <= last; at++) {
      const value = sample(at);
      if (value === undefined) continue;
      const [px, py] = [x(at / rate), y(value)];
      paper.lineTo(px, py);
      if (dots) paper.rect(px - 1.5 * ratio, py - 1.5 * ratio, 3 * ratio, 3 * ratio), paper.moveTo(px, py);
    }
    paper.stroke();
  }

  drawOverview() {
    const canvas = this.get("overview");
    const paper = canvas.getContext("2d");
    const { width, height } = canvas;
    if (!this.length) return;
    const x = (second) => (second / this.length) * width;
    if (!this.overviewPicture) {
      // What does not move is drawn once.
      this.overviewPicture = Object.assign(document.createElement("canvas"), { width, height });
      const own = this.overviewPicture.getContext("2d");
      own.fillStyle = this.colours.canvas;
      own.fillRect(0, 0, width, height);
      const each = height / this.sides.length;
      const view = this.view;
      this.view = [0, this.length];
      this.sides.forEach((side, lane) => {
        const middle = each * (lane + 0.5);
        this.drawMarks(own, side, x, middle, each);
        own.fillStyle = this.colours[side];
        this.drawPeaks(own, side, { middle, half: each / 2 - 1, from: 0, perPixel: this.length / width, width });
      });
      this.view = view;
    }
    paper.drawImage(this.overviewPicture, 0, 0);
    if (this.stretch) this.drawStretch(paper, x, 0, height, 12);
    const [a, b] = this.view.map(x);
    paper.save();
    paper.globalAlpha = 0.55;
    paper.fillStyle = this.colours.canvas;
    paper.fillRect(0, 0, a, height);
    paper.fillRect(b, 0, width - b, height);
    paper.restore();
    paper.strokeStyle = this.colours.stretch;
    paper.lineWidth = 2;
    paper.strokeRect(a + 1, 1, Math.max(4, b - a - 2), height - 2);
    paper.fillStyle = this.colours.ink;
    paper.fillRect(Math.round(x(this.at)), 0, 2, height);
  }

  // --- marks -----------------------------------------------------------------------------------------------------

  /** All that is to be known of places in the call, in their order. */
  tellMarks() {
    const { get, set, show, words, lasting } = this;
    const { verdict, row } = this.found;
    const marks = [];
    // What the verdict tells of no place, and how much it tells the number of alone.
    const placeless = [];
    let untold = 0;
    const add = (kind, side, a, seconds, values = {}) => {
      const what = words(`mark.${kind}`, { span: lasting(seconds), ...values });
      const text = side ? words("mark.one", { side: this.texts.side[side], what }) : what;
      marks.push({ kind, side, a, b: a + seconds, what, text });
    };
    for (const side of SIDES) {
      const found = verdict?.sides[side];
      if (!found) continue;
      for (const { count, list } of [found.gaps, found.overlaps, found.displaced]) untold += Math.max(0, count - list.length);
      for (const gap of found.gaps.list) add(gap.cause, side, gap.at_seconds, gap.seconds);
      for (const kind of ["overlap", "displaced"]) {
        const list = kind === "overlap" ? found.overlaps.list : found.displaced.list;
        for (const it of list) add(kind, side, it.at_seconds, it.seconds);
      }
      const channel = this.peaks?.sides.indexOf(side) ?? -1;
      if (found.clipped_samples > 0) {
        const clipped = channel < 0 ? [] : near(this.peaks.stretches(channel, (low, high) => high >= 127 || low <= -128, 0), CLIPPED_APART);
        for (const [a, b] of clipped) add("clipped", side, a, b - a);
        const what = words("mark.clippedSomewhere", { count: found.clipped_samples });
        if (!clipped.length) placeless.push({ kind: "clipped", text: words("mark.one", { side: this.texts.side[side], what }) });
      }
    }
    for (const side of row.silent_sides) if (SIDES.includes(side) && this.length) add("silent", side, 0, this.length);
    for (const it of verdict?.fragments.missing_list ?? []) {
      const values = { fragment: it.fragment, cause: it.cause };
      if (it.at_seconds !== null) add("fragment", null, it.at_seconds, 0, values);
      else placeless.push({ kind: "fragment", text: words("mark.fragment", values) });
    }
    if (verdict) untold += Math.max(0, verdict.fragments.missing - verdict.fragments.missing_list.length);
    const longest = verdict?.sound?.longest_silence;
    if (longest?.seconds >= 1) add("silence", null, longest.at_seconds, longest.seconds);
    this.marks = joined(marks, (what) => words("mark.one", { side: this.texts.side.both, what }));
    const list = get("marks");
    const part = (name, text) => Object.assign(document.createElement("span"), { className: name, textContent: text });
    const itemOf = (mark, node, at) => {
      const item = document.createElement("li");
      const sign = part("sign", "");
      sign.dataset.sign = SIGN[mark.kind];
      node.append(part("at", at), sign, part("what", mark.text));
      item.append(node);
      return item;
    };
    const items = this.marks.slice(0, MARKS_SHOWN).map((mark) => {
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.addEventListener("click", () => this.goTo(mark.a, { inView: true }));
      return itemOf(mark, button, this.span(mark.a, 1));
    });
    items.push(...placeless.slice(0, MARKS_SHOWN).map((mark) => itemOf(mark, part("mark", ""), words("none"))));
    list.replaceChildren(...items);
    const hidden = untold + this.marks.length + placeless.length - items.length;
    if (hidden > 0) {
      list.append(Object.assign(document.createElement("li"), { className: "soft", textContent: words("mark.more", { count: hidden }) }));
    }
    const bad = [...this.marks, ...placeless].some(({ kind }) => ["loss", "moved", "clip"].includes(SIGN[kind]));
    show(get("marks-none"), Boolean(verdict) && !bad && row.status === "complete");
    const isAllThere = this.found.files.every(({ state }) => state === "there");
    set(get("marks-none"), words(isAllThere ? "mark.none" : "mark.noneThen"));
    show(get("marks-box"), items.length > 0 || Boolean(verdict));
    this.overviewPicture = undefined;
    this.draw();
  }

  goToMark(way) {
    const places = this.marks.map(({ a }) => a);
    const found = way > 0 ? places.find((a) => a > this.at + 0.05) : places.findLast((a) => a < this.at - 0.5);
    if (found !== undefined) this.goTo(found, { inView: true });
  }

  // --- time ------------------------------------------------------------------------------------------------------

  tellTime() {
    const { get, set } = this;
    set(get("clock"), this.span(this.at, 1));
    const wave = get("wave");
    const now = Math.round(this.at);
    if (this.nowTold !== now) {
      this.nowTold = now;
      wave.setAttribute("aria-valuenow", String(now));
      wave.setAttribute("aria-valuetext", this.words("wave.at", { at: this.span(this.at), of: this.span(this.length) }));
    }
  }

  tellLevels(isPlaying) {
    for (const [side, { meter, bar }] of Object.entries(this.controls ?? {})) {
      const level = isPlaying ? Math.max(-60, this.sound.level(side)) : -60;
      const shown = String(Math.round(level));
      if (meter.getAttribute("aria-valuenow") !== shown) meter.setAttribute("aria-valuenow", shown);
      bar.style.transform = `scaleX(${((level + 60) / 60).toFixed(3)})`;
    }
  }

  /** While it plays: where it is, and whether it leaps. */
  moveOn() {
    const { audio } = this.sound;
    // What was sought is where it is, until the element is there.
    if (this.sought !== undefined) return;
    this.at = Math.min(this.length, audio.currentTime);
    if (this.isLooped && this.stretch) {
      const [a, b] = this.stretch;
      if (this.at >= b || this.at < a - 0.3) this.seek(a);
    } else if (this.get("skip").checked) {
      const silence = this.silences.find(([a, b]) => this.at >= a + SKIP_EDGE && this.at < b - 2 * SKIP_EDGE);
      if (silence) {
        this.say(this.words("play.skipped", { span: this.lasting(silence[1] - SKIP_EDGE - this.at) }));
        this.seek(silence[1] - SKIP_EDGE);
      }
    }
    const [from, to] = this.view;
    if (this.at > to || this.at < from) this.look(this.at, this.at + (to - from));
  }

  seek(second) {
    this.at = Math.max(0, Math.min(this.length, second));
    const { audio } = this.sound;
    // What is still to be loaded is sought when it is there.
    if (audio.getAttribute("src")) {
      this.sought = this.at;
      if (audio.readyState >= 1) audio.currentTime = this.at;
    }
    this.draw();
  }

  /** Goes to a second, and shows it if it is out of view or is to be seen with what is around it. */
  goTo(second, { inView = false } = {}) {
    this.seek(second);
    const [from, to] = this.view;
    const wide = to - from;
    if (this.at < from || this.at > to || (inView && wide < this.length)) this.look(this.at - wide * 0.2, this.at + wide * 0.8);
  }

  look(from, to) {
    const wide = Math.min(this.length, Math.max(LEAST_SECONDS, to - from));
    const first = Math.max(0, Math.min(this.length - wide, from));
    this.view = [first, first + wide];
    this.draw();
  }

  zoom(by, around = this.at) {
    const [from, to] = this.view;
    const wide = Math.min(this.length, Math.max(LEAST_SECONDS, (to - from) * by));
    const share = to > from ? Math.min(1, Math.max(0, (around - from) / (to - from))) : 0.5;
    const middle = around >= from && around <= to ? around : (from + to) / 2;
    this.look(middle - wide * share, middle + wide * (1 - share));
  }

  // --- playing ---------------------------------------------------------------------------------------------------

  say(text, isBad = false) {
    const told = this.get("told");
    told.classList.toggle("bad", isBad);
    this.set(told, text);
  }

  async play() {
    const { audio } = this.sound;
    if (!this.source || !audio.paused) return;
    try {
      this.sound.connect(this.source.sides);
      this.sound.context?.resume();
      if (this.at >= this.length - 0.05) this.at = this.stretch && this.isLooped ? this.stretch[0] : 0;
      if (!audio.getAttribute("src")) {
        this.say(this.words("play.loading"));
        await this.load();
      } else if (Math.abs(audio.currentTime - this.at) > 0.05) this.seek(this.at);
      await audio.play();
      this.say(this.sound.way === "plain" ? this.words("play.plain") : "");
    } catch (error) {
      // Somebody pressed pause meanwhile, or left; of a file that does not play the element tells by itself.
      if (error.name === "AbortError" || this.stop.signal.aborted || audio.error || audio !== this.sound.audio) return;
      this.say(this.words("play.failed", { cause: error.message }), true);
    }
  }

  playOrPause() {
    const { audio } = this.sound;
    if (audio.paused) this.play();
    else audio.pause();
  }

  async load(anew = false) {
    const { audio } = this.sound;
    const url = await this.source.url(anew);
    if (this.stop.signal.aborted) return;
    if (this.source.isElsewhere && this.sound.way === "apart") audio.crossOrigin = "anonymous";
    audio.src = url;
    audio.playbackRate = audio.defaultPlaybackRate = Number(this.get("speed").value);
    // It begins at 0, and is sought as soon as it can be.
    this.sought = this.at > 0 ? this.at : undefined;
  }

  /** What the archive says of a file that does not play. */
  async why() {
    try {
      const answer = await fetch(await this.source.url(), { headers: { range: "bytes=0-0" } });
      return answer.ok ? this.words("play.noSound") : (await this.refusal(answer)).message;
    } catch {
      return this.words(this.source.isElsewhere ? "play.unreachable" : "noAnswer");
    }
  }

  async failed() {
    const { audio } = this.sound;
    if (!audio.getAttribute("src") || this.stop.signal.aborted) return;
    if (this.sound.way === "plain") {
      this.hearBy("apart");
      this.say(this.words("play.failed", { cause: this.words("play.unreachable") }), true);
      this.tellPlaying();
      return;
    }
    // A link that is used up is asked for once more, and it goes on where it was.
    const isLink = this.source.known && this.source.known.seconds !== null;
    if (isLink && !(performance.now() - this.renewedAt < 10_000)) {
      this.renewedAt = performance.now();
      try {
        await this.load(true);
        await audio.play();
      } catch (error) {
        if (!audio.error && audio === this.sound.audio) this.say(this.words("play.failed", { cause: error.message }), true);
      }
      return;
    }
    const cause = await this.why();
    if (this.stop.signal.aborted) return;
    if (cause === this.words("play.unreachable")) {
      // A browser plays what it lets no page read.
      this.hearBy("plain");
      await this.play();
      return;
    }
    this.say(this.words("play.failed", { cause }), true);
    audio.removeAttribute("src");
    this.tellPlaying();
  }

  /** Goes on with another audio element, from where it is. */
  hearBy(way) {
    this.sound.begin(way);
    this.wireAudio();
    for (const { mute, volume } of Object.values(this.controls)) mute.disabled = volume.disabled = way === "plain";
    this.get("ears").disabled = way === "plain";
  }

  tellPlaying() {
    const isPlaying = !this.sound.audio.paused;
    this.set(this.get("play"), this.words(isPlaying ? "play.pause" : "play.play"));
    this.draw();
  }

  ended() {
    if (this.isLooped && this.stretch) {
      this.seek(this.stretch[0]);
      this.sound.audio.play();
    } else if (this.nextPart) {
      const { key, number } = this.nextPart;
      this.tell(null);
      this.go(this.callUrl(key), { play: true, told: this.words("play.nextPart", { number }) });
    }
  }

  mute(side) {
    const control = this.controls[side];
    if (!control) return;
    this.sound.muted[side] = !this.sound.muted[side];
    control.mute.setAttribute("aria-pressed", String(this.sound.muted[side]));
    this.sound.tune();
  }

  speedBy(way) {
    const speed = this.get("speed");
    speed.selectedIndex = Math.max(0, Math.min(speed.options.length - 1, speed.selectedIndex + way));
    this.sound.audio.playbackRate = Number(speed.value);
  }

  // --- a stretch, and links --------------------------------------------------------------------------------------

  setStretch(a, b) {
    const [from, to] = [Math.max(0, Math.min(a, b)), Math.min(this.length, Math.max(a, b))];
    this.stretch = to - from >= LEAST_SECONDS ? [from, to] : null;
    if (!this.stretch) this.isLooped = false;
    this.tellStretch();
  }

  tellStretch() {
    const { get, set, words } = this;
    const [a, b] = this.stretch ?? [];
    set(get("loop-span"), this.stretch ? words("play.loop", { from: this.span(a, 2), to: this.span(b, 2) }) : words("play.loopAll"));
    for (const name of ["loop", "loop-clear"]) get(name).disabled = !this.stretch;
    get("loop").setAttribute("aria-pressed", String(this.isLooped));
    this.draw();
  }

  loop(isLooped) {
    this.isLooped = Boolean(this.stretch) && isLooped;
    if (this.isLooped && (this.at < this.stretch[0] || this.at >= this.stretch[1])) this.goTo(this.stretch[0]);
    this.tellStretch();
  }

  /**
   * The address of this second, `…&t=83.5`, or of the stretch, `…&t=83.5,90`. Both stand in the query: a browser tells
   * nobody what stands behind `#`, and who must log in first would come back without it.
   */
  address() {
    const page = this.callUrl(this.key);
    if (this.stretch) return `${page}&t=${this.stretch.map(short).join(",")}`;
    return this.at > 0 ? `${page}&t=${short(this.at)}` : page;
  }

  /** The address to come back to: with a stretch also of the second, `&at=`, where it is another one. */
  place() {
    if (!this.source) return location.pathname + location.search + location.hash;
    const isElsewhere = this.stretch && short(this.at) !== short(this.stretch[0]);
    return this.address() + (isElsewhere ? `&at=${short(this.at)}` : "");
  }

  /** Goes to the second or the stretch of the page's address, where they may stand behind `#` as well. */
  readPlace() {
    const query = new URLSearchParams(location.search);
    const hash = /^#t=(.*)$/.exec(location.hash)?.[1];
    const read = (text) => (/^\d+(\.\d+)?$/.test(text ?? "") ? Number(text) : undefined);
    const [a, b, ...rest] = (hash ?? query.get("t") ?? "").split(",").map(read);
    if (a === undefined || rest.length) return;
    if (b !== undefined) this.setStretch(a, b);
    const at = hash === undefined ? read(query.get("at")) : undefined;
    this.goTo(Math.min(at ?? (b === undefined ? a : Math.min(a, b)), this.length), { inView: true });
  }

  async link() {
    const url = new URL(this.address(), location.href).href;
    history.replaceState(null, "", url);
    try {
      await navigator.clipboard.writeText(url);
      this.say(this.words("play.copied"));
    } catch {
      this.say(this.words("play.linked"));
    }
  }

  // --- hands -----------------------------------------------------------------------------------------------------

  prepare() {
    const { get, set, words } = this;
    this.gain = 1;
    this.look(0, this.length);
    set(get("clock-of"), this.span(this.length, 1));
    set(get("play"), words("play.play"));
    this.say(this.options.told ?? "");
    const wave = get("wave");
    wave.setAttribute("aria-label", words("wave.slider"));
    wave.setAttribute("aria-valuemax", String(Math.ceil(this.length)));
    const box = get("sides");
    box.replaceChildren();
    this.controls = {};
    for (const side of this.source?.sides ?? []) {
      const node = get("side").content.firstElementChild.cloneNode(true);
      const find = (name) => node.querySelector(`.${name}`);
      const word = this.texts.side[side];
      node.dataset.side = side;
      node.setAttribute("aria-label", word);
      set(find("who-word"), word);
      set(find("who-long"), this.texts.sideLong[side]);
      const mute = find("mute");
      mute.setAttribute("aria-label", words("play.mute", { side: word.toLowerCase() }));
      mute.addEventListener("click", () => this.mute(side));
      const volume = find("volume");
      volume.setAttribute("aria-label", words("play.volume", { side: word.toLowerCase() }));
      volume.addEventListener("input", () => {
        this.sound.volume[side] = volume.value / 100;
        this.sound.tune();
      });
      const meter = find("level");
      meter.setAttribute("aria-label", words("play.level", { side: word.toLowerCase() }));
      this.controls[side] = { mute, volume, meter, bar: find("level-bar") };
      box.append(node);
    }
    this.sound.apart = get("ears").value === "apart";
    this.tellStretch();
  }

  wire() {
    const { get } = this;
    const press = (name, run) => this.on(get(name), "click", run);
    press("play", () => this.playOrPause());
    press("back-5", () => this.goTo(this.at - 5));
    press("on-5", () => this.goTo(this.at + 5));
    press("zoom-in", () => this.zoom(0.5));
    press("zoom-out", () => this.zoom(2));
    press("zoom-all", () => this.look(0, this.length));
    press("loop-from", () => this.setStretch(this.at, Math.max(this.stretch?.[1] ?? 0, Math.min(this.length, this.at + 5))));
    press("loop-to", () => this.setStretch(Math.min(this.stretch?.[0] ?? 0, this.at), this.at));
    press("loop", () => this.loop(!this.isLooped));
    press("loop-clear", () => this.setStretch(0, 0));
    press("link", () => this.link());
    press("download", () => this.download());
    press("check", () => this.check());
    this.on(get("file"), "change", () => this.hear(get("file").value));
    this.on(get("speed"), "change", () => (this.sound.audio.playbackRate = Number(get("speed").value)));
    this.on(get("ears"), "change", () => {
      this.sound.apart = get("ears").value === "apart";
      this.sound.tune();
    });
    this.wireAudio();
    this.on(document, "keydown", (event) => this.keyPressed(event));
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(get("wave"));
    this.on(matchMedia("(prefers-color-scheme: dark)"), "change", () => this.fit());
    this.wireWave();
    this.wireOverview();
  }

  /** What the audio element tells. */
  wireAudio() {
    const { get } = this;
    const { audio } = this.sound;
    for (const name of ["play", "pause"]) this.on(audio, name, () => this.tellPlaying());
    // A sound that does not come is told, unless it comes at once, as after each seek.
    let waits;
    this.on(audio, "waiting", () => {
      clearTimeout(waits);
      waits = setTimeout(() => { if (!audio.paused && !this.stop.signal.aborted) this.say(this.words("play.waiting")); }, WAIT);
    });
    const comes = () => {
      clearTimeout(waits);
      if (get("told").textContent === this.words("play.waiting")) this.say("");
    };
    for (const name of ["playing", "pause", "ended", "error"]) this.on(audio, name, comes);
    // Who loads the page anew is where it stopped.
    this.on(audio, "pause", () => history.replaceState(history.state, "", this.place()));
    this.on(audio, "loadedmetadata", () => { if (this.sought !== undefined) this.seek(this.sought); });
    this.on(audio, "seeked", () => {
      this.sought = undefined;
      this.draw();
    });
    this.on(audio, "timeupdate", () => { if (document.hidden && !audio.paused) this.moveOn(); });
    this.on(audio, "ended", () => this.ended());
    this.on(audio, "error", () => this.failed());
  }

  wireWave() {
    const wave = this.get("wave");
    const second = (event) => {
      const { left, width } = wave.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
      return this.view[0] + share * (this.view[1] - this.view[0]);
    };
    let from = null;
    this.on(wave, "pointerdown", (event) => {
      if (event.button !== 0 || !this.length) return;
      from = { x: event.clientX, at: second(event), drags: false };
      wave.setPointerCapture(event.pointerId);
    });
    this.on(wave, "pointermove", (event) => {
      if (from && (from.drags ||= Math.abs(event.clientX - from.x) > 4)) this.setStretch(from.at, second(event));
      this.tip(event, second(event));
    });
    const up = (event) => {
      if (!from) return;
      if (from.drags) this.goTo(this.stretch?.[0] ?? this.at);
      else if (event.type === "pointerup") this.goTo(from.at);
      from = null;
    };
    this.on(wave, "pointerup", up);
    this.on(wave, "pointercancel", up);
    this.on(wave, "pointerleave", () => this.show(this.get("tip"), false));
    this.on(wave, "wheel", (event) => {
      if (!this.length) return;
      const wide = this.view[1] - this.view[0];
      const isAside = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (isAside) {
        const by = ((event.deltaX || event.deltaY) / 600) * wide;
        this.look(this.view[0] + by, this.view[1] + by);
      } else if (event.deltaY < 0 || wide < this.length) this.zoom(Math.exp(event.deltaY / 400), second(event));
      // At its widest the page scrolls on.
      else return;
      event.preventDefault();
    }, { passive: false });
  }

  /** What is under the pointer, in words. */
  tip(event, second) {
    const wave = this.get("wave");
    const tip = this.get("tip");
    const { left, top, width, height } = wave.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    const lanes = this.lanes(height * ratio);
    const lane = Math.floor(((event.clientY - top) * ratio - lanes.ruler) / lanes.each);
    const side = this.sides[lane];
    const near = (3 * (this.view[1] - this.view[0])) / width;
    const here = this.marks.filter(({ side: own, a, b }) => (!own || !side || own === side) && second >= a - near && second <= b + near);
    const digits = this.view[1] - this.view[0] < 60 ? 2 : 1;
    this.set(tip, [this.span(second, digits), ...here.slice(0, 6).map(({ text }) => text)].join("\n"));
    this.show(tip, true);
    const x = event.clientX - left;
    const isRight = x > width / 2;
    tip.style.left = isRight ? "" : `${x + 12}px`;
    tip.style.right = isRight ? `${width - x + 12}px` : "";
  }

  wireOverview() {
    const overview = this.get("overview");
    let isHeld = false;
    const move = (event) => {
      const { left, width } = overview.getBoundingClientRect();
      const middle = ((event.clientX - left) / width) * this.length;
      const wide = this.view[1] - this.view[0];
      if (wide >= this.length) this.seek(middle);
      else this.look(middle - wide / 2, middle + wide / 2);
    };
    this.on(overview, "pointerdown", (event) => {
      isHeld = true;
      overview.setPointerCapture(event.pointerId);
      move(event);
    });
    this.on(overview, "pointermove", (event) => { if (isHeld) move(event); });
    for (const name of ["pointerup", "pointercancel"]) this.on(overview, name, () => (isHeld = false));
  }

  keyPressed(event) {
    const { target, key, shiftKey } = event;
    // Many keyboards have [ and ] behind AltGr, which Windows tells as Ctrl and Alt; a Mac's behind Option, its Alt.
    const isTyped = event.getModifierState("AltGraph") || (event.altKey && (key === "[" || key === "]"));
    const isHeld = event.metaKey || (!isTyped && (event.ctrlKey || event.altKey));
    if (isHeld || event.defaultPrevented || !this.source) return;
    const isWave = target === this.get("wave");
    const isField = target.matches?.("input:not([type=checkbox]), select, textarea");
    const isPressed = target.matches?.("button, a, summary, input[type=checkbox]");
    if (isField || (!isWave && !this.get("keys-on").checked)) return;
    if (key === " " && isPressed) return;
    const by = shiftKey ? 30 : 5;
    const keys = {
      " ": () => this.playOrPause(),
      ArrowLeft: () => this.goTo(this.at - by), ArrowRight: () => this.goTo(this.at + by),
      ",": () => this.goTo(this.at - 0.1), ".": () => this.goTo(this.at + 0.1),
      Home: () => this.goTo(0), End: () => this.goTo(this.length),
      PageDown: isWave && (() => this.goTo(this.at + 60)), PageUp: isWave && (() => this.goTo(this.at - 60)),
      ArrowUp: isWave && (() => this.goTo(this.at + by)), ArrowDown: isWave && (() => this.goTo(this.at - by)),
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.look(0, this.length),
      n: () => this.goToMark(1), p: () => this.goToMark(-1),
      1: () => this.mute(this.source.sides[0]), 2: () => this.mute(this.source.sides[1]),
      "[": () => this.get("loop-from").click(), "]": () => this.get("loop-to").click(), l: () => this.loop(!this.isLooped),
      s: () => this.get("skip").click(), "<": () => this.speedBy(-1), ">": () => this.speedBy(1),
    };
    const run = keys[key.length === 1 ? key.toLowerCase() : key];
    if (!run) return;
    event.preventDefault();
    run();
  }
}
