package webtest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"fromsource/analyze/audit"
	"fromsource/analyze/policy/audittest"
)

const rowNames = `[...document.querySelectorAll("#findings button.name")].map(b => b.title)`

func TestPage(t *testing.T) {
	p := open(t, audittest.Generate(3000), 1280, 900, false, "")
	findings := eval[int](p, `data.findings.length`)
	if findings < 20 {
		t.Fatalf("only %d findings", findings)
	}
	if got := eval[string](p, `document.querySelector("#findings .status").textContent`); !strings.Contains(got, " of 3,000 derivations") {
		t.Errorf("status %q", got)
	}
	// The answer is a list: its words stand below each other, its text beside.
	if n := eval[int](p, `new Set([...document.querySelectorAll(".answer dt")].map(e => e.getBoundingClientRect().left)).size`); n != 1 {
		t.Errorf("the words of the answer stand in %d columns", n)
	}
	if w := eval[float64](p, `Math.min(...[...document.querySelectorAll(".answer dd")].map(e => e.getBoundingClientRect().width))`); w < 600 {
		t.Errorf("a text of the answer is only %v pixels wide", w)
	}
	// Beside verdicts, of which unknown is one, what is not known is named.
	if head := eval[string](p, `document.querySelector("table.counts thead").textContent`); !strings.Contains(head, "reach unknown") {
		t.Errorf("the table of counts has the columns %q", head)
	}
	p.picture("light")
	p.run(chromedp.Click(`#findings button.name`), chromedp.WaitVisible(`tr.details .chain`))
	p.picture("light-open")
	p.clean()
}

// Everything can be done without a mouse.
func TestKeyboard(t *testing.T) {
	p := open(t, audittest.Generate(3000), 1280, 900, true, "")
	active := `document.activeElement.id || document.activeElement.className`
	p.run(chromedp.KeyEvent("/"))
	if got := eval[string](p, active); got != "filter" {
		t.Fatalf("after / the focus is on %q", got)
	}
	first := eval[[]string](p, rowNames)[0]
	word := strings.Split(first, "-")[0]
	p.run(chromedp.KeyEvent(word))
	names := eval[[]string](p, rowNames)
	if len(names) == 0 {
		t.Fatal("the filter hides everything")
	}
	for _, n := range names {
		row := eval[bool](p, `rows.some(r => data.names[r.row] === `+quote(n)+` && haystack(r).includes(`+quote(word)+`))`)
		if !row {
			t.Errorf("%q passes the filter %q", n, word)
		}
	}
	p.run(chromedp.KeyEvent(kb.ArrowDown))
	if got := eval[string](p, `document.activeElement.title`); got != names[0] {
		t.Fatalf("after the first arrow the focus is on %q, want %q", got, names[0])
	}
	p.run(chromedp.KeyEvent(kb.Enter))
	if got := eval[string](p, `document.activeElement.getAttribute("aria-expanded")`); got != "true" {
		t.Fatalf("Enter does not open a finding: aria-expanded %q", got)
	}
	if n := eval[int](p, `document.querySelectorAll("tr.details").length`); n != 1 {
		t.Fatalf("%d details are open", n)
	}
	hash := eval[string](p, `location.hash`)
	p.run(chromedp.KeyEvent(kb.Enter))
	if n := eval[int](p, `document.querySelectorAll("tr.details").length`); n != 0 {
		t.Fatal("Enter does not close a finding")
	}
	if !strings.HasPrefix(hash, "#drv-") {
		t.Errorf("an open finding has no address: %q", hash)
	}
	p.run(chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.Escape))
	if got := eval[string](p, `filter.value`); got != "" {
		t.Errorf("Escape leaves %q in the filter", got)
	}
	// The map: arrows move, Enter opens the derivation in the table.
	p.run(chromedp.Focus(`canvas`))
	before := eval[string](p, `document.querySelector("#map .status").textContent`)
	p.run(chromedp.KeyEvent(kb.ArrowRight))
	after := eval[string](p, `document.querySelector("#map .status").textContent`)
	if before == after || !strings.Contains(after, ": ") {
		t.Errorf("the map says %q, then %q", before, after)
	}
	p.run(chromedp.KeyEvent(kb.Enter))
	if got := eval[string](p, `document.activeElement.title`); !strings.HasPrefix(after, got+":") || got == "" {
		t.Errorf("Enter on the tile %q leads to %q", after, got)
	}
	p.picture("dark")
	p.clean()
}

func TestSort(t *testing.T) {
	p := open(t, audittest.Generate(3000), 1280, 900, false, "")
	influence := `[...document.querySelectorAll("#findings tbody tr td.n")].map(c => +c.textContent.replace(/,/g, ""))`
	p.run(chromedp.Click(`#findings thead th:nth-child(5) button`))
	up := eval[[]int](p, influence)
	for i := 1; i < len(up); i++ {
		if up[i] > up[i-1] {
			t.Fatalf("sorted by influence: %v", up)
		}
	}
	if got := eval[string](p, `document.querySelector("#findings thead th:nth-child(5)").getAttribute("aria-sort")`); got != "ascending" {
		t.Errorf("aria-sort is %q", got)
	}
	p.run(chromedp.Click(`#findings thead th:nth-child(5) button`))
	if down := eval[[]int](p, influence); down[0] > up[0] || down[0] > down[len(down)-1] {
		t.Errorf("sorted the other way: %v", down)
	}
	p.clean()
}

