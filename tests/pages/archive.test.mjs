// The archive's pages over a folder: calls that `callreel synth` makes and `callreel record` records, and what others
// could have put into a verdict.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, assertQuiet, close, columns, open, program, run, shoot, until } from "./harness.mjs";

const HOSTILE = "<img src=x onerror=\"window.bitten=1\">\u202e{count}";

let folder;
let archive;

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

before(async () => {
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
});

after(async () => {
  await close();
  await archive?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const rowOf = (page, text) => page.locator("#rows tbody tr", { hasText: text });

/** Opens the page of a contact's recording, when all of it is there. */
async function openCall(contact, hash = "", options = {}) {
  const answer = await fetch(`${archive.url}api/recordings?contact=${contact}`);
  const [{ key }] = (await answer.json()).rows;
  const opened = await open(`${archive.url}call?recording=${encodeURIComponent(key)}${hash}`, options);
  await opened.page.locator("#call-view[data-ready]").waitFor();
  return opened;
}

const seconds = async (page) => {
  const [m, s] = (await page.locator("#clock").innerText()).split(":").map(Number);
  return 60 * m + s;
};
/** Waits until it is at this second: what is told follows the next picture. */
const isAt = (page, second) => until(async () => Math.abs((await seconds(page)) - second) < 0.06, `second ${second}`, 3_000)
  .catch(async (error) => { throw new Error(`${error.message}, but ${await seconds(page)}`); });
const level = (page, side) => page.locator(`.side[data-side="${side}"] .level`).getAttribute("aria-valuenow").then(Number);
/** The loudest that a side is in a second. */
async function loudest(page, side) {
  let most = -60;
  for (let turn = 0; turn < 20; turn++) {
    most = Math.max(most, await level(page, side));
    await page.waitForTimeout(60);
  }
  return most;
}

test("recordings are found, newest first, by what is asked", async () => {
  const { page, context, seen } = await open(archive.url);
  await rowOf(page, "Sales").waitFor();
  assert.equal(await page.locator("#count").innerText(), "7 recordings");
  assert.match(await page.locator("#rows tbody tr").first().innerText(), /12:00:00\s+complete/);
  assert.match(await page.locator("#rows tbody tr").nth(1).innerText(), /Claims/);
  await assertAccessible(page);
  await shoot(page, "archive-search");
  await page.getByLabel("Number").fill("030 1234");
  await page.getByRole("button", { name: "Search" }).click();
  await until(async () => (await page.locator("#count").innerText()) === "1 recording", "one recording");
  assert.match(page.url(), /\?number=030/);
  const csv = await (await fetch(new URL(await page.locator("#csv").getAttribute("href"), archive.url))).text();
  assert.equal(csv.trim().split("\r\n").length, 2);
  // Back is what was before, and an address is a search.
  await page.goBack();
  await until(async () => (await page.locator("#count").innerText()) === "7 recordings", "all of them again");
  await page.getByLabel("Silent side").selectOption("to");
  await page.getByRole("button", { name: "Search" }).click();
  await until(async () => (await page.locator("#count").innerText()) === "2 recordings", "the silent ones");
  await page.getByLabel("Queue").fill("nobody's");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("No recording found").waitFor();
  await shoot(page, "archive-none");
  await page.getByLabel("Longer than").fill("9");
  await page.getByLabel("From day").fill("2025-10-09");
  await page.getByLabel("To day").fill("2025-10-08");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("to: it must be later than from").waitFor();
  await shoot(page, "archive-wrong");
  // The browser itself tells of the status 400.
  assert.deepEqual(seen.elsewhere, []);
  await context.close();
});

test("a call is opened and played: its time goes on, both sides sound, and each can be muted", async () => {
  const { page, context, seen } = await open(archive.url);
  await rowOf(page, "Sales").click();
  await page.locator("#call-view[data-ready]").waitFor();
  assert.match(await page.locator("#verdict").innerText(), /Complete: all \d+ fragments came\./);
  assert.ok(!seen.requests.some((url) => url.includes("/api/audio")), "no sound before play");
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => (await seconds(page)) > 1, "the time goes on");
  const loud = { from: -60, to: -60 };
  await until(async () => {
    for (const side of ["from", "to"]) loud[side] = Math.max(loud[side], await level(page, side));
    return loud.from > -40 && loud.to > -40;
  }, "both sides sound");
  await page.getByRole("button", { name: "Mute customer" }).click();
  await page.waitForTimeout(300);
  assert.equal(await loudest(page, "from"), -60, "the customer is muted");
  assert.ok((await loudest(page, "to")) > -60, "the agent is not");
  await page.getByRole("button", { name: "Mute customer" }).click();
  await page.getByRole("button", { name: "Mute agent" }).click();
  await page.waitForTimeout(300);
  assert.equal(await loudest(page, "to"), -60, "the agent is muted");
  await page.getByLabel("Speed").selectOption("2");
  const [before, began] = [await seconds(page), Date.now()];
  await page.waitForTimeout(2000);
  const pace = ((await seconds(page)) - before) / ((Date.now() - began) / 1000);
  assert.ok(pace > 1.5 && pace < 2.5, `twice as fast: ${pace}`);
  await shoot(page, "archive-playing");
  await page.getByRole("button", { name: "Pause" }).click();
  const paused = await seconds(page);
  await page.waitForTimeout(400);
  assert.equal(await seconds(page), paused);
  assertQuiet(seen);
  await context.close();
});

test("a click seeks, a link leads to a second, a stretch is looped", async () => {
  const { page, context, seen } = await openCall("whole", "#t=30.5");
  await isAt(page, 30.5);
  const box = await page.locator("#wave").boundingBox();
  await page.mouse.click(box.x + box.width * 0.75, box.y + 60);
  await until(async () => Math.abs((await seconds(page)) - 45) < 0.5, "second 45");
  await page.getByRole("button", { name: "Link to here" }).click();
  assert.match(page.url(), /\?recording=[^#]*&t=4[45]/);
  await page.reload();
  await page.locator("#call-view[data-ready]").waitFor();
  await until(async () => Math.abs((await seconds(page)) - 45) < 0.5, "second 45, by the link");
  await page.evaluate(() => (location.hash = "#t=12.5,14"));
  await until(async () => (await seconds(page)) === 12.5, "the other second");
  await page.getByRole("button", { name: "Loop", exact: true }).click();
  await page.getByRole("button", { name: "Play" }).click();
  let leaps = 0;
  let last = 0;
  await until(async () => {
    const now = await seconds(page);
    assert.ok(now >= 12.3 && now <= 14.6, `${now} is in the stretch`);
    if (now < last - 0.5) leaps++;
    last = now;
    return leaps >= 2;
  }, "it begins again");
  await shoot(page, "archive-loop");
  // Dragging chooses another one.
  await page.mouse.move(box.x + box.width * 0.2, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 60, { steps: 5 });
  await page.mouse.up();
  assert.match(await page.locator("#loop-span").innerText(), /^0:1[12]\.\d+ to 0:2[34]/);
  await page.getByRole("button", { name: "Link to here" }).click();
  assert.match(page.url(), /&t=1[12][.\d]*,2[34][.\d]*$/);
  // The stretch that somebody typed the wrong way round begins where it begins. What plays would be beyond it before one looks.
  await page.getByRole("button", { name: "Pause" }).click();
  await page.evaluate(() => (location.hash = "#t=20,10"));
  await isAt(page, 10);
  assert.equal(await page.locator("#loop-span").innerText(), "0:10.00 to 0:20.00");
  assertQuiet(seen);
  await context.close();
});

test("keys that a keyboard has behind AltGr do what they do on others", async () => {
  const { page, context, seen } = await openCall("whole", "&t=20");
  await isAt(page, 20);
  const span = () => page.locator("#loop-span").innerText();
  const press = (options) => page.evaluate((options) => document.body.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...options })), options);
  // Ctrl with a bracket is the browser's own.
  await press({ key: "[", ctrlKey: true });
  assert.equal(await span(), "no stretch is chosen");
  await press({ key: "[", ctrlKey: true, altKey: true, modifierAltGraph: true });
  assert.equal(await span(), "0:20.00 to 0:25.00");
  await press({ key: "ArrowRight" });
  await press({ key: "ArrowRight", shiftKey: true });
  await isAt(page, 55);
  await press({ key: "]", altKey: true });
  assert.equal(await span(), "0:20.00 to 0:55.00");
  assertQuiet(seen);
  await context.close();
});

