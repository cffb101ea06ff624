// Drawings: the way from the target to a finding, and the map of the closure.
function drawWay(r) {
  const narrow = innerWidth < 700;
  const chars = narrow ? 34 : 58;
  let way = r.way.map(i => ({ row: i }));
  if (way.length > 12) way = [...way.slice(0, 6), { gap: way.length - 11 }, ...way.slice(-5)];
  const from = r.sources.slice(0, 4).map(i => ({ row: i, source: true }));
  const high = 30, gap = 20, left = 14;
  const all = [...way, ...from];
  const width = left * 2 + Math.max(...all.map(n => n.gap ? 20 : Math.min(chars, [...data.names[n.row]].length))) * 7.8 + 30 + (from.length ? 26 : 0);
  const height = all.length * (high + gap) - gap + 8;
  const words = r.way.map(i => data.names[i]).join(" → ");
  const s = svg("svg", { viewBox: "0 0 " + width + " " + height, width, height, class: "chain", role: "img", "aria-label": "Way: " + words });
  all.forEach((n, k) => {
    const y = k * (high + gap) + 4, x = n.source ? left + 26 : left;
    if (n.source) {
      s.append(svg("path", { class: "edge dashed", d: "M" + (left + 12) + " " + ((way.length - 1) * (high + gap) + 4 + high) + " V" + (y + high / 2) + " H" + (x - 4) }),
        svg("path", { class: "edge", d: "M" + (x - 8) + " " + (y + high / 2 - 4) + " l5 4 l-5 4" }));
    } else if (k) s.append(svg("path", { class: "edge", d: "M" + (left + 12) + " " + (y - gap) + " V" + (y - 5) + " m-4 -5 l4 5 l4 -5" }));
    if (n.gap) { s.append(svg("text", { x: x + 12, y: y + high / 2, class: "gap" }, n.gap + " more steps")); return; }
    const name = data.names[n.row];
    const w = Math.min(chars, [...name].length) * 7.8 + 30;
    s.append(svg("g", { class: "node v-" + verdictKeys[data.verdict[n.row]] },
      svg("title", {}, name + ": " + data.verdicts[data.verdict[n.row]]),
      svg("rect", { x, y, width: w, height: high, rx: 6 }),
      svg("rect", { x, y, width: 6, height: high, rx: 3, class: "mark" }),
      svg("text", { x: x + 16, y: y + high / 2 }, shorten(name, chars))));
  });
  const out = [el("div", { class: "scroll" }, s)];
  if (from.length) out.push(el("p", { class: "muted" }, "Dashed: where its prebuilt bytes come from" + (r.sources.length > 4 ? ", 4 of " + r.sources.length : "") + "."));
  return el("div", {}, out);
}

