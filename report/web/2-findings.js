// Findings: counts, a table to sort and filter, and details to open.
const rows = [];
(function collect() {
  const seen = new Set();
  data.findings.forEach((f, order) => { seen.add(f.row); rows.push({ ...f, order, what: data.verdict[f.row] }); });
  for (let i = 0; i < data.names.length; i++) {
    if (seen.has(i)) continue;
    const f = data.other[i] || { row: i, kinds: [], from: "", influence: 0, level: "", rebuild: "", urls: [], evidence: [], way: [], sources: [], through: [] };
    rows.push({ ...f, row: i, order: rows.length, what: data.verdict[i] });
  }
})();
const byRow = new Map(rows.map(r => [r.row, r]));

const columns = [
  ["derivation", r => data.names[r.row], "text"],
  ["what it is", r => data.verdicts[r.what] + " " + r.kinds.map(k => data.kinds[k]).join(", "), "text"],
  ["where from", r => r.from, "text"],
  ["reach", r => data.reach[r.row], "number"],
  ["influence", r => -r.influence, "number"],
  ["evidence", r => -["", "derivation", "content", "trace", "rebuild"].indexOf(r.level), "number"],
  ["rebuild", r => r.rebuild || "~", "text"],
];
const view = { sort: -1, down: false, shown: step, open: new Set() };

const filter = el("input", {
  type: "search", id: "filter", placeholder: "Filter by name, origin, rule …  ( / )", autocomplete: "off", spellcheck: "false",
  "aria-label": "Filter findings", input: () => refresh(true),
});
const verdicts = toggles("Verdicts", verdictKeys.map((k, i) => [k, badge(i)]), () => refresh(true));
// Beside verdicts "unknown" alone would be read as the verdict.
const reachWords = reachKeys.map((k, i) => k === "unknown" ? "reach unknown" : data.reaches[i]);
const reaches = toggles("Reach", reachKeys.map((k, i) => [k, reachWords[i]]), () => refresh(true));
const status = el("p", { class: "status", role: "status", "aria-live": "polite" });
const body = el("tbody");
const moreRows = el("div");
const heads = columns.map(([name], c) => el("th", { scope: "col", "aria-sort": "none" },
  el("button", { type: "button", click: () => { view.down = view.sort === c && !view.down; view.sort = c; refresh(true); } }, name)));

function haystack(r) {
  return r.hay ??= [data.names[r.row], r.drv, r.from, ...r.urls, ...r.evidence.flatMap(e => [e.rule, e.at, e.detail])].join("\n").toLowerCase();
}

function selected() {
  const terms = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const list = rows.filter(r =>
    verdicts.on.has(verdictKeys[r.what]) &&
    (reaches.on.size === 0 || reaches.on.has(reachKeys[data.reach[r.row]])) &&
    terms.every(t => haystack(r).includes(t)));
  if (view.sort >= 0) {
    const [, key, kind] = columns[view.sort];
    const sign = view.down ? -1 : 1;
    const keys = new Map(list.map(r => [r, key(r)]));
    const collate = new Intl.Collator("en", { numeric: true });
    list.sort((a, b) => sign * (kind === "text" ? collate.compare(keys.get(a), keys.get(b)) : keys.get(a) - keys.get(b)) || a.order - b.order);
  }
  return list;
}

function refresh(reset) {
  if (reset) view.shown = step;
  const list = selected();
  heads.forEach((h, c) => h.setAttribute("aria-sort", c !== view.sort ? "none" : view.down ? "descending" : "ascending"));
  body.replaceChildren(...list.slice(0, view.shown).flatMap(r => view.open.has(r.row) ? [line(r), details(r)] : [line(r)]));
  status.textContent = list.length === rows.length ? plural(list.length, "derivation", "derivations")
    : number(list.length) + " of " + plural(rows.length, "derivation", "derivations");
  if (list.length === 0) body.append(el("tr", {}, el("td", { colspan: columns.length, class: "empty" }, "Nothing matches.")));
  more(moreRows, list.length, view.shown, n => { view.shown = n; refresh(false); });
}

