package rebuild

import "context"

// Diffoscope runs diffoscope on outputs that differ.
type Diffoscope struct {
	// Command is the program; "diffoscope" if empty.
	Command string
	// Dir is where its HTML goes.
	Dir string
}

func (r *run) diffoscope(ctx context.Context, o *BuiltOutput, e expected) (file, note string, err error) {
	return "", "", nil
}
