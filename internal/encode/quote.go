package encode

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// quoting is how a string is written for a shell (bash, zsh, ksh; $'…' is also
// in POSIX.1-2024). Outside of quotes stand only letters, digits and characters that mean
// nothing to a shell: the brackets, dots and spaces that a line is laid out with
// cannot be counterfeited by an argument.
type quoting uint8

const (
	bare   quoting = iota // as it is
	single                // '…'
	dollar                // $'…', with C escapes
)

func (k quoting) open() string  { return [...]string{"", "'", "$'"}[k] }
func (k quoting) close() string { return [...]string{"", "'", "'"}[k] }

// quotingFor returns the simplest way to write s.
func quotingFor(s string) quoting {
	if s == "" {
		return single
	}
	kind := bare
	marks := maxMarks
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\'' || !showable(r, size, &marks):
			return dollar
		case !plainInShell(r):
			kind = single
		}
		i += size
	}
	return kind
}

// quoted walks over a string in the pieces that a line may be cut between.
type quoted struct {
	s     string
	kind  quoting
	pos   int // in s, of the next piece
	marks int
}

func newQuoted(s string) quoted { return quoted{s: s, kind: quotingFor(s), marks: maxMarks} }

// next appends the next piece to dst and returns its width in columns; the
// quotes around are not among the pieces.
func (q *quoted) next(dst []byte) (_ []byte, columns int, ok bool) {
	if q.pos >= len(q.s) {
		return dst, 0, false
	}
	r, size := utf8.DecodeRuneInString(q.s[q.pos:])
	piece := q.s[q.pos : q.pos+size]
	q.pos += size
	ok = showable(r, size, &q.marks)
	if q.kind != dollar || ok && r != '\'' && r != '\\' {
		return append(dst, piece...), runeColumns(r), true
	}
	switch r {
	case '\'', '\\':
		return append(dst, '\\', byte(r)), 2, true
	case '\n':
		return append(dst, `\n`...), 2, true
	case '\r':
		return append(dst, `\r`...), 2, true
	case '\t':
		return append(dst, `\t`...), 2, true
	}
	// Bytes and not \u, whose meaning depends on the locale of the shell.
	for _, c := range []byte(piece) {
		dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
	}
	return dst, 4 * size, true
}

// skip leaves out pieces that are together at least n columns wide, and then
// the marks that belong to the last of them.
func (q *quoted) skip(n int) {
	var scratch [4 * utf8.UTFMax]byte
	for n > 0 && q.pos < len(q.s) {
		_, width, _ := q.next(scratch[:0])
		n -= width
	}
	for rest := *q; ; *q = rest {
		if _, width, ok := rest.next(scratch[:0]); !ok || width > 0 {
			return
		}
	}
}

// columns is the width of all that is left.
func (q quoted) columns() int {
	total := 0
	var scratch [4 * utf8.UTFMax]byte
	for {
		_, n, ok := q.next(scratch[:0])
		if !ok {
			return total
		}
		total += n
	}
}

// maxMarks is how many combining marks one character may carry. Languages need
// two or three; towers of them cover the lines above.
const maxMarks = 3

// showable says that a character is one that can be seen, takes up the room that
// is reckoned with, and leaves its neighbours alone. marks counts the combining
// marks before it.
func showable(r rune, size int, marks *int) bool {
	switch {
	case r < utf8.RuneSelf:
		*marks = 0
		return r >= ' ' && r != 0x7f
	case r == utf8.RuneError && size == 1:
		*marks = maxMarks
		return false
	case unicode.IsMark(r):
		*marks++
		return *marks <= maxMarks && !unicode.Is(unicode.Variation_Selector, r) &&
			!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
	}
	*marks = 0
	const brailleBlank = 0x2800
	if !unicode.IsPrint(r) || r == brailleBlank || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
		*marks = maxMarks
		return false
	}
	return true
}

// plainInShell says of a showable character that it needs no quotes.
func plainInShell(r rune) bool {
	if r >= utf8.RuneSelf {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
	}
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	switch r {
	case '_', '@', '%', '+', '=', ':', ',', '.', '/', '-':
		return true
	}
	return false
}

// runeColumns is how many columns a terminal gives to a showable character.
func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1160 && r <= 0x11ff, r >= 0xd7b0 && r <= 0xd7ff:
		return 0 // Hangul vowels and finals, drawn into the syllable's first letter
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
