// The archive's pages when things are not as usual: many recordings, odd ones, a store or a login that is gone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { archive, begin, change, end, openCall, rowOf, seconds, store } from "./calls.mjs";
import { assertAccessible, assertQuiet, columns, open, run, shoot, until } from "./harness.mjs";

before(begin);
after(end);

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
  await until(async () => (await seconds(page)) >= left, "where it was");
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
  const table = readFileSync(await saved.path(), "utf8");
  // Excel takes a table without this mark for one of another alphabet.
  assert.match(table, /^\ufeff"?starts_at"?,.*\r\n.*Sales.*\r\n$/);
  // A long one comes in pieces.
  const bare = (url) => fetch(url).then((answer) => answer.text());
  const all = await bare(`${archive.url}api/recordings.csv`);
  await page.getByRole("button", { name: "Clear" }).click();
  await until(async () => (await page.locator("#count").innerText()) === "7 recordings", "all of them");
  const lines = all.split("\r\n").slice(0, -1);
  assert.equal(lines.length, 8);
  const pieces = [];
  await page.route("**/api/recordings.csv?*", (route) => {
    const { searchParams } = new URL(route.request().url());
    assert.equal(searchParams.get("most"), "10000");
    const at = Number(searchParams.get("after")?.slice("behind ".length) ?? 0);
    pieces.push(at);
    const headers = { "content-type": "text/csv", ...(at + 3 < lines.length && { "callreel-next": encodeURIComponent(`behind ${at + 3}`) }) };
    return route.fulfill({ headers, body: lines.slice(at, at + 3).map((line) => `${line}\r\n`).join("") });
  });
  const [whole] = await Promise.all([page.waitForEvent("download"), csv.click()]);
  assert.equal(readFileSync(await whole.path(), "utf8"), `\ufeff${all}`);
  assert.deepEqual(pieces, [0, 3, 6]);
  assert.equal(await page.locator("#count").innerText(), "7 recordings");
  await page.unroute("**/api/recordings.csv?*");
  await page.goBack();
  await rowOf(page, "Sales").waitFor();
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

test("a long call that is too loud all the time, and one of no sensible length, open at once", async () => {
  const HOURS_4 = 4 * 3600;
  const points = HOURS_4 * 8000 / 256;
  const peaks = Buffer.alloc(24 + 4 * points, 10);
  [2, 1, 8000, 256, points, 2].forEach((field, place) => peaks.writeUInt32LE(field, 4 * place));
  // Each side is as loud as can be 37,500 times, with breath between.
  for (let at = 0; at < points; at += 12) peaks.set([-128 & 255, 127, 0, 0], 24 + 4 * at), peaks.set([0, 0, -128 & 255, 127], 24 + 4 * (at + 5));
  const loud = change((whole) => {
    whole.verdict.span.seconds = HOURS_4;
    for (const side of ["from", "to"]) whole.verdict.sides[side].clipped_samples = 37_500;
    whole.peaks = { state: "there", bytes: peaks.length };
  });
  const before = async (page) => {
    await loud(page);
    await page.route("**/api/peaks?*", (route) => {
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(route.request().headers().range ?? "") ?? [null, 0, peaks.length - 1];
      return route.fulfill({ body: peaks.subarray(Number(from), Number(to) + 1) });
    });
  };
  const began = Date.now();
  const { page, context, seen } = await openCall("whole", "", { before });
  const took = Date.now() - began;
  console.log(`a call of 4 hours with 75,000 places that are clipped: opened in ${took} ms`);
  assert.ok(took < 15_000, `${took} ms`);
  assert.match(await page.locator("#marks").innerText(), /74,700 more are in the verdict\./);
  await shoot(page, "archive-loud");
  const draw = await page.evaluate(() => new Promise((done) => {
    const from = performance.now();
    document.getElementById("zoom-in").click();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - from)));
  }));
  assert.ok(draw < 500, `drawn in ${draw} ms`);
  assertQuiet(seen);
  await context.close();
  for (const [seconds, told] of [[1e12, /^277777777:46:40/], [-5, /^0:00\.0/]]) {
    const call = await openCall("whole", "", { before: change((whole) => { whole.verdict.span.seconds = whole.row.seconds = seconds; }) });
    assert.match(await call.page.locator("#clock-of").innerText(), told);
    assertQuiet(call.seen);
    await call.context.close();
  }
});