function line(r) {
  const open = view.open.has(r.row);
  const cells = [
    el("button", { type: "button", class: "name", "aria-expanded": String(open), "data-row": r.row, title: data.names[r.row], click: () => toggle(r) },
      shorten(data.names[r.row], 64)),
    [badge(r.what), " ", r.kinds.map(k => data.kinds[k]).join(", "), r.suspected ? el("em", {}, " suspected") : null],
    r.from ? el("code", {}, shorten(r.from, 44)) : "—",
    el("span", { class: "reach " + (r.what === 0 ? "" : "r-") + reachKeys[data.reach[r.row]] }, data.reaches[data.reach[r.row]]),
    number(r.influence), r.level || "—",
    el("span", { class: "result " + (r.rebuild === "reproduced" ? "same" : r.rebuild.includes("differs") ? "other" : "") }, r.rebuild || "—"),
  ];
  return el("tr", { class: open ? "open" : "" }, cells.map((c, i) =>
    el(i ? "td" : "th", { scope: i ? null : "row", "data-label": columns[i][0], class: i === 4 ? "n" : null }, el("div", {}, c))));
}

function toggle(r) {
  view.open.has(r.row) ? view.open.delete(r.row) : view.open.add(r.row);
  const button = body.querySelector('button[data-row="' + r.row + '"]');
  const tr = button.closest("tr");
  if (tr.nextSibling && tr.nextSibling.className === "details") tr.nextSibling.remove();
  const fresh = line(r);
  tr.replaceWith(fresh);
  if (view.open.has(r.row)) fresh.after(details(r));
  fresh.querySelector("button").focus();
  history.replaceState(null, "", view.open.has(r.row) && r.drv ? "#" + anchor(r.drv) : "#findings");
}

const anchor = drv => "drv-" + (drv.split("/").pop() || "").slice(0, 32).replace(/[^0-9a-z]/g, "");

function details(r) {
  const facts = el("dl", {});
  const fact = (term, ...values) => { if (values.flat().length) facts.append(el("dt", {}, term), el("dd", {}, values)); };
  if (r.drv) fact("derivation", el("code", {}, r.drv));
  fact("note", r.reason ? r.reason : []);
  fact("by way of", r.through.map(row => el("span", { class: "block" }, jump(row))), r.others ? "and " + number(r.others) + " more" : []);
  fact("fetched from", r.urls.map(u => el("code", { class: "block" }, u)));
  fact("size", data.size[r.row] ? sizeText(data.size[r.row]) : []);
  fact("confidence", r.confidence || []);
  if (r.influence) fact("influence", r.dependents);
  const why = r.evidence.length ? el("ol", { class: "evidence" }, r.evidence.map(e => el("li", {},
    el("span", { class: "level l-" + (["derivation", "content", "trace", "rebuild"].includes(e.level) ? e.level : "other") }, e.level), " ",
    e.detail, e.at ? [" at ", el("code", {}, e.at)] : null, e.from >= 0 ? [" from ", jump(e.from)] : null,
    el("span", { class: "rule" }, " rule " + e.rule)))) : el("p", { class: "muted" }, "No evidence is recorded.");
  if (r.more) why.append(el("li", { class: "muted" }, "and " + plural(r.more, "more piece", "more pieces") + " in the audit file"));
  const parts = [el("div", {}, facts), el("div", {}, el("h3", {}, "Evidence"), why)];
  if (r.way.length > 1) parts.push(el("div", { class: "way" }, el("h3", {}, "Way from " + (data.image ? "the image" : "the target") + " by " + r.via), drawWay(r)));
  return el("tr", { class: "details" }, el("td", { colspan: columns.length }, el("div", { class: "panel" }, parts)));
}

// jump is a button that opens another row.
function jump(row) {
  return el("button", { type: "button", class: "link", click: () => show(row) }, shorten(data.names[row], 60));
}

