package encode

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const hex = "0123456789abcdef"

// appendString appends s as a JSON string. It reports whether that string is s
// itself; if not, s was not UTF-8 and Unescape of the string is s.
func appendString[S string | []byte](dst []byte, s S) ([]byte, bool) {
	n := len(dst)
	dst = append(dst, '"')
	plain := 0 // what is before s[i] and not yet appended
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[plain:i]...)
			dst = appendEscape(dst, rune(c))
			i++
			plain = i
			continue
		}
		r, size := decodeRune(s[i:])
		if r == utf8.RuneError && size == 1 {
			return appendEscaped(dst[:n], s), false
		}
		if unsafeToShow(r) {
			dst = append(dst, s[plain:i]...)
			dst = appendEscape(dst, r)
			plain = i + size
		}
		i += size
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"'), true
}

// appendEscaped appends a string that is not UTF-8: bytes that make no character
// as \xNN, and backslashes doubled so that it can be taken back. Both
// backslashes are doubled once more for JSON.
func appendEscaped[S string | []byte](dst []byte, s S) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		r, size := decodeRune(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, '\\', '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
		case r == '\\':
			dst = append(dst, `\\\\`...)
		case r < ' ' || r == '"' || unsafeToShow(r):
			dst = appendEscape(dst, r)
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return append(dst, '"')
}

// decodeRune looks at no more than one character, so that the conversion needs
// no memory.
func decodeRune[S string | []byte](s S) (rune, int) {
	return utf8.DecodeRuneInString(string(s[:min(len(s), utf8.UTFMax)]))
}

// unsafeToShow says of a character beyond the C0 controls that a terminal or a
// viewer could take it for more than a character to show: DEL, the C1 controls
// (U+009B alone begins an escape sequence), the line and paragraph separators,
// which JavaScript once took for line ends, what turns the direction of text, and
// the byte order mark and its mirror image, which YAML does not allow as they are.
func unsafeToShow(r rune) bool {
	switch {
	case r < 0x7f:
		return false
	case r <= 0x9f:
		return true
	}
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 ||
		r == 0xfeff || r == 0xfffe || r == 0xffff
}

// appendEscape appends the JSON escape of a character in the basic plane.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// Unescape gives back the bytes of a string that a record lists in "escaped". It
// is for the decoded JSON string, and an error means that it is not one of those.
func Unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		switch {
		case s[i] != '\\':
			out = append(out, s[i])
			i++
		case strings.HasPrefix(s[i:], `\\`):
			out = append(out, '\\')
			i += 2
		case len(s) >= i+4 && s[i+1] == 'x' && unhex(s[i+2]) >= 0 && unhex(s[i+3]) >= 0:
			out = append(out, byte(unhex(s[i+2])<<4|unhex(s[i+3])))
			i += 4
		default:
			return "", fmt.Errorf("unescape: backslash at byte %d begins neither \\\\ nor \\xNN", i)
		}
	}
	return string(out), nil
}

func unhex(c byte) int { return strings.IndexByte(hex, c) }
