package encode

import (
	"strconv"
	"strings"

	"xnumon/event"
)

// writer writes one record as a JSON object on a line of its own. What the JSON
// type says of strings, numbers and times holds for all that it writes.
type writer struct {
	b       []byte // the record being written, on the end of the caller's bytes
	path    []byte // JSON Pointer of the object or array being written
	escaped []byte // pointers of the strings that are not UTF-8: JSON strings, comma separated
	clock   clock
	recent  recent

	// Within an extension: who says which fields the record has elsewhere, and
	// how much of path leads to the extension.
	schema    schema
	extension int
}

// A schema is a public one that a record is written in. It has fields for only a
// part of a record. The rest stands in the schema's place for extensions as the
// native record has it, so that a field which nobody thought of cannot get lost.
type schema interface {
	// holds reports whether the record being written has the field of the native
	// schema, given by the JSON Pointer of its object and its key, in a field of
	// this schema.
	holds(object []byte, key string) bool
}

func (w *writer) begin(dst []byte) {
	w.b = append(dst, '{')
	w.path, w.escaped = w.path[:0], w.escaped[:0]
}

func (w *writer) end() []byte {
	out := append(w.b, '}', '\n')
	w.b = nil
	return out
}

// openExtension begins the object for what s does not hold. What it returns is
// for closeExtension.
func (w *writer) openExtension(k string, s schema) int {
	n := w.open(k)
	w.schema, w.extension = s, len(w.path)
	return n
}

func (w *writer) closeExtension(n int) {
	w.schema = nil
	w.escapedList()
	w.close(n)
}

// elsewhere reports whether the record has a field in another place already.
func (w *writer) elsewhere(k string) bool {
	return w.schema != nil && w.schema.holds(w.path[w.extension:], k)
}

// escapedList writes which strings are escaped. It comes last.
func (w *writer) escapedList() {
	if len(w.escaped) > 0 {
		w.key("escaped")
		w.b = append(w.b, '[')
		w.b = append(w.b, w.escaped...)
		w.b = append(w.b, ']')
	}
}

// key writes a key of ours, which needs no escaping. A brace can stand last only
// where an object has just been opened: all values end in something else.
func (w *writer) key(k string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

// quoteKey writes a key that was made elsewhere.
func (w *writer) quoteKey(k string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b, _ = appendString(w.b, k)
	w.b = append(w.b, ':')
}

// open begins the object at a key; what it returns is for close.
func (w *writer) open(k string) int {
	w.key(k)
	w.b = append(w.b, '{')
	return w.enter(k)
}

func (w *writer) close(n int) {
	w.b = append(w.b, '}')
	w.path = w.path[:n]
}

// openList begins the list at a key; what it returns is for closeList.
func (w *writer) openList(k string) int {
	w.key(k)
	w.b = append(w.b, '[')
	return w.enter(k)
}

func (w *writer) closeList(n int) {
	w.b = append(w.b, ']')
	w.path = w.path[:n]
}

// openElement begins the object that is element i of a list; what it returns is
// for close.
func (w *writer) openElement(i int) int {
	if i > 0 {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '{')
	return w.enterIndex(i)
}

func (w *writer) enter(k string) int {
	n := len(w.path)
	w.path = append(w.path, '/')
	w.path = append(w.path, k...)
	return n
}

func (w *writer) enterIndex(i int) int {
	n := len(w.path)
	w.path = append(w.path, '/')
	w.path = strconv.AppendInt(w.path, int64(i), 10)
	return n
}

func (w *writer) flag(k string, set bool) {
	if set {
		w.bool(k, true)
	}
}

func (w *writer) bool(k string, v bool) {
	if !w.elsewhere(k) {
		w.key(k)
		w.b = strconv.AppendBool(w.b, v)
	}
}

func (w *writer) uint(k string, v uint64) {
	if !w.elsewhere(k) {
		w.key(k)
		w.b = strconv.AppendUint(w.b, v, 10)
	}
}

func (w *writer) int(k string, v int64) {
	if !w.elsewhere(k) {
		w.key(k)
		w.b = strconv.AppendInt(w.b, v, 10)
	}
}

// num writes a number whose zero means unknown.
func (w *writer) num(k string, v uint64) {
	if v != 0 {
		w.uint(k, v)
	}
}

// id writes a number as a string of decimal digits.
func (w *writer) id(k string, v uint64) {
	w.key(k)
	w.b = append(w.b, '"')
	w.b = strconv.AppendUint(w.b, v, 10)
	w.b = append(w.b, '"')
}

func (w *writer) octal(k string, v uint32) {
	if w.elsewhere(k) {
		return
	}
	w.key(k)
	w.b = append(w.b, '"')
	w.b = strconv.AppendUint(w.b, uint64(v), 8)
	w.b = append(w.b, '"')
}

func (w *writer) time(k string, t event.Time) {
	if t != 0 {
		w.moment(k, t)
	}
}

// moment writes a time that can be zero.
func (w *writer) moment(k string, t event.Time) {
	if w.elsewhere(k) {
		return
	}
	w.key(k)
	w.b = append(w.b, '"')
	w.b = w.clock.append(w.b, t)
	w.b = append(w.b, '"')
}

// str writes a string of which the empty one means unknown.
func (w *writer) str(k, s string) {
	if s != "" && !w.elsewhere(k) {
		w.key(k)
		w.quote(k, s)
	}
}

// word writes a string of ours that needs no escaping.
func (w *writer) word(k, s string) {
	w.key(k)
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

// raw writes JSON of ours.
func (w *writer) raw(k, json string) {
	w.key(k)
	w.b = append(w.b, json...)
}

// text writes a string that can be empty.
func (w *writer) text(k, s string) {
	w.key(k)
	w.quote(k, s)
}

// strs writes a vector: nothing for nil, which is unknown, and [] for an empty one.
func (w *writer) strs(k string, list []string) {
	if list == nil || w.elsewhere(k) {
		return
	}
	n := w.openList(k)
	for i, s := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		var verbatim bool
		if w.b, verbatim = appendString(w.b, s); !verbatim {
			element := w.enterIndex(i)
			w.noteEscaped()
			w.path = w.path[:element]
		}
	}
	w.closeList(n)
}

// quote writes the string at key k.
func (w *writer) quote(k, s string) { quote(w, k, s) }

func quote[S string | []byte](w *writer, k string, s S) {
	var verbatim bool
	if w.b, verbatim = appendString(w.b, s); verbatim {
		return
	}
	n := w.enter("")
	w.path = appendPointerToken(w.path, k)
	w.noteEscaped()
	w.path = w.path[:n]
}

// noteEscaped remembers that the string at w.path is not as the kernel had it.
func (w *writer) noteEscaped() {
	if len(w.escaped) > 0 {
		w.escaped = append(w.escaped, ',')
	}
	w.escaped, _ = appendString(w.escaped, w.path)
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
