package attest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// payloadType is what an envelope says that it holds.
const payloadType = "application/vnd.in-toto+json"

// Envelope is a DSSE envelope.
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"` // base64 in JSON
	Signatures  []Signature `json:"signatures"`
}

// Signature is one of an envelope's.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// pae is what is signed: DSSE's pre-authentication encoding.
func pae(kind string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(kind), kind, len(payload)), payload...)
}

// Write signs statements and writes an envelope a line.
func Write(w io.Writer, key SecretKey, statements []Statement) error {
	for _, s := range statements {
		payload, err := marshal(s)
		if err != nil {
			return fmt.Errorf("signing a statement: %w", err)
		}
		line, err := marshal(Envelope{
			PayloadType: payloadType, Payload: payload,
			Signatures: []Signature{{KeyID: key.Name, Sig: ed25519.Sign(key.key, pae(payloadType, payload))}},
		})
		if err != nil {
			return fmt.Errorf("signing a statement: %w", err)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("writing attestations: %w", err)
		}
	}
	return nil
}

// Verified is a statement whose signature is good.
type Verified struct {
	Statement
	// By is the key's name, Line where the statement stands.
	By   string
	Line int
}

// ErrSignature says that no trusted key has signed an envelope.
var ErrSignature = errors.New("no trusted key has signed it")

// maxBundle bounds a file of envelopes.
const maxBundle = 256 << 20

// Verify reads envelopes, one a line, and gives their statements. It fails on
// the first that is malformed or that none of the keys has signed, and on a
// file without any: what it returns is good from beginning to end.
func Verify(r io.Reader, keys []PublicKey) ([]Verified, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBundle+1))
	if err != nil {
		return nil, fmt.Errorf("reading attestations: %w", err)
	}
	if len(b) > maxBundle {
		return nil, fmt.Errorf("reading attestations: more than %d bytes", maxBundle)
	}
	var all []Verified
	n := 0
	for line := range bytes.Lines(b) {
		n++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		v, err := verifyLine(line, keys)
		if err != nil {
			return nil, fmt.Errorf("attestation on line %d: %w", n, err)
		}
		v.Line = n
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, errors.New("reading attestations: there are none in it")
	}
	return all, nil
}

func verifyLine(line []byte, keys []PublicKey) (Verified, error) {
	var e Envelope
	if err := strict(line, &e); err != nil {
		return Verified{}, fmt.Errorf("reading the envelope: %w", err)
	}
	if e.PayloadType != payloadType {
		return Verified{}, fmt.Errorf("its payload is %q, not %q", e.PayloadType, payloadType)
	}
	by, ok := signedBy(e, keys)
	if !ok {
		return Verified{}, ErrSignature
	}
	// Only now is it worth reading.
	var s Statement
	if err := json.Unmarshal(e.Payload, &s); err != nil {
		return Verified{}, fmt.Errorf("reading the statement: %w", err)
	}
	if s.Type != StatementType {
		return Verified{}, fmt.Errorf("the statement is a %q, not a %q", s.Type, StatementType)
	}
	if len(s.Subject) == 0 || s.PredicateType == "" || len(s.Predicate) == 0 {
		return Verified{}, errors.New("the statement lacks a subject or a predicate")
	}
	return Verified{Statement: s, By: by}, nil
}

// signedBy finds a key that one of the signatures is good for. The key's name
// in a signature is a hint only, as DSSE has it.
func signedBy(e Envelope, keys []PublicKey) (string, bool) {
	text := pae(e.PayloadType, e.Payload)
	for _, k := range keys {
		for _, s := range e.Signatures {
			if ed25519.Verify(k.key, text, s.Sig) {
				return k.Name, true
			}
		}
	}
	return "", false
}

// strict decodes one JSON value and nothing after it.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}
