"use strict";
// The page's script, in four files that are joined. Strings of the audit only
// ever become text nodes: there is no innerHTML here, and the page's content
// security policy allows no other script.
const data = JSON.parse(document.getElementById("data").textContent);
const app = document.getElementById("app");
const verdictKeys = ["source", "binary", "carries", "built", "seed", "unknown"];
const reachKeys = ["runtime", "build", "unknown"];
const resultText = image => image ? "the image" : "the runtime closure";

// el makes an element; attributes with a function are event handlers.
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (typeof v === "function") e.addEventListener(k, v);
    else if (v !== false && v != null) e.setAttribute(k, v === true ? "" : v);
  }
  for (const c of children.flat(Infinity)) if (c != null) e.append(c);
  return e;
}

function svg(tag, attributes, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
  for (const c of children) e.append(c);
  return e;
}

function shorten(s, n) {
  const c = [...s];
  if (c.length <= n) return s;
  const tail = Math.floor((n - 1) / 2);
  return c.slice(0, n - 1 - tail).join("") + "…" + c.slice(c.length - tail).join("");
}

function sizeText(n) {
  if (!n) return "size not known";
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let u = 0;
  while (n >= 1024 && u < units.length - 1) { n /= 1024; u++; }
  return (u ? n.toFixed(1) : n) + " " + units[u];
}

const number = n => n.toLocaleString("en");
const plural = (n, one, many) => number(n) + " " + (n === 1 ? one : many);

function badge(verdict) {
  return el("span", { class: "badge v-" + verdictKeys[verdict] }, data.verdicts[verdict]);
}

function section(id, title, ...children) {
  const s = el("section", { id, "aria-labelledby": id + "-title" }, el("h2", { id: id + "-title" }, title), ...children);
  app.append(s);
  return s;
}

// pressed makes a group of buttons that can each be on or off.
function toggles(label, items, onChange) {
  const on = new Set();
  const group = el("div", { class: "toggles", role: "group", "aria-label": label });
  const buttons = items.map(([key, content]) => el("button", {
    type: "button", "aria-pressed": "false", "data-key": key,
    click: e => {
      on.has(key) ? on.delete(key) : on.add(key);
      e.currentTarget.setAttribute("aria-pressed", String(on.has(key)));
      onChange();
    },
  }, content));
  group.append(...buttons);
  return {
    group, on,
    set(keys) {
      on.clear();
      keys.forEach(k => on.add(k));
      buttons.forEach(b => b.setAttribute("aria-pressed", String(on.has(b.dataset.key))));
    },
  };
}

// A list of any length is shown in steps, so that 30,000 rows cost nothing.
const step = 50;

function more(container, total, shown, show) {
  container.replaceChildren();
  if (shown >= total) return;
  const next = Math.min(step * 4, total - shown);
  container.append(el("button", { type: "button", class: "more", click: () => show(shown + next) },
    "Show " + number(next) + " more of " + number(total - shown)));
}

app.append(el("nav", { "aria-label": "Sections" },
  [["findings", "Findings"], ["map", "Map"], ["hashes", "Hashes"], ["next", "What to do next"], ["made", "How this was made"]]
    .filter(([id]) => id !== "next" || document.getElementById(id)).map(([id, t]) =>
    el("a", { href: "#" + id }, t))));
