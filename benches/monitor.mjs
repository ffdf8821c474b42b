// What benches/monitor.py opens: the monitor's page in headless Chromium, until the input ends. Then it prints how many
// panels there were at once, and how late they were: from the newest block of a call, as it came to the monitor, until
// the page had painted it.
import { close, open } from "../tests/pages/harness.mjs";

/** Runs in the page before its own script: notes when what an event told was painted. */
function watch() {
  window.late = [];
  window.panels = 0;
  const Source = window.EventSource;
  window.EventSource = class extends Source {
    constructor(...args) {
      super(...args);
      this.addEventListener("frame", ({ data }) => {
        const came = JSON.parse(data).calls.map((call) => call.sound_at).filter(Boolean);
        if (came.length === 0) return;
        // Behind this event's own drawing, and behind the paint that follows it.
        requestAnimationFrame(() => requestAnimationFrame(() => {
          window.panels = Math.max(window.panels, document.querySelectorAll("article").length);
          for (const at of came) window.late.push(Date.now() - at);
        }));
      });
    }
  };
}

const { page, seen } = await open(process.argv[2], { before: (page) => page.addInitScript(watch) });
process.stdin.resume();
await new Promise((done) => process.stdin.on("end", done));
const { late, panels } = await page.evaluate(() => ({ late: window.late, panels: window.panels }));
late.sort((one, other) => one - other);
const at = (share) => late[Math.min(late.length - 1, Math.floor(share * late.length))];
const errors = seen.errors.length + seen.elsewhere.length;
console.log(
  `the page: ${panels} panels at once; from block to paint ${at(0.5)} ms (median), ${at(0.99)} ms (99 of 100), ` +
    `${at(1)} ms at the most, of ${late.length} looks; ${errors} errors`,
);
await close();
