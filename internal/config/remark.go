package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Remark is one thing to say about a place in a file.
type Remark struct {
	File         string
	Line, Column int    // from 1 on; columns count characters
	Key          string // empty when it is not about one
	Text         string // what is wrong, with what value, and what to do
	Warning      bool   // the file can be used nevertheless
}

// String is FILE:LINE:COLUMN: key: text.
func (r Remark) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", printable(r.File), r.Line, r.Column)
	if r.Warning {
		b.WriteString("warning: ")
	}
	if r.Key != "" {
		b.WriteString(printable(r.Key) + ": ")
	}
	return b.String() + r.Text
}

// Mistakes are what makes a file unusable, in the order of the file.
type Mistakes []Remark

// Error has a line for each.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, r := range m {
		lines[i] = r.String()
	}
	return strings.Join(lines, "\n")
}

// printable quotes what could forge another line, or a colour.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return quote(s)
	}
	return s
}

// quote quotes a value, cut when it is long.
func quote(s string) string {
	const most = 80
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "..."
}

// oneOf lists values as a sentence would.
func oneOf(values []string) string {
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " and " + values[last]
}

// nearest returns the candidate that s was most likely meant to be, empty if
// none is near.
func nearest(s string, candidates []string) string {
	if len(s) > 64 {
		return ""
	}
	best, least := "", 3+len(s)/8
	for _, c := range candidates {
		if d := distance(strings.ToLower(s), c); d < least && d < len(c) {
			best, least = c, d
		}
	}
	return best
}

// distance is how many characters one has to insert, remove, replace or swap
// with the next to make a of b (optimal string alignment).
func distance(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