test("a store without a CORS rule is heard all the same, and what is lacking is told", async () => {
  const bucket = await store({ cors: false });
  const { page, context } = await openCall("whole", "&t=20", bucket.options);
  await page.getByRole("button", { name: "Play" }).click();
  await page.getByText("sides cannot be muted, turned up or drawn close, since the store's CORS rule").waitFor();
  await until(async () => (await seconds(page)) > 21, "it plays, from where it was");
  assert.ok(await page.getByRole("button", { name: "Mute customer" }).isDisabled());
  await shoot(page, "archive-no-cors", { fullPage: true });
  await assertAccessible(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.locator("#wave").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Space");
  await until(async () => (await seconds(page)) > 26, "it goes on, five seconds later");
  for (let turn = 0; turn < 6; turn++) await page.keyboard.press("+");
  await page.getByText("The samples cannot be drawn: the store that keeps it does not answer").waitFor();
  await context.close();
  // One that is away is told.
  bucket.stop();
  const away = await openCall("whole", "&t=20", bucket.options);
  await away.page.getByRole("button", { name: "Play" }).click();
  await away.page.getByText("The sound cannot be played: the store that keeps it does not answer").waitFor();
  assert.ok(await away.page.getByRole("button", { name: "Mute customer" }).isEnabled());
  await away.context.close();
});

test("a sound that stops coming is told", async () => {
  const bucket = await store({ cors: true, stops: 44 + 3 * 32_000 });
  const { page, context } = await openCall("whole", "", bucket.options);
  assert.equal(await page.locator("#wave").getAttribute("aria-valuetext"), "0:00 of 1:00");
  await page.getByRole("button", { name: "Play" }).click();
  await page.getByText("The sound does not come; it goes on when it does").waitFor();
  await shoot(page, "archive-waiting");
  await page.getByRole("button", { name: "Pause" }).click();
  await until(async () => (await page.locator("#told").innerText()) === "", "nothing is waited for");
  bucket.stop();
  await context.close();
});

test("who may see nothing is not told how to run a desk", async () => {
  const before = (page) => page.route("**/api/recordings?*", (route) =>
    route.fulfill({ json: { me: { name: "mia@example.com", login: true }, rows: [], next: null, back_to: null, problems: [] } }));
  const { page, context, seen } = await open(archive.url, { before });
  await page.getByText("There are no recordings that you may see").waitFor();
  assert.ok(!/desk/.test(await page.locator("main").innerText()));
  await shoot(page, "archive-none-yours");
  await assertAccessible(page);
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
  await until(async () => /11:59:1[1-9]/.test(await page.locator("#clock").innerText()), "it plays");
  assert.equal(links, 1);
  isUsedUp = true;
  // The middle of twelve hours: what a browser has read already, and plays without its link, lies at both ends.
  await page.locator("#wave").click();
  await until(() => links === 2, "another link");
  await until(async () => /^(5:59|6:00):/.test(await page.locator("#clock").innerText()), "it is where it was sought");
  const sought = await page.locator("#clock").innerText();
  await until(async () => (await page.locator("#clock").innerText()) > sought, "it goes on from there");
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
    const [before, asked] = [await seconds(page), Date.now()];
    await ask(page);
    await page.waitForURL("**/login?to=*");
    const to = new URL(new URL(page.url()).searchParams.get("to"), archive.url);
    const at = Number(to.searchParams.get("t"));
    // The clock shows tenths.
    const after = before + (Date.now() - asked) / 1000;
    assert.ok(at >= before - 0.06 && at <= after + 0.06, `${what}: ${at}, and it was between ${before} and ${after}`);
    await context.close();
  }
});
