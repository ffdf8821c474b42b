// What the monitor's page makes of what it is told: each state of a call in its words, with a picture of it for people to
// look at; panels in their order. The test tells the page, in the words of src/web/monitor/wire.rs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertQuiet, close, columns, open, run, shoot } from "./harness.mjs";

const CUSTOMER = "#ffa07a";
const OPERATOR = "#3cb371";
const SECOND = 1000;

let monitor;

before(async () => {
  monitor = await run(["monitor", "--demo=tones", "--port", "0"]);
});

after(async () => {
  await close();
  await monitor?.stop();
});

/** Opens the page with the test in the monitor's place: `tell(event, data)`, and `lose()`, which cuts the line. */
async function openTold(options = {}) {
  const { page, context, seen } = await open(monitor.url, {
    ...options,
    before: (page) => page.addInitScript(() => {
      window.EventSource = class extends EventTarget {
        constructor() {
          super();
          window.source = this;
        }

        close() {}
      };
    }),
  });
  const tell = (event, data) => page.evaluate(([event, data]) =>
    window.source.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) })), [event, data]);
  const lose = () => page.evaluate(() => window.source.dispatchEvent(new Event("error")));
  return { page, context, seen, tell, lose };
}

const whole = (calls) => ({ settings: { listening: true, columns: 600, column_millis: 50 }, now: Date.now(), calls });
const frame = (calls, gone = []) => ({ now: Date.now(), calls, gone });
const base64 = (numbers) => Buffer.from(Uint8Array.from(numbers, (number) => number & 0xff)).toString("base64");

/** A side of which someone speaks: a spectrum of 256 values, a level, and 30 seconds of waveform. */
function speech(seed, loud = 1) {
  const values = Array.from({ length: 256 }, (_, k) =>
    Math.min(255, Math.round(loud * 150 * Math.abs(Math.sin(seed + k / 5)) * Math.exp(-k / 45))));
  const wave = [];
  for (let column = 0; column < 600; column++) {
    const talks = Math.sin(seed * 3 + column / 28) > -0.1;
    const high = talks ? Math.min(127, Math.round(loud * (20 + 25 * Math.abs(Math.sin(seed + column * 1.7))))) : 0;
    wave.push(-high - 1, high);
  }
  const peak = Math.min(32767, Math.round(loud * 9000));
  return { spectrum: base64(values), peak, rms: Math.round(peak / 4), wave: { first: 0, columns: base64(wave) } };
}

/** A side of which nothing came. */
const NOTHING = {};

/** A call that began so many seconds ago. */
function call(number, seconds, about = {}, customer = speech(number), operator = speech(number + 1)) {
  return {
    contact: `00000000-0000-4000-8000-00000000000${number}`,
    about: {
      start: Date.now() - seconds * SECOND, label: null, order: number, customer: `•••••••••14${number}`,
      system: "•••••••••199", queue: "Support", state: { is: "live" }, talking: [], warnings: [], gaps: 0, gap_millis: 0,
      reconnects: 0, clipped: [0, 0], ...about,
    },
    sound_at: Date.now(), customer, operator,
  };
}

const ago = (seconds) => Date.now() - seconds * SECOND;

