// Hashes: what was rebuilt, and what could not be looked at.
(function hashes() {
  const list = data.hashes;
  const target = section("hashes", "Comparison of hashes");
  if (list.length === 0) {
    target.append(el("p", { class: "muted" }, "Nothing was rebuilt, so there is nothing to compare."));
  } else {
    const results = [...new Set(list.map(h => h.result))];
    const counts = new Map(results.map(r => [r, list.filter(h => h.result === r).length]));
    const chips = toggles("Results", results.map(r => [r, r + " " + number(counts.get(r))]), () => { shown = step; draw(); });
    const tbody = el("tbody"), rest = el("div");
    let shown = step;
    function draw() {
      const some = list.filter(h => chips.on.size === 0 || chips.on.has(h.result));
      tbody.replaceChildren(...some.slice(0, shown).map(row));
      more(rest, some.length, shown, n => { shown = n; draw(); });
    }
    target.append(el("p", { class: "muted" }, "A hash that comes out the same says that the build can be repeated, not that its inputs were source."),
      el("div", { class: "tools" }, chips.group),
      el("div", { class: "scroll" }, el("table", { class: "list" }, el("thead", {}, el("tr", {}, ["output", "result", "expected and got", "by, against"].map(t => el("th", { scope: "col" }, t)))), tbody)), rest);
    draw();
  }
  function row(h) {
    const cell = (label, ...c) => el("td", { "data-label": label }, el("div", {}, c));
    const differs = h.expected && h.got && h.expected !== h.got;
    const pair = !h.expected && !h.got ? ["—"] : differs ? [hash(h.expected, h.got), el("br"), hash(h.got, h.expected)] : [el("code", { class: "hash" }, h.got || h.expected)];
    return el("tr", {},
      el("th", { scope: "row", "data-label": "output" }, jump(h.row), " ", el("code", {}, h.output)),
      cell("result", el("span", { class: "result " + (h.result === "reproduced" ? "same" : h.result === "differs" ? "other" : "") }, h.result)),
      cell("expected and got", pair,
        h.reason ? el("p", { class: "muted" }, h.reason) : null,
        h.differences.length ? el("ul", { class: "differences" }, h.differences.map(d => el("li", {}, d))) : null),
      cell("by, against", [h.by, h.against].filter(Boolean).join(", against ")));
  }
  // hash marks from where on a hash differs from the other one.
  function hash(h, other) {
    let k = 0;
    while (k < h.length && h[k] === other[k]) k++;
    return el("code", { class: "hash" }, h.slice(0, k), el("mark", {}, h.slice(k)));
  }
})();

if (data.skipped.length) {
  const list = el("ul", { class: "skipped" }), rest = el("div");
  const draw = n => {
    list.replaceChildren(...data.skipped.slice(0, n).map(s => el("li", {}, el("code", {}, s.input), ": ", s.reason)));
    more(rest, data.skipped.length, n, draw);
  };
  section("skipped", "Could not be looked into", list, rest);
  draw(step);
}
document.documentElement.dataset.ready = "true";