// The map is a squarified treemap: a group a seed, a tile a derivation.
(function map() {
  const all = data.names.map((_, i) => i);
  const runtime = all.filter(i => data.reach[i] === 0);
  if (all.length === 0) return;
  let scope = runtime.length ? "runtime" : "all", tiles = [], groups = [], current = -1;
  const canvas = el("canvas", { tabindex: "0", role: "application", "aria-roledescription": "map", "aria-describedby": "map-help" });
  const say = el("p", { class: "status", role: "status", "aria-live": "polite" }, "Point at a tile, or move with the arrow keys.");
  const scopes = el("select", { "aria-label": "What the map shows", change: e => { scope = e.target.value; layout(); } },
    runtime.length ? el("option", { value: "runtime" }, "runtime closure (" + number(runtime.length) + ")") : null,
    el("option", { value: "all" }, "all derivations (" + number(all.length) + ")"));
  section("map", "Map",
    el("p", { id: "map-help", class: "muted" }, "Each tile is a derivation, as large as its outputs where their size is known. Frames are the seeds: a tile stands in the frame of the seed nearest to it. Arrow keys go from tile to tile, Enter opens one."),
    el("div", { class: "tools" }, scopes, el("div", { class: "legend" }, data.verdicts.map((_, v) => badge(v)))),
    el("div", { class: "map" }, canvas), say);

  function squarify(items, x, y, w, h, out) {
    let rest = items.reduce((s, t) => s + t.weight, 0), i = 0;
    while (i < items.length && w > 0 && h > 0) {
      const side = Math.min(w, h), scale = w * h / rest;
      let sum = 0, worst = Infinity, j = i;
      const top = items[i].weight;
      while (j < items.length) {
        const s = sum + items[j].weight, area = s * scale, strip = area / side;
        const ratio = Math.max(strip * strip / (items[j].weight * scale), top * scale / (strip * strip));
        if (ratio > worst) break;
        worst = ratio; sum = s; j++;
      }
      const strip = sum * scale / side;
      let at = 0;
      for (; i < j; i++) {
        const len = items[i].weight * scale / strip;
        out(items[i], w >= h ? [x, y + at, strip, len] : [x + at, y, len, strip]);
        at += len;
      }
      if (w >= h) { x += strip; w -= strip; } else { y += strip; h -= strip; }
      rest -= sum;
    }
  }

  function layout() {
    const width = canvas.parentElement.clientWidth, height = Math.max(320, Math.min(620, width * 0.55));
    const scale = devicePixelRatio || 1;
    canvas.width = width * scale; canvas.height = height * scale;
    canvas.style.width = width + "px"; canvas.style.height = height + "px";
    const list = scope === "runtime" ? runtime : all;
    const total = list.reduce((s, i) => s + data.size[i], 0);
    // Nothing may be too small to be seen: a floor under every weight.
    const floor = Math.max(total / list.length / 12, 1);
    const by = new Map();
    for (const i of list) {
      const seed = data.seed[i];
      if (!by.has(seed)) by.set(seed, []);
      by.get(seed).push({ row: i, weight: Math.max(data.size[i], floor) });
    }
    const bySize = (a, b) => b.weight - a.weight || a.row - b.row;
    const tops = [...by].map(([row, items]) => ({ row, items: items.sort(bySize), weight: items.reduce((s, t) => s + t.weight, 0) })).sort(bySize);
    tiles = []; groups = []; current = -1;
    squarify(tops, 0, 0, width, height, (g, [x, y, w, h]) => {
      groups.push({ row: g.row, x, y, w, h });
      const head = h > 40 && w > 70 ? 18 : 2;
      squarify(g.items, x + 2, y + head, Math.max(w - 4, 0), Math.max(h - head - 2, 0), (t, b) => tiles.push({ row: t.row, x: b[0], y: b[1], w: b[2], h: b[3] }));
    });
    canvas.setAttribute("aria-label", "Treemap of " + plural(list.length, "derivation", "derivations") + " in " + plural(groups.length, "group", "groups"));
    draw();
  }

  function draw() {
    const c = canvas.getContext("2d"), scale = devicePixelRatio || 1, css = getComputedStyle(document.documentElement);
    const color = verdictKeys.map(k => css.getPropertyValue("--t-" + k)), ink = css.getPropertyValue("--ink"), paper = css.getPropertyValue("--card");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.fillStyle = paper;
    c.fillRect(0, 0, canvas.width, canvas.height);
    for (const t of tiles) {
      c.fillStyle = color[data.verdict[t.row]];
      const inset = Math.min(t.w, t.h) > 4 ? 0.75 : 0;
      c.fillRect(t.x + inset, t.y + inset, t.w - 2 * inset, t.h - 2 * inset);
    }
    c.font = "12px system-ui, sans-serif";
    c.textBaseline = "middle";
    c.fillStyle = ink;
    const label = (s, x, y, w) => {
      const room = Math.floor((w - 8) / 6.6);
      if (room >= 5) c.fillText(shorten(s, room), x + 4, y);
    };
    for (const t of tiles) if (t.h > 18 && t.w > 46) label(data.names[t.row], t.x, t.y + t.h / 2, t.w);
    c.font = "600 12px system-ui, sans-serif";
    for (const g of groups) if (g.h > 40 && g.w > 70) label(g.row < 0 ? "no seed leads here" : "seed: " + data.names[g.row], g.x, g.y + 10, g.w);
    if (current >= 0 && tiles[current]) {
      const t = tiles[current];
      c.lineWidth = 3; c.strokeStyle = ink;
      c.strokeRect(t.x + 1, t.y + 1, Math.max(t.w - 2, 1), Math.max(t.h - 2, 1));
    }
  }

  function pick(k) {
    if (k === current || k < 0) return;
    current = k;
    const i = tiles[k].row;
    say.textContent = data.names[i] + ": " + data.verdicts[data.verdict[i]] + ", " + data.reaches[data.reach[i]] + ", " + sizeText(data.size[i]);
    draw();
  }
  const under = e => { const b = canvas.getBoundingClientRect(), x = e.clientX - b.left, y = e.clientY - b.top; return tiles.findIndex(t => x >= t.x && x < t.x + t.w && y >= t.y && y < t.y + t.h); };
  canvas.addEventListener("pointermove", e => pick(under(e)));
  canvas.addEventListener("click", e => { const k = under(e); if (k >= 0) show(tiles[k].row); });
  canvas.addEventListener("focus", () => { if (current < 0 && tiles.length) pick(0); });
  canvas.addEventListener("keydown", e => {
    if (e.key === "Enter" && current >= 0) { e.preventDefault(); show(tiles[current].row); return; }
    const dir = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (!dir || current < 0) return;
    e.preventDefault();
    const t = tiles[current], cx = t.x + t.w / 2, cy = t.y + t.h / 2;
    let best = -1, least = Infinity;
    tiles.forEach((o, k) => {
      const dx = o.x + o.w / 2 - cx, dy = o.y + o.h / 2 - cy, along = dx * dir[0] + dy * dir[1];
      if (k === current || along <= 0) return;
      const cost = along + 3 * Math.abs(dx * dir[1] + dy * dir[0]);
      if (cost < least) { least = cost; best = k; }
    });
    pick(best);
  });
  let width = 0;
  new ResizeObserver(() => { const w = canvas.parentElement.clientWidth; if (w && w !== width) { width = w; layout(); } }).observe(canvas.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
