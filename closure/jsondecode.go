package closure

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/nix-community/go-nix/pkg/nixbase32"
	"github.com/nix-community/go-nix/pkg/nixhash"
)

// decodeJSON reads one derivation of any version of Nix's JSON. The versions
// can be told apart member by member: none gives a name two meanings.
//
//   - up to 2.3: "platform" for "system"
//   - up to 2.22: outputs with "hashAlgo" as in ATerm ("r:sha256"); then
//     "method" beside it
//   - since 2.18: inputDrvs {outputs, dynamicOutputs} instead of a list
//   - since 2.30: "structuredAttrs" instead of __json in the environment
//   - since 2.32: base names for store paths, no path for fixed outputs
//   - since 2.33: "inputs" {srcs, drvs}, fixed outputs {method, hash in SRI}
func decodeJSON(drv, storeDir string, text []byte) (*Derivation, error) {
	r := &jsonReader{buf: text}
	j := &jsonDrv{r: r, dir: storeDir, name: NameOf(drv), d: &Derivation{Path: drv}}
	if r.peek() != '{' {
		r.fail(r.pos, "a derivation's object")
	}
	r.object(j.member)
	if err := r.err(drv, 0); err != nil {
		return nil, err
	}
	for i := range j.d.Outputs {
		o := &j.d.Outputs[i]
		if o.Path == "" && o.Kind() == Fixed {
			o.Path = fixedPath(storeDir, j.name, *o)
		}
	}
	normalize(j.d)
	return j.d, nil
}

type jsonDrv struct {
	r    *jsonReader
	d    *Derivation
	dir  string
	name string // as in "name" since 2.15, before that the path's
}

func (j *jsonDrv) path() string { return fullPath(j.dir, j.r.str()) }

func (j *jsonDrv) paths() []string {
	l := []string{}
	j.r.array(func() { l = append(l, j.path()) })
	return l
}

func (j *jsonDrv) member(key string) {
	r, d := j.r, j.d
	switch key {
	case "name":
		j.name = r.str()
	case "outputs":
		r.object(func(name string) { d.Outputs = append(d.Outputs, j.output(name)) })
	case "inputSrcs":
		d.InputSrcs = j.paths()
	case "inputDrvs":
		j.inputDrvs()
	case "inputs":
		r.object(func(k string) {
			switch k {
			case "srcs":
				d.InputSrcs = j.paths()
			case "drvs":
				j.inputDrvs()
			default:
				r.skip()
			}
		})
	case "system", "platform":
		d.System = r.str()
	case "builder":
		d.Builder = r.str()
	case "args":
		d.Args = r.strs()
	case "env":
		r.object(func(k string) {
			v := r.str()
			if k == jsonKey {
				d.Structured = []byte(v)
				return
			}
			d.Env = append(d.Env, EnvVar{k, v})
		})
	case "structuredAttrs":
		if r.peek() == 'n' { // null: none
			r.skip()
			return
		}
		d.Structured = j.compact()
	default:
		r.skip()
	}
}

// compact is the next value as Nix writes it into __json.
func (j *jsonDrv) compact() []byte {
	start := j.r.pos
	raw := j.r.raw()
	if !j.r.ok() {
		return nil
	}
	b, err := compactJSON(raw)
	if err != nil {
		j.r.fail(start, err.Error())
	}
	return b
}

func (j *jsonDrv) inputDrvs() {
	if j.r.peek() == '[' { // the schema of version 4 has a bare list too
		for _, p := range j.paths() {
			j.d.InputDrvs = append(j.d.InputDrvs, InputDrv{Path: p})
		}
		return
	}
	j.r.object(func(k string) {
		outs, dyn := j.uses(0)
		j.d.InputDrvs = append(j.d.InputDrvs, InputDrv{fullPath(j.dir, k), outs, dyn})
	})
}

func (j *jsonDrv) uses(depth int) (outs []string, dyn []DynamicOutput) {
	r := j.r
	if r.peek() == '[' {
		return r.strs(), nil
	}
	if depth > maxDynamicDepth {
		r.fail(r.pos, fmt.Sprintf("dynamic outputs nested at most %d deep", maxDynamicDepth))
		return nil, nil
	}
	r.object(func(k string) {
		switch k {
		case "outputs":
			outs = r.strs()
		case "dynamicOutputs":
			r.object(func(name string) {
				o := DynamicOutput{Output: name}
				o.Outputs, o.Dynamic = j.uses(depth + 1)
				dyn = append(dyn, o)
			})
		default:
			r.skip()
		}
	})
	return outs, dyn
}

