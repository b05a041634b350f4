// Clicks through a web console as a person would: console.mjs URL DIRECTORY. Prints what the page says as JSON, and
// leaves a screenshot of each step in DIRECTORY.
import { createRequire } from "node:module";

const [url, directory] = process.argv.slice(2);
const { chromium } = createRequire(`${directory}/`)("playwright-core");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });

try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1400 } });
  const text = () => page.locator("body").innerText();
  const shot = (name) => page.screenshot({ path: `${directory}/${name}.png`, fullPage: true });

  await page.goto(url);
  await page.getByText("Total Records").waitFor({ timeout: 60_000 });
  await page.getByText("Latest Record Timestamp").waitFor();
  const start = await text();
  await shot("start");

  await page.getByRole("combobox", { name: "Topic" }).click();
  const topics = await page.getByRole("option").allInnerTexts();
  await page.getByRole("option", { name: "orders" }).click();

  await page.getByText("From beginning").click();
  await page.getByRole("button", { name: "Load Messages" }).click();
  await page.getByText("#9 partition").waitFor({ timeout: 60_000 });
  const messages = await text();
  await page.getByText("#1 partition").click();
  await page.getByText("pizza").first().waitFor();
  const first = await text();
  await shot("messages");
  console.log(JSON.stringify({ start, topics, messages, first }));
} finally {
  await browser.close();
}