test("the list is where one left it when one comes back from a call, and goes on to its end", async () => {
  const { page, context, seen } = await open(archive.url);
  await rowOf(page, "Sales").waitFor();
  const [{ key, row }] = (await (await fetch(`${archive.url}api/recordings?contact=whole`)).json()).rows;
  const ALL = 1_000;
  let asked = 0;
  await page.route("**/api/recordings?*", (route) => {
    asked++;
    const after = Number(new URL(route.request().url()).searchParams.get("after") ?? 0);
    const rows = Array.from({ length: 200 }, (_, place) => {
      const at = after + place;
      // Some rows are higher than others.
      const queue = at % 7 ? `Queue ${at}` : `Queue ${at} ${"with a long name ".repeat(4)}`;
      return { key: `${key}?${at}`, row: { ...row, queue, starts_at: new Date(Date.UTC(2025, 5, 1) - at * 60_000).toISOString() } };
    });
    const next = after + 200 < ALL ? String(after + 200) : null;
    return route.fulfill({ json: { me: { name: "", login: false }, rows, next, back_to: next && "2025-06-01T00:00:00Z", problems: [] } });
  });
  await page.route(/api\/(recording|peaks)\?/, async (route) => {
    const url = new URL(route.request().url());
    url.searchParams.set("key", key);
    await route.fulfill({ response: await route.fetch({ url: url.href }) });
  });
  await page.getByLabel("Queue").fill("Queue");
  await page.getByRole("button", { name: "Search" }).click();
  await rowOf(page, "Queue 1").first().waitFor();
  // Who holds the End key is at the end again in the very moment in which rows come.
  await page.evaluate(() => {
    const down = () => scrollTo(0, document.body.scrollHeight);
    new MutationObserver(down).observe(document.querySelector("#rows tbody"), { childList: true });
    down();
  });
  await until(async () => (await page.locator("#count").innerText()) === "1,000 recordings", "all of them");
  const link = rowOf(page, "Queue 640").locator("a").first();
  await link.scrollIntoViewIfNeeded();
  const top = () => link.evaluate((node) => Math.round(node.getBoundingClientRect().top));
  const left = await top();
  const before = asked;
  for (const back of [() => page.goBack(), () => page.getByRole("link", { name: "Back to the recordings" }).click()]) {
    await link.click();
    await page.locator("#call-view[data-ready]").waitFor();
    assert.equal(await page.evaluate(() => scrollY), 0);
    await back();
    await page.locator("#search-view").waitFor();
    await page.waitForTimeout(300);
    assert.equal(await page.locator("#rows tbody tr").count(), ALL);
    assert.ok(Math.abs((await top()) - left) <= 2, `${await top()}, and it was ${left}`);
    assert.ok(await link.evaluate((node) => node === document.activeElement), "the row that was opened has the focus");
  }
  assert.equal(asked, before, "nothing is asked for anew");
  assert.equal(await page.getByLabel("Queue").inputValue(), "Queue");
  await page.locator("#home").click();
  await until(() => asked > before, "from the name of the pages on it begins anew");
  assertQuiet(seen);
  await context.close();
});

