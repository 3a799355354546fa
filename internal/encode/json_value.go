package encode

import (
	"strconv"
	"strings"

	"xnumon/event"
)

// key writes a key of ours, which needs no escaping. A brace can stand last only
// where an object has just been opened: all values end in something else.
func (e *JSON) key(k string) {
	if e.b[len(e.b)-1] != '{' {
		e.b = append(e.b, ',')
	}
	e.b = append(e.b, '"')
	e.b = append(e.b, k...)
	e.b = append(e.b, '"', ':')
}

// quoteKey writes a key that was made elsewhere.
func (e *JSON) quoteKey(k string) {
	if e.b[len(e.b)-1] != '{' {
		e.b = append(e.b, ',')
	}
	e.b, _ = appendString(e.b, k)
	e.b = append(e.b, ':')
}

// open begins the object at a key; what it returns is for close.
func (e *JSON) open(k string) int {
	e.key(k)
	e.b = append(e.b, '{')
	return e.enter(k)
}

func (e *JSON) close(n int) {
	e.b = append(e.b, '}')
	e.path = e.path[:n]
}

func (e *JSON) enter(k string) int {
	n := len(e.path)
	e.path = append(e.path, '/')
	e.path = append(e.path, k...)
	return n
}

func (e *JSON) enterIndex(i int) int {
	n := len(e.path)
	e.path = append(e.path, '/')
	e.path = strconv.AppendInt(e.path, int64(i), 10)
	return n
}

func (e *JSON) flag(k string, set bool) {
	if set {
		e.key(k)
		e.b = append(e.b, "true"...)
	}
}

func (e *JSON) uint(k string, v uint64) {
	e.key(k)
	e.b = strconv.AppendUint(e.b, v, 10)
}

// num writes a number whose zero means unknown.
func (e *JSON) num(k string, v uint64) {
	if v != 0 {
		e.uint(k, v)
	}
}

func (e *JSON) time(k string, t event.Time) {
	if t != 0 {
		e.key(k)
		e.b = append(e.b, '"')
		e.b = e.clock.append(e.b, t)
		e.b = append(e.b, '"')
	}
}

func (e *JSON) str(k, s string) {
	if s != "" {
		e.key(k)
		e.quote(k, s)
	}
}

// strs writes a vector: nothing for nil, which is unknown, and [] for an empty one.
func (e *JSON) strs(k string, list []string) {
	if list == nil {
		return
	}
	e.key(k)
	e.b = append(e.b, '[')
	for i, s := range list {
		if i > 0 {
			e.b = append(e.b, ',')
		}
		var verbatim bool
		if e.b, verbatim = appendString(e.b, s); !verbatim {
			outer := e.enter(k)
			e.enterIndex(i)
			e.noteEscaped()
			e.path = e.path[:outer]
		}
	}
	e.b = append(e.b, ']')
}

// quote writes the string at key k.
func (e *JSON) quote(k, s string) {
	var verbatim bool
	if e.b, verbatim = appendString(e.b, s); verbatim {
		return
	}
	n := e.enter("")
	e.path = appendPointerToken(e.path, k)
	e.noteEscaped()
	e.path = e.path[:n]
}

// noteEscaped remembers that the string at e.path is not as the kernel had it.
func (e *JSON) noteEscaped() {
	if len(e.escaped) > 0 {
		e.escaped = append(e.escaped, ',')
	}
	e.escaped, _ = appendString(e.escaped, e.path)
}

// appendPointerToken appends a key as RFC 6901 wants it.
func appendPointerToken(dst []byte, k string) []byte {
	if strings.IndexByte(k, '~') < 0 && strings.IndexByte(k, '/') < 0 {
		return append(dst, k...)
	}
	for i := range len(k) {
		switch k[i] {
		case '~':
			dst = append(dst, '~', '0')
		case '/':
			dst = append(dst, '~', '1')
		default:
			dst = append(dst, k[i])
		}
	}
	return dst
}
