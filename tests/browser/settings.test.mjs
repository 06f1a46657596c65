// A zone as a whole: its settings, set by two people, and a zone file that takes the place of its records.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect, startBrowser, startServer } from "./kit.mjs";

const FILE = `$TTL 300
@ IN SOA ns.example.net. host.example.net. 5 3600 600 1209600 300
@ IN NS ns.example.net.
@ MX 10 mail
mail A 192.0.2.25
www A 192.0.2.1
www AAAA 2001:db8::1
_dmarc TXT "v=DMARC1; p=reject"
elsewhere.test. A 192.0.2.9
`;

for (const javaScript of [true, false]) {
  test(`settings and a zone file, ${javaScript ? "with" : "without"} JavaScript`, async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    const { page, stop } = await startBrowser({ javaScript });
    t.after(stop);
    const folder = await mkdtemp(join(tmpdir(), "zonewright-file-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const look = javaScript ? (name) => inspect(page, name) : async () => {};
    const button = (window, name) => window.getByRole("main").getByRole("button", { name, exact: true });
    const press = (name) => button(page, name).click();
    const stored = () => page.getByRole("status").getByText("Your changes are saved").waitFor();

    await page.goto(server.link);
    await press("Continue");
    await page.goto(`${server.base}/zones/new/`);
    await page.getByLabel("Domain").fill("example.com");
    await press("Create zone");
    await page.getByRole("heading", { level: 1, name: "example.com" }).waitFor();
    const zone = page.url();

    await page.getByRole("link", { name: "Settings" }).click();
    await look("settings");
    const other = await page.context().newPage();
    await other.goto(page.url());
    await page.getByLabel("Default TTL").fill("1h");
    await page.getByLabel("Refresh").fill("5");
    await press("Save");
    await page.getByRole("alert").getByText("default_ttl must be an integer").waitFor();
    assert.equal(await page.getByLabel("Default TTL").inputValue(), "1h");
    await look("settings-mistakes");
    await page.getByLabel("Default TTL").fill("300");
    await page.getByLabel("Refresh").fill("");
    await page.getByLabel("Comment").fill("the shop");
    await press("Save");
    await stored();
    await other.getByLabel("Default TTL").fill("600");
    await other.getByLabel("Minimum").fill("60");
    await button(other, "Save").click();
    await other.getByRole("alert").getByText("Another person changed this zone").waitFor();
    await other.getByRole("alert").getByText("Another person changed this to “300” in the meantime.").waitFor();
    assert.equal(await other.getByLabel("Comment").inputValue(), "the shop");
    if (javaScript) await inspect(other, "settings-conflict");
    await button(other, "Save").click();
    await other.getByRole("status").getByText("Your changes are saved").waitFor();
    await other.close();

    await page.goto(zone);
    await press("New record");
    await page.getByText("Leave empty for 600").waitFor();

    await page.getByRole("link", { name: "Import" }).click();
    await look("import");
    await page.getByLabel("Zone file", { exact: true }).fill("@ A 192.0.2.1\nwww A 192.0.2\n");
    await press("Show changes");
    await page.getByRole("alert").getByText("Line 2, column 7").waitFor();
    await look("import-faults");
    const path = join(folder, "example.com.zone");
    await writeFile(path, FILE);
    await page.getByLabel("Choose a zone file").setInputFiles(path);
    await press("Show changes");
    await page.getByRole("heading", { name: "What will change" }).waitFor();
    await page.getByText("A (line 9): not inside the zone").waitFor();
    await look("import-review");
    await press("Back to the file");
    const file = page.getByLabel("Zone file", { exact: true });
    assert.equal(await file.inputValue(), FILE);
    await file.fill(FILE.replace("192.0.2.1\n", "192.0.2.2\n"));
    await press("Show changes");
    await page.getByLabel("Comment").fill("moved here");
    await press("Apply");
    await stored();
    await button(page, "Edit www A 192.0.2.2").waitFor();

    await page.goto(`${zone}history/`);
    const versions = page.getByRole("row");
    await versions.filter({ hasText: "moved here" }).getByText("6 added").waitFor();
    assert.equal(await versions.count(), 5, "the first, two of settings, one of the file, and the headings");
    await look("settings-history");
  });
}

test("an operator finds accounts as they type", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  for (const name of ["ann", "bob"]) await server.command("account", "create", `${name}@example.com`);
  const { page, stop } = await startBrowser();
  t.after(stop);
  await page.goto(server.link);
  await page.getByRole("main").getByRole("button", { name: "Continue" }).click();
  await page.goto(`${server.base}/operator/accounts/`);
  await page.getByRole("link", { name: "bob@example.com" }).waitFor();
  await page.getByLabel("Search by address or name").fill("ANN@");
  await page.getByRole("link", { name: "bob@example.com" }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: "ann@example.com" }).waitFor();
  await inspect(page, "operator-accounts-found");
  await page.getByLabel("Search by address or name").fill("nobody");
  await page.getByText("No account has “nobody”").waitFor();
  await inspect(page, "operator-accounts-none");
});