test("Back leads to the second at which one left a call that played", async () => {
  const { page, context, seen } = await openCall("whole", "&t=20");
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => (await seconds(page)) > 21, "it plays");
  const left = await seconds(page);
  await page.locator("#home").click();
  await rowOf(page, "Sales").waitFor();
  await page.goBack();
  await page.locator("#call-view[data-ready]").waitFor();
  await until(async () => (await seconds(page)) >= left, "where it was", 3_000);
  assert.ok((await seconds(page)) < left + 3);
  assertQuiet(seen);
  await context.close();
});

test("a table is saved, and where it cannot be, the page says why", async () => {
  const { page, context } = await open(`${archive.url}?queue=Sales`);
  await rowOf(page, "Sales").waitFor();
  const csv = page.getByRole("link", { name: "Save as CSV" });
  const [saved] = await Promise.all([page.waitForEvent("download"), csv.click()]);
  assert.equal(saved.suggestedFilename(), "recordings.csv");
  assert.match(readFileSync(await saved.path(), "utf8"), /"Sales"|,Sales,/);
  await page.route("**/api/recordings.csv?*", (route) => route.fulfill({ status: 502, json: { error: "S3 is away" } }));
  await csv.click();
  await page.getByText("The table cannot be saved: S3 is away").waitFor();
  await shoot(page, "archive-not-saved");
  await page.unroute("**/api/recordings.csv?*");
  await page.route("**/api/recordings.csv?*", (route) => route.fulfill({ status: 401, json: { error: "nobody is logged in", login: "/login?to=/api" } }));
  await page.route("**/login?*", (route) => route.fulfill({ contentType: "text/html", body: "<title>Log in</title>" }));
  await csv.click();
  await page.waitForURL("**/login?to=*");
  assert.equal(new URL(page.url()).searchParams.get("to"), "/?queue=Sales");
  await context.close();
});