function show(row) {
  const r = byRow.get(row);
  verdicts.on.add(verdictKeys[r.what]);
  verdicts.set([...verdicts.on]);
  reaches.set([]);
  filter.value = data.names[row].includes(" ") ? "" : data.names[row].toLowerCase();
  view.open.add(row);
  const at = selected().indexOf(r);
  view.shown = Math.max(step, at + 1);
  refresh(false);
  const b = body.querySelector('button[data-row="' + row + '"]');
  if (b) { b.focus(); b.scrollIntoView({ block: "center" }); }
}

(function start() {
  const counts = verdictKeys.map(() => [0, 0, 0]);
  data.verdict.forEach((v, i) => counts[v][data.reach[i]]++);
  const table = el("table", { class: "counts" },
    el("caption", { class: "hidden" }, "Derivations by verdict and reach; a number filters the findings"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "verdict"), reachWords.map(t => el("th", { scope: "col" }, t)))),
    el("tbody", {}, counts.map((c, v) => el("tr", {}, el("th", { scope: "row" }, badge(v)),
      c.map((n, k) => el("td", { class: "n" }, n === 0 ? "0" : el("button", {
        type: "button", class: "link", "aria-label": number(n) + " " + data.verdicts[v] + ", " + reachWords[k] + ": show",
        click: () => { verdicts.set([verdictKeys[v]]); reaches.set([reachKeys[k]]); filter.value = ""; refresh(true); document.getElementById("findings").scrollIntoView(); },
      }, number(n))))))));
  const bar = el("div", { class: "bars" }, [0, 1, 2].filter(k => counts.some(c => c[k])).map(k => {
    const total = counts.reduce((s, c) => s + c[k], 0);
    const b = el("div", { class: "bar", role: "img", "aria-label": reachWords[k] + ": " + counts.map((c, v) => c[k] ? c[k] + " " + data.verdicts[v] : "").filter(Boolean).join(", ") },
      counts.map((c, v) => { if (!c[k]) return null; const s = el("span", { class: "f-" + verdictKeys[v] }); s.style.flexGrow = c[k]; return s; }));
    return el("div", {}, el("p", {}, el("strong", {}, reachWords[k]), " " + plural(total, "derivation", "derivations")), b);
  }));
  section("counts", "In numbers", el("div", { class: "numbers" }, table, bar));
  section("findings", "Findings",
    el("div", { class: "tools" }, filter, verdicts.group, reaches.group),
    status,
    el("div", { class: "scroll" }, el("table", { class: "list" }, el("thead", {}, el("tr", {}, heads)), body)),
    moreRows,
    el("p", { class: "muted keys" }, "Keys: ", el("kbd", {}, "/"), " filter, ", el("kbd", {}, "↑"), " ", el("kbd", {}, "↓"), " move, ", el("kbd", {}, "Enter"), " open or close, ", el("kbd", {}, "Esc"), " clear."));
  verdicts.set(data.findings.length ? ["binary", "carries", "built"] : ["seed", "unknown"]);
  const wanted = location.hash.startsWith("#drv-") && rows.find(r => r.drv && "#" + anchor(r.drv) === location.hash);
  refresh(true);
  if (wanted) requestAnimationFrame(() => show(wanted.row));
})();

document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target.matches("input, select, textarea");
  if (e.key === "/" && !typing) { e.preventDefault(); filter.focus(); return; }
  if (e.key === "Escape" && e.target === filter) { filter.value = ""; refresh(true); return; }
  const inTable = e.target.matches("button.name");
  if (!(inTable || e.target === filter) || (e.key !== "ArrowDown" && e.key !== "ArrowUp")) return;
  const names = [...body.querySelectorAll("button.name")];
  const at = names.indexOf(e.target) + (e.key === "ArrowDown" ? 1 : -1);
  e.preventDefault();
  if (at < 0) filter.focus(); else if (at < names.length) names[at].focus();
});
