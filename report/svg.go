package report

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"slices"
	"unicode/utf8"

	"fromsource/analyze/audit"
)

const (
	svgHigh   = 44
	svgRowGap = 16
	svgColGap = 70
	svgLetter = 7.9 // pixels of a letter of a name, on average
	svgSmall  = 6.1 // and of the line below
	svgMargin = 16
)

type svgNode struct {
	layer, order int
	x, y, w      float64
	weight       float64
}

// SVG draws the same graph as DOT in layers from left to right, without
// Graphviz: the target at the left, what it needs to its right.
func SVG(w io.Writer, a *audit.Audit, o Options) error {
	n, err := near(a, o.Focus)
	if err != nil {
		return fmt.Errorf("rendering svg: %w", err)
	}
	nodes := n.layers()
	width, height := n.place(nodes)
	height += float64(len(n.notes)) * 20
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" font-family="system-ui, DejaVu Sans, sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n", esc(makeAnswer(n.set).headline.text()))
	b.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#6b7580"/></marker></defs>` + "\n")
	for _, e := range n.edges {
		from, to := nodes[e.from], nodes[e.to]
		x1, y1, x2, y2 := from.x+from.w, from.y+svgHigh/2, to.x, to.y+svgHigh/2
		bend := (x2 - x1) / 2
		if x2 <= x1 { // within a cycle of a hand-made file
			bend = 40
		}
		dash := ""
		if e.bytes {
			dash = ` stroke-dasharray="5 4"`
		}
		fmt.Fprintf(b, `<path d="M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f" fill="none" stroke="#6b7580" stroke-width="1.3" marker-end="url(#tip)"%s/>`+"\n",
			x1, y1, x1+bend, y1, x2-bend, y2, x2-1, y2, dash)
	}
	for _, i := range n.nodes {
		p, d := nodes[i], n.set.At(i)
		fill, line := tint(d.Verdict)
		stroke := 1.2
		if i == n.focus {
			stroke = 3
		}
		fmt.Fprintf(b, `<g><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%d" rx="8" fill="%s" stroke="%s" stroke-width="%.1f"/>`, esc(shown(d.Drv)), p.x, p.y, p.w, svgHigh, fill, line, stroke)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-weight="600" fill="#1b1f24">%s</text>`, p.x+10, p.y+18, html.EscapeString(n.label(i)))
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="11" fill="#4d5661">%s</text></g>`+"\n", p.x+10, p.y+34, html.EscapeString(n.second(i)))
	}
	for k, note := range n.notes {
		fmt.Fprintf(b, `<text x="%d" y="%.1f" fill="#4d5661">%s</text>`+"\n", svgMargin, height-float64(len(n.notes)-k)*20+6, html.EscapeString(note))
	}
	b.WriteString("</svg>\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing svg: %w", err)
	}
	return nil
}

// layers puts each node one layer right of the last that needs it. Edges that
// close a cycle, which only a hand-made file has, are ignored.
func (n *neighbourhood) layers() map[int]*svgNode {
	nodes := map[int]*svgNode{}
	needs := map[int]int{}
	out := map[int][]int{}
	for _, i := range n.nodes {
		nodes[i] = &svgNode{}
	}
	for _, e := range n.edges {
		needs[e.to]++
		out[e.from] = append(out[e.from], e.to)
	}
	var queue []int
	for _, i := range n.nodes {
		if needs[i] == 0 {
			queue = append(queue, i)
		}
	}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range out[i] {
			nodes[j].layer = max(nodes[j].layer, nodes[i].layer+1)
			if needs[j]--; needs[j] == 0 {
				queue = append(queue, j)
			}
		}
	}
	return nodes
}

// place orders each layer by the mean place of its neighbours, a few sweeps
// to and fro, and gives coordinates.
func (n *neighbourhood) place(nodes map[int]*svgNode) (width, height float64) {
	var layers [][]int
	for _, i := range n.nodes {
		l := nodes[i].layer
		for len(layers) <= l {
			layers = append(layers, nil)
		}
		nodes[i].order = len(layers[l])
		layers[l] = append(layers[l], i)
	}
	neighbours := map[int][]int{}
	for _, e := range n.edges {
		neighbours[e.from] = append(neighbours[e.from], e.to)
		neighbours[e.to] = append(neighbours[e.to], e.from)
	}
	for range 6 {
		for _, layer := range layers {
			for _, i := range layer {
				sum := 0.0
				for _, j := range neighbours[i] {
					sum += float64(nodes[j].order)
				}
				nodes[i].weight = sum / float64(max(len(neighbours[i]), 1))
			}
			slices.SortStableFunc(layer, func(a, b int) int {
				switch wa, wb := nodes[a].weight, nodes[b].weight; {
				case wa < wb:
					return -1
				case wa > wb:
					return 1
				}
				return 0
			})
			for k, i := range layer {
				nodes[i].order = k
			}
		}
	}
	tallest := 0
	for _, layer := range layers {
		tallest = max(tallest, len(layer))
	}
	height = float64(tallest*(svgHigh+svgRowGap)) + 2*svgMargin
	x := float64(svgMargin)
	for _, layer := range layers {
		wide := 120.0
		top := (height - float64(len(layer)*(svgHigh+svgRowGap)-svgRowGap)) / 2
		for k, i := range layer {
			wide = max(wide, float64(utf8.RuneCountInString(n.label(i)))*svgLetter+22, float64(len(n.second(i)))*svgSmall+22)
			nodes[i].x, nodes[i].y = x, top+float64(k*(svgHigh+svgRowGap))
		}
		for _, i := range layer {
			nodes[i].w = wide
		}
		x += wide + svgColGap
	}
	return x - svgColGap + svgMargin, max(height, 80)
}