test("keyboard only: find, open, play, seek, zoom", async () => {
  const { page, context, seen } = await open(archive.url);
  await rowOf(page, "Sales").waitFor();
  const focused = () => page.evaluate(() => document.activeElement.closest("tr")?.innerText ?? document.activeElement.id);
  await page.locator("#search-title").focus();
  await until(async () => {
    await page.keyboard.press("Tab");
    return /Sales/.test(await focused());
  }, "the row, by Tab");
  await page.keyboard.press("Enter");
  await page.locator("#call-view[data-ready]").waitFor();
  assert.equal(await focused(), "call-title");
  await until(async () => {
    await page.keyboard.press("Tab");
    return (await focused()) === "wave";
  }, "the waveform, by Tab");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await isAt(page, 10);
  assert.equal(await page.locator("#wave").getAttribute("aria-valuenow"), "10");
  await page.keyboard.press("Space");
  await until(async () => (await seconds(page)) > 10.5, "it plays");
  await page.keyboard.press("Space");
  await page.keyboard.press("End");
  await isAt(page, 60);
  await page.keyboard.press("Home");
  for (let turn = 0; turn < 4; turn++) await page.keyboard.press("+");
  await page.getByText("drawn from the samples").waitFor();
  await shoot(page, "archive-samples");
  await page.keyboard.press("0");
  await page.getByText("0:00 to 1:00", { exact: true }).waitFor();
  assertQuiet(seen);
  await context.close();
});

test("what is lost is marked, named, and reached; parts are on one line", async () => {
  const { page, context, seen } = await openCall("lossy");
  assert.match(await page.locator("#verdict").innerText(), /Partial: 70 of 73 fragments came; 3\.26 s of sound are lost/);
  const marks = await page.locator("#marks").innerText();
  for (const word of ["on hold or muted", "lost:", "begins 2 s later", "fragment 9134"]) assert.ok(marks.includes(word), word);
  const box = await page.locator("#wave").boundingBox();
  await page.mouse.move(box.x + (box.width * 23) / 90, box.y + 60);
  assert.match(await page.locator("#tip").innerText(), /lost: 2\.18 s/);
  // The picture of docs/archive.md is a copy of this one.
  await shoot(page, "archive-marks", { fullPage: true });
  await page.locator("#marks button", { hasText: "on hold" }).first().click();
  await isAt(page, 30);
  await page.locator("body").click({ position: { x: 5, y: 300 } });
  await page.keyboard.press("n");
  await until(async () => (await seconds(page)) > 60, "the next mark");
  await assertAccessible(page);
  // From one leg to the other.
  assert.equal(await page.locator("#parts a").count(), 2);
  await page.locator("#parts a").nth(1).click();
  await page.getByText("what the customer heard is silent").waitFor();
  await page.locator("#call-view[data-ready]").waitFor();
  await shoot(page, "archive-one-way", { fullPage: true });
  assertQuiet(seen);
  await context.close();
});

test("silence is skipped when one wants it", async () => {
  const { page, context, seen } = await openCall("lossy", "#t=29.6");
  await page.getByLabel("Skip silence").check();
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => (await seconds(page)) >= 41, "it is past the hold", 6_000);
  assert.match(await page.locator("#told").innerText(), /of silence skipped/);
  assertQuiet(seen);
  await context.close();
});

test("what others wrote into a verdict is text and nothing else", async () => {
  const { page, context, seen } = await open(archive.url);
  await rowOf(page, "onerror").first().waitFor();
  assert.equal(await page.locator("main img").count(), 0);
  await rowOf(page, "onerror").first().click();
  await page.locator("#call-view[data-ready]").waitFor();
  assert.equal(await page.locator("#fact-customer").innerText(), HOSTILE.replace("\u202e", "\ufffd"));
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.evaluate(() => window.bitten), undefined);
  await shoot(page, "archive-hostile");
  assertQuiet(seen);
  await context.close();
});

test("a file that is gone is told before play, and the other sides are played", async () => {
  const { page, context, seen } = await openCall("gone");
  await page.getByText("The file “both sides, stereo” is not there").waitFor();
  await page.getByText("There is no waveform of this recording yet").waitFor();
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => (await seconds(page)) > 0.5, "the customer's side plays");
  await page.getByRole("button", { name: "Check it" }).click();
  await page.getByText("customer, mono: every byte is what was written.").waitFor();
  await shoot(page, "archive-gone", { fullPage: true });
  // The other side by itself.
  await page.getByLabel("File", { exact: true }).selectOption("to");
  await page.locator('.side[data-side="to"]').waitFor();
  await page.locator("#call-view[data-ready]").waitFor();
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => (await level(page, "to")) > -60, "the agent's side sounds");
  await assertAccessible(page);
  assertQuiet(seen);
  await context.close();
});

