package reference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/nix-community/go-nix/pkg/nixhash"
)

// Attestation is what one builder told a lila server of an output: the fields
// of its API that are used here. Others are ignored.
type Attestation struct {
	Digest string `json:"output_digest"` // hash part of the store path
	Name   string `json:"output_name"`   // rest of it
	Hash   string `json:"output_hash"`   // of the NAR, "sha256:" and nix32 or base16
	User   any    `json:"user_id"`
}

// ParseAttestations reads a JSON array of them.
func ParseAttestations(r io.Reader) ([]Attestation, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxAttestations+1))
	if err != nil {
		return nil, fmt.Errorf("reading attestations: %w", err)
	}
	if len(b) > maxAttestations {
		return nil, fmt.Errorf("reading attestations: more than %d bytes", maxAttestations)
	}
	var all []Attestation
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("reading attestations: %w", err)
	}
	return all, nil
}

const maxAttestations = 64 << 20

// records counts the attestations of one output by hash: one record for each
// hash that was attested.
func records(name string, all []Attestation, base string) ([]Record, error) {
	votes := map[string]int{}
	total := 0
	for _, a := range all {
		if !a.about(base) {
			continue
		}
		h, err := nixhash.ParseAny(a.Hash, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: hash %q: %w", name, a.Hash, err)
		}
		votes[h.Format(nixhash.SRI, true)]++
		total++
	}
	if total == 0 {
		return nil, ErrNone
	}
	rs := make([]Record, 0, len(votes))
	for sri, n := range votes {
		rs = append(rs, Record{
			Against: fmt.Sprintf("%s (%d of %d attestations)", name, n, total),
			NarHash: sri, Note: "attestations' signatures are not checked",
		})
	}
	slices.SortFunc(rs, func(a, b Record) int { return strings.Compare(a.NarHash, b.NarHash) })
	return rs, nil
}

func (a Attestation) about(base string) bool {
	return a.Digest == base || a.Digest+"-"+a.Name == base || base != "" && a.Digest == base[:min(32, len(base))]
}

// Attestations is a list of attestations from a file as a source.
type Attestations struct {
	name string
	all  []Attestation
}

// NewAttestations makes a source of a list that was read.
func NewAttestations(name string, all []Attestation) *Attestations {
	return &Attestations{name: name, all: all}
}

// Name implements Source.
func (l *Attestations) Name() string { return l.name }

// Lookup implements Source.
func (l *Attestations) Lookup(_ context.Context, q Query) ([]Record, error) {
	return records(l.name, l.all, path.Base(q.Path))
}

// Lila is a lila server as a source. Its routes have moved below /api: the
// new ones are asked first, then the old ones.
type Lila struct {
	base   *url.URL
	client *http.Client
}

// NewLila makes a source of a server. A nil client is one that gives up after
// 30 s.
func NewLila(address string, client *http.Client) (*Lila, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("lila server: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("lila server %q: not http or https", address)
	}
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	return &Lila{base: u, client: client}, nil
}

// Name implements Source.
func (l *Lila) Name() string { return l.base.Host }

// Lookup implements Source.
func (l *Lila) Lookup(ctx context.Context, q Query) ([]Record, error) {
	base := path.Base(q.Path)
	for _, prefix := range []string{"api/attestations/by-output", "attestations/by-output"} {
		all, err := l.get(ctx, l.base.JoinPath(prefix, base).String())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("asking %s: %w", l.Name(), err)
		}
		return records(l.Name(), all, base)
	}
	return nil, ErrNone
}

func (l *Lila) get(ctx context.Context, u string) ([]Attestation, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return ParseAttestations(resp.Body)
	case http.StatusNotFound:
		return nil, fs.ErrNotExist
	}
	return nil, fmt.Errorf("get %q: %s", u, resp.Status)
}
