package attest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	prov "github.com/in-toto/attestation/go/predicates/provenance/v1"
	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"fromsource/analyze/audit"
)

func sri(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

const storeDir = "/nix/store/"

func row(name, by, against, result, expected, got string) Row {
	return Row{
		Drv: storeDir + "00000000000000000000000000000000-" + name + ".drv", Path: storeDir + "11111111111111111111111111111111-" + name,
		Rebuild: audit.Rebuild{Output: "out", By: by, Against: against, Result: result, Expected: expected, Got: got},
	}
}

func sampleRows() []Row {
	return []Row{
		row("good", "guest", "first build", audit.Reproduced, sri("good"), sri("good")),
		row("good", "guest", "https://cache", audit.Reproduced, sri("good"), sri("good")),
		row("good", "second guest", "first build", audit.Reproduced, sri("good"), sri("good")),
		row("bad", "guest", "first build", audit.Differs, sri("bad1"), sri("bad2")),
		row("lone", "guest", "first build", audit.NoReference, "", sri("lone")),
		row("broken", "guest", "", audit.Failed, "", ""),
		row("file", "guest", "list", audit.Reproduced, sri("f"), sri("f")),
	}
}

// nixKeys makes a key pair with Nix itself.
func nixKeys(t *testing.T, name string) (SecretKey, PublicKey) {
	t.Helper()
	dir := t.TempDir()
	sec, pub := filepath.Join(dir, "sec"), filepath.Join(dir, "pub")
	if out, err := exec.Command("nix-store", "--generate-binary-cache-key", name, sec, pub).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return readKeys(t, sec, pub)
}

func readKeys(t *testing.T, sec, pub string) (SecretKey, PublicKey) {
	t.Helper()
	s, err := os.ReadFile(sec)
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.ReadFile(pub)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := ParseSecretKey(string(s))
	if err != nil {
		t.Fatal(err)
	}
	public, err := ParsePublicKey(string(p))
	if err != nil {
		t.Fatal(err)
	}
	return secret, public
}

func bundle(t *testing.T, key SecretKey, rows []Row, target Target) []byte {
	t.Helper()
	ss, err := Statements(rows)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := Summarize(target, rows, ss)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := Write(&buf, key, append(ss, sum)); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func target() Target {
	return Target{
		Name: "demo", Tool: "1.0", Time: time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC),
		Outputs: map[string]string{storeDir + "2-iso": sri("iso"), storeDir + "1-tool": sri("tool")},
	}
}

// What we write is what the in-toto project's own types read, with nothing
// lost and nothing unknown in it.
func TestOracle(t *testing.T) {
	secret, public := nixKeys(t, "builder-1")
	vs, err := Verify(bytes.NewReader(bundle(t, secret, sampleRows(), target())), []PublicKey{public})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, v := range vs {
		kinds[v.PredicateType]++
		raw, err := marshal(v.Statement)
		if err != nil {
			t.Fatal(err)
		}
		var s intoto.Statement
		if err := protojson.Unmarshal(raw, &s); err != nil {
			t.Fatalf("%s\n%v", raw, err)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%s\n%v", raw, err)
		}
		var p proto.Message
		switch v.PredicateType {
		case ProvenanceType:
			p = &prov.Provenance{}
		case TestResultType:
			p = &testresult.TestResult{}
		case SummaryType:
			p = &vsa.VerificationSummary{}
		}
		if err := protojson.Unmarshal(v.Predicate, p); err != nil {
			t.Errorf("%s\n%v", v.Predicate, err)
		}
		if p, ok := p.(interface{ Validate() error }); ok {
			if err := p.Validate(); err != nil {
				t.Errorf("%s\n%v", v.Predicate, err)
			}
		} else if v.PredicateType == ProvenanceType {
			t.Error("the oracle does not validate provenance")
		}
	}
	// Three builders' outputs of good and bad, and lone; broken and file have
	// no rebuilt NAR's hash.
	if kinds[ProvenanceType] != 4 || kinds[TestResultType] != 4 || kinds[SummaryType] != 1 {
		t.Errorf("got %v", kinds)
	}
}

func TestResults(t *testing.T) {
	ss, err := Statements(sampleRows())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range ss {
		r, err := outcome(s)
		if err != nil {
			t.Fatal(err)
		}
		if s.PredicateType == TestResultType {
			got[s.Subject[0].Name] = r
		}
	}
	for name, want := range map[string]string{"good": "PASSED", "bad": "FAILED", "lone": "WARNED"} {
		if g := got[row(name, "", "", "", "", "").Path]; g != want {
			t.Errorf("%s: got %s, want %s", name, g, want)
		}
	}
}

func TestSummaryPolicy(t *testing.T) {
	good := sampleRows()[:3]
	for _, tt := range []struct {
		name string
		rows []Row
		want string
	}{
		{"all reproduced", good, "PASSED"},
		{"a cache that knows nothing beside it", append(slices.Clone(good), row("good", "guest", "cache", audit.NoReference, "", sri("good"))), "PASSED"},
		{"no rows", nil, "FAILED"},
		{"one differs", sampleRows()[:4], "FAILED"},
		{"one has no reference at all", append(slices.Clone(good), sampleRows()[4]), "FAILED"},
		{"one failed", append(slices.Clone(good), sampleRows()[5]), "FAILED"},
		{"one not attempted", append(slices.Clone(good), row("x", "guest", "", audit.NotAttempted, "", "")), "FAILED"},
	} {
		s, err := Summarize(target(), tt.rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := outcome(s); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
	if _, err := Summarize(Target{Name: "nothing"}, good, nil); err == nil {
		t.Error("a target without outputs: no error")
	}
}

// The same results give the same bytes, in whatever order they come.
func TestDeterministic(t *testing.T) {
	secret, _ := nixKeys(t, "builder-1")
	a := bundle(t, secret, sampleRows(), target())
	rows := sampleRows()
	slices.Reverse(rows)
	if b := bundle(t, secret, rows, target()); !bytes.Equal(a, b) {
		t.Errorf("other bytes:\n%s\n%s", a, b)
	}
}

func TestForged(t *testing.T) {
	secret, public := nixKeys(t, "builder-1")
	stranger, other := nixKeys(t, "builder-1")
	good := bundle(t, secret, sampleRows()[:1], target())
	if _, err := Verify(bytes.NewReader(good), []PublicKey{other, public}); err != nil {
		t.Errorf("a good key among others: %v", err)
	}
	for name, tt := range map[string]struct {
		text string
		keys []PublicKey
	}{
		"another key of the same name": {string(good), []PublicKey{other}},
		"no key":                       {string(good), nil},
		"signed by a stranger":         {string(bundle(t, stranger, sampleRows()[:1], target())), []PublicKey{public}},
		"another payload type":         {strings.Replace(string(good), payloadType, "application/json", 1), []PublicKey{public}},
		"nothing":                      {"\n", []PublicKey{public}},
		"no JSON":                      {"hello\n", []PublicKey{public}},
		"two on a line":                {strings.Replace(string(good), "\n", "", 1), []PublicKey{public}},
		"cut off":                      {string(good[:len(good)-20]), []PublicKey{public}},
	} {
		if vs, err := Verify(strings.NewReader(tt.text), tt.keys); err == nil {
			t.Errorf("%s: no error, %d statements", name, len(vs))
		}
	}
	// A byte that is changed in payload or signature is found.
	for i := 0; i < len(good); i += 3 {
		bad := bytes.Clone(good)
		bad[i] ^= 2
		vs, err := Verify(bytes.NewReader(bad), []PublicKey{public})
		if err != nil {
			continue
		}
		// What a change leaves good is only the hint of the key's name, or
		// base64's unused bits; never a statement.
		want, _ := Verify(bytes.NewReader(good), []PublicKey{public})
		for k := range vs {
			a, _ := marshal(vs[k].Statement)
			b, _ := marshal(want[k].Statement)
			if !bytes.Equal(a, b) {
				t.Fatalf("byte %d changed a verified statement", i)
			}
		}
	}
	if _, err := Verify(bytes.NewReader(good), []PublicKey{other}); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v, want %v", err, ErrSignature)
	}
}

func TestClaims(t *testing.T) {
	secret, public := nixKeys(t, "builder-1")
	vs, err := Verify(bytes.NewReader(bundle(t, secret, sampleRows()[:1], target())), []PublicKey{public})
	if err != nil {
		t.Fatal(err)
	}
	p := sampleRows()[0].Path
	for _, tt := range []struct {
		known map[string]string
		holds bool
	}{{map[string]string{p: sri("good")}, true}, {map[string]string{p: sri("evil")}, false}, {nil, false}} {
		cs, err := Claims(vs, tt.known)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, c := range cs {
			if c.Path == p {
				n++
				if c.Holds() != tt.holds {
					t.Errorf("known %v: %+v", tt.known, c)
				}
			}
		}
		if n != 2 || len(cs) != 4 {
			t.Errorf("got %d claims, %d about the output", len(cs), n)
		}
	}
}

// Keys in PEM are those that openssl makes.
func TestPEM(t *testing.T) {
	dir := t.TempDir()
	sec, pub := filepath.Join(dir, "sec.pem"), filepath.Join(dir, "pub.pem")
	for _, argv := range [][]string{
		{"openssl", "genpkey", "-algorithm", "ed25519", "-out", sec},
		{"openssl", "pkey", "-in", sec, "-pubout", "-out", pub},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", argv, err, out)
		}
	}
	secret, public := readKeys(t, sec, pub)
	if _, err := Verify(bytes.NewReader(bundle(t, secret, sampleRows(), target())), []PublicKey{public}); err != nil {
		t.Error(err)
	}
	if secret.Public().String() != public.String() {
		t.Errorf("%s is not %s", secret.Public(), public)
	}
}

func TestBadKeys(t *testing.T) {
	secret := "k:" + base64.StdEncoding.EncodeToString(make([]byte, 64))
	for _, text := range []string{"", "k", "k:", ":AAAA", "k:!!", "k:AAAA", secret, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ParseSecretKey(text); err == nil {
			t.Errorf("secret key %q: no error", text)
		} else if len(text) > 20 && strings.Contains(err.Error(), text[5:]) {
			t.Errorf("the error shows the key: %v", err)
		}
		if _, err := ParsePublicKey(text); err == nil {
			t.Errorf("public key %q: no error", text)
		}
	}
}

// Whatever is verified was signed: a file that is accepted is accepted again
// when its statements are written again with the same key.
func FuzzVerify(f *testing.F) {
	raw := make([]byte, 32)
	secret, err := ParseSecretKey("k:" + base64.StdEncoding.EncodeToString(append(raw, []byte("\x3b\x6a\x27\xbc\xce\xb6\xa4\x2d\x62\xa3\xa8\xd0\x2a\x6f\x0d\x73\x65\x32\x15\x77\x1d\xe2\x43\xa6\x3a\xc0\x48\xa1\x8b\x59\xda\x29")...)))
	if err != nil {
		f.Fatal(err)
	}
	ss, _ := Statements(sampleRows()[:1])
	var buf bytes.Buffer
	_ = Write(&buf, secret, ss)
	f.Add(buf.Bytes())
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		vs, err := Verify(bytes.NewReader(b), []PublicKey{secret.Public()})
		if err != nil {
			if vs != nil {
				t.Fatal("an error and a result")
			}
			return
		}
		var again bytes.Buffer
		var out []Statement
		for _, v := range vs {
			out = append(out, v.Statement)
		}
		if err := Write(&again, secret, out); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(&again, []PublicKey{secret.Public()}); err != nil {
			t.Fatal(err)
		}
	})
}

