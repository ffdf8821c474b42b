// The archive's pages over a folder: find, open, look at and listen to a call.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { archive, begin, change, end, folder, isAt, level, loudest, openCall, rowOf, seconds, staysSilent, HOSTILE } from "./calls.mjs";
import { assertAccessible, assertQuiet, open, run, shoot, until } from "./harness.mjs";

before(begin);
after(end);

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
  await staysSilent(page, "from");
  await until(async () => (await loudest(page, "to")) > -60, "the agent is not");
  await page.getByRole("button", { name: "Mute customer" }).click();
  await page.getByRole("button", { name: "Mute agent" }).click();
  await staysSilent(page, "to");
  await page.getByLabel("Speed").selectOption("2");
  // On a machine that does much else sound can stand still for a moment.
  let pace;
  await until(async () => {
    const [before, began] = [await seconds(page), Date.now()];
    await page.waitForTimeout(2000);
    pace = ((await seconds(page)) - before) / ((Date.now() - began) / 1000);
    return pace > 1.5 && pace < 2.5;
  }, "twice as fast").catch((error) => assert.fail(`${error.message}: ${pace}`));
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
  await until(async () => (await seconds(page)) >= 41, "it is past the hold, which lasts eleven seconds", 10_000);
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

test("a file in an archive of the store is told with what to do", async () => {
  for (const [name, more, told] of [
    ["archived", { class: "DEEP_ARCHIVE" }, "--key rec/mixed.wav --restore-request Days=7."],
    // What lies in a tier of Intelligent-Tiering is restored for good, and S3 takes no days.
    ["archived-tier", { class: "ARCHIVE_ACCESS" }, '--key rec/mixed.wav --restore-request \'{"GlacierJobParameters": {"Tier": "Standard"}}\'.'],
    ["restoring", { class: "GLACIER", comes_back: true }, "lies in GLACIER, and is being restored already"],
  ]) {
    const before = change((whole) => {
      for (const file of whole.files) Object.assign(file, { state: "archived", object: `rec/${file.kind}.wav`, ...more });
    });
    const { page, context, seen } = await openCall("whole", "", { before });
    await page.getByText(told).first().waitFor();
    assert.equal(await page.getByText("restore-object").count(), more.comes_back ? 0 : 3);
    assert.ok(await page.getByRole("button", { name: "Play" }).isDisabled());
    await shoot(page, `archive-${name}`, { fullPage: true });
    await assertAccessible(page);
    assertQuiet(seen);
    await context.close();
  }
});

test("a long file is checked piece by piece, with how far it came, and can be stopped", async () => {
  // 1.38 GB, of which the verdict has the hash of something else: read to its end, it is not what was written.
  // Pieces behind the third wait until somebody looked at how far it came.
  let goOn;
  const looked = new Promise((done) => (goOn = done));
  let pieces = 0;
  const waiting = (page) => page.route(/api\/check/, async (route) => {
    if (++pieces > 3) await looked;
    // Who stopped the check asks no more.
    await route.continue().catch(() => {});
  });
  const { page, context, seen } = await openCall("long", "", { before: waiting });
  await page.getByRole("button", { name: "Check it" }).click();
  const bar = page.getByRole("progressbar");
  await bar.waitFor();
  await until(async () => (await bar.evaluate((it) => it.value)) > 0.1, "a tenth of it");
  await shoot(page, "archive-checking", { fullPage: true });
  await assertAccessible(page);
  await page.getByRole("button", { name: "Stop checking" }).click();
  await page.getByText("both sides, stereo: the check was stopped.").waitFor();
  assert.ok(await bar.isHidden());
  goOn();
  const asked = () => seen.requests.filter((url) => url.includes("/api/check")).length;
  const before = asked();
  await page.waitForTimeout(500);
  assert.equal(asked(), before, "nothing more is asked for");
  const again = Date.now();
  await page.getByRole("button", { name: "Check it" }).click();
  await page.getByText("both sides, stereo: it is not what was written.").waitFor({ timeout: 120_000 });
  console.log(`a call of 12 hours: checked within ${Date.now() - again} ms in ${asked() - before} requests`);
  assert.ok(asked() - before > 20);
  assertQuiet(seen);
  await context.close();
});
