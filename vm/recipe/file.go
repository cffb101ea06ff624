package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// file is a recipe as a user writes it.
type file struct {
	Name       string            `yaml:"name"`
	Summary    string            `yaml:"summary"`
	Files      string            `yaml:"files"`
	Expression string            `yaml:"expression"`
	Attribute  string            `yaml:"attribute"`
	Arguments  map[string]string `yaml:"arguments"`
	Inputs     []struct {
		Name   string `yaml:"name"`
		Path   string `yaml:"path"`
		SHA256 string `yaml:"sha256"`
	} `yaml:"inputs"`
	Memory    int      `yaml:"memory"`
	CPUs      int      `yaml:"cpus"`
	Disk      int      `yaml:"disk"`
	Network   bool     `yaml:"network"`
	Packages  []string `yaml:"packages"`
	Results   []string `yaml:"results"`
	Published []struct {
		SHA256 string `yaml:"sha256"`
		By     string `yaml:"by"`
	} `yaml:"published"`
}

// maxFile bounds a recipe file; one of a megabyte is something else.
const maxFile = 1 << 20

// Load reads a recipe from a file. Paths in it are relative to the file's
// directory; unknown keys are errors.
//
//	name: my-iso
//	files: .                  # a directory; what the expression refers to
//	expression: default.nix   # in files; the default
//	attribute: iso
//	arguments: {stableBranch: "true"}     # Nix expressions
//	inputs:                   # /srcs/NAME for fixed-output derivations
//	  - {name: x.tar.gz, path: inputs/x.tar.gz, sha256: ...}
//	memory: 4096              # MB
//	cpus: 4                   # as many as the host has when left out
//	disk: 40                  # GB
//	network: false
//	packages: [git]           # of the host distribution, for the guest
//	results: ["*.iso"]
//	published: [{sha256: ..., by: someone}]
func Load(name string) (Recipe, error) {
	f, err := os.Open(name)
	if err != nil {
		return Recipe{}, fmt.Errorf("reading a recipe: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Recipe{}, fmt.Errorf("reading a recipe: %w", err)
	}
	if len(b) > maxFile {
		return Recipe{}, fmt.Errorf("reading a recipe: %s is larger than %d bytes", name, maxFile)
	}
	r, err := parse(b, filepath.Dir(name))
	if err != nil {
		return Recipe{}, fmt.Errorf("recipe %s: %w", name, err)
	}
	return r, nil
}

// parse reads the text of a recipe whose paths are relative to dir.
func parse(b []byte, dir string) (Recipe, error) {
	y := file{Files: ".", Expression: "default.nix", Memory: 4096, Disk: 40}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&y); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return Recipe{}, plainly(err)
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return Recipe{}, errors.New("it holds more than one document")
	}
	at := lines(b)
	inside := func(p string) string {
		if filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	root := inside(y.Files)
	if fi, err := os.Stat(root); err != nil {
		return Recipe{}, at.wrap("files", err)
	} else if !fi.IsDir() {
		return Recipe{}, at.wrap("files", fmt.Errorf("%q is not a directory", y.Files))
	}
	r := Recipe{
		Name: y.Name, Summary: y.Summary, Files: os.DirFS(root),
		Expr: strings.TrimPrefix(y.Expression, "./"), Attr: y.Attribute, Args: y.Arguments,
		MemoryMB: y.Memory, CPUs: y.CPUs, DiskGB: y.Disk, Network: y.Network,
		Packages: y.Packages, Results: y.Results,
	}
	for _, in := range y.Inputs {
		if fi, err := os.Stat(inside(in.Path)); err != nil {
			return Recipe{}, at.wrap("inputs", err)
		} else if !fi.Mode().IsRegular() {
			return Recipe{}, at.wrap("inputs", fmt.Errorf("%q is not a regular file", in.Path))
		}
		r.Inputs = append(r.Inputs, Input{Name: in.Name, Path: inside(in.Path), SHA256: in.SHA256})
	}
	for _, p := range y.Published {
		r.Published = append(r.Published, Published(p))
	}
	if err := r.Check(); err != nil {
		var p *problem
		if errors.As(err, &p) {
			return Recipe{}, at.wrap(p.key, errors.New(p.msg))
		}
		return Recipe{}, err
	}
	return r, nil
}

// places has the line of each top-level key.
type places map[string]int

func lines(b []byte) places {
	at := places{}
	var n yaml.Node
	if yaml.Unmarshal(b, &n) != nil || len(n.Content) == 0 {
		return at
	}
	m := n.Content[0].Content
	for i := 0; i+1 < len(m); i += 2 {
		at[m[i].Value] = m[i].Line
	}
	return at
}

// wrap names the key and, where the file has it, the line.
func (at places) wrap(key string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe
	}
	if l, ok := at[key]; ok {
		return fmt.Errorf("line %d: %s: %w", l, key, err)
	}
	return fmt.Errorf("%s: %w", key, err)
}

var inType = regexp.MustCompile(` (?:not found in|into|in) type [A-Za-z0-9_.{} "\x60:;]+`)

// plainly takes the names of Go types out of the YAML package's words.
func plainly(err error) error {
	s := strings.TrimPrefix(err.Error(), "yaml: ")
	s = strings.TrimPrefix(s, "unmarshal errors:\n")
	var out []string
	for _, l := range strings.Split(s, "\n") {
		l = strings.TrimSpace(l)
		if strings.Contains(l, "not found in type") {
			l = inType.ReplaceAllString(l, " is not known")
		}
		out = append(out, strings.ReplaceAll(l, "into recipe.file", "into a recipe"))
	}
	return errors.New(strings.Join(out, "; "))
}
