// The monitor's page, with the calls that `callreel monitor --demo` plays.

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { assertAccessible, assertQuiet, close, columns, open, run, shoot, until } from "./harness.mjs";

const CUSTOMER = "#ffa07a";
const OPERATOR = "#3cb371";

let calls;
let tones;

before(async () => {
  [calls, tones] = await Promise.all([
    run(["monitor", "--demo", "--port", "0"]),
    run(["monitor", "--demo=tones", "--port", "0"]),
  ]);
});

after(async () => {
  await close();
  await Promise.all([calls?.stop(), tones?.stop()]);
});

const panelOf = (page, place) => page.locator(".panel").nth(place);
const spectrumOf = (panel, side) => panel.locator(`.side[data-side="${side}"] canvas.spectrum`);

/** Waits until the spectrum of a side is drawn as high as that somewhere. */
async function drawn(panel, side, colour, least) {
  return until(async () => {
    const found = await columns(spectrumOf(panel, side), colour);
    return Math.max(...found.heights) >= least && found;
  }, `a spectrum of ${least} px`);
}

const peak = (heights) => heights.indexOf(Math.max(...heights));

test("a 1 kHz tone stands at x = 50 with its height, in the customer's colour", async () => {
  const { page, context, seen } = await open(tones.url);
  const first = panelOf(page, 0);
  const found = await drawn(first, "customer", CUSTOMER, 15);
  assert.deepEqual([found.width, found.height], [200, 40]);
  assert.ok(Math.abs(peak(found.heights) - 50) <= 1, `its peak is at ${peak(found.heights)}`);
  // An amplitude of 4,000 is half of the full height.
  assert.ok(Math.abs(Math.max(...found.heights) - 20) <= 1.5, `${Math.max(...found.heights)} px high`);
  assert.equal(found.foreign, 0, "other colours");
  assert.ok(found.heights.every((height, x) => Math.abs(x - 50) <= 2 || height < 0.5), "and nothing else is there");
  // The operator of this call is silent: white.
  const silent = await columns(spectrumOf(first, "operator"), OPERATOR);
  assert.ok(Math.max(...silent.heights) < 0.5 && silent.foreign === 0, "the other side is white");
  assertQuiet(seen);
  await context.close();
});

test("two tones of the operator are two peaks without mirrors; over the limit is full height; 20 ms have the same axis", async () => {
  const { page, context, seen } = await open(tones.url);
  const two = await drawn(panelOf(page, 1), "operator", OPERATOR, 25);
  const high = two.heights.flatMap((height, x) => (height > 5 ? [x] : []));
  assert.ok(high.length > 0 && high.every((x) => Math.abs(x - 25) <= 2 || Math.abs(x - 150) <= 2), `high at ${high}`);
  assert.ok(high.some((x) => Math.abs(x - 25) <= 2) && high.some((x) => Math.abs(x - 150) <= 2));
  assert.ok(Math.abs(Math.max(...two.heights) - 30) <= 1.5, "6,000 of 8,000");
  assert.equal(two.foreign, 0, "other colours");
  const loud = await drawn(panelOf(page, 2), "customer", CUSTOMER, 35);
  assert.ok(Math.abs(peak(loud.heights) - 50) <= 1 && Math.max(...loud.heights) >= 39, "20,000 is cut at 8,000");
  const short = await drawn(panelOf(page, 2), "operator", OPERATOR, 15);
  assert.ok(Math.abs(peak(short.heights) - 50) <= 1, `its peak is at ${peak(short.heights)}`);
  assertQuiet(seen);
  await context.close();
});

