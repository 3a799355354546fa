package transport

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"xnumon/event"
)

// Kind is the kind of a field's value.
type Kind int

// The kinds of fields.
const (
	String Kind = iota
	Number
	Bool
)

// Trim returns a record without what separates it from others in a file: the
// record separator of RFC 7464 before it and the line feed after it.
func Trim(rec []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimPrefix(rec, []byte{0x1e}), []byte{'\n'})
}

// Fields calls f for every string, number and boolean in a record that is a JSON
// object, and reports whether it is one. The path is the keys from the outside
// to the inside with dots between; the elements of an array have the path of the
// array. A string comes without its escapes, a number as it is written. Neither
// path nor value are to be kept.
func Fields(rec []byte, f func(path []byte, kind Kind, value []byte)) bool {
	if !json.Valid(rec) {
		return false
	}
	w := walker{b: rec, f: func(path []byte, kind Kind, value []byte) bool {
		f(path, kind, value)
		return true
	}}
	w.space()
	return w.peek() == '{' && w.value(0)
}

// Head is what stands at the beginning of a record.
type Head struct {
	Time    event.Time // zero if it is not there
	Code    event.Code
	HasCode bool
}

// ReadHead reads the beginning of a record, if that is a JSON object: up to the
// first value that is an object or an array.
func ReadHead(rec []byte) (h Head) {
	w := walker{b: rec, shallow: true, f: func(path []byte, kind Kind, value []byte) bool {
		switch {
		case kind == String && (string(path) == "time" || string(path) == "@timestamp"):
			if t, err := time.Parse(time.RFC3339Nano, string(value)); err == nil {
				h.Time = event.Time(t.UnixNano())
			}
		case kind == Number && string(path) == "time": // OCSF: milliseconds
			if ms, err := strconv.ParseInt(string(value), 10, 64); err == nil && ms < 1<<43 {
				h.Time = event.Time(ms * int64(time.Millisecond))
			}
		case kind == Number && string(path) == "eventcode":
			if n, err := strconv.Atoi(string(value)); err == nil {
				h.Code, h.HasCode = event.Code(n), true
			}
		}
		return h.Time == 0 || !h.HasCode
	}}
	w.space()
	if w.peek() == '{' {
		w.value(0)
	}
	return h
}

var names = [...]string{
	event.CodeOps: "xnumon-ops", event.CodeStats: "xnumon-stats", event.CodeImageExec: "image-exec",
	3: "process-access", 4: "launchd-add", 5: "socket-listen", 6: "socket-accept", 7: "socket-connect",
}

// Name is the name of the kind of record, empty if that is not known.
func (h Head) Name() string {
	if !h.HasCode || h.Code < 0 || int(h.Code) >= len(names) {
		return ""
	}
	return names[h.Code]
}

// depthMost is deeper than any record.
const depthMost = 64

// walker goes through JSON that is valid, and does no harm in what is not.
type walker struct {
	b       []byte
	i       int
	f       func(path []byte, kind Kind, value []byte) bool
	shallow bool // end at the first value inside that is not a scalar
	path    []byte
	scratch []byte
}

func (w *walker) peek() byte {
	if w.i < len(w.b) {
		return w.b[w.i]
	}
	return 0
}

func (w *walker) space() {
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case ' ', '\t', '\r', '\n':
			w.i++
		default:
			return
		}
	}
}

// value walks the value at w.i; false means that it is over.
func (w *walker) value(depth int) bool {
	switch c := w.peek(); {
	case depth > depthMost, w.shallow && depth > 0 && (c == '{' || c == '['):
		return false
	case c == '{':
		return w.members(depth, '}')
	case c == '[':
		return w.members(depth, ']')
	case c == '"':
		s, ok := w.str(w.scratch[:0])
		w.scratch = s
		return ok && w.f(w.path, String, s)
	}
	start := w.i
	for w.i < len(w.b) && bytes.IndexByte([]byte(",]} \t\r\n"), w.b[w.i]) < 0 {
		w.i++
	}
	switch v := w.b[start:w.i]; string(v) {
	case "":
		return false
	case "null":
		return true
	case "true", "false":
		return w.f(w.path, Bool, v)
	default:
		return w.f(w.path, Number, v)
	}
}

// members walks an object or an array up to its end.
func (w *walker) members(depth int, end byte) bool {
	w.i++
	for n := 0; ; n++ {
		w.space()
		if n > 0 && w.peek() == ',' {
			w.i++
			w.space()
		}
		switch c := w.peek(); {
		case c == end:
			w.i++
			return true
		case w.i >= len(w.b):
			return false
		}
		outer := len(w.path)
		if end == '}' {
			if outer > 0 {
				w.path = append(w.path, '.')
			}
			var ok bool
			if w.path, ok = w.str(w.path); !ok {
				return false
			}
			w.space()
			if w.peek() != ':' {
				return false
			}
			w.i++
			w.space()
		}
		if !w.value(depth + 1) {
			return false
		}
		w.path = w.path[:outer]
	}
}

// str appends the string at w.i without its escapes.
func (w *walker) str(dst []byte) ([]byte, bool) {
	if w.peek() != '"' {
		return dst, false
	}
	w.i++
	for {
		n := bytes.IndexAny(w.b[w.i:], `"\`)
		if n < 0 {
			return dst, false
		}
		dst = append(dst, w.b[w.i:w.i+n]...)
		w.i += n + 1
		if w.b[w.i-1] == '"' {
			return dst, true
		}
		if w.i == len(w.b) {
			return dst, false
		}
		c := w.b[w.i]
		w.i++
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := w.unit()
			if utf16.IsSurrogate(r) && w.i+1 < len(w.b) && w.b[w.i] == '\\' && w.b[w.i+1] == 'u' {
				before := w.i
				w.i += 2
				if r = utf16.DecodeRune(r, w.unit()); r == utf8.RuneError {
					w.i = before // the second one stands for itself
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// unit reads the four hexadecimal digits of an escape.
func (w *walker) unit() rune {
	end := min(w.i+4, len(w.b))
	v, err := strconv.ParseUint(string(w.b[w.i:end]), 16, 16)
	w.i = end
	if err != nil {
		return utf8.RuneError
	}
	return rune(v)
}