func TestFilters(t *testing.T) {
	p := open(t, audittest.Generate(3000), 1280, 900, false, "")
	p.run(chromedp.Click(`#findings [data-key="runtime"]`))
	if n := eval[int](p, `document.querySelectorAll("#findings .r-build, #findings .r-unknown").length`); n != 0 {
		t.Errorf("%d rows of another reach pass", n)
	}
	// A number of the summary sets the filters to its cell.
	want := eval[string](p, `document.querySelector("#counts tbody tr:nth-child(6) td button").textContent`)
	p.run(chromedp.Click(`#counts tbody tr:nth-child(6) td button`))
	if got := eval[string](p, `document.querySelector("#findings .status").textContent`); !strings.HasPrefix(got, want+" of") {
		t.Errorf("the cell said %s, the list says %q", want, got)
	}
	p.run(chromedp.Click(`#hashes [data-key="differs"]`))
	if n := eval[int](p, `[...document.querySelectorAll("#hashes .result")].filter(e => e.textContent !== "differs").length`); n != 0 {
		t.Errorf("%d other results are shown", n)
	}
	if n := eval[int](p, `document.querySelectorAll("#hashes mark").length`); n == 0 {
		t.Error("differing hashes are not marked")
	}
	p.clean()
}

func TestAddressOpensFinding(t *testing.T) {
	a := audittest.Generate(3000)
	for i := len(a.Derivations) - 1; i > 0; i-- {
		if d := a.Derivations[i]; d.Verdict == audit.Binary {
			p := open(t, a, 1280, 900, false, "drv-"+d.Drv[len("/nix/store/"):][:32])
			p.run(chromedp.WaitVisible(`tr.details .panel`))
			if got := eval[string](p, `document.activeElement.title`); got != d.Name {
				t.Errorf("the address of %q opens %q", d.Name, got)
			}
			p.clean()
			return
		}
	}
}

func TestPhone(t *testing.T) {
	p := open(t, audittest.Generate(3000), 390, 844, false, "")
	p.run(chromedp.Click(`#findings button.name`), chromedp.WaitVisible(`tr.details .panel`))
	if w := eval[int](p, `document.documentElement.scrollWidth`); w > 390 {
		t.Errorf("on a phone the page is %d pixels wide: %v", w, eval[[]string](p,
			`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 391 && !e.closest(".scroll svg")).map(e => e.tagName + "." + e.className)`))
	}
	p.picture("phone")
	p.clean()
}

// Strings of the audit stay text: no script runs, no element appears, no
// request leaves.
func TestHostile(t *testing.T) {
	p := open(t, audittest.GenerateHostile(2000), 1280, 900, false, "")
	p.run(chromedp.Evaluate(`verdicts.set(verdictKeys); view.shown = 3000; rows.forEach(r => view.open.add(r.row)); refresh(false)`, nil))
	if n := eval[int](p, `document.querySelectorAll("img, iframe, object, embed, base, link, b, script[src], [onerror]").length`); n != 0 {
		t.Errorf("%d foreign elements on the page", n)
	}
	if n := eval[int](p, `document.scripts.length`); n != 2 {
		t.Errorf("%d scripts on the page, want ours and the data", n)
	}
	// The policy holds for our own script, too: an injected element is inert.
	p.run(chromedp.Evaluate(`document.body.append(Object.assign(document.createElement("script"), {textContent: "window.pwned = 1"}))`, nil))
	if eval[bool](p, `"pwned" in window`) {
		t.Error("an inline script of others ran")
	}
	// That is reported when the browser comes to it.
	var refused, others []string
	for end := time.Now().Add(time.Minute); len(refused) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		refused, others = nil, nil
		p.mu.Lock()
		for _, e := range p.errors {
			if strings.Contains(e, "Content Security Policy") {
				refused = append(refused, e)
			} else {
				others = append(others, e)
			}
		}
		p.mu.Unlock()
	}
	if len(refused) != 1 || len(others) > 0 {
		t.Errorf("the policy refused %d times, want our own probe only: %q; the page said %q", len(refused), refused, others)
	}
	p.run(chromedp.Evaluate(`view.open.clear(); view.open.add(rows[0].row); view.shown = 30; refresh(false)`, nil))
	p.picture("hostile")
}

func TestLarge(t *testing.T) {
	p := open(t, audittest.Generate(30000), 1280, 900, false, "")
	if n := eval[int](p, `document.querySelectorAll("#findings tbody tr").length`); n == 0 || n > 60 {
		t.Errorf("%d rows are drawn at first", n)
	}
	all := eval[int](p, `data.findings.length`)
	p.run(chromedp.Evaluate(`document.querySelector("#findings").style.display = "none"`, nil))
	p.picture("large")
	p.run(chromedp.Evaluate(`document.querySelector("#findings").style.display = ""`, nil))
	p.run(chromedp.Evaluate(`(() => { for (let b; (b = document.querySelector("#findings .more"));) b.click(); })()`, nil))
	if n := eval[int](p, `document.querySelectorAll("#findings tbody tr").length`); n != all {
		t.Errorf("%d rows can be reached, of %d findings", n, all)
	}
	p.clean()
}

func TestEmptyAudit(t *testing.T) {
	p := open(t, &audit.Audit{}, 1280, 900, false, "")
	if got := eval[string](p, `document.querySelector(".headline").textContent`); !strings.Contains(got, "Nothing was audited") {
		t.Errorf("headline %q", got)
	}
	p.clean()
}

// The time from the start of navigation until everything is drawn.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{3000, 30000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			a := audittest.Generate(n)
			for b.Loop() {
				p := open(b, a, 1280, 900, false, "")
				b.ReportMetric(eval[float64](p, `performance.now()`), "ms-to-ready")
			}
		})
	}
}

func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
