// The login before the archive's pages, in a browser: `callreel archive --login` against the provider that
// `callreel sandbox --oidc` plays. Both are of a build with all features (CALLREEL_ALL, default target/debug/callreel).

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { assertAccessible, close, open, root, run, shoot, until } from "./harness.mjs";

const all = resolve(process.env.CALLREEL_ALL ?? join(root, "target/debug/callreel"));
if (!existsSync(all)) {
  throw new Error(`${all} is not there: cargo build --all-features --bin callreel, or name it by CALLREEL_ALL`);
}
const RULES = { auditors: "all", "support-leads": { queues: ["Support"] }, agents: "own" };

let folder;
let out;
let sandbox;
let archive;
const keys = {};

function record(contact, queue, agent) {
  const demo = mkdtempSync(join(tmpdir(), "synth-"));
  execFileSync(all, ["synth", "--contact", contact, "--out", demo, "--seconds", "20"]);
  execFileSync(all, ["record", join(demo, "event.json"), "--out", out], { stdio: "ignore" });
  rmSync(demo, { recursive: true });
  const day = join(out, "recordings/2025/10/09");
  const name = readdirSync(day).find((file) => file.startsWith(`${contact}_`) && file.endsWith("_verdict.json"));
  const verdict = JSON.parse(readFileSync(join(day, name)));
  Object.assign(verdict.call, { queue, agent });
  writeFileSync(join(day, name), JSON.stringify(verdict));
  keys[contact] = `recordings/2025/10/09/${name}`;
}

const serve = (port) => run(
  ["archive", out, "--port", port, "--login", sandbox.url, "--rules", JSON.stringify(RULES)],
  /https?:\/\/\S+/,
  all,
);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "login-"));
  out = join(folder, "out");
  record("support", "Support", "lea@example.com");
  record("sales", "Sales", "mia@example.com");
  mkdirSync(join(folder, "streams"));
  const own = ["--streams", join(folder, "streams"), "--data", join(folder, "data")];
  sandbox = await run(["sandbox", "--oidc", ...own], /(?<=provider )\S+(?=,)/, all);
  archive = await serve("0");
});

