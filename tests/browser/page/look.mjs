// Pages as Chromium shows them: `node look.mjs FOLDER` opens each page of FOLDER/pages, puts a
// screenshot of each mode beside them, and prints what is wrong, by page and mode.

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join, parse, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
// A4 without its margins is 182 mm wide, at 96 pixels for an inch.
const MODES = {
  light: { viewport: { width: 1000, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1000, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, colorScheme: "light" },
  print: { viewport: { width: 688, height: 972 }, colorScheme: "light" },
};
const LEAST_CONTRAST = 4.5;
const LEAST_LETTER = 8;

// Whatever leaves the browser goes through here, whatever its own log calls a request.
const connections = [];
const BROWSERS_OWN = /^CONNECT [\w.-]+\.google(apis)?\.com:443 /;
const nowhere = createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", (data) => {
    const asked = data.toString("latin1").split("\r\n")[0];
    if (!BROWSERS_OWN.test(asked)) connections.push(asked);
    socket.destroy();
  });
});
await new Promise((ready) => nowhere.listen(0, "127.0.0.1", ready));

/** What a reader would not see, or not be able to read. Runs in the page. */
function unreadable({ leastContrast, leastLetter }) {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`it is ${root.scrollWidth} wide, of ${root.clientWidth}`);
  for (const each of document.querySelectorAll("main *")) {
    const box = each.getBoundingClientRect();
    if (box.width && (box.right > root.clientWidth + 1 || box.left < -1)) {
      found.push(`<${each.tagName.toLowerCase()}> runs over the edge: ${each.textContent.slice(0, 60)}`);
    }
  }

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
  };
  const over = (below, color, opacity) => {
    const [r, g, b, a] = rgba(color);
    return [r, g, b].map((part, n) => part * a * opacity + below[n] * (1 - a * opacity));
  };
  const light = (color) => {
    const [r, g, b] = color.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const covers = (box, x, y) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
  const paper = over([1, 1, 1], getComputedStyle(document.body).backgroundColor, 1);

  for (const chart of document.querySelectorAll("svg[role=img]")) {
    const frame = chart.getBoundingClientRect();
    if (!frame.width) continue;
    const scale = frame.width / chart.viewBox.baseVal.width;
    const texts = [...chart.querySelectorAll("text")].filter((each) => each.textContent);
    const boxes = texts.map((each) => each.getBoundingClientRect());
    texts.forEach((each, n) => {
      const [said, box, style] = [each.textContent, boxes[n], getComputedStyle(each)];
      const letter = parseFloat(style.fontSize) * scale;
      if (letter < leastLetter) found.push(`letters of ${letter.toFixed(1)} pixels: ${said}`);
      if (box.left < frame.left - 1 || box.right > frame.right + 1) found.push(`it leaves its chart: ${said}`);
      for (let other = 0; other < n; other++) {
        const [a, b] = [box, boxes[other]];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 3) found.push(`it lies upon ${texts[other].textContent}: ${said}`);
      }
      const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
      let below = paper;
      if (style.paintOrder.startsWith("stroke")) below = over(below, style.stroke, 1);
      else {
        for (const shape of chart.querySelectorAll("rect, .area")) {
          const [drawn, at] = [getComputedStyle(shape), shape.getBoundingClientRect()];
          if (drawn.fill !== "none" && covers(at, x, y)) below = over(below, drawn.fill, Number(drawn.opacity));
        }
      }
      const had = contrast(over(below, style.fill, 1), below);
      if (had < leastContrast) found.push(`contrast ${had.toFixed(1)}: ${said}`);
    });
  }
  return found;
}

const unfold = () => document.querySelectorAll("details").forEach((each) => (each.open = true));

async function look(browser, path, mode, screenshot) {
  const problems = [];
  const options = MODES[mode];
  const url = pathToFileURL(path).href;
  const context = await browser.newContext(options);
  context.on("request", (request) => request.url() !== url && problems.push(`request: ${request.url()}`));
  const page = await context.newPage();
  page.on("console", (message) => problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  if (mode === "print") await page.emulateMedia({ media: "print" });
  await page.goto(url, { waitUntil: "load" });
  const limits = { leastContrast: LEAST_CONTRAST, leastLetter: LEAST_LETTER };
  problems.push(...(await page.evaluate(unreadable, limits)));
  await page.screenshot({ path: `${screenshot}.png`, fullPage: true });
  if (mode === "print") {
    await page.pdf({ path: `${screenshot}.pdf`, format: "A4", printBackground: true, preferCSSPageSize: true });
  } else {
    await page.evaluate(unfold);
    problems.push(...(await page.evaluate(unreadable, limits)));
  }
  if (page.url() !== url) problems.push(`it went to ${page.url()}`);
  await context.close();
  return [...new Set(problems)];
}

/** What axe finds, with what is folded opened. Its script is no part of the page, whose policy would not run it. */
async function axe(browser, path, mode) {
  const context = await browser.newContext({ ...MODES[mode], bypassCSP: true });
  const page = await context.newPage();
  await page.goto(pathToFileURL(path).href);
  await page.evaluate(unfold);
  await page.addScriptTag({ path: AXE });
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ["violations"] }));
  await context.close();
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `axe ${id}: ${node.html.slice(0, 120)}`));
}

const folder = resolve(process.argv[2]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  proxy: { server: `http://127.0.0.1:${nowhere.address().port}`, bypass: "<-loopback>" },
});
const found = {};
for (const file of readdirSync(join(folder, "pages")).sort()) {
  const [path, { name }] = [join(folder, "pages", file), parse(file)];
  found[name] = {};
  for (const mode of Object.keys(MODES)) {
    const before = connections.length;
    const problems = await look(browser, path, mode, join(folder, `${name}-${mode}`));
    if (mode !== "print") problems.push(...(await axe(browser, path, mode)));
    problems.push(...connections.slice(before).map((each) => `connection: ${each}`));
    found[name][mode] = problems;
  }
}
await browser.close();
nowhere.close();
console.log(JSON.stringify(found));
