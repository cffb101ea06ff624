package webtest

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"fromsource/analyze/audit"
	"fromsource/report"
)

// tab is one page in the browser, with all that it complained about.
type tab struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	errors   []string
	requests []string
}

// browser starts one Chromium for all tests of the package.
var browser = sync.OnceValues(func() (context.Context, error) {
	dir, err := os.MkdirTemp("", "fromsource-chromium-")
	if err != nil {
		return nil, err
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.UserDataDir(dir), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.WSURLReadTimeout(5*time.Minute),
	)
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, stop := chromedp.NewContext(alloc, chromedp.WithBrowserOption(chromedp.WithDialTimeout(5*time.Minute)))
	shutdown = func() { stop(); stopAlloc(); os.RemoveAll(dir) }
	return ctx, chromedp.Run(ctx)
})

var shutdown = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	shutdown()
	os.Exit(code)
}

// open renders an audit and opens it, as a phone or desktop of that size.
func open(t testing.TB, a *audit.Audit, width, height int64, dark bool, fragment string) *tab {
	t.Helper()
	var b bytes.Buffer
	if err := report.HTML(&b, a, report.Options{Command: "fromsource audit"}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	parent, err := browser()
	if err != nil {
		t.Fatalf("starting chromium (Debian package chromium): %v", err)
	}
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(stop)
	p := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, p.event)
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.run(
		network.Enable(), log.Enable(), runtime.Enable(),
		emulation.SetDeviceMetricsOverride(width, height, 1, width < 700),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
		chromedp.Navigate((&url.URL{Scheme: "file", Path: file, Fragment: fragment}).String()),
		chromedp.WaitReady(`html[data-ready]`),
		// What is laid out by its size is so once the page has been drawn.
		chromedp.Evaluate(`new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))`, nil,
			func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
	)
	return p
}

func (p *tab) event(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		p.errors = append(p.errors, "exception: "+e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		p.errors = append(p.errors, fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		p.errors = append(p.errors, "log: "+e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		p.errors = append(p.errors, "dialog: "+e.Message)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file:") {
			p.requests = append(p.requests, e.Request.URL)
		}
	}
}

func (p *tab) run(actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, actions...); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.t.Fatalf("%v; the page said %v", err, p.errors)
	}
}

// eval gives the value of an expression on the page.
func eval[T any](p *tab, expr string) T {
	p.t.Helper()
	var v T
	p.run(chromedp.Evaluate(expr, &v))
	return v
}

// clean fails the test if the page complained, or asked the network.
func (p *tab) clean() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.errors {
		p.t.Errorf("the page said: %s", e)
	}
	for _, r := range p.requests {
		p.t.Errorf("the page asked the network for %s", r)
	}
}

// picture keeps a screenshot when FROMSOURCE_SCREENSHOTS names a folder.
func (p *tab) picture(name string) {
	p.t.Helper()
	dir := os.Getenv("FROMSOURCE_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	p.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		width := eval[float64](p, `innerWidth`)
		png, err = page.CaptureScreenshot().WithCaptureBeyondViewport(true).
			WithClip(&page.Viewport{Width: width, Height: 2600, Scale: 1}).Do(ctx)
		return err
	}))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