test("panels come in the order of their starts, with start, number, queue and state in words", async () => {
  const { page, context, seen } = await open(tones.url, { timezoneId: "Asia/Tokyo" });
  await page.locator(".panel").nth(2).waitFor();
  const starts = await page.locator(".panel .start").allTextContents();
  assert.equal(starts.length, 3);
  for (const start of starts) assert.match(start, /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{3}$/);
  assert.deepEqual(starts, [...starts].sort());
  // In the zone of whoever looks.
  const tokyo = new Date(Date.now() + 9 * 3600_000).toISOString().slice(0, 13).replaceAll("-", "/").replace("T", " ");
  assert.equal(starts[0].slice(0, 13), tokyo);
  const text = await panelOf(page, 0).innerText();
  assert.match(text, /•+200/);
  assert.doesNotMatch(text, /5550100/, "a masked number is nowhere");
  assert.match(text, /1 kHz of 4,000 from the customer/);
  assertQuiet(seen);
  await context.close();
});

test("how soon the page is painted is told", async () => {
  const times = [];
  for (let turn = 0; turn < 5; turn++) {
    const { page, context } = await open(calls.url);
    const paint = await until(() => page.evaluate(() =>
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime), "the first paint");
    times.push(Math.round(paint));
    await context.close();
  }
  // A figure for docs/figures.md, no verdict: what else the machine does is not the page's.
  console.log(`first contentful paint, ms: ${times.join(" ")}`);
  assert.ok(times.every(Number.isFinite), `${times}`);
});

test("who talks, holds, breaks and silence are told in words, and panels go", { timeout: 120_000 }, async () => {
  const own = await run(["monitor", "--demo", "--port", "0"]);
  const { page, context, seen } = await open(own.url);
  const panel = (queue, number) => page.locator(".panel", { hasText: queue }).filter({ hasText: number });
  const first = panel("Support", "142");
  const cut = panel("Orders", "177");
  const oneWay = panel("Support", "108");
  await first.locator('.state:has-text("customer talks")').waitFor();
  assert.match(await first.locator('.side.talks .who').innerText(), /Customer/);
  await first.locator('.state:has-text("operator talks")').waitFor();
  await oneWay.waitFor();
  assert.equal(await page.locator(".panel").count(), 3);
  assert.match(await page.title(), /^\(3\)/);
  await shoot(page, "monitor-three-calls");
  await cut.locator('.state:has-text("broke off")').waitFor({ timeout: 40_000 });
  await cut.locator('.warnings:has-text("broke off and came again")').waitFor();
  await cut.locator('.tally:has-text("1 reconnect")').waitFor();
  await first.locator('.state:has-text("no sound for")').waitFor({ timeout: 40_000 });
  await oneWay.locator('.warnings:has-text("Operator silent for 0:2")').waitFor({ timeout: 40_000 });
  await shoot(page, "monitor-warnings");
  await oneWay.locator('.state:has-text("call over")').waitFor({ timeout: 60_000 });
  await oneWay.waitFor({ state: "detached" });
  assert.equal(await page.locator(".panel").count(), 2);
  assertQuiet(seen);
  await context.close();
  await own.stop();
});

test("by keyboard alone: a call is listened to, a side is muted, and it ends", async () => {
  const { page, context, seen } = await open(tones.url, { before: hear });
  await page.locator(".panel").nth(2).waitFor();
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);
  await page.keyboard.press("Tab");
  assert.match(await focused(), /^Listen in to the call that started/);
  // Nothing is heard before it is asked for.
  assert.equal(await page.evaluate(() => window.ears.length), 0);
  await page.keyboard.press("Enter");
  await until(() => page.evaluate(() => window.ears.at(-1)?.loudest() > 0.1), "the customer's tone");
  // 4,000 of 32,768.
  const loudest = await page.evaluate(() => window.ears.at(-1).loudest());
  assert.ok(Math.abs(loudest - 0.122) < 0.02, `${loudest}`);
  assert.match(await panelOf(page, 0).locator(".hearing").innerText(), /you hear this call/);
  await until(() => /somebody listens in to de300000/.test(tones.told.out), "who started the monitor is told");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "Mute customer");
  await page.keyboard.press("Space");
  await until(() => page.evaluate(() => window.ears.at(-1).loudest() < 0.001), "a muted side is silent");
  assert.equal(await page.getByRole("button", { name: "Mute customer" }).getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Space");
  await until(() => page.evaluate(() => window.ears.at(-1).loudest() > 0.1), "it is heard again");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await until(() => page.evaluate(() => window.ears.at(-1).state() === "closed"), "the sound ends");
  await until(() => /nobody listens in to de300000/.test(tones.told.out), "and that is told");
  assertQuiet(seen);
  await context.close();
});

