package rebuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild/reference"
	"fromsource/closure/store"
)

// cache is a real binary cache of a store, signed by a real key.
type cache struct {
	t      *testing.T
	dir    string
	secret string // file
	public string
}

func (w *world) cache(keyName string, paths ...string) *cache {
	w.t.Helper()
	dir := w.t.TempDir()
	c := &cache{t: w.t, dir: filepath.Join(dir, "cache"), secret: filepath.Join(dir, "secret")}
	w.run("nix-store", "--generate-binary-cache-key", keyName, c.secret, filepath.Join(dir, "public"))
	key, err := os.ReadFile(filepath.Join(dir, "public"))
	if err != nil {
		w.t.Fatal(err)
	}
	c.public = string(key)
	w.run(append([]string{"nix", "copy", "--from", w.root, "--to", "file://" + c.dir + "?secret-key=" + c.secret + "&compression=none", "--no-check-sigs"}, paths...)...)
	return c
}

func (c *cache) narinfo(p string) string {
	hash, _, _ := strings.Cut(path.Base(p), "-")
	return filepath.Join(c.dir, hash+".narinfo")
}

// edit changes a file of the cache.
func (c *cache) edit(file string, change func([]byte) []byte) {
	c.t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(file, change(b), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cache) field(p, key string) string {
	c.t.Helper()
	b, err := os.ReadFile(c.narinfo(p))
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, key+": "); ok {
			return strings.TrimSpace(v)
		}
	}
	c.t.Fatalf("no %s in\n%s", key, b)
	return ""
}

// compareWith rebuilds a job and gives the one row about a source.
func (w *world) compareWith(j *Job, src reference.Source) Result {
	w.t.Helper()
	rs, err := Run(context.Background(), []*Job{j}, Options{Builders: []Builder{w.nix(Fresh)}, References: []reference.Source{src}})
	if err != nil {
		w.t.Fatal(err)
	}
	var found []Result
	for _, r := range rs {
		if r.Against != firstBuild {
			found = append(found, r)
		} else if r.Result != audit.Reproduced {
			w.t.Errorf("first build: %+v", r)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("got %d rows about the reference, want 1: %+v", len(found), rs)
	}
	return found[0]
}

// short is for servers that answer no more; others have all the time they need.
const short = 500 * time.Millisecond

func source(t *testing.T, address string, o reference.CacheOptions, stall time.Duration) reference.Source {
	t.Helper()
	src, err := reference.OpenCache(address, store.CacheOptions{Stall: stall}, o)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// What a cache may do, and what is said of it. The cache is real, served over
// loopback; the faults are made in its files or by the server.
func TestCaches(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("user")
	dep := w.job("dep")
	out := j.Outputs[0].Path
	otherHash := w.run("nix-store", "--store", w.root, "-q", "--hash", w.job("good").Outputs[0].Path)
	flip := func(b []byte) []byte {
		i := bytes.LastIndex(b, []byte("dep"))
		b[i] ^= 1
		return b
	}
	for _, tt := range []struct {
		name   string
		tamper func(c *cache)
		serve  http.HandlerFunc // in place of the cache
		result string
		reason string
		diff   string
	}{
		{name: "as it was", result: audit.Reproduced},
		{
			name: "a flipped byte in the NAR", tamper: func(c *cache) { c.edit(filepath.Join(c.dir, c.field(out, "URL")), flip) },
			result: audit.NoReference, reason: "it does not serve the bytes that its record promises",
		},
		{name: "signed by another key", tamper: func(c *cache) {
			other := w.cache("cache-1", out)
			c.edit(c.narinfo(out), func(b []byte) []byte {
				return []byte(strings.Replace(string(b), c.field(out, "Sig"), other.field(out, "Sig"), 1))
			})
		}, result: audit.NoReference, reason: `its record is not what the trusted key "cache-1" has signed`},
		{name: "signed by a stranger", tamper: func(c *cache) {
			other := w.cache("stranger-1", out)
			c.edit(c.narinfo(out), func(b []byte) []byte {
				return []byte(strings.Replace(string(b), c.field(out, "Sig"), other.field(out, "Sig"), 1))
			})
		}, result: audit.NoReference, reason: `its record is signed by "stranger-1", which is not trusted`},
		{name: "a replaced hash", tamper: func(c *cache) {
			c.edit(c.narinfo(out), func(b []byte) []byte {
				return []byte(strings.Replace(string(b), "NarHash: "+c.field(out, "NarHash"), "NarHash: "+otherHash, 1))
			})
		}, result: audit.NoReference, reason: `its record is not what the trusted key "cache-1" has signed`},
		{name: "no signature", tamper: func(c *cache) {
			c.edit(c.narinfo(out), func(b []byte) []byte { return b[:bytes.Index(b, []byte("Sig:"))] })
		}, result: audit.NoReference, reason: "its record is not signed"},
		{name: "an unknown key in the record", tamper: func(c *cache) {
			c.edit(c.narinfo(out), func(b []byte) []byte { return append(b, "Provenance: {}\n"...) })
		}, result: audit.Reproduced},
		{
			name: "no NAR", tamper: func(c *cache) { os.RemoveAll(filepath.Join(c.dir, "nar")) },
			result: audit.NoReference, reason: "it does not serve the bytes that its record promises",
		},
		{name: "404", tamper: func(c *cache) { os.Remove(c.narinfo(out)) }, result: audit.NoReference, reason: "nothing on record"},
		{
			name: "500", serve: func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "boom", 500) },
			result: audit.NoReference, reason: "could not be asked: ",
		},
		{
			name: "garbage", serve: func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "<html>\x00hello") },
			result: audit.NoReference, reason: "could not be asked: ",
		},
		{name: "slow", serve: func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprint(rw, "StorePath: ")
			rw.(http.Flusher).Flush()
			<-r.Context().Done()
		}, result: audit.NoReference, reason: "could not be asked: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := w.cache("cache-1", out, dep.Outputs[0].Path)
			if tt.tamper != nil {
				tt.tamper(c)
			}
			handler := http.FileServer(http.Dir(c.dir))
			if tt.serve != nil {
				handler = tt.serve
			}
			srv := httptest.NewServer(handler)
			defer srv.Close()
			addresses := []string{srv.URL}
			if tt.serve == nil {
				addresses = append(addresses, "file://"+c.dir)
			}
			for _, address := range addresses {
				stall := time.Duration(0)
				if tt.name == "slow" {
					stall = short
				}
				r := w.compareWith(j, source(t, address, reference.CacheOptions{Trusted: []string{c.public}, Bytes: true}, stall))
				if r.Result != tt.result || !strings.Contains(r.Reason, tt.reason) {
					t.Errorf("%s: got %q (%s), want %q (%s)", address, r.Result, r.Reason, tt.result, tt.reason)
				}
				if asked := strings.HasPrefix(tt.reason, "could not"); r.Transient != asked {
					t.Errorf("%s: transient is %v", address, r.Transient)
				}
			}
		})
	}
}

