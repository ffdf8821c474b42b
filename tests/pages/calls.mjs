// What the tests of the archive's pages look at: calls that `callreel synth` makes and `callreel record` records, and
// what others could have put into a verdict.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { close, open, program, run, until } from "./harness.mjs";

export const HOSTILE = "<img src=x onerror=\"window.bitten=1\">\u202e{count}";

/** Where the calls lie, and the archive that shows them, once they are recorded. */
export let folder;
export let archive;

/** Records a made-up call into the folder; gives what its files' names begin with. */
function record(contact, flags, change = () => {}) {
  const demo = mkdtempSync(join(tmpdir(), "synth-"));
  const [out] = [join(folder, "out")];
  execFileSync(program, ["synth", "--contact", contact, "--out", demo, ...flags]);
  try {
    execFileSync(program, ["record", join(demo, "event.json"), "--out", out], { stdio: "ignore" });
  } catch {
    // What did not come is told by its verdict.
  }
  rmSync(demo, { recursive: true });
  const day = join(out, "recordings/2025/10/09");
  const name = readdirSync(day).find((file) => file.startsWith(`${contact}_`) && file.endsWith("_verdict.json"));
  const path = join(day, name);
  const verdict = JSON.parse(readFileSync(path));
  change(verdict);
  writeFileSync(path, JSON.stringify(verdict));
  return path.slice(0, -"_verdict.json".length);
}

const HOURS_12 = 12 * 3600;

/** A call of 12 hours: its mix is as long as it says, and holds nothing on the disk but its last minute. */
function recordLong() {
  const base = record("long", ["--seconds", "2", "--seed", "8"], (verdict) => {
    verdict.call.queue = "Long";
    Object.assign(verdict.span, { samples: HOURS_12 * 8000, seconds: HOURS_12, starts_at: "2025-10-09T09:00:00.000Z" });
    verdict.files = verdict.files.filter(({ kind }) => kind === "mixed");
    verdict.files[0].bytes = 44 + HOURS_12 * 32_000;
    verdict.files[0].sha256 = "0".repeat(64);
  });
  const wav = readFileSync(`${base}_mixed.wav`);
  wav.writeUInt32LE(36 + HOURS_12 * 32_000, 4);
  wav.writeUInt32LE(HOURS_12 * 32_000, 40);
  const file = openSync(`${base}_mixed.wav`, "w");
  writeSync(file, wav.subarray(0, 44));
  const tone = Buffer.alloc(60 * 32_000);
  for (let at = 0; at < 60 * 8000; at++) {
    tone.writeInt16LE(Math.round(9000 * Math.sin(at / 3)), 4 * at);
    tone.writeInt16LE(Math.round(4000 * Math.sin(at / 2)), 4 * at + 2);
  }
  writeSync(file, tone, 0, tone.length, 44 + (HOURS_12 - 60) * 32_000);
  ftruncateSync(file, 44 + HOURS_12 * 32_000);
  closeSync(file);
  const points = HOURS_12 * 8000 / 256;
  const peaks = Buffer.alloc(24 + 4 * points);
  [2, 1, 8000, 256, points, 2].forEach((field, place) => peaks.writeUInt32LE(field, 4 * place));
  for (let at = 0; at < points; at++) {
    const height = 20 + Math.round(60 * Math.abs(Math.sin(at / 70_000)) * ((at * 7919) % 100) / 100);
    peaks.set([-height & 255, height, (-height / 2) & 255, height / 2], 24 + 4 * at);
  }
  writeFileSync(`${base}_peaks.dat`, peaks);
}