// An audit is signed, and checked against itself and against one in which an
// output is another.
func TestAudit(t *testing.T) {
	a := &audit.Audit{
		Tool: audit.Tool{Version: "1.0"}, Target: audit.Target{Name: "demo", Roots: []string{"/nix/store/a.drv"}},
		Derivations: []audit.Derivation{
			{
				Drv: "/nix/store/a.drv", Outputs: []audit.Output{{Name: "out", Path: "/nix/store/a", NarHash: sri("a")}},
				Rebuild: []audit.Rebuild{{Output: "out", By: "guest", Against: "first build", Result: audit.Reproduced, Expected: sri("a"), Got: sri("a")}},
			},
			{Drv: "/nix/store/b.drv", Outputs: []audit.Output{{Name: "out", Path: "/nix/store/b"}}},
		},
	}
	secret, public := nixKeys(t, "builder-1")
	vs, err := Verify(bytes.NewReader(bundle(t, secret, Rows(a), TargetOf(a, time.Time{}))), []PublicKey{public})
	if err != nil || len(vs) != 3 {
		t.Fatalf("%d statements, %v", len(vs), err)
	}
	check := func(want bool) {
		t.Helper()
		cs, err := Claims(vs, Known(a))
		if err != nil || len(cs) != 3 {
			t.Fatalf("%+v, %v", cs, err)
		}
		for _, c := range cs {
			if c.Holds() != want || c.Kind != ProvenanceType && c.Result != "PASSED" {
				t.Errorf("%+v", c)
			}
		}
	}
	check(true)
	a.Derivations[0].Outputs[0].NarHash = sri("another")
	check(false)
}
