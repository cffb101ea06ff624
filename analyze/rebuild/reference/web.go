package reference

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// trouble is what went wrong last between this machine and a server, if
// anything: what a server would serve is then not known.
type trouble struct {
	mu  sync.Mutex
	err error
}

type troubleKey struct{}

// watched is a context whose requests tell of trouble.
func watched(ctx context.Context) (context.Context, *trouble) {
	t := &trouble{}
	return context.WithValue(ctx, troubleKey{}, t), t
}

func (t *trouble) set(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

func (t *trouble) last() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// watching is a transport that tells trouble.
type watching struct{ next http.RoundTripper }

// client is an HTTP client for caches. stall bounds how long a server may take
// to begin its answer.
func client(stall time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 30 * time.Second
	if stall > 0 {
		t.ResponseHeaderTimeout = stall
	}
	t.DisableCompression = true // what is served is what was hashed
	return &http.Client{Transport: watching{t}}
}

// RoundTrip implements http.RoundTripper.
func (w watching) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req)
	t, ok := req.Context().Value(troubleKey{}).(*trouble)
	if !ok {
		return resp, err
	}
	switch {
	case err != nil:
		t.set(err)
		return nil, err
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests:
		t.set(errors.New(resp.Status))
	default:
		t.set(nil)
	}
	resp.Body = &watchedBody{resp.Body, t}
	return resp, nil
}

type watchedBody struct {
	io.ReadCloser
	t *trouble
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.t.set(err)
	}
	return n, err
}