test("a verdict that cannot be read is a row that says so, and its sound plays", async () => {
  const { page, context, seen } = await open(archive.url);
  await rowOf(page, "unreadable").click();
  await page.locator("#call-view[data-ready]").waitFor();
  assert.match(await page.locator("#verdict").innerText(), /cannot be read: it is no verdict/);
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => (await seconds(page)) > 0.5, "it plays");
  await shoot(page, "archive-unreadable", { fullPage: true });
  assertQuiet(seen);
  await context.close();
});

test("a text without end breaks in its own cell, and the words of the others stay whole", async () => {
  const { page, context, seen } = await open(archive.url);
  await rowOf(page, "Sales").waitFor();
  const long = "x".repeat(300);
  await page.route("**/api/recordings?*", async (route) => {
    const answer = await route.fetch();
    const found = await answer.json();
    for (const { row } of found.rows.filter(({ row }) => row.contact_id.includes("onerror"))) {
      Object.assign(row, { customer: long, system: long, queue: long, agent: long, problem: `${long} ${long}` });
    }
    found.rows[0].row.agent = "lea@example.com";
    await route.fulfill({ response: answer, json: found });
  });
  for (const width of [360, 390, 760, 880, 881, 980, 981, 1080, 1081, 1100, 1180, 1181, 1500, 1900]) {
    await page.setViewportSize({ width, height: 800 });
    await page.getByRole("button", { name: "Look again" }).click();
    await rowOf(page, "xxxxxx").first().waitFor();
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `not wider than ${width}`);
    const beyond = await page.locator(".table").evaluate((it) => it.scrollWidth - it.clientWidth);
    assert.ok(beyond <= 0, `the table is not wider than its place at ${width}: ${beyond}`);
    const broken = await page.evaluate(() => [...document.querySelectorAll("#rows td")].flatMap((cell) => {
      const words = [];
      const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        for (const { 0: word, index } of texts.currentNode.data.matchAll(/\S+/g)) {
          const range = document.createRange();
          range.setStart(texts.currentNode, index);
          range.setEnd(texts.currentNode, index + word.length);
          const lines = new Set([...range.getClientRects()].map((it) => Math.round(it.top)));
          if (word.length < 13 && lines.size > 1) words.push(word);
        }
      }
      return words;
    }));
    assert.deepEqual(broken, [], `whole at ${width}`);
    await shoot(page, `archive-search-long-${width}`);
  }
  assertQuiet(seen);
  await context.close();
});

test("parts that overlap have rows of their own, and each can be pressed", async () => {
  // A warm transfer: the second leg begins before the first one ends, and a third one in it; then a short one at the end.
  const spans = [[0, 40], [30, 3_000], [31, 60], [32, 5], [3_010, 1]];
  const before = change((whole) => {
    const [{ row }] = whole.parts;
    whole.parts = spans.map(([at, seconds], place) => ({
      key: place === 1 ? whole.key : `${whole.key}?${place}`,
      row: { ...row, seconds, queue: `Queue ${place}`, starts_at: new Date(Date.UTC(2025, 9, 9, 8) + 1000 * at).toISOString() },
    }));
  });
  for (const [name, width] of [["wide", 1900], ["phone", 390], ["small", 320]]) {
    const { page, context, seen } = await openCall("whole", "", { before, viewport: { width, height: 800 } });
    const boxes = await page.locator("#parts a").evaluateAll((links) => links.map((link) => {
      const { left, right, top, bottom } = link.getBoundingClientRect();
      const pressed = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return { left, right, top, bottom, isOnTop: link.contains(pressed) };
    }));
    assert.equal(boxes.length, spans.length);
    boxes.forEach((one, place) => {
      assert.ok(one.isOnTop && one.right - one.left >= 32, `${name}: part ${place + 1}: ${JSON.stringify(one)}`);
      for (const other of boxes.slice(place + 1)) {
        const apart = one.right <= other.left + 1 || other.right <= one.left + 1 || one.bottom <= other.top || other.bottom <= one.top;
        assert.ok(apart, `${name}: ${JSON.stringify([one, other])}`);
      }
    });
    await shoot(page, `archive-parts-${name}`, { fullPage: true });
    await assertAccessible(page);
    assertQuiet(seen);
    await context.close();
  }
});

