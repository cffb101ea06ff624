package closure

// Arena copies strings into large blocks: few allocations, and nothing is
// freed before all of a block is. The zero value is empty. It is not safe for
// concurrent use.
type Arena struct{ block []byte }

// Clone is a copy of s.
func (a *Arena) Clone(s string) string {
	const size = 64 << 10
	if s == "" {
		return ""
	}
	if len(s) > cap(a.block)-len(a.block) {
		a.block = make([]byte, 0, max(size, len(s)))
	}
	n := len(a.block)
	a.block = append(a.block, s...)
	return alias(a.block[n:])
}