// methods are the ways to hash a content-addressed output, and how ATerm
// marks them.
var methods = map[string]string{"flat": "", "nar": "r:", "recursive": "r:", "text": "text:", "git": "git:"}

func (j *jsonDrv) output(name string) Output {
	o := Output{Name: name}
	r := j.r
	r.space()
	at := r.pos
	var method, hash string
	r.object(func(k string) {
		switch k {
		case "path":
			if r.peek() == 'n' { // null: not known
				r.skip()
				return
			}
			o.Path = j.path()
		case "method":
			method = r.str()
		case "hashAlgo":
			o.HashAlgo = r.str()
		case "hash":
			hash = j.hash(&o)
		case "impure":
			if r.boolean() {
				o.Hash = "impure"
			}
		default:
			r.skip()
		}
	})
	if method != "" {
		prefix, ok := methods[method]
		if !ok {
			r.fail(at, "a hash method that Nix has, not "+fmt.Sprintf("%q", method))
		}
		o.HashAlgo = prefix + o.HashAlgo
	}
	if hash != "" && o.Hash == "" {
		algo := bareAlgo(o.HashAlgo)
		h, err := hexHash(hash, algo)
		if err != nil {
			r.fail(at, "an output with a hash that can be read")
		}
		if algo == "" { // SRI names it
			a, _, _ := strings.Cut(hash, "-")
			o.HashAlgo += a
		}
		o.Hash = h
	}
	return o
}

// hash reads a hash: a string, or an object as version 4 began with.
func (j *jsonDrv) hash(o *Output) string {
	if j.r.peek() != '{' {
		return j.r.str()
	}
	var h string
	j.r.object(func(k string) {
		switch k {
		case "algorithm":
			o.HashAlgo = j.r.str()
		case "hash":
			h = j.r.str()
		default:
			j.r.skip()
		}
	})
	return h
}

// bareAlgo is a hash algorithm without its method.
func bareAlgo(algo string) string { return algo[strings.LastIndexByte(algo, ':')+1:] }

// hexHash is a hash in any of Nix's notations in base 16, as ATerm has it.
func hexHash(h, algo string) (string, error) {
	if _, err := hex.DecodeString(h); err == nil && algo != "" && h == strings.ToLower(h) && len(h)%2 == 0 && len(h) >= 32 {
		return h, nil // also for algorithms that only newer Nix knows
	}
	if algo == "" {
		v, err := nixhash.ParseAny(h, nil)
		if err != nil {
			return "", err
		}
		return v.Format(nixhash.Base16, false), nil
	}
	a, err := nixhash.ParseAlgorithm(algo)
	if err != nil {
		return "", err
	}
	v, err := nixhash.ParseAny(h, &a)
	if err != nil {
		return "", err
	}
	return v.Format(nixhash.Base16, false), nil
}

// fixedPath is the store path of a fixed output without references (nix:
// doc/manual/source/protocols/store-path.md).
func fixedPath(storeDir, name string, o Output) string {
	if o.Name != "out" {
		name += "-" + o.Name
	}
	switch o.HashAlgo {
	case "r:sha256":
		return storePath("source:sha256:"+o.Hash, storeDir, name)
	case "text:sha256":
		return storePath(o.HashAlgo+":"+o.Hash, storeDir, name)
	}
	inner := sha256.Sum256([]byte("fixed:out:" + o.HashAlgo + ":" + o.Hash + ":"))
	return storePath("output:out:sha256:"+hex.EncodeToString(inner[:]), storeDir, name)
}

func storePath(kind, storeDir, name string) string {
	full := sha256.Sum256([]byte(kind + ":" + storeDir + ":" + name))
	return storeDir + "/" + nixbase32.EncodeToString(nixhash.CompressHash(full[:], 20)) + "-" + name
}

// jsonStoreDir finds the store directory in a derivation whose store paths
// are base names: an output's full path is in the environment under its name.
func jsonStoreDir(text []byte) string {
	r := &jsonReader{buf: text}
	var outs []Output
	env := map[string]string{}
	r.object(func(k string) {
		switch k {
		case "outputs":
			r.object(func(name string) {
				r.object(func(k string) {
					if k == "path" && r.peek() == '"' {
						outs = append(outs, Output{Name: name, Path: r.str()})
						return
					}
					r.skip()
				})
			})
		case "env":
			r.object(func(k string) { env[k] = r.str() })
		default:
			r.skip()
		}
	})
	for _, o := range outs {
		if full := env[o.Name]; r.ok() && strings.HasPrefix(full, "/") && (full == o.Path || path.Base(full) == o.Path) {
			return path.Dir(full)
		}
	}
	return ""
}
