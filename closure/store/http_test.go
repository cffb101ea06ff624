package store

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const wanted = "/nix/store/00000000000000000000000000000000-x"

// serve answers for a cache that holds one path, whose NAR is what nar writes.
func serve(t *testing.T, record string, nar http.HandlerFunc) *Cache {
	t.Helper()
	return serveStall(t, record, nar, 0)
}

// serveStall is serve with a time after which a server has stalled; others have
// all the time that they need.
func serveStall(t *testing.T, record string, nar http.HandlerFunc, stall time.Duration) *Cache {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/sub/00000000000000000000000000000000.narinfo", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, record) })
	mux.HandleFunc("/sub/nar/x.nar", nar)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	c, err := OpenCache(s.URL+"/sub?priority=10", CacheOptions{Stall: stall})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func record(url string) string {
	return "StorePath: " + wanted + "\nURL: " + url + "\nCompression: none\nNarSize: 5\n" +
		"NarHash: sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic\nReferences: \n"
}

func readAll(c *Cache) (string, error) {
	r, err := c.NAR(contextT, wanted)
	if err != nil {
		return "", err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestHTTP(t *testing.T) {
	t.Run("good", func(t *testing.T) {
		c := serve(t, record("nar/x.nar"), func(w http.ResponseWriter, r *http.Request) {
			if r.UserAgent() != "fromsource" {
				t.Errorf("user agent %q", r.UserAgent())
			}
			fmt.Fprint(w, "hello")
		})
		if got, err := readAll(c); err != nil || got != "hello" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("other bytes", func(t *testing.T) {
		c := serve(t, record("nar/x.nar"), func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hellp") })
		if got, err := readAll(c); !errors.Is(err, ErrMismatch) {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("stalls", func(t *testing.T) {
		c := serveStall(t, record("nar/x.nar"), func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "he")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, time.Second)
		if got, err := readAll(c); !errors.Is(err, errStalled) || got != "he" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("read later", func(t *testing.T) {
		c := serveStall(t, record("nar/x.nar"), func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "he")
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
			fmt.Fprint(w, "llo")
		}, time.Second)
		r, err := c.NAR(contextT, wanted)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		time.Sleep(1300 * time.Millisecond)
		if b, err := io.ReadAll(r); string(b) != "hello" || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
	t.Run("breaks off", func(t *testing.T) {
		c := serve(t, record("nar/x.nar"), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "he")
		})
		if got, err := readAll(c); !errors.Is(err, io.ErrUnexpectedEOF) || got != "he" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("endless", func(t *testing.T) {
		c := serve(t, record("nar/x.nar"), func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := fmt.Fprint(w, strings.Repeat("x", 1000)); err != nil {
					return
				}
			}
		})
		if got, err := readAll(c); !errors.Is(err, ErrMismatch) || len(got) != 5 {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("recovers", func(t *testing.T) {
		var asked atomic.Int32
		c := serve(t, record("nar/x.nar"), func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) < 3 {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			fmt.Fprint(w, "hello")
		})
		if got, err := readAll(c); got != "hello" || asked.Load() != 3 {
			t.Errorf("%q, %v after %d requests", got, err, asked.Load())
		}
	})
	for status, want := range map[int]bool{404: true, 410: true, 403: true, 400: false, 500: false} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			c := serve(t, record("nar/x.nar"), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
			if _, err := readAll(c); err == nil || errors.Is(err, ErrNotFound) != want {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("elsewhere", func(t *testing.T) {
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
		defer other.Close()
		for _, u := range []string{other.URL + "/x", strings.TrimPrefix(other.URL, "http:") + "/x"} {
			if _, err := readAll(serve(t, record(u), nothing)); err == nil {
				t.Errorf("%s: no error", u)
			}
		}
	})
	t.Run("huge record", func(t *testing.T) {
		c := serve(t, record("nar/x.nar")+strings.Repeat("x: y\n", maxNarInfo/5+1), nothing)
		if _, err := readAll(c); err == nil || !strings.Contains(err.Error(), "larger than") {
			t.Errorf("%v", err)
		}
	})
	t.Run("list", func(t *testing.T) {
		if _, err := serve(t, "", nothing).Paths(contextT, nil); err == nil {
			t.Error("a cache behind HTTP was listed")
		}
	})
}

func nothing(http.ResponseWriter, *http.Request) {}
