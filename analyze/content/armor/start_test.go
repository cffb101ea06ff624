package armor

import (
	"bytes"
	"testing"
)

// FuzzFirstNumbers: the first numbers are in each form what the text decodes to,
// as far as they go.
func FuzzFirstNumbers(f *testing.F) {
	for _, s := range []string{
		"0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x3e, 0", "0x464c457f, 0x00010102, 256, 1",
		"127,69,76,70,2,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0", "(byte)0x7f, /* E */ 'E', -1, 300, 4294967295", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first := numbersOf(text, firstNumbers)
		for _, form := range asList {
			all, _, _ := form.Decode(nil, text[:min(len(text), firstText)], true)
			got := first.bytes(nil, form)
			if few := numbersOf(text, fewBytes); !bytes.HasPrefix(got, few.bytes(nil, form)) {
				t.Fatalf("%s: %x does not begin as %x", form, got, few.bytes(nil, form))
			}
			width := 4
			if form == List {
				width = 1
			}
			if !bytes.HasPrefix(all, got) || len(got) < min(len(all), firstNumbers*width) || len(got) > maxFirst {
				t.Errorf("%s of %q: %x, want the beginning of %x", form, text, got, all)
			}
		}
	})
}

// TestFirst: the first of the characters is found at any distance, and none
// where there is none.
func TestFirst(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 1024, 1500} {
		b := bytes.Repeat([]byte{'x'}, size)
		if got := first(b, "}]"); got != size {
			t.Errorf("%d in %d bytes without", got, size)
		}
		for k := range size {
			b[k] = ']'
			if k+7 < size {
				b[k+7] = '}'
			}
			if got := first(b, "}]"); got != k {
				t.Errorf("%d, want %d of %d", got, k, size)
			}
			b[k], b[min(k+7, size-1)] = 'x', 'x'
		}
	}
}
