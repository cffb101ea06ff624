package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"time"
)

// web is a cache behind HTTP.
type web struct {
	base   *url.URL
	client *http.Client
	stall  time.Duration
	agent  string
}

func newHTTP(base *url.URL, o CacheOptions) *web {
	base = base.JoinPath("/")
	base.RawQuery, base.Fragment = "", "" // Nix's own settings, such as ?priority=10
	w := &web{base: base, client: o.Client, stall: o.Stall, agent: o.UserAgent}
	if w.client == nil {
		w.client = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   15 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			MaxIdleConnsPerHost:   8,
			ForceAttemptHTTP2:     true,
			DisableCompression:    true, // what is served is what was hashed
		}}
	}
	if w.stall <= 0 {
		w.stall = time.Minute
	}
	if w.agent == "" {
		w.agent = "fromsource"
	}
	return w
}

// errStalled ends a body that gives nothing any more.
var errStalled = errors.New("the server sends nothing any more")

const attempts = 3

// open gets a file; server errors are tried again twice, with pauses.
func (w *web) open(ctx context.Context, name string) (io.ReadCloser, error) {
	ref, err := url.Parse(name)
	if err != nil {
		return nil, fmt.Errorf("cache file %q: %w", name, err)
	}
	if ref.IsAbs() || ref.Host != "" {
		// Nix joins it to the cache's address too; a record must not send
		// the reader elsewhere.
		return nil, fmt.Errorf("cache file %q: not relative to the cache", name)
	}
	u := w.base.ResolveReference(ref)
	for try := 1; ; try++ {
		body, again, err := w.get(ctx, u.String())
		if err == nil || !again || try == attempts {
			return body, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(try*try) * 250 * time.Millisecond):
		}
	}
}

func (w *web) get(ctx context.Context, u string) (body io.ReadCloser, again bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		cancel(nil)
		return nil, false, err
	}
	req.Header.Set("User-Agent", w.agent)
	resp, err := w.client.Do(req)
	if err != nil {
		again := ctx.Err() == nil
		cancel(nil)
		return nil, again, err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		b := &stallReader{ctx: ctx, body: resp.Body, cancel: cancel, limit: w.stall}
		b.timer = time.AfterFunc(w.stall, func() { cancel(errStalled) })
		b.timer.Stop() // until somebody waits for bytes
		return b, false, nil
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone,
		resp.StatusCode == http.StatusForbidden: // some object stores' word for "not found"; Nix takes it so too
		err = &fs.PathError{Op: "get", Path: u, Err: fs.ErrNotExist}
	default:
		err = fmt.Errorf("get %q: %s", u, resp.Status)
		again = resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests
	}
	resp.Body.Close()
	cancel(nil)
	return nil, again, err
}

func (w *web) list() ([]string, error) {
	return nil, fmt.Errorf("%q: a cache behind HTTP can't be listed: name the derivation to start from", w.base.String())
}

// stallReader cancels a request whose body stops to flow.
type stallReader struct {
	ctx    context.Context
	body   io.ReadCloser
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

func (s *stallReader) Read(b []byte) (int, error) {
	s.timer.Reset(s.limit)
	n, err := s.body.Read(b)
	s.timer.Stop()
	if err != nil && err != io.EOF && errors.Is(context.Cause(s.ctx), errStalled) {
		err = errStalled
	}
	return n, err
}

func (s *stallReader) Close() error {
	s.timer.Stop()
	s.cancel(nil)
	return s.body.Close()
}
