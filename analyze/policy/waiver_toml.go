package policy

import (
	"bytes"
	"errors"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
	yaml "go.yaml.in/yaml/v3"
)

// maxTOMLDepth bounds how deep arrays and inline tables are read; a waiver
// has none within it, so that deeper ones are refused anyway.
const maxTOMLDepth = 8

// readTOML gives a TOML document the form of a YAML one, whose nodes have
// their lines, so that both are checked by the same code:
//
//	[[waivers]]
//	finding = "hello-bin"
//	until = 2026-12-31
func readTOML(name string, data []byte) (*yaml.Node, error) {
	t := tomlReader{data: data[:len(data):len(data)], name: name}
	t.parser.Reset(t.data)
	root := t.node(yaml.MappingNode, "", 0)
	table := root
	for t.parser.NextExpression() {
		e := t.parser.Expression()
		switch e.Kind {
		case unstable.KeyValue:
			if err := t.set(table, e, 0); err != nil {
				return nil, err
			}
		case unstable.Table, unstable.ArrayTable:
			key, at := t.key(e)
			table = t.node(yaml.MappingNode, "", at)
			var list *yaml.Node
			if e.Kind == unstable.ArrayTable {
				list = t.listOf(root, key, at)
			}
			if list != nil {
				list.Content = append(list.Content, table)
			} else {
				root.Content = append(root.Content, t.node(yaml.ScalarNode, key, at), table)
			}
		}
	}
	if err := t.parser.Error(); err != nil {
		at, msg := len(data), err.Error()
		var pe *unstable.ParserError
		if errors.As(err, &pe) {
			msg = pe.Message
			if off := cap(t.data) - cap(pe.Highlight); off >= 0 && off <= len(data) {
				at = off
			}
		}
		return nil, &FileError{File: name, Line: t.line(at), Msg: "not TOML: " + strings.TrimPrefix(msg, "toml: ")}
	}
	return root, nil
}

type tomlReader struct {
	parser unstable.Parser
	data   []byte
	name   string
	// seen is how far lines have been counted; places come nearly in order.
	seen, lines int
}

func (t *tomlReader) line(at int) int {
	if at < t.seen {
		t.seen, t.lines = 0, 0
	}
	t.lines += bytes.Count(t.data[t.seen:at], []byte("\n"))
	t.seen = at
	return 1 + t.lines
}

func (t *tomlReader) node(kind yaml.Kind, value string, at int) *yaml.Node {
	return &yaml.Node{Kind: kind, Value: value, Line: t.line(at)}
}

// key is a node's key, and where it starts.
func (t *tomlReader) key(n *unstable.Node) (string, int) {
	var parts []string
	at := 0
	for it := n.Key(); it.Next(); {
		if len(parts) == 0 {
			at = int(it.Node().Raw.Offset)
		}
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, "."), at
}

// listOf is the list of tables under a key, begun if it is not there yet; nil
// if something else is, which our checks then find said twice.
func (t *tomlReader) listOf(root *yaml.Node, key string, at int) *yaml.Node {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == key {
			if root.Content[i+1].Kind != yaml.SequenceNode {
				return nil
			}
			return root.Content[i+1]
		}
	}
	list := t.node(yaml.SequenceNode, "", at)
	root.Content = append(root.Content, t.node(yaml.ScalarNode, key, at), list)
	return list
}

func (t *tomlReader) set(table *yaml.Node, kv *unstable.Node, depth int) error {
	key, at := t.key(kv)
	value, err := t.value(kv.Value(), at, depth)
	if err != nil {
		return err
	}
	table.Content = append(table.Content, t.node(yaml.ScalarNode, key, at), value)
	return nil
}

func (t *tomlReader) value(n *unstable.Node, at, depth int) (*yaml.Node, error) {
	if depth > maxTOMLDepth {
		return nil, &FileError{File: t.name, Line: t.line(at), Msg: "nested too deep"}
	}
	switch n.Kind {
	case unstable.Array:
		list := t.node(yaml.SequenceNode, "", at)
		for it := n.Children(); it.Next(); {
			item, err := t.value(it.Node(), max(at, int(it.Node().Raw.Offset)), depth+1)
			if err != nil {
				return nil, err
			}
			list.Content = append(list.Content, item)
		}
		return list, nil
	case unstable.InlineTable:
		table := t.node(yaml.MappingNode, "", at)
		for it := n.Children(); it.Next(); {
			if err := t.set(table, it.Node(), depth+1); err != nil {
				return nil, err
			}
		}
		return table, nil
	}
	s := t.node(yaml.ScalarNode, string(n.Data), at)
	s.Tag = "!!str"
	if n.Kind == unstable.Integer {
		s.Tag = "!!int"
	}
	return s, nil
}
