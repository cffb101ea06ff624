package attest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// SecretKey signs.
type SecretKey struct {
	Name string
	key  ed25519.PrivateKey
}

// PublicKey verifies.
type PublicKey struct {
	Name string
	key  ed25519.PublicKey
}

// Public is the other half of a key.
func (k SecretKey) Public() PublicKey {
	return PublicKey{k.Name, k.key.Public().(ed25519.PublicKey)}
}

// String is the key as Nix writes it.
func (k PublicKey) String() string { return k.Name + ":" + base64.StdEncoding.EncodeToString(k.key) }

// ParseSecretKey reads a Nix secret key ("name:base64", as nix-store
// --generate-binary-cache-key makes) or an ed25519 key in PEM (PKCS #8). The
// error never shows the key.
func ParseSecretKey(text string) (SecretKey, error) {
	if b, _ := pem.Decode([]byte(text)); b != nil {
		k, err := x509.ParsePKCS8PrivateKey(b.Bytes)
		if err != nil {
			return SecretKey{}, errors.New("secret key: the PEM block is no PKCS #8 key")
		}
		key, ok := k.(ed25519.PrivateKey)
		if !ok {
			return SecretKey{}, errors.New("secret key: the PEM block is not an ed25519 key")
		}
		return SecretKey{pemName(key.Public().(ed25519.PublicKey)), key}, nil
	}
	name, raw, err := nixKey(text, ed25519.PrivateKeySize)
	if err != nil {
		return SecretKey{}, fmt.Errorf("secret key: %w", err)
	}
	// The second half must be what follows from the first.
	if key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize]); string(key) == string(raw) {
		return SecretKey{name, key}, nil
	}
	return SecretKey{}, errors.New("secret key: its halves do not belong together")
}

// ParsePublicKey reads a Nix public key or an ed25519 key in PEM (PKIX).
func ParsePublicKey(text string) (PublicKey, error) {
	if b, _ := pem.Decode([]byte(text)); b != nil {
		k, err := x509.ParsePKIXPublicKey(b.Bytes)
		if err != nil {
			return PublicKey{}, fmt.Errorf("public key: %w", err)
		}
		key, ok := k.(ed25519.PublicKey)
		if !ok {
			return PublicKey{}, errors.New("public key: not an ed25519 key")
		}
		return PublicKey{pemName(key), key}, nil
	}
	name, raw, err := nixKey(text, ed25519.PublicKeySize)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	return PublicKey{name, raw}, nil
}

// pemName names a key that has no name: by its hash.
func pemName(k ed25519.PublicKey) string {
	sum := sha256.Sum256(k)
	return "ed25519-" + hex.EncodeToString(sum[:8])
}

func nixKey(text string, size int) (name string, raw []byte, err error) {
	name, b64, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok || name == "" {
		return "", nil, errors.New(`expected "name:base64" or PEM`)
	}
	raw, err = base64.StdEncoding.DecodeString(b64)
	if err != nil || len(raw) != size {
		return "", nil, fmt.Errorf("expected %d bytes in base64 after the name %q", size, name)
	}
	return name, raw, nil
}
