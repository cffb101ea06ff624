package closure

// AppendATerm appends the derivation as Nix would write it to a store: in the
// plain format, or in the "xp-dyn-drv" version if an input is dynamic. Members
// are written in the order they have, which Nix and ParseATerm keep sorted.
func (d *Derivation) AppendATerm(b []byte) []byte {
	if d.dynamic() {
		b = append(b, `DrvWithVersion("xp-dyn-drv",[`...)
	} else {
		b = append(b, "Derive(["...)
	}
	for i, o := range d.Outputs {
		b = comma(b, i)
		b = append(b, '(')
		b = quote(b, o.Name)
		b = append(b, ',')
		b = quote(b, o.Path)
		b = append(b, ',')
		b = quote(b, o.HashAlgo)
		b = append(b, ',')
		b = quote(b, o.Hash)
		b = append(b, ')')
	}
	b = append(b, "],["...)
	for i, in := range d.InputDrvs {
		b = comma(b, i)
		b = append(b, '(')
		b = quote(b, in.Path)
		b = append(b, ',')
		b = appendUses(b, in.Outputs, in.Dynamic)
		b = append(b, ')')
	}
	b = append(b, "],"...)
	b = quoteList(b, d.InputSrcs)
	b = append(b, ',')
	b = quote(b, d.System)
	b = append(b, ',')
	b = quote(b, d.Builder)
	b = append(b, ',')
	b = quoteList(b, d.Args)
	b = append(b, ",["...)
	n, structured := 0, d.Structured == nil
	variable := func(k, v string) {
		b = comma(b, n)
		b = append(b, '(')
		b = quote(b, k)
		b = append(b, ',')
		b = quote(b, v)
		b = append(b, ')')
		n++
	}
	for _, v := range d.Env {
		if !structured && v.Key > jsonKey {
			variable(jsonKey, alias(d.Structured))
			structured = true
		}
		variable(v.Key, v.Value)
	}
	if !structured {
		variable(jsonKey, alias(d.Structured))
	}
	return append(b, "])"...)
}

func (d *Derivation) dynamic() bool {
	for i := range d.InputDrvs {
		if len(d.InputDrvs[i].Dynamic) > 0 {
			return true
		}
	}
	return false
}

func appendUses(b []byte, outs []string, dyn []DynamicOutput) []byte {
	if len(dyn) == 0 {
		return quoteList(b, outs)
	}
	b = append(b, '(')
	b = quoteList(b, outs)
	b = append(b, ",["...)
	for i, o := range dyn {
		b = comma(b, i)
		b = append(b, '(')
		b = quote(b, o.Output)
		b = append(b, ',')
		b = appendUses(b, o.Outputs, o.Dynamic)
		b = append(b, ')')
	}
	return append(b, "])"...)
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func quoteList(b []byte, l []string) []byte {
	b = append(b, '[')
	for i, s := range l {
		b = comma(b, i)
		b = quote(b, s)
	}
	return append(b, ']')
}

// quote escapes exactly what Nix escapes; all other bytes stand for
// themselves.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		var c byte
		switch s[i] {
		case '"', '\\':
			c = s[i]
		case '\n':
			c = 'n'
		case '\r':
			c = 'r'
		case '\t':
			c = 't'
		default:
			continue
		}
		b = append(append(b, s[from:i]...), '\\', c)
		from = i + 1
	}
	return append(append(b, s[from:]...), '"')
}
