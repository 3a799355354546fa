package replay

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner takes a line of JSON apart. It is strict, and differs from
// encoding/json in what matters here: integers are never floating point numbers,
// invalid UTF-8 is an error and not replaced, and members that nobody asked for
// are counted. After the first error all its methods do nothing.
type scanner struct {
	line    []byte
	pos     int
	first   bool // nothing has been read of the innermost object or array
	unknown int  // members skipped
	err     error

	name    []byte // the last member's name, for errors
	scratch []byte
}

func (s *scanner) reset(line []byte) {
	*s = scanner{line: line, scratch: s.scratch[:0]}
}

func (s *scanner) fail(what string) {
	if s.err != nil {
		return
	}
	in := ""
	if len(s.name) > 0 {
		in = fmt.Sprintf("member %.40q: ", s.name)
	}
	s.err = fmt.Errorf("%s%s at byte %d", in, what, s.pos+1)
	s.pos = len(s.line)
}

// peek skips white space and returns the byte after it, zero at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.line); s.pos++ {
		switch c := s.line[s.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// end says that nothing may follow.
func (s *scanner) end() {
	if s.err == nil && s.peek() != 0 || s.err == nil && s.pos < len(s.line) {
		s.fail("more after the end of the object")
	}
}

// open reads the brace or bracket that begins an object or array. It is used as
//
//	for s.open('{'); s.more('}'); {
func (s *scanner) open(c byte) {
	if s.peek() != c {
		s.fail(fmt.Sprintf("no %q", c))
		return
	}
	s.pos++
	s.first = true
}

// more reads up to the next member or element and reports whether there is one.
func (s *scanner) more(end byte) bool {
	if s.err != nil {
		return false
	}
	c := s.peek()
	if c == end {
		s.pos++
		s.first = false
		return false
	}
	if !s.first {
		if c != ',' {
			s.fail(fmt.Sprintf("neither a comma nor %q", end))
			return false
		}
		s.pos++
	}
	s.first = false
	return true
}

// key reads the name of a member. The result is valid until the next call.
func (s *scanner) key() []byte {
	s.name = s.name[:0]
	k := s.quoted()
	if s.err != nil {
		return nil
	}
	s.name = k
	if s.peek() != ':' {
		s.fail("no colon")
		return nil
	}
	s.pos++
	return k
}

// quoted reads a JSON string. The result is part of the line or of the scratch space.
func (s *scanner) quoted() []byte {
	if s.peek() != '"' {
		s.fail("not a string")
		return nil
	}
	s.pos++
	rest := s.line[s.pos:]
	ascii := true
	for i, c := range rest {
		switch {
		case c == '"':
			s.pos += i + 1
			if !ascii && !utf8.Valid(rest[:i]) {
				s.fail("string is not UTF-8")
				return nil
			}
			return rest[:i]
		case c == '\\':
			return s.escaped(i)
		case c < ' ':
			s.pos += i
			s.fail("control character in a string")
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.pos = len(s.line)
	s.fail("string does not end")
	return nil
}

// escaped reads on in a string of which n bytes hold no escape.
func (s *scanner) escaped(n int) []byte {
	out := append(s.scratch[:0], s.line[s.pos:s.pos+n]...)
	s.pos += n
	for s.pos < len(s.line) {
		c := s.line[s.pos]
		switch {
		case c == '"':
			s.pos++
			s.scratch = out
			if !utf8.Valid(out) {
				s.fail("string is not UTF-8")
				return nil
			}
			return out
		case c < ' ':
			s.fail("control character in a string")
			return nil
		case c != '\\':
			out = append(out, c)
			s.pos++
			continue
		}
		if s.pos+1 == len(s.line) {
			break
		}
		s.pos += 2
		switch e := s.line[s.pos-1]; e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := s.hex4()
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if bytes.HasPrefix(s.line[s.pos:], []byte(`\u`)) {
					s.pos += 2
					low = s.hex4()
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					s.fail("half a surrogate pair in a string")
				}
			}
			if s.err != nil {
				return nil
			}
			out = utf8.AppendRune(out, r)
		default:
			s.fail("unknown escape in a string")
			return nil
		}
	}
	s.pos = len(s.line)
	s.fail("string does not end")
	return nil
}

func (s *scanner) hex4() rune {
	if s.pos+4 > len(s.line) {
		s.fail("string does not end")
		return 0
	}
	var r rune
	for _, c := range s.line[s.pos : s.pos+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			s.fail("not a hexadecimal digit in a string")
			return 0
		}
		r = r<<4 | rune(c)
	}
	s.pos += 4
	return r
}

