package fetch

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"fromsource/closure"
)

// Set is a derivation's attributes, wherever Nix keeps them: the environment,
// or the JSON object of structured attributes. It aliases the derivation.
type Set struct {
	env        []closure.EnvVar
	structured map[string]any
}

// Attrs opens the attributes of d. Structured attributes that are not a JSON
// object are as good as absent.
func Attrs(d *closure.Derivation) Set {
	s := Set{env: d.Env}
	if len(d.Structured) > 0 {
		if json.Unmarshal(d.Structured, &s.structured) != nil {
			s.structured = nil
		}
	}
	return s
}

// Get is an attribute as a builder would see it in its environment: lists
// joined with spaces, true as "1", false and null as "". Nested sets are "".
func (s Set) Get(key string) string {
	if v, ok := s.structured[key]; ok {
		return flat(v)
	}
	if i, ok := slices.BinarySearchFunc(s.env, key, func(e closure.EnvVar, k string) int { return strings.Compare(e.Key, k) }); ok {
		return s.env[i].Value
	}
	return s.nested(key)
}

// nested is a variable of the "env" set, in which newer nixpkgs keeps plain
// variables beside structured attributes.
func (s Set) nested(key string) string {
	if m, ok := s.structured["env"].(map[string]any); ok {
		return flat(m[key])
	}
	return ""
}

// List is an attribute split at white space, or the structured list itself.
func (s Set) List(key string) []string {
	if v, ok := s.structured[key]; ok {
		if l, ok := v.([]any); ok {
			out := make([]string, 0, len(l))
			for _, e := range l {
				if t := flat(e); t != "" {
					out = append(out, t)
				}
			}
			return out
		}
		return strings.Fields(flat(v))
	}
	return strings.Fields(s.Get(key))
}

// All calls yield for every attribute, plain ones first, each group sorted by
// key; nested sets with their keys joined by a dot.
func (s Set) All(yield func(key, value string)) {
	for _, e := range s.env {
		yield(e.Key, e.Value)
	}
	for _, k := range slices.Sorted(maps.Keys(s.structured)) {
		v := s.structured[k]
		if m, ok := v.(map[string]any); ok {
			for _, kk := range slices.Sorted(maps.Keys(m)) {
				vv := m[kk]
				// The "env" set holds plain variables under their own names.
				if k == "env" {
					yield(kk, flat(vv))
				} else {
					yield(k+"."+kk, flat(vv))
				}
			}
			continue
		}
		yield(k, flat(v))
	}
}

func flat(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "1"
		}
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var b strings.Builder
		for _, e := range v {
			t := flat(e)
			if m, ok := e.(map[string]any); ok {
				t = values(m)
			}
			if t == "" {
				continue
			}
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(t)
		}
		return b.String()
	}
	return ""
}

// values joins what a set holds in the order of its keys: newer nixpkgs gives
// the parts of a union as a list of sets.
func values(m map[string]any) string {
	var l []any
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if _, set := m[k].(map[string]any); !set {
			l = append(l, m[k])
		}
	}
	return flat(l)
}

// has reports whether an attribute is there, empty or not, outside of the
// "env" set.
func (s Set) has(key string) bool {
	if _, ok := s.structured[key]; ok {
		return true
	}
	return slices.ContainsFunc(s.env, func(e closure.EnvVar) bool { return e.Key == key })
}