after(async () => {
  await close();
  await archive?.stop();
  await sandbox?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const rows = (page) => page.locator("#rows tbody tr");
const callOf = (contact, place = "") => `${archive.url}call?recording=${encodeURIComponent(keys[contact])}${place}`;

/** Chooses somebody at the provider's page, to which the way has led. */
async function choose(page, name) {
  await page.waitForURL("**/_oidc/authorize?*");
  await page.getByRole("link", { name }).click();
}

/** Opens an address, and logs in as somebody. */
async function enter(url, name, options = {}) {
  const opened = await open(url, options);
  await choose(opened.page, name);
  return opened;
}

/** The page loaded nothing from anybody but the archive and the provider, and was stopped by no policy of its own. */
function assertOwn(seen) {
  const provider = new URL(sandbox.url).origin;
  assert.deepEqual(seen.elsewhere.filter((url) => !url.startsWith(`${provider}/`)), []);
  assert.deepEqual(seen.errors.filter((text) => /Content Security Policy|Refused to/.test(text)), []);
}

test("a stranger comes to the login, and back to the very call", async () => {
  const { page, context, seen } = await open(callOf("sales", "&t=12.5,15"));
  await page.waitForURL("**/_oidc/authorize?*");
  assert.ok(!(await page.content()).includes("Sales"), "nothing of a call before the login");
  await shoot(page, "login-provider");
  await choose(page, "Sam Auditor");
  await page.locator("#call-view[data-ready]").waitFor();
  assert.match(page.url(), /\/call\?recording=.*sales.*&t=12\.5,15$/);
  assert.match(await page.locator("#clock").innerText(), /^0:12\.5/);
  assert.equal(await page.locator("#loop-span").innerText(), "0:12.50 to 0:15.00");
  assert.match(await page.locator("#me").innerText(), /sam@example\.com/);
  await page.getByRole("button", { name: "Play" }).click();
  await until(async () => !/^0:12\.5/.test(await page.locator("#clock").innerText()), "it plays");
  await shoot(page, "login-call");
  await page.locator("#home").click();
  await until(async () => (await rows(page).count()) === 2, "both calls");
  assert.ok((await rows(page).first().boundingBox()).height < 45, "a usual row is one line");
  // docs/archive-search.png is a copy of this one.
  await shoot(page, "login-search");
  await assertAccessible(page);
  assertOwn(seen);
  // The session's cookie is out of the page's reach.
  assert.equal(await page.evaluate(() => document.cookie), "");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are logged out of this archive").waitFor();
  await shoot(page, "login-out");
  await assertAccessible(page);
  const answer = await context.request.get(`${archive.url}api/recordings`);
  assert.equal(answer.status(), 401);
  await page.getByRole("link", { name: "Log in", exact: true }).click();
  await choose(page, "Sam Auditor");
  await until(async () => (await rows(page).count()) === 2, "in again");
  await context.close();
});

test("who may see a queue sees its calls, and no other exists", async () => {
  const { page, context, seen } = await enter(archive.url, "Lea Lead");
  await until(async () => (await rows(page).count()) === 1, "one call");
  assert.match(await rows(page).first().innerText(), /Support/);
  await page.goto(callOf("sales"));
  await page.getByText("there is no such recording here").waitFor();
  assert.match(await page.locator("#me").innerText(), /lea@example\.com/, "who is logged in is told all the same");
  await shoot(page, "login-not-yours");
  await assertAccessible(page);
  for (const path of ["api/recording", "api/peaks", "api/audio"]) {
    const answer = await context.request.get(`${archive.url}${path}?key=${encodeURIComponent(keys.sales)}&file=mixed`);
    assert.equal(answer.status(), 404, path);
  }
  const csv = await (await context.request.get(`${archive.url}api/recordings.csv`)).text();
  assert.equal(csv.trim().split("\r\n").length, 2);
  assertOwn(seen);
  await page.getByRole("link", { name: "Find a recording" }).click();
  await until(async () => (await rows(page).count()) === 1, "the search");
  await page.goto(callOf("sales"));
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are logged out of this archive").waitFor();
  await context.close();
});

test("who may see their own calls sees those", async () => {
  const { page, context } = await enter(archive.url, "Mia Agent");
  await until(async () => (await rows(page).count()) === 1, "one call");
  assert.match(await rows(page).first().innerText(), /Sales/);
  await context.close();
});

test("who is in no group that counts, and whom the provider refuses, is told", async () => {
  const nobody = await enter(archive.url, "Noa Nobody");
  await nobody.page.getByText("None of your groups may see calls here").waitFor();
  await shoot(nobody.page, "login-refused");
  await assertAccessible(nobody.page);
  assert.deepEqual(await nobody.context.cookies(archive.url), []);
  await nobody.context.close();
  const refused = await enter(archive.url, "Nobody: refuse");
  await refused.page.getByText("access_denied").waitFor();
  await shoot(refused.page, "login-denied");
  await refused.context.close();
});

test("a session that ended leads to the login, and back to where one was", async () => {
  const { page, context } = await enter(callOf("sales", "#t=3"), "Sam Auditor");
  await page.locator("#call-view[data-ready]").waitFor();
  await page.evaluate(() => (location.hash = "#t=12.5"));
  // With the program end all of its sessions.
  const { port } = new URL(archive.url);
  await archive.stop();
  archive = await serve(port);
  await page.getByRole("button", { name: "Play" }).click();
  await choose(page, "Sam Auditor");
  await page.locator("#call-view[data-ready]").waitFor();
  assert.match(page.url(), /\/call\?recording=.*sales.*&t=12\.5$/);
  assert.match(await page.locator("#clock").innerText(), /^0:12\.5/);
  await shoot(page, "login-back");
  await context.close();
});

test("who logged out is shown no call by the browser's Back", async () => {
  // A browser as people have it: it keeps a page that is left, as it stands.
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  try {
    for (const [url, what] of [[archive.url, "#rows tbody tr"], [callOf("sales"), "#call-view[data-ready]"]]) {
      const page = await (await browser.newContext()).newPage();
      await page.goto(url);
      await choose(page, "Sam Auditor");
      await page.locator(what).first().waitFor();
      // Whatever is shown on the way is noted, before anything is asked for anew.
      await page.evaluate(() => addEventListener("pageshow", (event) => {
        if (event.persisted) sessionStorage.setItem("shown", document.body.checkVisibility());
      }, true));
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByText("You are logged out of this archive").waitFor();
      await page.goBack({ waitUntil: "commit" });
      await page.waitForURL("**/_oidc/authorize?*");
      await page.goto(`${archive.url}logout`);
      assert.equal(await page.evaluate(() => sessionStorage.getItem("shown")), "false", `${url}: it was kept, and nothing of it shown`);
    }
    // Who is logged in still comes back to the same second.
    const page = await (await browser.newContext()).newPage();
    await page.goto(callOf("sales", "&t=7"));
    await choose(page, "Sam Auditor");
    await page.locator("#call-view[data-ready]").waitFor();
    await page.locator("#wave").focus();
    await page.keyboard.press("ArrowRight");
    await page.goto(`${archive.url}logout`);
    await page.goBack();
    await page.locator("#call-view[data-ready]").waitFor();
    assert.match(await page.locator("#clock").innerText(), /^0:12\.0/);
  } finally {
    await browser.close();
  }
});

test("the login's pages are served dark and on a phone", async () => {
  for (const [name, options] of [
    ["dark", { colorScheme: "dark" }],
    ["phone", { viewport: { width: 390, height: 800 } }],
  ]) {
    const { page, context } = await enter(archive.url, "Noa Nobody", options);
    await page.getByText("None of your groups may see calls here").waitFor();
    await shoot(page, `login-refused-${name}`);
    await assertAccessible(page);
    const overflow = () => document.documentElement.scrollWidth - innerWidth;
    assert.ok((await page.evaluate(overflow)) <= 0, `not wider than the ${name}`);
    await page.goto(`${archive.url}logout`);
    await page.getByText("You are logged out of this archive").waitFor();
    await shoot(page, `login-out-${name}`);
    await assertAccessible(page);
    await context.close();
    const search = await enter(archive.url, "Sam Auditor", options);
    await rows(search.page).first().waitFor();
    await shoot(search.page, `login-search-${name}`);
    await assertAccessible(search.page);
    await search.context.close();
  }
});

test("who listened is told afterwards", async () => {
  const told = execFileSync(all, ["archive", out, "--listened", "sales"], { encoding: "utf8" });
  assert.match(told, /sam@example\.com \[sandbox-sam\]\s+play\s+mixed\s+127\.0\.0\.1\s+yes/);
  assert.match(told, /lea@example\.com \[sandbox-lea\]\s+view\s+-\s+127\.0\.0\.1\s+no/);
  assert.ok(!/noa/.test(told), told);
});

test("tabs that were restored log in side by side, each to its own call", async () => {
  const { page, context } = await open(callOf("sales"));
  await page.waitForURL("**/_oidc/authorize?*");
  const other = await context.newPage();
  await other.goto(callOf("support"));
  await other.waitForURL("**/_oidc/authorize?*");
  for (const [tab, contact] of [[page, "sales"], [other, "support"]]) {
    await choose(tab, "Sam Auditor");
    await tab.locator("#call-view[data-ready]").waitFor();
    assert.match(tab.url(), new RegExp(`recording=.*${contact}`));
  }
  await context.close();
});

test("another site's link opens a page, and takes no data", async () => {
  const { page, context } = await enter(archive.url, "Sam Auditor");
  await until(async () => (await rows(page).count()) === 2, "both calls");
  const sound = `${archive.url}api/audio?key=${encodeURIComponent(keys.sales)}&file=mixed&act=download`;
  const links = `<a href="${callOf("sales")}">page</a> <a href="${sound.replaceAll("&", "&amp;")}">sound</a>`;
  await context.route("http://elsewhere.example/", (route) => route.fulfill({ contentType: "text/html", body: links }));
  await page.goto("http://elsewhere.example/");
  await page.getByRole("link", { name: "sound" }).click();
  await page.getByText("another site's link led here").waitFor();
  await page.goto("http://elsewhere.example/");
  await page.getByRole("link", { name: "page" }).click();
  await page.locator("#call-view[data-ready]").waitFor();
  const listened = execFileSync(all, ["archive", out, "--listened", "sales"], { encoding: "utf8" });
  assert.ok(!/download/.test(listened), listened);
  await context.close();
});
