// What a new customer does: a zone, the records of a mail domain, the change becoming live, two windows, the way back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect, startBrowser, startServer } from "./kit.mjs";

const MAIL = [
  ["A", { Name: "mail", "IPv4 address": "192.0.2.25" }],
  ["MX", { Name: "@", Priority: "10", "Mail server": "mail.example.com" }],
  ["TXT", { Name: "@", Text: "v=spf1 mx -all" }],
  ["TXT", { Name: "_dmarc", Text: "v=DMARC1; p=reject" }],
  ["SRV", { Name: "_imaps._tcp", Priority: "0", Weight: "1", Port: "993", Target: "mail.example.com" }],
];

for (const javaScript of [true, false]) {
  test(`a mail domain, two windows and the way back, ${javaScript ? "with" : "without"} JavaScript`, async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    const { page, stop } = await startBrowser({ javaScript });
    t.after(stop);
    const look = javaScript ? (name) => inspect(page, name) : async () => {};
    const on = (window) => ({
      press: (name) => window.getByRole("main").getByRole("button", { name, exact: true }).click(),
      fill: async (fields) => {
        for (const [label, value] of Object.entries(fields)) {
          await window.locator("#editor").getByLabel(label, { exact: true }).fill(value);
        }
      },
    });
    const { press, fill } = on(page);

    await page.goto(server.link);
    await press("Continue");
    await page.getByLabel("New password").fill("correct horse battery");
    await press("Save");
    await page.getByRole("heading", { name: "Your first zone" }).waitFor();
    await look("zones-none");
    await page.getByRole("main").getByRole("link", { name: "New zone" }).first().click();
    await press("Create zone");
    await page.getByRole("alert").waitFor();
    await look("zone-new-mistake");
    await page.getByLabel("Domain").fill("example.com");
    await press("Create zone");
    await page.getByRole("heading", { level: 1, name: "example.com" }).waitFor();
    const zone = page.url();
    await look("zone-new");

    for (const [type, fields] of MAIL) {
      await page.getByLabel("Type", { exact: true }).selectOption(type);
      await press("New record");
      if (type === "MX") {
        await press("Add record");
        await page.getByText("name is required").waitFor();
        await look("editor-mistake");
      }
      await fill(fields);
      if (type === "SRV") await look("editor-srv");
      await press("Add record");
    }
    assert.equal(await page.locator("#page ~ .pending tbody tr").count(), MAIL.length);
    await look("zone-collected");
    await press("Review and apply");
    await page.getByRole("heading", { name: "What will change" }).waitFor();
    await look("zone-review");
    await page.getByLabel("Comment").fill("mail");
    await press("Apply");
    await page.getByRole("status").getByText("Your changes are saved").waitFor();

    const live = page.getByText("Live on all nameservers");
    if (javaScript) {
      await live.waitFor();
    } else {
      const deadline = Date.now() + 20_000;
      while (!(await live.isVisible())) {
        assert.ok(Date.now() < deadline, "it does not become live");
        await page.reload();
      }
    }
    await look("zone");

    const other = await page.context().newPage();
    await other.goto(zone);
    for (const [window, value] of [[page, "192.0.2.26"], [other, "192.0.2.27"]]) {
      await on(window).press("Edit mail A 192.0.2.25");
      await on(window).fill({ "IPv4 address": value });
      await on(window).press("Change record");
    }
    await press("Review and apply");
    await press("Apply");
    await page.getByRole("status").getByText("Your changes are saved").waitFor();
    await on(other).press("Review and apply");
    await other.getByRole("alert").getByText("Another person changed this zone").waitFor();
    assert.ok((await other.textContent("main")).includes("192.0.2.26"));
    assert.ok((await other.textContent("main")).includes("192.0.2.27"));
    if (javaScript) await inspect(other, "zone-conflict");
    await on(other).press("Preview your changes on the new version");
    await on(other).press("Apply");
    await other.getByRole("status").getByText("Your changes are saved").waitFor();
    await other.close();

    await page.getByRole("link", { name: "History" }).click();
    await look("history");
    const mail = page.getByRole("row").filter({ hasText: "5 added" });
    await mail.getByRole("link").click();
    await look("version");
    await page.getByRole("link", { name: "Restore this version" }).click();
    await look("restore");
    await press("Restore this version");
    await page.getByRole("status").getByText("The version is restored.").waitFor();
    await page.getByRole("button", { name: "Edit mail A 192.0.2.25" }).waitFor();

    if (javaScript) {
      await page.goto(`${server.base}/zones/`);
      await look("zones");
      await page.getByLabel("Search by name").fill("nowhere");
      await page.getByText("No zone name contains “nowhere”.").waitFor();
      await page.goto(zone);
      await page.getByLabel("Filter").fill("dmarc");
      await page.getByRole("button", { name: "Edit mail A 192.0.2.25" }).waitFor({ state: "detached" });
      assert.equal(await page.locator(".records tbody tr").count(), 1);
    }
    await page.goto(`${zone}delete/`);
    await look("zone-delete");
    await page.getByLabel("Type example.com to confirm").fill("example.com");
    await press("Delete zone");
    await page.getByRole("status").getByText("The zone is deleted.").waitFor();
  });
}

test("what was collected is not lost by a slip", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { page, stop } = await startBrowser();
  t.after(stop);
  const press = (name) => page.getByRole("main").getByRole("button", { name, exact: true }).click();
  await page.goto(server.link);
  await press("Continue");
  await page.goto(`${server.base}/zones/new/`);
  await page.getByLabel("Domain").fill("example.com");
  await press("Create zone");
  await press("New record");
  await page.locator("#name:focus").waitFor();
  await page.keyboard.type("www");
  await page.locator("#editor").getByLabel("IPv4 address").fill("192.0.2.1");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Your changes" }).waitFor();
  let asked = 0;
  page.on("dialog", (dialog) => {
    asked += 1;
    dialog.dismiss();
  });
  await page.getByRole("link", { name: "Account", exact: true }).click();
  await page.getByRole("heading", { name: "Your changes" }).waitFor();
  assert.equal(asked, 1);
  await press("Review and apply");
  await press("Apply");
  await page.getByRole("status").getByText("Your changes are saved").waitFor();
  assert.equal(asked, 1, "what is sent is not lost");
});
