// The archive's pages: the search, and which of the two pages is shown. A recording's page is in archive-player.js.
// All words are in archive.html. What comes from outside is only ever set as text.

import { openCall } from "/archive-player.js";

const texts = JSON.parse(document.getElementById("texts").textContent);
/** Rows that are asked for at once. */
const PAGE_ROWS = 200;
/** Rows of a piece of a table. */
const TABLE_ROWS = 10_000;
/** More rows are fetched when the last one is so many pixels below the window. */
const NEAR = 600;

// --- what both pages use -----------------------------------------------------------------------------------------

const get = (id) => document.getElementById(id);
const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const show = (node, shown) => { if (node.hidden === shown) node.hidden = !shown; };

/** The text at a path of the texts, with its places filled in; `count` chooses between one and other. */
function words(path, values = {}) {
  let text = path.split(".").reduce((node, name) => node?.[name], texts);
  if (text && typeof text === "object") text = values.count === 1 ? text.one : text.other;
  const fill = (name) => (typeof values[name] === "number" ? number(values[name]) : values[name]);
  return String(text ?? path).replace(/\{(\w+)\}/g, (_, name) => fill(name) ?? "");
}

/** Text from outside, without what turns the direction of all that stands behind it. */
const plain = (text) => String(text).replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

/** By the digits behind the point: to make one takes as long as to write hundreds of numbers by it. */
const numbers = [0, 1, 2].map((digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits }));
const number = (value, digits = 1) => numbers[digits].format(value);

