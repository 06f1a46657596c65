// What a new operator does first: from the one-time link to a token that works, and to one that does not any more.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort, inspect, paste, startBrowser, startServer } from "./kit.mjs";

const PASSWORD = "correct horse battery";

for (const javaScript of [true, false]) {
  test(`from the first link to a revoked token, ${javaScript ? "with" : "without"} JavaScript`, async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    const { page, stop } = await startBrowser({ javaScript });
    t.after(stop);
    // Without JavaScript there is nothing to inspect with; the pages are the same.
    const look = javaScript ? (name) => inspect(page, name) : async () => {};
    const press = (name) => page.getByRole("main").getByRole("button", { name, exact: true }).click();

    await page.goto(server.base);
    assert.equal(new URL(page.url()).pathname, "/sign-in/");
    await look("sign-in");

    await page.goto(server.link);
    await look("link");
    await press("Continue");
    await page.waitForURL("**/account/password/");
    await page.getByLabel("New password").fill("short");
    await press("Save");
    await page.getByRole("alert").waitFor();
    await look("password-mistake");
    await page.getByLabel("New password").fill(PASSWORD);
    await press("Save");
    await page.getByRole("heading", { level: 1, name: "Zones" }).waitFor();
    await page.goto(server.link);
    await page.getByRole("heading", { name: "no longer valid" }).waitFor();

    await page.goto(`${server.base}/account/developers/`);
    await page.getByRole("link", { name: "New token" }).click();
    await look("token-new");
    await press("Create token");
    await page.getByRole("alert").waitFor();
    await look("token-mistakes");
    await page.getByLabel("Name").fill("backup server");
    await page.getByRole("checkbox", { name: "dns:list" }).check();
    await press("Create token");
    await page.getByRole("heading", { level: 1, name: "Your new token" }).waitFor();
    await look("token-made");
    const token = (await page.locator("#token").textContent()).trim();
    assert.match(token, /^vps_/);
    const line = (await page.locator("#try").textContent()).trim();
    const used = await paste(line);
    assert.equal(used.status, 200);
    assert.equal(used.body.token.name, "backup server");

    await server.command("zone", "create", "example.com", "--account", "admin@localhost");
    await page.goto(`${server.base}/account/keys/new/`);
    await page.getByText("More limits").click();
    await look("key-new");
    await press("Create key");
    await page.getByRole("alert").waitFor();
    await look("key-mistakes");
    await page.getByLabel("Name", { exact: true }).fill("web server");
    await page.getByRole("radio", { name: "Records of zones" }).check();
    await page.getByLabel("Zones", { exact: true }).fill("example.com");
    await press("Create key");
    await page.getByRole("heading", { level: 1, name: "Your new update key" }).waitFor();
    await page.locator("summary", { hasText: "Certbot" }).click();
    await look("key-made");
    await page.getByRole("link", { name: "copied it" }).click();
    await look("keys");
    await page.getByRole("link", { name: "Details web server" }).click();
    await page.getByRole("heading", { level: 1, name: "web server" }).waitFor();
    await look("key");

    await page.goto(`${server.base}/account/developers/`);
    const row = page.getByRole("row", { name: "backup server" });
    // The use of a token is stored within a second or two, off the request's path.
    const deadline = Date.now() + 20_000;
    while (!(await row.textContent()).includes("127.0.0.1")) {
      assert.ok(Date.now() < deadline, "the token's use does not show");
      await page.reload();
    }
    assert.ok((await row.textContent()).includes(token.slice(-4)));
    assert.ok(!(await page.content()).includes(token));
    await look("tokens");
    await row.getByRole("link", { name: "Revoke" }).click();
    await look("token-revoke");
    await press("Revoke");
    await page.getByRole("status").getByText("The token is revoked and no longer accepted.").waitFor();
    assert.equal((await paste(line)).status, 401);

    for (const [path, name] of [
      ["/zones/", "zones"],
      ["/account/", "account"],
      ["/account/second-factor/", "second-factor"],
      ["/account/close/", "close"],
      ["/operator/accounts/", "operator-accounts"],
      ["/operator/accounts/1/", "operator-account"],
      ["/operator/accounts/1/limits/", "operator-limits"],
      ["/account/password/", "password-with-tokens"],
      ["/operator/events/", "operator-events"],
      ["/nowhere/", "nowhere"],
    ]) {
      await page.goto(server.base + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await look(name);
    }

    // Each thing that is done to an account of another is confirmed on a page of its own.
    await server.command("account", "create", "ann@example.com");
    await page.goto(`${server.base}/operator/accounts/`);
    await page.getByRole("link", { name: "ann@example.com" }).click();
    await page.getByRole("link", { name: "Change limits" }).click();
    await page.getByLabel("Zones").fill("5");
    await press("Continue");
    await page.getByText("Zones: no limit → 5").waitFor();
    await look("operator-limits-confirm");
    await press("Save");
    await page.getByRole("status").getByText("The limits are set.").waitFor();
    await page.getByRole("link", { name: "Suspend", exact: true }).click();
    await look("operator-suspend");
    await press("Suspend");
    await page.getByRole("status").getByText("The account is suspended.").waitFor();
    await page.getByRole("link", { name: "Reactivate" }).click();
    await press("Reactivate");
    await page.getByRole("status").getByText("The account is active again.").waitFor();
    await page.getByRole("link", { name: "One-time link" }).click();
    await press("Create link");
    await page.locator("#link").waitFor();
    await look("operator-link");

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("status").getByText("You are signed out.").waitFor();
    await page.getByLabel("E-mail address").fill("admin@localhost");
    await page.getByLabel("Password").fill("not the password");
    await press("Sign in");
    await page.getByRole("alert").waitFor();
    await look("sign-in-refused");
    await page.getByLabel("Password").fill(PASSWORD);
    await press("Sign in");
    await page.getByRole("heading", { level: 1, name: "Zones" }).waitFor();

    for (const secret of [token, PASSWORD, new URL(server.link).pathname.split("/")[2]]) {
      assert.ok(!server.log().includes(secret), "a secret stands in the log");
    }
  });
}

