package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nix-community/go-nix/pkg/nar"
)

// Every kind of store gives, for every path, the bytes that nix-store --dump
// gives, with the hash, size, references and deriver that Nix has on record.
func TestStoresAgreeWithNix(t *testing.T) {
	n := newNix(t)
	paths, app := n.build()
	stores := map[string]Store{}
	local, err := OpenLocal("/")
	if err != nil {
		t.Fatal(err)
	}
	stores["local"] = local
	export, err := OpenExport(n.write("all.export", n.run("nix-store", append([]string{"--export"}, paths...)...)))
	if err != nil {
		t.Fatal(err)
	}
	defer export.Close()
	stores["export"] = export
	if diff := cmp.Diff(slices.Sorted(slices.Values(paths)), export.Paths()); diff != "" || export.Damage() != nil {
		t.Errorf("paths of the export: %s %v", diff, export.Damage())
	}
	for _, c := range []string{"none", "xz", "bzip2", "gzip", "zstd", "br", "lz4"} {
		url := "file://" + filepath.Join(n.dir, "cache-"+c)
		n.run("nix", "copy", "--to", url+"?compression="+c, app)
		n.run("nix", "copy", "--derivation", "--to", url+"?compression="+c, strings.TrimSpace(n.run("nix-store", "-q", "--deriver", app)))
		cache, err := OpenCache(url, CacheOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if cache.StoreDir() != n.storeDir {
			t.Errorf("store directory %q", cache.StoreDir())
		}
		got, err := cache.Paths(t.Context(), func(name string, err error) { t.Errorf("%s: %v", name, err) })
		if diff := cmp.Diff(slices.Sorted(slices.Values(paths)), got); diff != "" || err != nil {
			t.Errorf("paths of the cache: %s %v", diff, err)
		}
		stores["cache "+c] = cache
	}
	web := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(n.dir, "cache-xz"))))
	defer web.Close()
	if stores["http"], err = OpenCache(web.URL, CacheOptions{}); err != nil {
		t.Fatal(err)
	}
	stores["multi"] = Multi(export, local)

	type known struct {
		dump          []byte
		hash, deriver string
		refs          []string
	}
	nix := map[string]known{}
	for _, p := range paths {
		k := known{dump: []byte(n.run("nix-store", "--dump", p)), hash: n.narHash(p)}
		k.deriver = strings.TrimSpace(n.run("nix-store", "-q", "--deriver", p))
		k.refs = slices.Sorted(slices.Values(strings.Fields(n.run("nix-store", "-q", "--references", p))))
		nix[p] = k
	}
	for name, s := range stores {
		t.Run(name, func(t *testing.T) {
			for _, p := range paths {
				want, refs, deriver := nix[p].dump, nix[p].refs, nix[p].deriver
				if got := readNAR(t, s, p); !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, Nix has %d", p, len(got), len(want))
				}
				info, err := s.Info(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				if info.Path != p || info.NarHash != nix[p].hash || info.NarSize != int64(len(want)) {
					t.Errorf("%s: %+v", p, info)
				}
				others := slices.DeleteFunc(slices.Clone(refs), func(r string) bool { return r == p })
				// Nix does not scan derivations: they mention their outputs.
				if got, err := References(t.Context(), s, p, paths); err != nil || !slices.Equal(got, others) && !(name == "local" && strings.HasSuffix(p, ".drv")) {
					t.Errorf("%s: references %q, %v; Nix has %q", p, got, err, others)
				}
				if name != "local" && !slices.Equal(info.References, refs) {
					t.Errorf("%s: references %q on record, Nix has %q", p, info.References, refs)
				}
				if name != "local" && deriver != "unknown-deriver" && info.Deriver != deriver {
					t.Errorf("%s: deriver %q, Nix has %q", p, info.Deriver, deriver)
				}
				contents, err := ReadFile(t.Context(), s, p, 1<<20, nil)
				if st, _ := os.Stat(p); st.IsDir() {
					if !errors.Is(err, ErrNotFile) {
						t.Errorf("%s read as a file: %v", p, err)
					}
				} else if want, _ := os.ReadFile(p); err != nil || !bytes.Equal(contents, want) {
					t.Errorf("%s read as a file: %d bytes, %v", p, len(contents), err)
				}
			}
			if _, err := ReadFile(t.Context(), s, paths[0], 3, nil); err == nil || !strings.Contains(err.Error(), "larger than 3 bytes") {
				t.Errorf("a file over the limit: %v", err)
			}
			gone := n.storeDir + "/00000000000000000000000000000000-gone"
			if _, err := s.Info(t.Context(), gone); !errors.Is(err, ErrNotFound) {
				t.Errorf("info of what is not there: %v", err)
			}
			if _, err := s.NAR(t.Context(), gone); !errors.Is(err, ErrNotFound) {
				t.Errorf("NAR of what is not there: %v", err)
			}
			for _, bad := range []string{"", "/", n.storeDir, "relative", n.storeDir + "/../x", n.storeDir + "/short-x", n.storeDir + "/00000000000000000000000000000000-a b"} {
				if r, err := s.NAR(t.Context(), bad); err == nil {
					r.Close()
					t.Errorf("NAR of %q", bad)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if r, err := s.NAR(ctx, app); err == nil {
				if _, err = io.ReadAll(r); !errors.Is(err, context.Canceled) {
					t.Errorf("a stream that is given up: %v", err)
				}
				r.Close()
			}
		})
	}
}

// go-nix is the second opinion on our serialisation.
func TestDumpAgreesWithGoNix(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"a", "a.b/c", "a-b", "deep/er/still/x", "Z", "é", "empty"} {
		p := filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, bytes.Repeat([]byte(f), len(f)%5), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{dir, dir + "/a", dir + "/empty", dir + "/link"} {
		var want bytes.Buffer
		if err := nar.DumpPath(&want, p); err != nil {
			t.Fatal(err)
		}
		r, err := Dump(p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: %d bytes, go-nix has %d (%v)", p, len(got), want.Len(), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Bytes that are not those on record end with an error, in every way that
// they can be wrong.
func TestMismatch(t *testing.T) {
	n := newNix(t)
	p := strings.TrimSpace(n.run("nix-store", "--add", n.write("file", "the contents of a file")))
	dir := filepath.Join(n.dir, "cache")
	n.run("nix", "copy", "--to", "file://"+dir+"?compression=none", p)
	record := filepath.Join(dir, path.Base(p)[:hashLen]+".narinfo")
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "URL: ")
	file, _, _ := strings.Cut(rest, "\n")
	file = filepath.Join(dir, file)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		c, err := OpenCache(dir, CacheOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.NAR(t.Context(), p)
		if err != nil {
			return err
		}
		defer r.Close()
		n, err := io.Copy(io.Discard, r)
		if n > int64(len(whole)) {
			t.Errorf("%d bytes were handed out", n)
		}
		return err
	}
	put := func(name string, b []byte) {
		if err := os.Chmod(name, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"one bit":    append(append(bytes.Clone(whole[:100]), whole[100]^1), whole[101:]...),
		"too long":   append(bytes.Clone(whole), 0),
		"too much":   append(bytes.Clone(whole), make([]byte, 1<<20)...),
		"too little": whole[:len(whole)-8],
		"nothing":    nil,
	} {
		put(file, b)
		if err := read(); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(file, whole)
	for name, change := range map[string][2]string{
		"another path under the hash": {path.Base(p), path.Base(p) + "-x"},
		"no hash":                     {"NarHash", "NarHush"},
		"no size":                     {"NarSize", "NarSighs"},
		"no file":                     {"URL: nar/", "URL: none/"},
		"outside of the cache":        {"URL: nar/", "URL: ../../"},
		"an unknown compression":      {"Compression: none", "Compression: magic"},
		"a hash that is none":         {"NarHash: sha256:", "NarHash: sha256:!"},
		"a negative size":             {"NarSize: ", "NarSize: -"},
		"no key":                      {"StorePath:", "StorePath"},
	} {
		changed := strings.Replace(string(text), change[0], change[1], 1)
		if changed == string(text) {
			t.Fatalf("%s: nothing changed", name)
		}
		put(record, []byte(changed))
		if err := read(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// What newer versions add is left alone.
	put(record, append([]byte("Provenance: {\"a\": \"b: c\"}\nNewKey: x\n"), text...))
	if err := read(); err != nil {
		t.Errorf("unknown keys: %v", err)
	}
}

func TestSignatures(t *testing.T) {
	n := newNix(t)
	p := strings.TrimSpace(n.run("nix-store", "--add", n.write("file", "signed")))
	n.run("nix-store", "--generate-binary-cache-key", "test-1", n.dir+"/secret", n.dir+"/public")
	n.run("nix-store", "--generate-binary-cache-key", "other-1", n.dir+"/secret2", n.dir+"/public2")
	n.run("nix", "copy", "--to", "file://"+n.dir+"/cache?secret-key="+n.dir+"/secret", p)
	c, err := OpenCache(n.dir+"/cache", CacheOptions{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	key := func(name string) string {
		b, err := os.ReadFile(filepath.Join(n.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	if by, err := info.SignedBy(key("public2"), key("public")); err != nil || by != "test-1" {
		t.Errorf("signed by %q, %v; signatures %q", by, err, info.Sigs)
	}
	if by, err := info.SignedBy(key("public2")); err != nil || by != "" {
		t.Errorf("signed by %q, %v", by, err)
	}
	if _, err := info.SignedBy("nonsense"); err == nil {
		t.Error("a key that is none")
	}
	info.NarSize++
	if by, _ := info.SignedBy(key("public")); by != "" {
		t.Error("a changed record passes for signed")
	}
	if info.CA == "" || info.URL == "" || info.FileHash == "" || info.FileSize == 0 || info.Compression != "xz" {
		t.Errorf("record %+v", info)
	}
}

func TestMulti(t *testing.T) {
	p := "/nix/store/00000000000000000000000000000000-x"
	broken := errors.New("broken")
	has, none, bad := fake{info: Info{Path: p}}, fake{err: ErrNotFound}, fake{err: broken}
	if info, err := Multi(none, bad, has).Info(t.Context(), p); err != nil || info.Path != p {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := Multi(none, bad, none).Info(t.Context(), p); !errors.Is(err, broken) || errors.Is(err, ErrNotFound) {
		t.Errorf("a broken store is not one without the path: %v", err)
	}
	if _, err := Multi(none).NAR(t.Context(), p); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := Multi().NAR(t.Context(), p); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

type fake struct {
	info Info
	err  error
}

func (f fake) Info(context.Context, string) (Info, error)         { return f.info, f.err }
func (f fake) NAR(context.Context, string) (io.ReadCloser, error) { return nil, f.err }
