package finding

import "strings"

// architecture words that look like numbers and are no versions.
var architecture = map[string]bool{
	"32": true, "64": true, "386": true, "486": true, "586": true, "686": true,
	"32bit": true, "64bit": true,
}

// suffixes that may follow a number within a version ("8u292", "1.0rc1").
var versionWords = map[string]bool{
	"a": true, "alpha": true, "b": true, "beta": true, "build": true, "dev": true, "final": true,
	"ga": true, "git": true, "p": true, "pl": true, "post": true, "pre": true, "preview": true,
	"r": true, "rc": true, "release": true, "rev": true, "snapshot": true, "u": true, "unstable": true,
	"v": true, "c": true, "d": true, "e": true, "f": true, "g": true, "h": true, "t": true,
	"cp": true, // the tag of a CPython release, as in cp312
	"tp": true, "sp": true, "m": true, "x": true, "z": true,
	// What distributions add to a version ("1.0+dfsg1-1+deb12u1").
	"bpo": true, "deb": true, "dfsg": true, "ds": true, "el": true, "fc": true, "repack": true, "ubuntu": true,
}

// pattern replaces the versions, dates, revisions and hashes of a name or
// path with "*". A word is what stands between separators; a version may go
// on over dots that are followed by a digit. keepFirst leaves the first word
// as it is: a package may be called "7zip" or "2048".
func pattern(s string, keepFirst bool) string {
	var b strings.Builder
	after := -1 // where the last version ended
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && alnum(s[j]) {
			j++
		}
		if j == i {
			b.WriteByte(s[i])
			i++
			continue
		}
		end, is := version(s, i, j)
		if !is && after >= 0 && i == after+1 && (s[after] == '-' || s[after] == '+') && goesOn(s[i:j]) {
			end, is = j, true
		}
		switch {
		case !is:
			end = j
			b.WriteString(s[i:j])
		case keepFirst && i == 0:
			b.WriteString(s[i:end])
		default:
			b.WriteByte('*')
			after = end
		}
		i = end
	}
	return collapse(b.String())
}

// goesOn accepts what goes on with a version that stands before it: the b10 of
// "8u292-b10", the M1 of "3.0.0-M1".
func goesOn(word string) bool {
	return len(word) > 1 && strings.ContainsRune("bmpBMP", rune(word[0])) && strings.Trim(word[1:], "0123456789") == ""
}

// version says whether the word s[i:j] starts a version, and where that ends.
func version(s string, i, j int) (int, bool) {
	word := strings.ToLower(s[i:j])
	if architecture[word] {
		return j, false
	}
	if isHash(word) {
		return j, true
	}
	if !isVersionWord(word, false) {
		return j, false
	}
	for j+1 < len(s) && s[j] == '.' {
		k := j + 1
		for k < len(s) && alnum(s[k]) {
			k++
		}
		if !isVersionWord(strings.ToLower(s[j+1:k]), true) {
			break
		}
		j = k
	}
	return j, true
}

// isVersionWord accepts digits with optional words of a version around them:
// "12", "v1", "8u292", "5b2". Within a version (after a dot) a digit must
// come first, so that the "tar" and "so" of a file name stay.
func isVersionWord(w string, inside bool) bool {
	digits := 0
	for i := 0; i < len(w); {
		j := i
		digit := w[i] >= '0' && w[i] <= '9'
		for j < len(w) && (w[j] >= '0' && w[j] <= '9') == digit {
			j++
		}
		switch {
		case digit:
			digits += j - i
		case i == 0 && inside:
			return false
		case inside && j == len(w) && j-i == 1:
			// "1.1.1w": any letter may end a version.
		case !versionWords[w[i:j]]:
			return false
		case i == 0 && len(w[i:j]) == 1 && w[i] != 'v' && w[i] != 'r':
			// "x64", "b2": a letter and a number is a name.
			return false
		}
		i = j
	}
	return digits > 0
}

// isHash accepts hexadecimal words from 7 digits on that have a digit and a
// letter, and the 32 to 64 character words of other encodings with several
// digits among them.
func isHash(w string) bool {
	if len(w) > 7 && w[0] == 'g' {
		w = w[1:] // as "git describe" writes it
	}
	digits, hex := 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case c >= '0' && c <= '9':
			digits++
			hex++
		case c >= 'a' && c <= 'f':
			hex++
		}
	}
	if hex == len(w) && len(w) >= 7 {
		return digits > 0
	}
	return len(w) >= 32 && digits >= 4
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// collapse joins runs of versions: "*-*", "*+*" and "*.*" are one "*".
func collapse(s string) string {
	for _, sep := range []string{"-", "_", "+", ".", "~"} {
		for strings.Contains(s, "*"+sep+"*") {
			s = strings.ReplaceAll(s, "*"+sep+"*", "*")
		}
	}
	return s
}
