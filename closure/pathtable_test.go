package closure

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A table finds what was added, nothing else, and grows.
func TestPathTable(t *testing.T) {
	table := makePathTable(0)
	var all []string
	for i := range 5000 {
		p := syntheticPath(i * 7)
		if n := table.find(all, p, table.hash(p)); n >= 0 {
			t.Fatalf("%q is found as %d before it is there", p, n)
		}
		all = append(all, p)
		table.add(int32(i), table.hash(p))
	}
	for i, p := range all {
		if n := table.find(all, p, table.hash(p)); n != int32(i) {
			t.Fatalf("%q is found as %d, is %d", p, n, i)
		}
	}
	// The same hash for all: only the strings tell them apart.
	same := makePathTable(0)
	for i := range 200 {
		same.add(int32(i), 42)
	}
	for i, p := range all[:200] {
		if n := same.find(all, p, 42); n != int32(i) {
			t.Fatalf("with equal hashes %q is found as %d, is %d", p, n, i)
		}
	}
}

// Numbers come in the order of their strings, whatever these share.
func TestSortedNumbers(t *testing.T) {
	for _, all := range [][]string{
		nil,
		{""},
		{"b", "a", "", "ab", "a\x00", "a\x00b"},
		{"/nix/store/b", "/nix/store/a", "/other/c", "/nix/store"},
		{"/s/12345678b", "/s/12345678a", "/s/12345678", "/s/1234567"},
	} {
		checkOrder(t, all)
	}
	var many []string
	for i := range 3000 {
		many = append(many, fmt.Sprintf("/nix/store/%x-%d", i*i*2654435761, i%50))
	}
	checkOrder(t, many)
}

func checkOrder(t *testing.T, all []string) {
	t.Helper()
	numbers := sortedNumbers(all)
	if len(numbers) != len(all) {
		t.Fatalf("%d numbers of %d strings", len(numbers), len(all))
	}
	if !slices.IsSortedFunc(numbers, func(a, b int32) int { return strings.Compare(all[a], all[b]) }) {
		t.Errorf("%q comes out as %v", all, numbers)
	}
}
