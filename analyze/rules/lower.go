package rules

import "strings"

// lower is strings.ToLower, faster where there is nothing to change: most
// addresses and names are in lower case, and all are asked for it.
func lower(s string) string {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		v := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// The highest bit of each byte: set in the first sum from 'A' on, in
		// the second one after 'Z'.
		low := v &^ highs
		if ((low+(0x80-'A')*ones)&^(low+(0x80-'Z'-1)*ones)|v)&highs != 0 {
			return strings.ToLower(s)
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' || c >= 0x80 {
			return strings.ToLower(s)
		}
	}
	return s
}