// A server that has a record and is in trouble with the bytes behind it has not
// broken a promise: it is asked again.
func TestCacheInTrouble(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("dep")
	c := w.cache("cache-1", j.Outputs[0].Path)
	files := http.FileServer(http.Dir(c.dir))
	for name, trouble := range map[string]http.HandlerFunc{
		"500": func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "boom", 500) },
		"cut off": func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Content-Length", "100000")
			fmt.Fprint(rw, "\x0d\x00\x00\x00\x00\x00\x00\x00nix-archive-1")
		},
		"stalled": func(rw http.ResponseWriter, r *http.Request) {
			rw.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/nar/") {
				trouble(rw, r)
				return
			}
			files.ServeHTTP(rw, r)
		}))
		stall := time.Duration(0)
		if name == "stalled" {
			stall = short
		}
		r := w.compareWith(j, source(t, srv.URL, reference.CacheOptions{Trusted: []string{c.public}, Bytes: true}, stall))
		if r.Result != audit.NoReference || !r.Transient || r.Refused || !strings.Contains(r.Reason, "could not be asked: reading the bytes") {
			t.Errorf("%s: %+v", name, r)
		}
		srv.CloseClientConnections()
		srv.Close()
	}
}

// A cache that honestly has another build of the output: both are looked into.
func TestCacheDiffers(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("bad")
	other := newWorld(t, sample)
	other.job("bad")
	c := other.cache("cache-1", j.Outputs[0].Path)
	rs, err := Run(context.Background(), []*Job{j}, Options{
		Builders:   []Builder{w.nix(Fresh)},
		References: []reference.Source{source(t, c.dir, reference.CacheOptions{Trusted: []string{c.public}}, 0)},
	})
	if err != nil || len(rs) != 2 {
		t.Fatalf("%+v, %v", rs, err)
	}
	for _, r := range rs {
		if r.Result != audit.Differs || len(r.Differences) != 1 || r.Differences[0].Path != "when" {
			t.Errorf("against %s: %+v", r.Against, r)
		}
	}
	if rs[0].Against != firstBuild || rs[0].Expected == rs[1].Expected || rs[0].Got != rs[1].Got {
		t.Errorf("hashes: %+v", rs)
	}
}

