// The top of a report, light and dark: `node picture.mjs PAGE FOLDER`.

import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [page, folder] = process.argv.slice(2).map((path) => resolve(path));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM });
for (const colorScheme of ["light", "dark"]) {
  const viewport = { width: 920, height: 900 };
  const shown = await browser.newPage({ viewport, deviceScaleFactor: 1.5, colorScheme });
  await shown.goto(pathToFileURL(page).href);
  const bottom = await shown.evaluate(() => document.querySelector(".legend").getBoundingClientRect().bottom);
  const clip = { x: 0, y: 0, width: viewport.width, height: Math.ceil(bottom) + 4 };
  await shown.screenshot({ path: join(folder, `report-${colorScheme}.png`), clip });
}
await browser.close();
