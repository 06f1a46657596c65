// A server for one test, started as its users start it, and a browser that visits it.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const BINARY = process.env.ZONEWRIGHT ?? new URL("../../target/debug/zonewright", import.meta.url).pathname;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PATIENCE = 60_000;
// A browser that asks nothing of anybody but the server.
const QUIET = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts a server on an empty data directory, and makes a one-time link into its first account. */
export async function startServer(...flags) {
  const folder = await mkdtemp(join(tmpdir(), "zonewright-browser-"));
  const data = join(folder, "data");
  const http = flags.includes("--http") ? [] : ["--http", "127.0.0.1:0"];
  const child = spawn(
    BINARY,
    ["serve", "--data", data, ...http, "--dns", "127.0.0.1:0", ...flags],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve, reject) => {
    let text = "";
    const late = setTimeout(() => reject(new Error(`the server does not start: ${text}${log}`)), PATIENCE);
    child.stdout.on("data", (part) => {
      text += part;
      if (/\n {2}zonewright token create .*\n/.test(text)) {
        clearTimeout(late);
        resolve();
      }
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${log}`)));
  });
  /** What a command of the same binary on the same data prints. */
  const command = async (...words) => {
    const { stdout } = await promisify(execFile)(BINARY, [...words, "--data", data], { cwd: folder });
    return stdout;
  };
  const link = (await command("account", "link", "admin@localhost")).trim();
  return {
    link,
    base: new URL(link).origin,
    log: () => log,
    command,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port of this machine that nobody listens on: for a server that has to know its own address. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A browser with a profile of its own. What pages complain about fails the test in `stop`. */
export async function startBrowser({ javaScript = true } = {}) {
  const profile = await mkdtemp(join(tmpdir(), "zonewright-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: QUIET,
    javaScriptEnabled: javaScript,
    viewport: { width: 1200, height: 800 },
  });
  context.setDefaultTimeout(PATIENCE);
  const complaints = [];
  const page = context.pages()[0] ?? (await context.newPage());
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // Browsers note every answer of 4xx there, and refusals are part of the tests.
    const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if (message.type() === "error" && !isStatus) complaints.push(message.text());
  });
  return {
    page,
    async stop() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
      assert.deepEqual(complaints, [], "what the browser complained about");
    },
  };
}

const SHOTS = process.env.SCREENSHOTS;
const LOOKS = [
  ["desktop", { width: 1200, height: 800 }],
  ["phone", { width: 390, height: 800 }],
];
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * Looks at the page at both widths and in both colour schemes: nothing breaks WCAG 2.1 A and AA, and nothing sticks out of a
 * phone's width. Keeps pictures where SCREENSHOTS names a folder: of the whole page, or of what one sees first.
 */
export async function inspect(page, name, { whole = true } = {}) {
  for (const [width, size] of LOOKS) {
    for (const scheme of ["light", "dark"]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      if (SHOTS) {
        await mkdir(SHOTS, { recursive: true });
        await page.screenshot({ path: join(SHOTS, `${name}-${width}-${scheme}.png`), fullPage: whole });
      }
      // Evaluated from outside the page: its own policy would not let it in.
      const found = await page.evaluate(
        `(() => { ${axe}; return axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }); })()`,
      );
      const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
      assert.deepEqual(violations, [], `${name}, ${width}, ${scheme}`);
      const overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      assert.ok(overflow <= 0, `${name} is ${overflow} px wider than ${width}`);
    }
  }
  await page.setViewportSize(LOOKS[0][1]);
}

/** What curl, as somebody pastes it into a shell, gets. */
export async function paste(line) {
  const { stdout } = await promisify(execFile)("sh", ["-c", `${line} -w '\\n%{http_code}'`]);
  const [body, status] = stdout.split(/\n(?=\d+$)/);
  return { status: Number(status), body: JSON.parse(body) };
}