const STATES = {
  waiting: { about: { state: { is: "waiting" } }, sides: [NOTHING, NOTHING], words: /^waiting for sound$/ },
  "nobody-talks": { words: /^nobody talks$/ },
  "customer-talks": { about: { talking: ["customer"] }, words: /^customer talks$/, talks: ["Customer"] },
  "operator-talks": { about: { talking: ["operator"] }, words: /^operator talks$/, talks: ["Operator"] },
  "both-talk": { about: { talking: ["customer", "operator"] }, words: /^both talk$/, talks: ["Customer", "Operator"] },
  hold: { about: () => ({ state: { is: "quiet", since: ago(12) } }), words: /^no sound for 0:1\d: on hold, or cut off$/ },
  "side-silent": {
    about: () => ({ talking: ["customer"], warnings: [{ is: "silent", side: "operator", since: ago(25) }] }),
    sides: [speech(1), NOTHING], words: /^customer talks$/, talks: ["Customer"], warnings: [/^Operator silent for 0:2\d$/],
  },
  clipping: {
    about: { talking: ["operator"], warnings: [{ is: "clipping", side: "operator" }], clipped: [0, 812] },
    sides: [speech(1), speech(2, 8)], words: /^operator talks$/, talks: ["Operator"],
    warnings: [/^Operator too loud: clipped$/], tally: /^Operator: 812 clipped samples$/,
  },
  gap: {
    about: { warnings: [{ is: "gap", side: null, millis: 2176 }, { is: "gap", side: "customer", millis: 1088 }], gaps: 2, gap_millis: 3264 },
    words: /^nobody talks$/, warnings: [/^gap of 2\.2 s$/, /^Customer gap of 1\.1 s$/], tally: /^2 gaps \(3\.3 s\)$/,
  },
  "reconnecting-planned": { about: () => ({ state: { is: "reconnecting", why: "planned", since: ago(1) } }), words: /^changing the connection$/ },
  "reconnecting-ended": { about: () => ({ state: { is: "reconnecting", why: "ended", since: ago(3) } }), words: /^the connection ended; asking again for 0:0\d$/ },
  "reconnecting-cut": {
    about: () => ({ state: { is: "reconnecting", why: "cut", since: ago(7) }, reconnects: 1 }),
    words: /^the connection broke off; asking again for 0:0\d$/, tally: /^1 reconnect$/,
  },
  "reconnecting-silent": { about: () => ({ state: { is: "reconnecting", why: "silent", since: ago(7) } }), words: /^the connection fell silent; asking again for 0:0\d$/ },
  reconnected: {
    about: { warnings: ["planned", "ended", "cut", "silent"].map((why) => ({ is: "reconnected", why })), reconnects: 4 },
    words: /^nobody talks$/, tally: /^4 reconnects$/,
    warnings: [/^connection changed$/, /^connection ended and was made again$/, /^connection broke off and came again$/, /^connection fell silent and was made again$/],
  },
  failed: {
    about: { state: { is: "failed", cause: "support-stream: AccessDeniedException; allow kinesisvideo:GetMedia to whoever runs the monitor" } },
    sides: [NOTHING, NOTHING], words: /^error: support-stream: AccessDeniedException; allow kinesisvideo:GetMedia/, over: true,
  },
  "over-disconnected": { about: { state: { is: "ended", why: "disconnected" } }, words: /^call over$/, over: true },
  "over-next-contact": { about: { state: { is: "ended", why: "next-contact" } }, words: /^call over: another one follows$/, over: true },
  "over-idle": { about: { state: { is: "ended", why: "idle" } }, words: /^call over: nothing more came$/, over: true },
  "over-stopped": { about: { state: { is: "ended", why: "stopped" } }, words: /^the monitor was ended$/, over: true },
};

/** The call of a state: `about` is a function where times count from now. */
function inState({ about, sides = [speech(1), speech(2)] }, number = 1) {
  return call(number, 73, typeof about === "function" ? about() : about, ...sides);
}

test("each state of a call is told in its words", async () => {
  const { page, context, seen, tell } = await openTold();
  const panel = page.locator(".panel");
  for (const [name, state] of Object.entries(STATES)) {
    await tell("whole", whole([inState(state)]));
    assert.match(await panel.locator(".state").innerText(), state.words, name);
    const talks = await panel.locator(".side.talks .who").allInnerTexts();
    assert.deepEqual(talks.map((text) => text.trim()), state.talks ?? [], `${name}: who talks`);
    const warnings = await panel.locator(".warnings li").allInnerTexts();
    assert.equal(warnings.length, (state.warnings ?? []).length, `${name}: ${warnings}`);
    warnings.forEach((warning, place) => assert.match(warning, state.warnings[place], name));
    const tally = panel.locator(".tally");
    assert.equal(await tally.isVisible(), Boolean(state.tally), `${name}: what was counted`);
    if (state.tally) assert.match(await tally.innerText(), state.tally, name);
    // Nobody listens to what is over.
    assert.equal(await page.getByRole("button", { name: /Listen in/ }).isDisabled(), Boolean(state.over), name);
    await shoot(panel, `monitor-state-${name}`);
  }
  assertQuiet(seen);
  await context.close();
});