/** Lets a test measure what the loudspeaker would get. */
async function hear(page) {
  await page.addInitScript(() => {
    window.ears = [];
    const Own = window.AudioContext;
    window.AudioContext = class extends Own {
      constructor(...args) {
        super(...args);
        this.meter = super.createAnalyser();
        this.meter.fftSize = 2048;
        window.ears.push({
          loudest: () => {
            const wave = new Float32Array(2048);
            this.meter.getFloatTimeDomainData(wave);
            return Math.max(...wave.map(Math.abs));
          },
          state: () => this.state,
        });
      }

      createGain() {
        const gain = super.createGain();
        gain.connect(this.meter);
        return gain;
      }
    };
  });
}

for (const [name, options] of Object.entries({
  light: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  "phone-dark": { viewport: { width: 360, height: 740 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true, colorScheme: "dark" },
})) {
  test(`axe finds nothing, and nothing is cut off: ${name}`, async () => {
    const own = await run(["monitor", "--demo", "--port", "0"]);
    const { page, context, seen } = await open(own.url, { ...options, reducedMotion: name === "dark" ? "reduce" : "no-preference" });
    await page.locator(".panel").nth(1).waitFor();
    await until(() => page.evaluate(() => [...document.querySelectorAll(".state")].some((state) => /talks/.test(state.textContent))), "talk");
    await assertAccessible(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, "no scrolling to the side");
    await shoot(page, `monitor-${name}`, { fullPage: true });
    assertQuiet(seen);
    await context.close();
    await own.stop();
  });
}

test("a page that loses its monitor says so, and goes on when it is there again", { timeout: 60_000 }, async () => {
  let own = await run(["monitor", "--demo", "--port", "0"]);
  const { page, context, seen } = await open(own.url);
  await page.locator(".panel").first().waitFor();
  const { port } = new URL(own.url);
  const ended = await own.stop();
  assert.equal(ended.code, 0, "it ends in good order");
  await page.locator('#notice:has-text("The monitor was ended")').waitFor();
  assert.equal(await page.locator("#count").textContent(), "", "nobody counts calls now");
  assert.equal(await page.locator(".panel .state").first().textContent(), "not known now");
  await shoot(page, "monitor-ended");
  own = await run(["monitor", "--demo", "--port", port]);
  await page.locator("#notice").waitFor({ state: "hidden" });
  await page.locator(".panel").first().waitFor();
  own.child.kill("SIGKILL");
  await page.locator('#notice:has-text("is lost")').waitFor();
  await assertAccessible(page);
  assert.deepEqual(seen.elsewhere, []);
  await context.close();
});

test("an empty page says so, and nothing of the kind when nobody tells it", async () => {
  const own = await run(["monitor", "--demo=tones", "--port", "0"]);
  /** A monitor without a call, whose line breaks when the test says so. */
  const quiet = (now) => {
    window.EventSource = class extends EventTarget {
      constructor() {
        super();
        if (window.lines === undefined) {
          const data = JSON.stringify({
            settings: { listening: true, columns: 600, column_millis: 50 }, now, calls: [],
          });
          setTimeout(() => this.dispatchEvent(new MessageEvent("whole", { data })));
        }
        window.lines = (window.lines ?? 0) + 1;
        window.break = () => this.dispatchEvent(new Event("error"));
      }
      close() {}
    };
  };
  const { page, context, seen } = await open(own.url, { before: (page) => page.addInitScript(quiet, Date.now()) });
  await page.locator('#none:has-text("No call in progress")').waitFor();
  await shoot(page, "monitor-empty");
  await page.evaluate(() => window.break());
  await page.locator('#notice:has-text("Nobody knows here whether a call is in progress")').waitFor();
  assert.equal(await page.locator("#none").isVisible(), false);
  await shoot(page, "monitor-empty-lost");
  assert.deepEqual(seen.elsewhere, []);
  await context.close();
  await own.stop();
});

test("what is from outside is text", async () => {
  const evil = '<img src=x onerror="window.evil=1">';
  const { page, context, seen } = await open(tones.url, {
    before: (page) => page.route("**/events", (route) => route.fulfill({
      contentType: "text/event-stream",
      body: `event: whole\ndata: ${JSON.stringify({
        settings: { listening: true, columns: 600, column_millis: 50 }, now: Date.now(),
        calls: [{
          contact: evil,
          about: {
            start: Date.now(), label: evil, order: 0, customer: evil, system: evil, queue: evil,
            state: { is: "failed", cause: evil }, talking: [], warnings: [{ is: "told", text: evil }],
            gaps: 0, gap_millis: 0, reconnects: 0, clipped: [0, 0],
          },
          customer: {}, operator: {},
        }],
      })}\n\n`,
    })),
  });
  await page.locator(".panel").waitFor();
  assert.equal(await page.locator(".panel img").count(), 0);
  assert.equal(await page.evaluate(() => window.evil), undefined);
  assert.match(await page.locator(".panel").innerText(), /<img src=x/);
  assert.deepEqual(seen.elsewhere, []);
  await context.close();
});

/** Asks as no browser would. */
function ask(url, { path = "/", method = "GET", headers = {} } = {}) {
  return new Promise((done, fail) => {
    const asked = request(new URL(path, url), { method, headers }, (answer) => {
      let text = "";
      answer.on("data", (data) => {
        text += data;
        // An answer that does not end is known by its beginning.
        if (text.length > 10_000) answer.destroy();
      });
      answer.on("close", () => done({ status: answer.statusCode, headers: answer.headers, text }));
    });
    asked.on("error", fail);
    asked.end();
  });
}

test("foreign names and other sites' pages get nothing, and every answer has its headers", async () => {
  const { url } = calls;
  const host = new URL(url).host;
  for (const path of ["/", "/events", "/monitor.js", "/nowhere", "/calls/x/sound"]) {
    const foreign = await ask(url, { path, headers: { Host: "evil.example" } });
    assert.equal(foreign.status, 421, path);
    const site = await ask(url, { path, headers: { Host: host, Origin: "http://evil.example" } });
    assert.equal(site.status, 403, path);
    for (const { headers } of [foreign, site]) assert.match(headers["content-security-policy"], /default-src 'self'/);
  }
  const page = await ask(url);
  assert.equal(page.status, 200);
  assert.match(page.headers["content-security-policy"], /default-src 'self'.*frame-ancestors 'none'/);
  assert.equal(page.headers["x-content-type-options"], "nosniff");
  assert.equal(page.headers["access-control-allow-origin"], undefined);
  const again = await ask(url, { headers: { "If-None-Match": page.headers.etag } });
  assert.deepEqual([again.status, again.text], [304, ""]);
  assert.equal((await ask(url, { path: "/nowhere" })).status, 404);
  assert.equal((await ask(url, { path: "/calls/nobody/sound" })).status, 404);
  assert.equal((await ask(url, { path: "/../Cargo.toml" })).status, 404);
  assert.equal((await ask(url, { method: "POST" })).status, 405);
});

test("a port in use is told, and what may not be heard is not", async () => {
  const { port } = new URL(calls.url);
  await assert.rejects(run(["monitor", "--demo", "--port", port]), /ended with 1: error: port \d+ of 127.0.0.1 is in use/);
  const own = await run(["monitor", "--demo", "--port", "0", "--no-listening", "--show-numbers"]);
  const { page, context, seen } = await open(own.url);
  await page.locator('.panel:has-text("+15550100142")').waitFor();
  assert.equal(await page.getByRole("button", { name: /Listen/ }).count(), 0);
  const contact = await page.locator(".fact-contact dd").first().innerText();
  assert.equal((await ask(own.url, { path: `/calls/${contact}/sound` })).status, 403);
  assertQuiet(seen);
  await context.close();
  await own.stop();
});