test("where there is mail, a forgotten password and a new account are asked for", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "zonewright-mail-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, "zonewright.toml");
  // Nobody takes the letters: the pages say the same.
  await writeFile(config, `[mail]\nserver = "127.0.0.1"\nport = ${await freePort()}\nfrom = "dns@example.net"\n`);
  const http = `127.0.0.1:${await freePort()}`;
  const flags = ["--config", config, "--http", http, "--url", `http://${http}`, "--registration", "open"];
  const server = await startServer(...flags);
  t.after(() => server.stop());
  const { page, stop } = await startBrowser();
  t.after(stop);
  for (const [link, button, name] of [
    ["Forgot your password?", "Send the link", "forgotten"],
    ["No account yet? Create one.", "Send the link", "register-by-mail"],
  ]) {
    await page.goto(`${server.base}/sign-in/`);
    await page.getByRole("link", { name: link }).click();
    await inspect(page, name);
    await page.getByLabel("E-mail address").fill("no address");
    await page.getByRole("button", { name: button }).click();
    await page.getByRole("alert").waitFor();
    await inspect(page, `${name}-mistake`);
    await page.getByLabel("E-mail address").fill("admin@localhost");
    await page.getByRole("button", { name: button }).click();
    await page.getByRole("heading", { level: 1, name: "Check your e-mail" }).waitFor();
    await inspect(page, `${name}-sent`);
  }
});

test("everything is reached by keyboard, and one sees where one is", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { page, stop } = await startBrowser();
  t.after(stop);
  await page.goto(server.link);
  await page.locator("button:focus").waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/account/password/");
  await page.locator("input:focus").waitFor();
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Zones" }).waitFor();
  const reached = [];
  for (let step = 0; step < 12; step += 1) {
    await page.keyboard.press("Tab");
    const { text, width } = await page.evaluate(() => {
      const focused = document.activeElement;
      return { text: focused.textContent.trim(), width: parseFloat(getComputedStyle(focused).outlineWidth) };
    });
    if (text.length < 80) assert.ok(width >= 2, `${text}: its focus cannot be seen`);
    reached.push(text);
  }
  assert.equal(reached[0], "Skip to the content");
  for (const wanted of ["Zones", "API tokens", "Account", "Sign out", "New zone"]) {
    assert.ok(reached.includes(wanted), `${wanted} is not among ${reached}`);
  }
});
