package closure

// pile is a list that grows by pieces: what is on it is never copied to make
// room, as a slice of unknown length is again and again. The zero value is
// empty.
type pile[E any] struct{ pieces [][]E }

const pieceLen = 1024

func (p *pile[E]) add(e E) {
	last := len(p.pieces) - 1
	if last < 0 || len(p.pieces[last]) == pieceLen {
		p.pieces = append(p.pieces, make([]E, 0, pieceLen))
		last++
	}
	p.pieces[last] = append(p.pieces[last], e)
}

// take moves the next elements, from the first one on, to fill dst. Pieces
// that were taken are let go.
func (p *pile[E]) take(dst []E) {
	for len(dst) > 0 {
		n := copy(dst, p.pieces[0])
		dst = dst[n:]
		if p.pieces[0] = p.pieces[0][n:]; len(p.pieces[0]) == 0 {
			p.pieces = p.pieces[1:]
		}
	}
}
