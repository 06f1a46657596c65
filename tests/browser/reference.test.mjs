// The API's reference, which anybody may read, in its three languages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect, startBrowser, startServer } from "./kit.mjs";

test("the reference of the API in every language", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { page, stop } = await startBrowser();
  t.after(stop);
  for (const [language, heading] of [
    ["en", "API reference"],
    ["es", "Referencia de la API"],
    ["ms", "Rujukan API"],
  ]) {
    await page.goto(`${server.base}/api/v1/docs/dns/?lang=${language}`);
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), language);
    await inspect(page, `reference-${language}`, { whole: false });
  }
  // From the contents to an operation, and what is closed there opens by keyboard.
  await page.goto(`${server.base}/api/v1/docs/dns/?lang=en`);
  await page.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "Create DNS zone" }).click();
  const operation = page.locator("section:target");
  await operation.getByRole("heading", { name: "Create DNS zone" }).waitFor();
  await operation.getByText("Python", { exact: true }).focus();
  await page.keyboard.press("Enter");
  await operation.locator("details[open]").getByText("import requests").waitFor();
  await inspect(page, "reference-operation", { whole: false });
});