test("of a recording with one side alone, the waveform is that side's", async () => {
  const points = 600;
  const peaks = Buffer.alloc(24 + 2 * points);
  [2, 1, 8000, 256, points, 1].forEach((field, place) => peaks.writeUInt32LE(field, 4 * place));
  for (let at = 0; at < points; at++) peaks.set([-40 & 255, 40], 24 + 2 * at);
  for (const [kind, colour, word] of [["to", "#2a8f5b", "Agent"], ["from", "#d9622b", "Customer"]]) {
    // As its verdict was written before it named the waveform, and the waveform was made later.
    const older = change((whole) => {
      whole.files = whole.files.filter((file) => file.kind === kind);
      whole.verdict.sides[kind === "to" ? "from" : "to"] = null;
      whole.verdict.peaks = null;
      whole.verdict.sound = { ...whole.verdict.sound, [`${kind === "to" ? "from" : "to"}_share`]: null };
      whole.row.authorised = [kind];
      whole.peaks = { state: "there", bytes: peaks.length };
    });
    const before = async (page) => {
      await older(page);
      await page.route("**/api/peaks?*", (route) => route.fulfill({ body: peaks }));
    };
    const { page, context, seen } = await openCall("whole", "", { before });
    assert.deepEqual(await page.locator(".side .who-word").allInnerTexts(), [word]);
    const { heights } = await columns(page.locator("#overview"), colour);
    assert.ok(heights.slice(10, 90).every((height) => height > 4), `${heights.slice(10, 90)}`);
    const text = await page.locator("main").innerText();
    assert.match(text, new RegExp(`Only the ${word.toLowerCase()}'s side may be kept of this call`));
    assert.match(text, new RegExp(`The ${word.toLowerCase()} sounds \\d+ % of the time`));
    await shoot(page, `archive-only-${kind}`, { fullPage: true });
    assertQuiet(seen);
    await context.close();
  }
});

test("what the verdict knows no place of is told all the same", async () => {
  const before = change((whole) => {
    const { verdict } = whole;
    verdict.sides.from.clipped_samples = 1_234;
    verdict.sides.to.gaps.count = verdict.sides.to.gaps.list.length + 7;
    verdict.fragments.missing_list = [{ fragment: "9134-hidden", cause: "KVS had it no longer", at_seconds: null }];
    verdict.fragments.missing = 1;
    whole.peaks = null;
  });
  const { page, context, seen } = await openCall("whole", "", { before });
  const marks = await page.locator("#marks").innerText();
  assert.match(marks, /Customer: 1,234 samples are as loud as can be: clipped/);
  assert.match(marks, /fragment 9134-hidden is missing: KVS had it no longer/);
  assert.match(marks, /7 more are in the verdict\./);
  await shoot(page, "archive-placeless", { fullPage: true });
  await assertAccessible(page);
  assertQuiet(seen);
  await context.close();
});

test("dark, on a phone, and wide", async () => {
  for (const [name, options] of [
    ["dark", { colorScheme: "dark" }],
    ["phone", { viewport: { width: 390, height: 800 } }],
    ["phone-dark", { viewport: { width: 390, height: 800 }, colorScheme: "dark" }],
    ["wide", { viewport: { width: 1900, height: 900 } }],
    // What WCAG asks for (1.4.10, reflow): nothing is to be scrolled sideways at 320 pixels.
    ["small", { viewport: { width: 320, height: 640 } }],
  ]) {
    const search = await open(archive.url, options);
    await rowOf(search.page, "lossy").or(rowOf(search.page, "lost")).first().waitFor();
    await shoot(search.page, `archive-search-${name}`, { fullPage: true });
    await assertAccessible(search.page);
    const overflow = () => document.documentElement.scrollWidth - innerWidth;
    assert.ok((await search.page.evaluate(overflow)) <= 0, `the search is not wider than the ${name}`);
    await search.context.close();
    const call = await openCall("lossy", "#t=20", options);
    await shoot(call.page, `archive-call-${name}`, { fullPage: true });
    await assertAccessible(call.page);
    assert.ok((await call.page.evaluate(overflow)) <= 0, `the call is not wider than the ${name}`);
    assertQuiet(call.seen);
    await call.context.close();
  }
});

test("how soon both pages are painted is told", async () => {
  for (const path of ["", "call?recording=none"]) {
    const times = [];
    while (times.length < 5) {
      const { page, context } = await open(archive.url + path);
      const paint = await until(() => page.evaluate(() =>
        performance.getEntriesByName("first-contentful-paint")[0]?.startTime), "the first paint");
      times.push(Math.round(paint));
      await context.close();
    }
    // A figure for docs/figures.md, no verdict: what else the machine does is not the page's.
    console.log(`first contentful paint of /${path}, ms: ${times.join(" ")}`);
    assert.ok(times.every(Number.isFinite), `${times}`);
  }
});