// str reads a string of bytes: a JSON string or {"base64":"…"}.
func (s *scanner) str() string {
	if s.peek() != '{' {
		return string(s.quoted())
	}
	var out []byte
	seen := false
	for s.open('{'); s.more('}'); {
		if string(s.key()) != "base64" {
			s.skipUnknown()
			continue
		}
		in := s.quoted()
		if s.err != nil {
			break
		}
		// Strict, so that there is one way to write a string.
		var err error
		if out, err = base64.StdEncoding.Strict().AppendDecode(nil, in); err != nil {
			s.fail("not base64")
		}
		seen = true
	}
	if s.err == nil && !seen {
		s.fail("neither a string nor base64")
	}
	return string(out)
}

func (s *scanner) strs() []string {
	list := []string{}
	for s.open('['); s.more(']'); {
		list = append(list, s.str())
	}
	return list
}

func (s *scanner) bool() bool {
	s.peek()
	switch rest := s.line[s.pos:]; {
	case bytes.HasPrefix(rest, []byte("true")):
		s.pos += 4
		return true
	case bytes.HasPrefix(rest, []byte("false")):
		s.pos += 5
		return false
	}
	s.fail("neither true nor false")
	return false
}

// integer reads sign and magnitude of a number that has to be an integer.
func (s *scanner) integer() (negative bool, v uint64) {
	if s.peek() == '-' {
		negative = true
		s.pos++
	}
	start := s.pos
	for ; s.pos < len(s.line); s.pos++ {
		c := s.line[s.pos]
		if c < '0' || c > '9' {
			break
		}
		d := uint64(c - '0')
		if v > (math.MaxUint64-d)/10 {
			s.fail("number does not fit into 64 bits")
			return negative, 0
		}
		v = v*10 + d
	}
	if s.err != nil {
		return negative, 0
	}
	n := s.pos - start
	var next byte
	if s.pos < len(s.line) {
		next = s.line[s.pos]
	}
	if n == 0 || n > 1 && s.line[start] == '0' || next == '.' || next == 'e' || next == 'E' {
		s.fail("not an integer")
	}
	return negative, v
}

func (s *scanner) uint64() uint64 {
	negative, v := s.integer()
	if negative {
		s.fail("negative number")
	}
	return v
}

func (s *scanner) uint32() uint32 {
	v := s.uint64()
	if v > math.MaxUint32 {
		s.fail("number does not fit into 32 bits")
	}
	return uint32(v)
}

func (s *scanner) int64() int64 {
	negative, v := s.integer()
	switch {
	case !negative && v > math.MaxInt64, v > 1<<63:
		s.fail("number does not fit into 64 bits with a sign")
		return 0
	case negative:
		return -int64(v)
	}
	return int64(v)
}

// skipUnknown skips the value of a member that this reader does not know.
func (s *scanner) skipUnknown() {
	s.unknown++
	s.skip(0)
}

// skip skips any value.
func (s *scanner) skip(depth int) {
	const deepest = 1000 // more is nobody's stream, and recursion here
	switch c := s.peek(); {
	case s.err != nil:
	case depth > deepest:
		s.fail("nested too deeply")
	case c == '"':
		s.quoted()
	case c == '{':
		for s.open('{'); s.more('}'); {
			s.key()
			s.skip(depth + 1)
		}
	case c == '[':
		for s.open('['); s.more(']'); {
			s.skip(depth + 1)
		}
	case c == 't', c == 'f':
		s.bool()
	case c == 'n':
		if !bytes.HasPrefix(s.line[s.pos:], []byte("null")) {
			s.fail("not a value")
			return
		}
		s.pos += 4
	case c == '-', '0' <= c && c <= '9':
		s.number()
	default:
		s.fail("not a value")
	}
}

// number skips a number of any kind.
func (s *scanner) number() {
	digits := func() int {
		start := s.pos
		for s.pos < len(s.line) && '0' <= s.line[s.pos] && s.line[s.pos] <= '9' {
			s.pos++
		}
		return s.pos - start
	}
	at := func(set string) bool {
		if s.pos < len(s.line) && bytes.IndexByte([]byte(set), s.line[s.pos]) >= 0 {
			s.pos++
			return true
		}
		return false
	}
	at("-")
	start := s.pos
	n := digits()
	ok := n == 1 || n > 1 && s.line[start] != '0'
	if at(".") {
		ok = digits() > 0 && ok
	}
	if at("eE") {
		at("+-")
		ok = digits() > 0 && ok
	}
	if !ok {
		s.fail("not a number")
	}
}
