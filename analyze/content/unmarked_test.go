package content_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// Two letters and a few small numbers make the header of a DOS program: at the
// beginning of a file that is one, in the middle of data it is chance.
func TestUnmarkedInTheMiddleOfData(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	program := make([]byte, 1024)
	for i := range program {
		program[i] = byte(rng.Uint32())
	}
	copy(program, "MZ")
	for i, v := range []uint16{0, 2, 0, 2} {
		binary.LittleEndian.PutUint16(program[2+2*i:], v)
	}
	binary.LittleEndian.PutUint16(program[24:], 28)
	data := make([]byte, 4099)
	for i := range data {
		data[i] = byte(rng.Uint32()) | 0x80
	}
	if got := formats(stream(t, "a.exe", bytes.NewReader(program))); len(got) != 1 || got[0] != "a.exe dos-executable" {
		t.Errorf("the program itself: %v", got)
	}
	if got := formats(stream(t, "a.dat", bytes.NewReader(append(data, program...)))); len(got) != 0 {
		t.Errorf("in data: %v", got)
	}
}