test("a recording that is not there, and an archive that is gone, are told", async () => {
  const own = await run(["archive", join(folder, "out"), "--port", "0"]);
  const { page, context } = await open(`${own.url}call?recording=recordings/../x_verdict.json`);
  await page.getByText("This recording cannot be shown: there is no such recording here").waitFor();
  await shoot(page, "archive-nothing");
  await assertAccessible(page);
  assert.ok(await page.getByRole("button", { name: "Try again" }).isHidden(), "what is not there does not come");
  assert.ok(await page.locator("#me").isHidden(), "nobody logs in at the desk");
  await page.getByRole("link", { name: "Find a recording" }).click();
  await rowOf(page, "Sales").waitFor();
  // What fails for another reason can be tried again.
  await page.route("**/api/recording?*", (route) => route.fulfill({ status: 502, json: { error: "S3 is away" } }), { times: 1 });
  await rowOf(page, "Sales").click();
  await page.getByText("This recording cannot be shown: S3 is away").waitFor();
  await shoot(page, "archive-failed");
  await assertAccessible(page);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.locator("#call-view[data-ready]").waitFor();
  assert.ok(await page.locator("#notice").isHidden());
  await page.locator("#home").click();
  await rowOf(page, "Sales").waitFor();
  await own.stop();
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("the archive does not answer").waitFor();
  await context.close();
});

test("a call of 12 hours opens, zooms to its samples and plays at its end", async () => {
  const began = Date.now();
  const { page, context, seen } = await openCall("long");
  const opened = Date.now() - began;
  // Its waveform comes in pieces that the function can give.
  assert.equal(seen.requests.filter((url) => url.includes("/api/peaks")).length, 2);
  const zooms = [];
  const wave = await page.locator("#wave").boundingBox();
  for (let turn = 0; turn < 24; turn++) {
    // How long the page takes to draw what one turn of the wheel asks for.
    await page.mouse.move(wave.x + wave.width - 1, wave.y + 60);
    await page.mouse.wheel(0, -240);
    zooms.push(await page.evaluate(() => new Promise((done) => {
      const from = performance.now();
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from)));
    })));
  }
  await page.getByText("drawn from the samples").waitFor();
  assert.match(await page.locator("#view-span").innerText(), /^11:59:[\d.]+ to 11:59:/);
  zooms.sort((one, other) => one - other);
  console.log(`a call of 12 hours: opened in ${opened} ms, a zoom drawn within ${Math.round(zooms[12])} ms (median), ${Math.round(zooms.at(-1))} ms (most)`);
  await shoot(page, "archive-12-hours");
  await page.evaluate(() => (location.hash = "#t=43170"));
  await until(async () => /11:59:30/.test(await page.locator("#clock").innerText()), "half a minute before its end");
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => (await level(page, "from")) > -40 && (await level(page, "to")) > -40, "both sides sound");
  await until(async () => /11:59:3[1-9]/.test(await page.locator("#clock").innerText()), "the time goes on");
  const memory = await page.evaluate(() => performance.memory.usedJSHeapSize / 2 ** 20);
  assert.ok(memory < 100, `${memory} MiB of JavaScript's memory`);
  assertQuiet(seen);
  await context.close();
});

/** Lets the archive's answer about a recording be another one. */
const change = (how) => async (page) => page.route("**/api/recording?*", async (route) => {
  const answer = await route.fetch();
  const whole = await answer.json();
  how(whole);
  await route.fulfill({ response: answer, json: whole });
});

test("a file in an archive of the store is told with what to do", async () => {
  const before = change((whole) => {
    for (const file of whole.files) Object.assign(file, { state: "archived", class: "DEEP_ARCHIVE", object: `rec/${file.kind}.wav` });
  });
  const { page, context, seen } = await openCall("whole", "", { before });
  await page.getByText("lies in the storage class DEEP_ARCHIVE, and must be restored").first().waitFor();
  await page.getByText("--key rec/mixed.wav").waitFor();
  assert.ok(await page.getByRole("button", { name: "Play" }).isDisabled());
  await shoot(page, "archive-archived", { fullPage: true });
  await assertAccessible(page);
  assertQuiet(seen);
  await context.close();
});

