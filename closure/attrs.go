package closure

import (
	"slices"
	"strings"
)

// Get is an attribute of the derivation as a string: from its environment, or
// from its structured attributes, where a list is joined with spaces, true is
// "1", false and null are "" (as Nix itself would have put them into an
// environment) and an object is its JSON text. Absent is "".
func (d *Derivation) Get(key string) string {
	raw, ok := d.structured(key)
	if !ok {
		v, _ := d.Lookup(key)
		return v
	}
	if len(raw) > 0 && raw[0] == '[' {
		return strings.Join(jsonStrings(raw), " ")
	}
	return jsonScalar(raw)
}

// Strings is an attribute as a list: an environment variable's value split at
// white space, or a structured attribute's list. A structured string is split
// too, because nixpkgs accepts both spellings.
func (d *Derivation) Strings(key string) []string {
	raw, ok := d.structured(key)
	if !ok {
		v, _ := d.Lookup(key)
		return strings.Fields(v)
	}
	if len(raw) > 0 && raw[0] == '[' {
		return jsonStrings(raw)
	}
	return strings.Fields(jsonScalar(raw))
}

// structured finds the JSON text of a structured attribute.
func (d *Derivation) structured(key string) (raw []byte, ok bool) {
	if len(d.Structured) == 0 {
		return nil, false
	}
	r := jsonReader{buf: d.Structured}
	r.object(func(k string) {
		v := r.raw()
		if k == key && r.ok() {
			raw, ok = v, true
		}
	})
	return raw, ok
}

// jsonStrings is a JSON list's elements as strings; lists in it are flattened.
func jsonStrings(raw []byte) []string {
	list := []string{}
	r := jsonReader{buf: raw}
	depth := 0
	for r.ok() {
		switch r.peek() {
		case 0:
			return list
		case '[':
			r.pos++
			depth++
		case ']':
			r.pos++
			if depth--; depth == 0 {
				return list
			}
		case ',':
			r.pos++
		default:
			if v := r.raw(); r.ok() {
				list = append(list, jsonScalar(v))
			}
		}
	}
	return list
}

func jsonScalar(raw []byte) string {
	switch string(raw) {
	case "true":
		return "1"
	case "false", "null":
		return ""
	}
	if len(raw) > 0 && raw[0] == '"' {
		r := jsonReader{buf: raw}
		return r.str()
	}
	return string(raw)
}

// Clone is a copy that shares no memory with d.
func (d *Derivation) Clone() *Derivation {
	c := *d
	c.Path = strings.Clone(d.Path)
	c.System = strings.Clone(d.System)
	c.Builder = strings.Clone(d.Builder)
	c.Outputs = slices.Clone(d.Outputs)
	for i := range c.Outputs {
		o := &c.Outputs[i]
		o.Name, o.Path = strings.Clone(o.Name), strings.Clone(o.Path)
		o.HashAlgo, o.Hash = strings.Clone(o.HashAlgo), strings.Clone(o.Hash)
	}
	c.InputDrvs = slices.Clone(d.InputDrvs)
	for i := range c.InputDrvs {
		in := &c.InputDrvs[i]
		in.Path = strings.Clone(in.Path)
		in.Outputs, in.Dynamic = cloneStrings(in.Outputs), cloneDynamic(in.Dynamic)
	}
	c.InputSrcs, c.Args = cloneStrings(d.InputSrcs), cloneStrings(d.Args)
	c.Env = slices.Clone(d.Env)
	for i := range c.Env {
		c.Env[i] = EnvVar{strings.Clone(c.Env[i].Key), strings.Clone(c.Env[i].Value)}
	}
	c.Structured = slices.Clone(d.Structured)
	return &c
}

func cloneDynamic(l []DynamicOutput) []DynamicOutput {
	l = slices.Clone(l)
	for i := range l {
		l[i].Output = strings.Clone(l[i].Output)
		l[i].Outputs, l[i].Dynamic = cloneStrings(l[i].Outputs), cloneDynamic(l[i].Dynamic)
	}
	return l
}

func cloneStrings(l []string) []string {
	l = slices.Clone(l)
	for i := range l {
		l[i] = strings.Clone(l[i])
	}
	return l
}
