package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"fromsource/analyze/audit"
	"fromsource/analyze/rebuild/attest"
)

func verifyCommand(flags *pflag.FlagSet) func(context.Context, *env, []string) error {
	keys := flags.StringArray("key", nil, "")
	auditFile := flags.String("audit", "", "")
	return func(_ context.Context, e *env, args []string) error {
		if len(args) == 0 {
			return usageError("verify takes files of attestations")
		}
		if len(*keys) == 0 {
			return usageError("verify needs --key")
		}
		var trusted []attest.PublicKey
		for _, k := range *keys {
			key, err := parsePublicKey(k)
			if err != nil {
				return err
			}
			trusted = append(trusted, key)
		}
		known := map[string]string{}
		if *auditFile != "" {
			a, err := audit.ReadFile(*auditFile)
			if err != nil {
				return err
			}
			for _, d := range a.Derivations {
				for _, o := range d.Outputs {
					if o.Path != "" && o.NarHash != "" {
						known[o.Path] = o.NarHash
					}
				}
			}
		}
		var all []attest.Verified
		for _, name := range args {
			err := readWith(name, func(r io.Reader) error {
				verified, err := attest.Verify(r, trusted)
				all = append(all, verified...)
				return err
			})
			if err != nil {
				return fmt.Errorf("verifying attestations: %w", err)
			}
		}
		return claims(e, all, known, *auditFile != "")
	}
}

// claims prints what verified statements say, and fails where that is not
// what the audit knows.
func claims(e *env, verified []attest.Verified, known map[string]string, compare bool) error {
	all, err := attest.Claims(verified, known)
	if err != nil {
		return err
	}
	broken := 0
	for _, c := range all {
		state := "signed"
		switch {
		case !compare:
		case c.Known == "":
			state = "signed, not in the audit"
		case !c.Holds():
			state = "signed, and not what the audit has"
			broken++
		default:
			state = "signed, and as in the audit"
		}
		if _, err := fmt.Fprintf(e.stdout, "%s %s %s (%s): %s\n", printable(c.Path), c.Attested, c.Result, c.By, state); err != nil {
			return err
		}
	}
	if broken > 0 {
		return &exitError{exitPolicy, fmt.Errorf("%d claims are not what the audit has", broken)}
	}
	return nil
}

// parsePublicKey takes a key as it is, or the file that holds it.
func parsePublicKey(s string) (attest.PublicKey, error) {
	if _, err := os.Stat(s); err == nil {
		return readKey(s, attest.ParsePublicKey)
	}
	k, err := attest.ParsePublicKey(s)
	if err != nil {
		return k, fmt.Errorf("--key %q, which is no file: %w", s, err)
	}
	return k, nil
}

// maxKey is far above the size of any key file.
const maxKey = 1 << 16

func readKey[K any](name string, parse func(string) (K, error)) (K, error) {
	var zero K
	f, err := os.Open(name)
	if err != nil {
		return zero, fmt.Errorf("reading a key: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return zero, fmt.Errorf("reading a key: %w", err)
	}
	k, err := parse(string(text))
	if err != nil {
		return zero, fmt.Errorf("reading the key %q: %w", name, err)
	}
	return k, nil
}