/** Records the calls, and serves them. */
export async function begin() {
  folder = mkdtempSync(join(tmpdir(), "archive-"));
  record("whole", ["--seconds", "60", "--seed", "7"], (verdict) => {
    verdict.call.customer = "+4930123456";
    verdict.call.queue = "Sales";
  });
  record("lossy", ["--seconds", "90", "--hold-at", "30..42", "--late-to", "2", "--lose", "20,21,55", "--seed", "2"], (verdict) => {
    Object.assign(verdict.recording, { initial_contact_id: "first" });
  });
  record("leg-two", ["--seconds", "20", "--one-way", "--seed", "3"], (verdict) => {
    Object.assign(verdict.recording, { initial_contact_id: "first" });
    verdict.span.starts_at = "2025-10-09T08:55:30.000Z";
    verdict.call.queue = "Claims";
  });
  record("hostile", ["--seconds", "5", "--seed", "4"], (verdict) => {
    verdict.call = { customer: HOSTILE, system: HOSTILE, queue: HOSTILE, agent: HOSTILE, initiation_method: HOSTILE };
    verdict.notes = [{ code: HOSTILE, detail: HOSTILE }];
    verdict.recording.contact_id = HOSTILE;
  });
  const gone = record("gone", ["--seconds", "5", "--seed", "5"]);
  rmSync(`${gone}_mixed.wav`);
  rmSync(`${gone}_peaks.dat`);
  const odd = record("odd", ["--seconds", "5", "--seed", "6"]);
  writeFileSync(`${odd}_verdict.json`, "{\"status\":");
  recordLong();
  archive = await run(["archive", join(folder, "out"), "--port", "0"]);
}

export async function end() {
  await close();
  await archive?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** The row of the search with this text. */
export const rowOf = (page, text) => page.locator("#rows tbody tr", { hasText: text });

/** Opens the page of a contact's recording, when all of it is there. */
export async function openCall(contact, place = "", options = {}) {
  const answer = await fetch(`${archive.url}api/recordings?contact=${contact}`);
  const [{ key }] = (await answer.json()).rows;
  const opened = await open(`${archive.url}call?recording=${encodeURIComponent(key)}${place}`, options);
  await opened.page.locator("#call-view[data-ready]").waitFor();
  return opened;
}

/** The second that the clock shows. */
export const seconds = async (page) => {
  const [m, s] = (await page.locator("#clock").innerText()).split(":").map(Number);
  return 60 * m + s;
};

/** Waits until it is at this second: what is told follows the next picture. */
export const isAt = (page, second) => until(async () => Math.abs((await seconds(page)) - second) < 0.06, `second ${second}`)
  .catch(async (error) => { throw new Error(`${error.message}, but ${await seconds(page)}`); });

/** How loud a side is just now, in dB below the loudest. */
export const level = (page, side) => page.locator(`.side[data-side="${side}"] .level`).getAttribute("aria-valuenow").then(Number);

/** The loudest that a side is in a second. */
export async function loudest(page, side) {
  let most = -60;
  for (let turn = 0; turn < 20; turn++) {
    most = Math.max(most, await level(page, side));
    await page.waitForTimeout(60);
  }
  return most;
}

/** Waits until a muted side is silent, and sees that it stays so for longer than a turn of talk lasts. */
export async function staysSilent(page, side) {
  await until(async () => (await loudest(page, side)) === -60, `${side} is muted`);
  for (let turn = 0; turn < 4; turn++) assert.equal(await loudest(page, side), -60, `${side} stays muted`);
}

/** Lets the archive's answer about a recording be another one. */
export const change = (how) => async (page) => page.route("**/api/recording?*", async (route) => {
  const answer = await route.fetch();
  const whole = await answer.json();
  how(whole);
  await route.fulfill({ response: answer, json: whole });
});

/** A store of another origin with a call's mix; its answers stop after so many bytes. */
export async function store({ cors, stops = Infinity }) {
  const wav = readFileSync(join(folder, "out/recordings/2025/10/09", readdirSync(join(folder, "out/recordings/2025/10/09")).find((it) => /^whole_.*_mixed\.wav$/.test(it))));
  const server = createServer((request, answer) => {
    const [, from = 0] = /^bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [];
    const headers = { "accept-ranges": "bytes", "content-type": "audio/wav", "content-length": wav.length - from, "content-range": `bytes ${from}-${wav.length - 1}/${wav.length}` };
    if (cors) Object.assign(headers, { "access-control-allow-origin": "*", "access-control-allow-headers": "range", "access-control-expose-headers": "content-range" });
    answer.writeHead(request.method === "OPTIONS" ? 204 : 206, request.method === "OPTIONS" ? { ...headers, "content-length": 0 } : headers);
    if (request.method === "OPTIONS") answer.end();
    else if (wav.length - from <= stops) answer.end(wav.subarray(from));
    else answer.write(wav.subarray(from, Number(from) + stops));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${server.address().port}/whole.wav`;
  const before = (page) => page.route(/api\/audio/, (route) => route.fulfill({ json: { url, seconds: 300 } }));
  return {
    options: { before, bypassCSP: true },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