func TestNoKeyGiven(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("dep")
	c := w.cache("cache-1", j.Outputs[0].Path)
	r := w.compareWith(j, source(t, c.dir, reference.CacheOptions{}, 0))
	if r.Result != audit.Reproduced || !strings.Contains(r.Reason, "signature was not checked") {
		t.Errorf("got %+v", r)
	}
	if _, err := reference.OpenCache(c.dir, store.CacheOptions{}, reference.CacheOptions{Trusted: []string{"nonsense"}}); err == nil {
		t.Error("a trusted key that is none: no error")
	}
}

func TestPublishedList(t *testing.T) {
	w := newWorld(t, sample+`iso = sh "some.iso" "echo image > $out"; isodir = sh "dir" "mkdir -p $out/iso; echo image > $out/iso/some.iso";`)
	sum := sha256.Sum256([]byte("image\n"))
	right := hex.EncodeToString(sum[:])
	wrong := strings.Repeat("00", 32)
	for _, attr := range []string{"iso", "isodir"} {
		j := w.job(attr)
		for _, tt := range []struct{ text, bare, result string }{
			{right + "  some.iso\n", "", audit.Reproduced},
			{"# comment\n\nSHA256 (some.iso) = " + right + "\n", "", audit.Reproduced},
			{wrong + " *nixos/some.iso\n" + wrong + "  other\n", "", audit.Differs},
			{right + "\n", "some.iso", audit.Reproduced},
		} {
			l, err := reference.ParseList("release", tt.bare, strings.NewReader(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if r := w.compareWith(j, l); r.Result != tt.result || !strings.Contains(r.Reason, `sha256 of the file "some.iso"`) {
				t.Errorf("%s, %q: got %+v, want %s", attr, tt.text, r, tt.result)
			}
		}
	}
	// A list says nothing of an output that has no such file.
	l, _ := reference.ParseList("release", "", strings.NewReader(right+"  some.iso\n"))
	rs, err := Run(context.Background(), []*Job{w.job("dep")}, Options{Builders: []Builder{w.nix(Fresh)}, References: []reference.Source{l}})
	if err != nil || len(rs) != 1 {
		t.Errorf("got %+v, %v", rs, err)
	}
}

func TestAttestations(t *testing.T) {
	w := newWorld(t, sample)
	j := w.job("dep")
	out := path.Base(j.Outputs[0].Path)
	hash := strings.TrimSpace(w.run("nix-store", "--store", w.root, "-q", "--hash", j.Outputs[0].Path))
	list := fmt.Sprintf(`[{"id":1,"output_digest":%q,"output_name":%q,"output_hash":%q,"output_sig":"x","user_id":7,"drv_id":1},
		{"output_digest":%[1]q,"output_name":%[2]q,"output_hash":%[3]q,"user_id":8},
		{"output_digest":%[1]q,"output_name":%[2]q,"output_hash":"sha256:%[4]s","user_id":9},
		{"output_digest":"other","output_name":"x","output_hash":"junk"}]`, out[:32], out[33:], hash, strings.Repeat("0", 52))
	check := func(name string, src reference.Source) {
		t.Helper()
		rs, err := Run(context.Background(), []*Job{j}, Options{Builders: []Builder{w.nix(Fresh)}, References: []reference.Source{src}})
		if err != nil || len(rs) != 3 {
			t.Fatalf("%s: %+v, %v", name, rs, err)
		}
		for _, r := range rs[1:] {
			want := audit.Reproduced
			if strings.Contains(r.Against, "1 of 3") {
				want = audit.Differs
			} else if !strings.Contains(r.Against, "2 of 3") {
				t.Errorf("%s: %+v", name, r)
			}
			if r.Result != want {
				t.Errorf("%s: %+v, want %s", name, r, want)
			}
		}
	}
	all, err := reference.ParseAttestations(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	check("file", reference.NewAttestations("friends", all))
	for _, prefix := range []string{"", "/api"} {
		mux := http.NewServeMux()
		mux.HandleFunc("GET "+prefix+"/attestations/by-output/"+out, func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, list) })
		srv := httptest.NewServer(mux)
		l, err := reference.NewLila(srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		check("routes below "+prefix+"/", l)
		srv.Close()
	}
	for name, h := range map[string]http.HandlerFunc{
		"404":     http.NotFound,
		"500":     func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "boom", 500) },
		"garbage": func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "{") },
		"slow":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		srv := httptest.NewServer(h)
		client := &http.Client{}
		if name == "slow" {
			client.Timeout = short
		}
		l, err := reference.NewLila(srv.URL, client)
		if err != nil {
			t.Fatal(err)
		}
		r := w.compareWith(j, l)
		if r.Result != audit.NoReference || r.Transient != (name != "404") {
			t.Errorf("%s: %+v", name, r)
		}
		srv.CloseClientConnections()
		srv.Close()
	}
}
