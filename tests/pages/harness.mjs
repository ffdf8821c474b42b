// What all tests of pages stand on: Callreel as a process of its own, Debian's Chromium, and what a page must not
// do: say an error on the console, ask anybody else for anything, or be out of reach for keyboard and screen reader.
//
// CALLREEL is the program (default target/release/callreel), CALLREEL_ALL one of a build with all features (default
// target/debug/callreel, as `cargo test --all-features` leaves it), CHROMIUM the browser (default /usr/bin/chromium),
// SHOTS the folder that screenshots go to (default tests/pages/shots).

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, "../..");
export const program = resolve(process.env.CALLREEL ?? join(root, "target/release/callreel"));
const shots = resolve(process.env.SHOTS ?? join(here, "shots"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** How long anything may take before a test says that it did not come. */
export const PATIENCE = 20_000;

/** Runs `callreel`, or another program, with these arguments until a line that `ready` finds something in; gives what it found. */
export async function run(args, ready = /https?:\/\/\S+/, of = program) {
  const child = spawn(of, args, { stdio: ["ignore", "pipe", "pipe"] });
  const told = { out: "", err: "" };
  child.stderr.on("data", (data) => (told.err += data));
  const ended = new Promise((done) => child.on("exit", (code, signal) => done({ code, signal })));
  const found = await new Promise((done, fail) => {
    const late = setTimeout(() => fail(new Error(`not ready: ${told.out}${told.err}`)), PATIENCE);
    child.stdout.on("data", (data) => {
      told.out += data;
      const match = told.out.match(ready);
      if (match) {
        clearTimeout(late);
        done(match[0]);
      }
    });
    child.on("error", fail);
    ended.then(({ code }) => fail(new Error(`ended with ${code}: ${told.out}${told.err}`)));
  });
  const stop = async (signal = "SIGTERM") => {
    child.kill(signal);
    return ended;
  };
  return { url: found, child, told, stop, ended };
}

let browser;

/** One browser for a file of tests. */
export async function launch() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
  });
  return browser;
}

export async function close() {
  await browser?.close();
  browser = undefined;
}

/** Opens a page in a context of its own, and watches what it does. `options` are the context's. */
export async function open(url, options = {}) {
  const context = await (await launch()).newContext({ viewport: { width: 1100, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const seen = { errors: [], elsewhere: [], requests: [] };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.errors.push(message.text());
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => {
    seen.requests.push(request.url());
    const { origin, protocol } = new URL(request.url());
    if (origin !== new URL(url).origin && protocol !== "data:") seen.elsewhere.push(request.url());
  });
  await options.before?.(page);
  await page.goto(url);
  return { page, context, seen };
}

/** The page said no error, and asked nobody else for anything. */
export function assertQuiet(seen) {
  assert.deepEqual(seen.errors, [], "errors on the console");
  assert.deepEqual(seen.elsewhere, [], "requests to somewhere else");
}

/** axe-core finds nothing to complain of. */
export async function assertAccessible(page) {
  // The page's policy lets no script in; the browser's own tools are not bound by it.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.html).join("\n  ")}`);
  assert.deepEqual(told, []);
}

/** A picture for people to look at, and where it lies. */
export async function shoot(page, name, options = {}) {
  mkdirSync(shots, { recursive: true });
  const path = join(shots, `${name}.png`);
  await page.screenshot({ path, ...options });
  return path;
}

/** Waits until `ask` gives something true; gives that. */
export async function until(ask, what, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`did not come: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/**
 * The pixels of a canvas, as columns: for each x how high up something is drawn in `colour` (`#rrggbb`), in pixels from
 * the bottom, and how many pixels are neither that nor `ground` or between the two.
 */
export async function columns(canvas, colour, ground = "#ffffff") {
  return canvas.evaluate((node, [colour, ground]) => {
    const rgb = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
    const [ink, paper] = [rgb(colour), rgb(ground)];
    const { width, height } = node;
    const { data } = node.getContext("2d").getImageData(0, 0, width, height);
    const heights = [];
    let foreign = 0;
    for (let x = 0; x < width; x++) {
      let highest = 0;
      for (let y = 0; y < height; y++) {
        const at = 4 * (y * width + x);
        // How much of the pixel is ink: edges are smoothed.
        const parts = ink.map((value, part) =>
          value === paper[part] ? null : (data[at + part] - paper[part]) / (value - paper[part]));
        const known = parts.filter((part) => part !== null);
        const share = known.reduce((sum, part) => sum + part, 0) / known.length;
        if (known.some((part) => Math.abs(part - share) > 0.06) || share < -0.05 || share > 1.05) foreign++;
        if (share > 0.04) highest = Math.max(highest, height - y - 1 + Math.min(1, share));
      }
      heights.push(highest);
    }
    return { width, height, heights, foreign };
  }, [colour, ground]);
}