/** Seconds as 0:07, 12:03 or 1:02:03, with so many digits behind them. */
function span(seconds, digits = 0) {
  const unit = 10 ** digits;
  const all = Math.max(0, Math.round(seconds * unit)) / unit;
  const two = (value) => String(value).padStart(2, "0");
  const whole = Math.floor(all);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const rest = digits ? (all - whole).toFixed(digits).slice(1) : "";
  return (h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`) + rest;
}

/** How long something lasts, for sentences: 0.4 s, 12 s, 3:05 min. */
const lasting = (seconds) =>
  seconds < 60 ? `${number(seconds, seconds < 10 ? 2 : 1)} s` : `${span(seconds)} ${seconds < 3600 ? "min" : "h"}`;

const clock = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short", hour: "numeric" });

/** A time in the zone of whoever looks. */
function when(text) {
  const at = new Date(text ?? NaN);
  return Number.isNaN(at.getTime()) ? words("unknown") : clock.format(at);
}

const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const dayHere = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** When a recording began; of one whose verdict cannot be read only its folder's day, in UTC, is known. */
function start(row) {
  const at = new Date(row.starts_at ?? NaN);
  return row.status === "unreadable" && !Number.isNaN(at.getTime()) ? day.format(at) : when(row.starts_at);
}

/** Asks the archive. What goes wrong is an error whose message is a sentence. */
async function ask(url, options = {}) {
  const answer = await fetch(url, { headers: { accept: "application/json" }, ...options }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Error(words("noAnswer"));
  });
  if (answer.ok) return answer;
  throw await refusal(answer);
}

/** When it last led to the login. */
let ledAt;

/** What an answer says that gives nothing, as an error. Where nobody is logged in any more, it leads to the login. */
async function refusal(answer) {
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401 && told.login) {
    // The login comes back to here, in a call to this very second.
    const here = call?.place() ?? location.pathname + location.search + location.hash;
    // Several questions can fail at once: the first one leads there.
    if (!(performance.now() - ledAt < 3_000)) location.assign(`/login?to=${encodeURIComponent(here)}`);
    ledAt = performance.now();
    return new Error(words("login"));
  }
  askMe();
  return Object.assign(new Error(told.error ?? `${answer.status} ${answer.statusText}`), { status: answer.status });
}

const notice = get("notice");
function tell(text) {
  set(notice, text ?? "");
  show(notice, Boolean(text));
}

let isMeTold = false;
function tellMe(me) {
  isMeTold = true;
  show(get("me"), Boolean(me?.login));
  set(get("me-name"), me?.login ? words("me", { name: plain(me.name) }) : "");
}

/** Whoever is shown nothing else still sees who is logged in, and can log out. */
async function askMe() {
  if (isMeTold) return;
  const answer = await fetch("/api/me", { headers: { accept: "application/json" } }).catch(() => null);
  if (answer?.ok) tellMe(await answer.json());
}

/** Whether whoever looks had to log in. */
const isLogin = () => !get("me").hidden;

const callUrl = (key) => `/call?recording=${encodeURIComponent(key)}`;

/** A word of more letters than WHOLE may go on in the next line behind so many of them, and any behind an @, _, / or -: so that
    a text without end takes no width from the words beside it. */
const WHOLE = 16;
const PIECE = 10;
function setBreakable(node, text) {
  const pieces = text.split(/(?<=[@_/-])|(?<=\s)(?=\S)/)
    .flatMap((piece) => (piece.length > WHOLE ? piece.match(new RegExp(`.{1,${PIECE}}`, "gsu")) : piece));
  node.replaceChildren(...pieces.flatMap((piece) => [document.createElement("wbr"), piece]).slice(1));
}

/** A status as a chip. */
function setStatus(node, status) {
  node.dataset.status = status;
  set(node, texts.status[status] ?? status);
}

const kit = { texts, get, set, show, words, plain, number, span, lasting, when, start, ask, refusal, tell, tellMe, callUrl, setStatus, save, go, again };

// --- the search --------------------------------------------------------------------------------------------------

const form = get("search");
const body = get("rows").tBodies[0];
const more = get("more");
let running;
let next = null;
let shown = 0;
/** The day back to which all was looked at, where there may be more behind it. */
let back = null;
/** The search whose recordings stand in the table. */
let listed = null;
/** The row that was opened last, and how far below the window's top it stood. */
let opened = null;

/** The midnight of a day here, so many days later, as the archive takes it. */
function midnight(day, later) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** What is asked, by the page's own address. */
function asked(page) {
  const query = new URLSearchParams();
  for (const [name, value] of page) {
    if (!value || !form.elements[name]) continue;
    const isDay = /^\d{4}-\d\d-\d\d$/.test(value);
    if (name === "from" && isDay) query.set(name, midnight(value, 0));
    else if (name === "to" && isDay) query.set(name, midnight(value, 1));
    else query.set(name, value);
  }
  return query;
}

function conditions() {
  const page = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value.trim()) page.set(name, value.trim());
  return page;
}

async function look({ after = null, anew = false } = {}) {
  running?.abort();
  const own = (running = new AbortController());
  const { search } = location;
  if (!after) listed = null;
  const query = asked(new URLSearchParams(location.search));
  get("csv").href = `/api/recordings.csv?${query}`;
  query.set("most", PAGE_ROWS);
  if (after) query.set("after", after);
  if (anew) query.set("look", "anew");
  set(get("count"), after && back ? words("found.lookingOn", { count: shown, back }) : words("found.looking"));
  more.disabled = true;
  try {
    const found = await (await ask(`/api/recordings?${query}`, { signal: own.signal })).json();
    tell(null);
    tellMe(found.me);
    if (!after) {
      body.replaceChildren();
      shown = 0;
      listed = search;
    }
    const rows = document.createDocumentFragment();
    for (const { key, row } of found.rows) rows.append(rowOf(key, row));
    body.append(rows);
    shown += found.rows.length;
    next = found.next;
    back = found.back_to && dayHere.format(new Date(found.back_to));
    tellFound(found.problems, query);
  } catch (error) {
    if (error.name === "AbortError") {
      // Somebody opened a call meanwhile, and may come back.
      if (running === own && listed === search) tellCount();
      return;
    }
    if (!after) {
      body.replaceChildren();
      next = null;
    }
    show(get("rows"), body.rows.length > 0);
    show(get("none"), false);
    set(get("count"), "");
    tell(error.status === 400 ? words("found.wrong", { cause: error.message }) : words("found.failed", { cause: error.message }));
  } finally {
    if (running === own) {
      more.disabled = false;
      show(more, Boolean(next));
      if (next && !notice.textContent) watchMore();
    }
  }
}

function tellFound(problems, query) {
  show(get("rows"), shown > 0);
  show(get("none"), shown === 0 && !next);
  tellCount();
  if (shown === 0) {
    const isAll = [...query.keys()].every((name) => ["most", "after", "look"].includes(name));
    const why = !isAll ? "none" : isLogin() ? "noneYours" : "noneAtAll";
    set(document.querySelector(".none-title"), words(`found.${why}`));
    set(document.querySelector(".none-tip"), words(`found.${why}Tip`));
  }
  show(get("problems"), problems.length > 0);
  set(get("problems"), words("found.problems", { count: problems.length, first: problems[0] }));
}

function tellCount() {
  set(get("count"), next ? words("found.more", { count: shown, back }) : shown ? words("found.count", { count: shown }) : "");
}

function rowOf(key, row) {
  const node = get("row").content.firstElementChild.cloneNode(true);
  const cell = (name) => node.querySelector(`.${name}`);
  const link = node.querySelector("a");
  link.href = callUrl(key);
  set(link, start(row));
  set(cell("length"), row.status === "unreadable" ? words("none") : span(row.seconds));
  setStatus(cell("status"), row.status);
  for (const name of ["customer", "system", "queue", "agent"]) setBreakable(cell(name), plain(row[name] ?? words("none")));
  setBreakable(cell("whom"), plain([row.customer, row.queue, row.agent].filter(Boolean).join(" · ") || row.contact_id));
  const talk = cell("talk");
  const shares = Object.entries({ from: row.from_share, to: row.to_share }).filter(([, share]) => share !== null);
  talk.hidden = !shares.length;
  const percents = Object.fromEntries(shares.map(([side, share]) => [side, Math.round(100 * share)]));
  const [[side, percent] = []] = Object.entries(percents);
  talk.setAttribute("aria-label", shares.length > 1 ? words("row.talk", percents) : words(`row.talkOne.${side}`, { percent }));
  for (const side of ["from", "to"]) {
    // Of a side that is not kept nobody knows whether it sounds.
    cell(`talk-${side}`).style.visibility = side in percents ? "" : "hidden";
    cell(`talk-${side}`).style.width = `${percents[side] ?? 0}%`;
  }
  for (const name of ["know", "warns"]) setBreakable(cell(name), plain(toKnow(row).join(", ")));
  return node;
}

function toKnow(row) {
  const know = [];
  if (row.problem) know.push(row.problem);
  if (row.lost_seconds > 0) know.push(words("row.lost", { seconds: number(row.lost_seconds, 2) }));
  else if (row.missing_fragments > 0) know.push(words("row.missing", { count: row.missing_fragments }));
  const silent = row.silent_sides.length > 1 ? "both" : row.silent_sides[0];
  if (silent && row.status !== "empty") know.push(words(`row.silent.${silent}`));
  if (row.gave_up_at) know.push(words("row.gaveUp"));
  return know;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const page = conditions().toString();
  history.pushState(null, "", page ? `/?${page}` : "/");
  look();
});
form.addEventListener("reset", () => {
  history.pushState(null, "", "/");
  look();
});
get("again").addEventListener("click", () => look({ anew: true }));
more.addEventListener("click", () => look({ after: next }));
const goOn = () => { if (!more.hidden && !more.disabled && next) look({ after: next }); };
// Who scrolls down needs no click.
const observer = new IntersectionObserver((seen) => { if (seen.at(-1).isIntersecting) goOn(); }, { rootMargin: `${NEAR}px` });

/** What comes near is told once; whether the end is near still, or again, only to who begins to watch. */
function watchMore() {
  observer.unobserve(more);
  observer.observe(more);
}

const isPlainClick = (event) => event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);

let isSaving = false;

/** All that was found, as one file. It comes in pieces, since an answer of a function is not longer than 6 MB. */
async function saveTable(url) {
  // By this mark Excel knows that the letters are UTF-8.
  const pieces = ["\ufeff"];
  for (let next = ""; next !== null;) {
    const answer = await ask(`${url}&most=${TABLE_ROWS}${next && `&after=${next}`}`);
    pieces.push(await answer.blob());
    next = answer.headers.get("callreel-next");
    if (next) set(get("count"), words("found.saving", { count: (pieces.length - 1) * TABLE_ROWS }));
  }
  const table = URL.createObjectURL(new Blob(pieces, { type: "text/csv" }));
  save(table, "recordings.csv");
  setTimeout(() => URL.revokeObjectURL(table), 60_000);
}

get("csv").addEventListener("click", async (event) => {
  if (!isPlainClick(event)) return;
  event.preventDefault();
  if (isSaving) return;
  isSaving = true;
  try {
    await saveTable(get("csv").href);
    tell(null);
  } catch (error) {
    tell(words("found.notSaved", { cause: error.message }));
  } finally {
    isSaving = false;
    if (listed === location.search) tellCount();
  }
});

/** Lets the browser save a file. */
function save(href, name = "") {
  const link = Object.assign(document.createElement("a"), { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/** The recordings that stand in the table still, as they were left. */
function showAgain() {
  tellCount();
  if (next) watchMore();
  if (!opened?.row.isConnected) return;
  const { row, top } = opened;
  scrollBy(0, row.getBoundingClientRect().top - top);
  row.querySelector("a").focus({ preventScroll: true });
}

// --- which page --------------------------------------------------------------------------------------------------

let call;
let lastSearch = "/";

// A list that is come back to is scrolled by us: its rows may still have to come.
history.scrollRestoration = "manual";

/** Keeps in mind which row leads to an address, for who comes back. */
function remember(url) {
  if (get("search-view").hidden) return;
  const { href } = new URL(url, location.href);
  const row = [...body.rows].find((row) => row.querySelector("a").href === href);
  opened = row ? { row, top: row.getBoundingClientRect().top } : null;
}

/** Shows the page of the address. */
async function route(options = {}) {
  call?.close();
  call = undefined;
  tell(null);
  const page = new URLSearchParams(location.search);
  const isCall = location.pathname === "/call";
  show(get("search-view"), !isCall);
  show(get("call-view"), isCall);
  scrollTo(0, 0);
  if (isCall) {
    running?.abort();
    for (const name of ["back", "find"]) get(name).href = lastSearch;
    call = openCall(kit, page.get("recording") ?? "", options);
    return;
  }
  lastSearch = location.pathname + location.search;
  document.title = words("title");
  get("search-title").title = zone.formatToParts(new Date()).find((part) => part.type === "timeZoneName")?.value ?? "";
  for (const field of form.elements) if (field.name) field.value = page.get(field.name) ?? "";
  if (options.focus) get("search-title").focus({ preventScroll: true });
  if (listed === location.search && !options.anew) showAgain();
  else await look();
}

/** Goes to another page of ours without loading it anew. */
function go(url, options = {}) {
  // Back leads to the second that one left at.
  if (call) history.replaceState(history.state, "", call.place());
  remember(url);
  history.pushState(null, "", url);
  route({ focus: true, ...options });
}

/** Opens the same recording anew, to be heard otherwise. */
function again(options) {
  const { key } = call;
  tell(null);
  call.close();
  call = openCall(kit, key, options);
}

addEventListener("popstate", (event) => {
  if (call && location.pathname === "/call" && call.key === new URLSearchParams(location.search).get("recording")) {
    // A link to another second of the same call changes nothing else.
    call.readPlace();
    return;
  }
  remember(location.href);
  route({ focus: true, state: event.state });
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || !isPlainClick(event) || link.hasAttribute("download")) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || !["/", "/call"].includes(to.pathname)) return;
  event.preventDefault();
  // From the pages' name on it begins anew.
  go(to.pathname + to.search + to.hash, { anew: link.id === "home" });
});

// A browser keeps a page that is left, and shows it again on Back: to who has logged out meanwhile as well. What is kept
// shows nothing, and is asked for anew.
addEventListener("pagehide", (event) => { if (event.persisted && isLogin()) show(document.body, false); });
addEventListener("pageshow", (event) => {
  if (!event.persisted || !document.body.hidden) return;
  if (call) history.replaceState(history.state, "", call.place());
  location.reload();
});

route();
