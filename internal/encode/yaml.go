package encode

import (
	"bytes"

	"xnumon/event"
)

// YAML writes one document per record, from --- to ..., with the fields, values
// and escapes of JSON laid out in blocks. The zero value is ready to use.
//
// Every string is in double quotes and in one line, so that nothing in it means
// anything to YAML or comes to stand at the beginning of a line, where a
// document could end; whether a parser follows YAML 1.1 or 1.2 makes no
// difference. A reader knows by the three dots that a record is whole and need
// not wait for the next.
type YAML struct {
	json   JSON
	record []byte // the record as JSON
	layout layout
}

// AppendExec appends the record of an exec.
func (e *YAML) AppendExec(dst []byte, r *event.ImageExec) []byte {
	e.record = e.json.AppendExec(e.record[:0], r)
	return e.layout.document(dst, e.record)
}

// AppendLoss appends the record of a loss.
func (e *YAML) AppendLoss(dst []byte, r *event.Loss) []byte {
	e.record = e.json.AppendLoss(e.record[:0], r)
	return e.layout.document(dst, e.record)
}

// layout lays JSON out in blocks. It only understands what writer writes: no
// blanks between tokens, and strings with no escape that YAML's double quotes
// do not have.
type layout struct {
	in, out []byte
}

func (l *layout) document(dst, json []byte) []byte {
	l.in, l.out = json, append(dst, "---\n"...)
	l.block(0)
	out := append(l.out, "...\n"...)
	l.in, l.out = nil, nil
	return out
}

// block writes the object or list at the beginning of the input, which has
// members, with the given indentation. The first line's is already there.
func (l *layout) block(indent int) {
	object := l.in[0] == '{'
	for first := true; ; first = false {
		l.in = l.in[1:] // what opens it, or a comma
		if !first {
			for range indent {
				l.out = append(l.out, ' ')
			}
		}
		if object {
			l.key()
			l.member(indent)
		} else {
			l.out = append(l.out, "- "...)
			l.element(indent)
		}
		if l.in[0] != ',' {
			l.in = l.in[1:]
			return
		}
	}
}

const step = 2 // columns that a block is indented by

// member writes the value of a key.
func (l *layout) member(indent int) {
	if l.scalar() {
		return
	}
	l.out = append(l.out, '\n')
	for range indent + step {
		l.out = append(l.out, ' ')
	}
	l.block(indent + step)
}

// element writes an element of a list, the first line behind its dash.
func (l *layout) element(indent int) {
	if !l.scalar() {
		l.block(indent + step)
	}
}

// scalar writes a value that fits on the line, with what ends the line, and says
// whether the value is such a one.
func (l *layout) scalar() bool {
	n := 0
	switch c := l.in[0]; {
	case c == '"':
		n = stringEnd(l.in)
	case c != '{' && c != '[':
		n = bytes.IndexAny(l.in, ",]}")
	case l.in[1] == c+2: // empty: the closing ones are two behind in ASCII
		n = 2
	default:
		return false
	}
	if l.out[len(l.out)-1] == ':' {
		l.out = append(l.out, ' ')
	}
	l.out = append(l.out, l.in[:n]...)
	l.out = append(l.out, '\n')
	l.in = l.in[n:]
	return true
}

// key writes a key with its colon, in quotes unless it is plainly a name.
func (l *layout) key() {
	n := stringEnd(l.in)
	if name := l.in[1 : n-1]; plainKey(name) {
		l.out = append(l.out, name...)
	} else {
		l.out = append(l.out, l.in[:n]...)
	}
	l.out = append(l.out, ':')
	l.in = l.in[n+1:]
}

// plainKey reports whether a key needs no quotes in any version of YAML.
func plainKey(k []byte) bool {
	if len(k) < 2 || k[0] < 'a' || k[0] > 'z' { // y and n are booleans in YAML 1.1
		return false
	}
	for _, c := range k {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	switch string(k) {
	case "true", "false", "yes", "no", "on", "off", "null":
		return false
	}
	return true
}

// stringEnd returns the length of the JSON string at the beginning of s.
func stringEnd(s []byte) int {
	n := 1
	for ; s[n] != '"'; n++ {
		if s[n] == '\\' {
			n++
		}
	}
	return n + 1
}
