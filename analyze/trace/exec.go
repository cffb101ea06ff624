package trace

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Exec is one program that a build was seen to execute, or one file of bytecode
// that it was seen to open: a line of the guest's exec.jsonl.
type Exec struct {
	// Drv is the derivation that was built, Output an output path of it;
	// either may be empty.
	Drv    string `json:"drv,omitempty"`
	Output string `json:"output,omitempty"`
	// Path is what was executed. SHA256 (hexadecimal) is given for files that
	// lie outside the store, such as those in the build directory.
	Path   string `json:"path"`
	SHA256 string `json:"sha256,omitempty"`
	// By is set where Path was opened and not executed: the program that opened
	// it. Path is then only the store path of what lies in the store, unless
	// As is set.
	By string `json:"by,omitempty"`
	// As is how By was started with the file: the option before it on the
	// command line, "argument" where it is the first argument that is no option,
	// "" where it is not named there.
	As string `json:"as,omitempty"`
	// Opens says that the bytecode which the build opens is on record too.
	Opens bool `json:"opens,omitempty"`
}

// maxExecLine bounds one line: paths are at most 4 KiB each, escaped.
const maxExecLine = 1 << 18

// ReadExec reads JSON lines. An error names the line.
func ReadExec(r io.Reader) ([]Exec, error) {
	var out []Exec
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 1<<16), maxExecLine)
	for line := 1; s.Scan(); line++ {
		if len(s.Bytes()) == 0 {
			continue
		}
		var e Exec
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("reading executed programs: line %d: %w", line, err)
		}
		if e.Path == "" || e.Drv == "" && e.Output == "" {
			return nil, fmt.Errorf("reading executed programs: line %d: path, and drv or output, must be set", line)
		}
		out = append(out, e)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading executed programs: %w", err)
	}
	return out, nil
}
