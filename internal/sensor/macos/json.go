package macos

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads one JSON text from its start to its end. It exists beside
// encoding/json for two reasons: strings keep bytes that are not UTF-8, which
// that package replaces, and members nobody asked for are counted instead of
// passed over.
type scanner struct {
	b     []byte
	i     int
	depth int
}

// maxDepth is several times what the stream has.
const maxDepth = 64

var errSyntax = errors.New("not valid JSON")

func (s *scanner) fail(what string) error {
	return fmt.Errorf("%w at byte %d: %s", errSyntax, s.i, what)
}

// peek skips white space and returns the byte after it, zero at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c || s.i >= len(s.b) {
		return s.fail("expected " + strconv.QuoteRune(rune(c)))
	}
	s.i++
	return nil
}

// end says whether nothing but white space is left.
func (s *scanner) end() error {
	if s.peek(); s.i < len(s.b) {
		return s.fail("trailing bytes")
	}
	return nil
}

// object calls member for each member of an object. Member reads the value; the
// key is valid until then.
func (s *scanner) object(member func(key []byte) error) error {
	return s.list('{', '}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// array calls element for each element of an array, which reads it.
func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

func (s *scanner) list(open, shut byte, item func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.depth++; s.depth > maxDepth {
		return s.fail("nested too deeply")
	}
	if s.peek() == shut {
		s.i++
		s.depth--
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.peek() == ',' {
			s.i++
			continue
		}
		s.depth--
		return s.expect(shut)
	}
}

// value reads any value and returns its bytes.
func (s *scanner) value() ([]byte, error) {
	c := s.peek()
	start := s.i
	var err error
	switch c {
	case '{':
		err = s.object(func([]byte) error { _, err := s.value(); return err })
	case '[':
		err = s.array(func() error { _, err := s.value(); return err })
	case '"':
		_, err = s.text()
	case 't':
		err = s.literal("true")
	case 'f':
		err = s.literal("false")
	case 'n':
		err = s.literal("null")
	default:
		_, err = s.number()
	}
	return s.b[start:s.i], err
}

func (s *scanner) literal(word string) error {
	if !bytes.HasPrefix(s.b[s.i:], []byte(word)) {
		return s.fail("expected " + word)
	}
	s.i += len(word)
	return nil
}

// null reads a null if there is one.
func (s *scanner) null() bool {
	return s.peek() == 'n' && s.literal("null") == nil
}

func (s *scanner) boolean() (bool, error) {
	if s.peek() == 't' {
		return true, s.literal("true")
	}
	return false, s.literal("false")
}

// number reads a number and returns its bytes.
func (s *scanner) number() ([]byte, error) {
	s.peek()
	start := s.i
	at := func(set string) bool {
		return s.i < len(s.b) && strings.IndexByte(set, s.b[s.i]) >= 0
	}
	digits := func() (n int) {
		for ; at("0123456789"); n++ {
			s.i++
		}
		return n
	}
	if at("-") {
		s.i++
	}
	zero := at("0")
	if n := digits(); n == 0 {
		return nil, s.fail("expected a value")
	} else if zero && n > 1 {
		return nil, s.fail("leading zero")
	}
	if at(".") {
		s.i++
		if digits() == 0 {
			return nil, s.fail("expected digits")
		}
	}
	if at("eE") {
		s.i++
		if at("+-") {
			s.i++
		}
		if digits() == 0 {
			return nil, s.fail("expected digits")
		}
	}
	return s.b[start:s.i], nil
}

// unsigned reads a whole number from 0 to the largest; inode numbers need all of it.
func (s *scanner) unsigned() (uint64, error) {
	n, err := s.number()
	if err != nil {
		return 0, err
	}
	u, err := strconv.ParseUint(string(n), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("number %.40q: %w", n, errRange)
	}
	return u, nil
}

func (s *scanner) signed() (int64, error) {
	n, err := s.number()
	if err != nil {
		return 0, err
	}
	i, err := strconv.ParseInt(string(n), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("number %.40q: %w", n, errRange)
	}
	return i, nil
}

var errRange = errors.New("out of range")

// id reads a 32-bit id. What the kernel writes as -1 may come as either
// 4294967295 or -1.
func (s *scanner) id() (uint32, error) {
	i, err := s.signed()
	if err == nil && (i < math.MinInt32 || i > math.MaxUint32) {
		err = fmt.Errorf("number %d: %w", i, errRange)
	}
	return uint32(i), err
}

// text reads a string. Its bytes are what stands in the input, UTF-8 or not,
// with escapes resolved; half a surrogate pair becomes U+FFFD.
func (s *scanner) text() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	start := s.i
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1], nil
		case c == '\\':
			return s.escaped(bytes.Clone(s.b[start:s.i]))
		case c < 0x20:
			return nil, s.fail("control character in a string")
		}
	}
	return nil, s.fail("unfinished string")
}

// escaped reads on from the first escape; out is what came before it.
func (s *scanner) escaped(out []byte) ([]byte, error) {
	for s.i < len(s.b) {
		c := s.b[s.i]
		s.i++
		switch {
		case c == '"':
			return out, nil
		case c < 0x20:
			return nil, s.fail("control character in a string")
		case c != '\\':
			out = append(out, c)
			continue
		case s.i >= len(s.b):
			return nil, s.fail("unfinished string")
		}
		c = s.b[s.i]
		s.i++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
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
			r, ok := s.hex()
			if !ok {
				return nil, s.fail("bad escape")
			}
			if utf16.IsSurrogate(r) {
				r = s.pair(r)
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, s.fail("bad escape")
		}
	}
	return nil, s.fail("unfinished string")
}

// pair completes a surrogate pair if its other half follows.
func (s *scanner) pair(first rune) rune {
	back := s.i
	if bytes.HasPrefix(s.b[s.i:], []byte(`\u`)) {
		s.i += 2
		if second, ok := s.hex(); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r
			}
		}
	}
	s.i = back
	return utf8.RuneError
}

func (s *scanner) hex() (rune, bool) {
	if s.i+4 > len(s.b) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(s.b[s.i:s.i+4]), 16, 16)
	// ParseUint takes an underscore or a sign in no base but 0.
	if err != nil {
		return 0, false
	}
	s.i += 4
	return rune(v), true
}