for (const [name, options] of Object.entries({
  light: {}, dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
})) {
  test(`every state at once, and what is left of it when the line breaks: ${name}`, async () => {
    const { page, context, seen, tell, lose } = await openTold(options);
    const names = ["side-silent", "hold", "clipping", "gap", "reconnecting-cut", "failed", "over-disconnected"];
    await tell("whole", whole(names.map((name, number) => inState(STATES[name], number))));
    await assertAccessible(page);
    await shoot(page, `monitor-states-${name}`, { fullPage: true });
    await lose();
    await page.locator('#notice:has-text("is lost")').waitFor();
    const states = await page.locator(".panel .state").allInnerTexts();
    assert.deepEqual(states.slice(0, 5), Array(5).fill("not known now"));
    assert.match(states[5], /^error: /);
    assert.equal(states[6], "call over");
    // A colour says nothing either: what is not known looks the same, whatever it was.
    const colours = await page.locator(".panel .state").evaluateAll((nodes) => nodes.slice(0, 5).map((node) => getComputedStyle(node).color));
    assert.equal(new Set(colours).size, 1, `${colours}`);
    const spans = () => page.locator(".panel .span-value").allInnerTexts();
    const before = await spans();
    await page.waitForTimeout(2_200);
    assert.deepEqual(await spans(), before, "nobody knows whether they last");
    await assertAccessible(page);
    await shoot(page, `monitor-states-lost-${name}`, { fullPage: true });
    assertQuiet(seen);
    await context.close();
  });
}

test("panels stand in the order of their starts, whenever they come, and go when they are told gone", async () => {
  const { page, context, seen, tell } = await openTold({ timezoneId: "Asia/Tokyo" });
  const order = async () => (await page.locator(".panel .fact-customer dd").allInnerTexts()).map((text) => text.slice(-1)).join("");
  // The last to come may have begun first; of the same start, who was told of first stands first.
  const same = ago(20);
  await tell("whole", whole([call(3, 10), call(1, 30)]));
  assert.equal(await order(), "13");
  await tell("frame", frame([call(5, 0, { start: same }), call(4, 0, { start: same })]));
  assert.equal(await order(), "1453");
  await tell("frame", frame([call(2, 60)]));
  assert.equal(await order(), "21453");
  const starts = await page.locator(".panel .start").allInnerTexts();
  assert.deepEqual(starts, [...starts].sort());
  // Where the monitor has a zone of its own, the label is its.
  await tell("frame", frame([call(6, 5, { label: "2026/11/27 10:00:00.123" })]));
  assert.equal(await page.locator(".panel .start").nth(5).innerText(), "2026/11/27 10:00:00.123");
  await tell("frame", frame([], [call(1, 0).contact, call(6, 0).contact]));
  assert.equal(await order(), "2453");
  assert.match(await page.title(), /^\(4\)/);
  // A page that was behind gets all anew: who is not in it is gone.
  await tell("whole", whole([call(5, 20), call(2, 60)]));
  assert.equal(await order(), "25");
  await tell("frame", frame([], [call(5, 0).contact, call(2, 0).contact]));
  await page.locator('#none:has-text("No call in progress")').waitFor();
  assertQuiet(seen);
  await context.close();
});

test("what comes from a side is drawn on that side's canvases alone, in its colour", async () => {
  const { page, context, seen, tell } = await openTold();
  // One value in the middle of 256, half as high as there is room: what a tone of 2 kHz and 4,000 is.
  const tone = { ...speech(1), spectrum: base64(Array.from({ length: 256 }, (_, k) => (k === 128 ? 128 : 0))) };
  for (const [side, colour, other] of [["customer", CUSTOMER, "operator"], ["operator", OPERATOR, "customer"]]) {
    const sides = { [side]: tone, [other]: NOTHING };
    await tell("whole", whole([]));
    await tell("whole", whole([call(1, 40, {}, sides.customer, sides.operator)]));
    await page.waitForTimeout(300);
    const canvas = (name, kind) => page.locator(`.side[data-side="${name}"] canvas.${kind}`);
    const drawn = await columns(canvas(side, "spectrum"), colour);
    const top = Math.max(...drawn.heights);
    assert.deepEqual([drawn.width, drawn.height, drawn.foreign], [200, 40, 0], side);
    assert.ok(Math.abs(drawn.heights.indexOf(top) - 100) <= 1 && Math.abs(top - 20) <= 1, `${side}: ${top}`);
    const empty = await columns(canvas(other, "spectrum"), colour);
    assert.deepEqual([Math.max(...empty.heights), empty.foreign], [0, 0], `${other} is white`);
    assert.ok(await inked(canvas(side, "wave"), colour) > 1000, `${side}: its waveform`);
    assert.equal(await inked(canvas(other, "wave"), colour), 0, `${other}: no waveform`);
  }
  assertQuiet(seen);
  await context.close();
});

/** How many pixels of a canvas have this colour. */
async function inked(canvas, colour) {
  return canvas.evaluate((node, colour) => {
    const ink = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const { data } = node.getContext("2d").getImageData(0, 0, node.width, node.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if (ink.every((part, of) => Math.abs(part - data[at + of]) < 8)) count++;
    return count;
  }, colour);
}