test("a long file is checked piece by piece, with how far it came, and can be stopped", async () => {
  // 1.38 GB, of which the verdict has the hash of something else: read to its end, it is not what was written.
  const { page, context, seen } = await openCall("long");
  const began = Date.now();
  await page.getByRole("button", { name: "Check it" }).click();
  const bar = page.getByRole("progressbar");
  await bar.waitFor();
  await until(async () => (await bar.evaluate((it) => it.value)) > 0.1, "a tenth of it");
  await shoot(page, "archive-checking", { fullPage: true });
  await assertAccessible(page);
  await page.getByRole("button", { name: "Stop checking" }).click();
  await page.getByText("both sides, stereo: the check was stopped.").waitFor();
  assert.ok(await bar.isHidden());
  const asked = () => seen.requests.filter((url) => url.includes("/api/check")).length;
  const before = asked();
  await page.waitForTimeout(500);
  assert.equal(asked(), before, "nothing more is asked for");
  const again = Date.now();
  await page.getByRole("button", { name: "Check it" }).click();
  await page.getByText("both sides, stereo: it is not what was written.").waitFor({ timeout: 120_000 });
  console.log(`a call of 12 hours: stopped after ${again - began} ms, checked within ${Date.now() - again} ms in ${asked() - before} requests`);
  assert.ok(asked() - before > 20);
  assertQuiet(seen);
  await context.close();
});

test("a link that is used up is asked for anew, and it goes on where it was", async () => {
  let links = 0;
  let isUsedUp = false;
  const before = (page) => page.route(/api\/audio/, async (route) => {
    const request = route.request();
    if (request.method() === "POST") {
      links++;
      isUsedUp = false;
      const { url } = await (await route.fetch()).json();
      return route.fulfill({ json: { url: `${url}&link=${links}`, seconds: 300 } });
    }
    return isUsedUp ? route.fulfill({ status: 403, body: "expired" }) : route.continue();
  });
  const { page, context, seen } = await openCall("long", "#t=43150", { before });
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => /11:59:1/.test(await page.locator("#clock").innerText()), "it plays");
  assert.equal(links, 1);
  isUsedUp = true;
  await page.locator("#wave").focus();
  await page.keyboard.press("Home");
  await until(() => links === 2, "another link");
  await until(async () => /^0:0[1-9]/.test(await page.locator("#clock").innerText()), "it goes on where it was sought");
  assert.deepEqual(seen.elsewhere, []);
  await context.close();
});

test("an expired login leads to the login, and back to this very second", async () => {
  for (const [place, back] of [
    ["#t=30.5", /&t=30\.5$/],
    ["&t=30.5", /&t=30\.5$/],
    ["&t=20,10", /&t=10,20$/],
    ["&t=10,20&at=42.25", /&t=10,20&at=42\.25$/],
  ]) {
    const { page, context } = await openCall("whole", place);
    await page.route(/api\/audio/, (route) => route.fulfill({ status: 401, json: { error: "nobody is logged in", login: "/login" } }));
    await page.route("**/login?*", (route) => route.fulfill({ contentType: "text/html", body: "<title>Log in</title>" }));
    await page.getByRole("button", { name: "Play" }).click();
    await page.waitForURL("**/login?to=*");
    const to = new URL(page.url()).searchParams.get("to");
    assert.match(to, /^\/call\?recording=[^#]*whole[^#]*$/);
    assert.match(to, back);
    await context.close();
  }
});

test("a login that ends while a call plays leads back to where it played, whatever was asked for", async () => {
  const over = (route) => route.fulfill({ status: 401, json: { error: "nobody is logged in", login: "/login" } });
  for (const [what, ask] of [
    ["a download", (page) => page.getByRole("button", { name: "Download" }).click()],
    ["a check", (page) => page.getByRole("button", { name: "Check it" }).click()],
    ["samples", async (page) => {
      for (let turn = 0; turn < 4; turn++) await page.keyboard.press("+");
    }],
  ]) {
    const { page, context } = await openCall("whole", "&t=10");
    await page.getByRole("button", { name: "Play" }).click();
    await until(async () => (await seconds(page)) > 11, "it plays");
    await page.route(/api\/(audio|check)/, over);
    await page.route("**/login?*", (route) => route.fulfill({ contentType: "text/html", body: "<title>Log in</title>" }));
    const before = await seconds(page);
    await ask(page);
    await page.waitForURL("**/login?to=*");
    const to = new URL(new URL(page.url()).searchParams.get("to"), archive.url);
    const at = Number(to.searchParams.get("t"));
    assert.ok(at >= before && at < before + 4, `${what}: ${at}, and it was at ${before}`);
    await context.close();
  }
});
