package inputs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// registry serves one npm package in two versions, and makes the npm of this
// test ask it.
func registry(t *testing.T, name string) (archive []byte) {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	text := `{"name": "` + name + `", "version": "1.2.0", "scripts": {"prepack": "touch ran", "prepare": "touch ran"}}`
	must(t, tw.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(text))}))
	_, err := tw.Write([]byte(text))
	must(t, errors.Join(err, tw.Close(), zw.Close()))

	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	sha := sha512.Sum512(b.Bytes())
	version := func(v string) map[string]any {
		return map[string]any{"name": name, "version": v, "dist": map[string]string{
			"tarball":   server.URL + "/archive.tgz",
			"integrity": "sha512-" + base64.StdEncoding.EncodeToString(sha[:]),
		}}
	}
	index, err := json.Marshal(map[string]any{
		"name": name, "dist-tags": map[string]string{"latest": "1.2.0"},
		"versions": map[string]any{"1.1.0": version("1.1.0"), "1.2.0": version("1.2.0")},
	})
	must(t, err)
	mux.HandleFunc("/archive.tgz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b.Bytes()) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimPrefix(r.URL.Path, "/") != name {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(index)
	})
	home := t.TempDir()
	rc := filepath.Join(home, ".npmrc")
	must(t, os.WriteFile(rc, []byte("registry="+server.URL+"/\nfetch-retries=0\n"), 0o600))
	t.Setenv("npm_config_userconfig", rc)
	t.Setenv("npm_config_cache", filepath.Join(home, "cache"))
	return b.Bytes()
}

func TestFetchNPM(t *testing.T) {
	archive := registry(t, "@scope/thing")
	pin := Pin{Name: "thing.tgz", Kind: NPM, Package: "@scope/thing", Version: "1.2.0", SHA256: fmt.Sprintf("%x", sha256.Sum256(archive)), Line: 3}
	dir := t.TempDir()
	got, err := Fetch(context.Background(), &Lock{Inputs: []Pin{pin}}, dir, nil)
	must(t, err)
	if data, err := os.ReadFile(got[0].Path); err != nil || !bytes.Equal(data, archive) {
		t.Errorf("got other bytes than were published: %v", err)
	}

	// A damaged file in the cache is fetched anew.
	must(t, os.Chmod(got[0].Path, 0o644))
	must(t, os.WriteFile(got[0].Path, archive[:10], 0o644))
	got, err = Fetch(context.Background(), &Lock{Inputs: []Pin{pin}}, dir, nil)
	must(t, err)
	if data, err := os.ReadFile(got[0].Path); err != nil || !bytes.Equal(data, archive) {
		t.Errorf("the damaged file is still there: %v", err)
	}
}

func TestFetchNPMErrors(t *testing.T) {
	archive := registry(t, "@scope/thing")
	sum := fmt.Sprintf("%x", sha256.Sum256(archive))
	old := Pin{Name: "old.tgz", Kind: NPM, Package: "@scope/thing", Version: "1.0.0", SHA256: sum, Line: 3}
	none := Pin{Name: "none.tgz", Kind: NPM, Package: "none", Version: "1.0.0", SHA256: sum, Line: 4}
	_, err := Fetch(context.Background(), &Lock{Inputs: []Pin{old, none}}, t.TempDir(), nil)
	for _, want := range []string{
		`input "old.tgz": @scope/thing 1.0.0 is not served (npm has 1.1.0, 1.2.0); change version and sha256 in line 3 of the lock file`,
		`input "none.tgz": none 1.0.0 is not served (npm has no package of that name); change version and sha256 in line 4 of the lock file`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	other := Pin{Name: "t.tgz", Kind: NPM, Package: "@scope/thing", Version: "1.2.0", SHA256: strings.Repeat("0", 64), Line: 5}
	_, err = Fetch(context.Background(), &Lock{Inputs: []Pin{other}}, t.TempDir(), nil)
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || mismatch.Got != sum {
		t.Errorf("other bytes than pinned: got error %v", err)
	}
}
