package rules

// Shell text in derivations is read as simple commands, not searched as a
// whole: what matters is that patchelf is run with an interpreter, not that
// the word occurs in a comment. The reader is one pass without allocation
// per word; it knows quotes, comments, continuations and separators, and
// takes a line's end as the end of an unclosed quote, so that an apostrophe
// in a here-document costs one line and not the rest of the text.

// maxWords bounds the words of one simple command that are looked at.
const maxWords = 96

// commands calls yield for each simple command of a shell text with its
// words, quotes removed where they enclose the word. The slice is reused.
func commands(text string, yield func(argv []string)) {
	var buf [maxWords]string
	commandsIn(&buf, text, yield)
}

// commandsIn is commands with memory for the words.
func commandsIn(buf *[maxWords]string, text string, yield func(argv []string)) {
	argv := buf[:0]
	flush := func() {
		if len(argv) > 0 {
			yield(argv)
			argv = buf[:0]
		}
	}
	i, n := 0, len(text)
	for i < n {
		switch c := text[i]; c {
		case ' ', '\t', '\r':
			i++
		case '\n', ';', '|', '&':
			flush()
			i++
		case '{':
			// "{a,b}" is a word that stands for several, "{ a; }" a group.
			if i+1 < n && text[i+1] != ' ' && text[i+1] != '\n' && text[i+1] != '\t' {
				i = word(text, i, &argv)
				continue
			}
			flush()
			i++
		case '(', '}', ')', '`':
			// A group or substitution starts or ends a command when it
			// stands alone; inside a word it is part of the word.
			flush()
			i++
		case '\\':
			if i+1 < n && text[i+1] == '\n' {
				i += 2
				continue
			}
			i = word(text, i, &argv)
		case '#':
			for i < n && text[i] != '\n' {
				i++
			}
		default:
			i = word(text, i, &argv)
			// Keywords and assignments before a command are not the command.
			if len(argv) == 1 && skipWord(argv[0]) {
				argv = buf[:0]
			}
		}
	}
	flush()
}

// word reads the word that starts at i and appends it; the result is the
// index after it.
func word(text string, i int, argv *[]string) int {
	start, n := i, len(text)
	var quote byte
	depth := 0
loop:
	for ; i < n; i++ {
		switch c := text[i]; {
		case c == '\\' && quote != '\'':
			if i+1 < n && text[i+1] == '\n' && quote == 0 {
				break loop
			}
			i++
		case quote != 0:
			if c == quote || c == '\n' {
				if c == '\n' {
					break loop
				}
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(' && i > start && text[i-1] == '=':
			// NAME=(…) or NAME+=(…): the elements are read as a command of
			// their own, which is what wrapper arguments need.
			break loop
		case c == '(' && i > start:
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == '\n':
			break loop
		case depth > 0:
			// Inside $( ) everything up to its end is part of the word.
		case c == ' ', c == '\t', c == ';', c == '|', c == '&', c == ')', c == '`':
			if i == start {
				i++
			}
			break loop
		}
	}
	if i > n {
		i = n
	}
	if len(*argv) < maxWords && i > start {
		if w := unquote(text[start:i]); w != "" {
			*argv = append(*argv, w)
		}
	}
	return i
}

func unquote(w string) string {
	if len(w) > 0 && (w[0] == '"' || w[0] == '\'') {
		q := w[0]
		w = w[1:]
		if len(w) > 0 && w[len(w)-1] == q {
			w = w[:len(w)-1]
		}
	}
	return w
}

func skipWord(w string) bool {
	switch w {
	case "then", "do", "else", "if", "while", "!", "sudo", "exec", "command", "env", "time", "elif", "until", "nohup", "runOld":
		return true
	}
	// An assignment before a command: NAME=value command. A bare assignment
	// is dropped with it, which loses nothing that is looked for, except
	// store paths, which the caller finds by itself.
	for i := 0; i < len(w); i++ {
		c := w[i]
		if c == '=' {
			return i > 0
		}
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return false
}
