package encode

import "strconv"

// line lays out one line of a given width: cells, colours, and … where something
// did not fit. It is written to in pieces that are never split.
type line struct {
	b       []byte
	start   int   // where the line begins in b
	columns int   // of the whole line, 0 for no limit
	colour  bool  // write styles
	now     style // the one in force, empty if that is not sure
	col     int   // columns written

	limit int  // where the cell, or else the line, ends; 0 for no limit
	cut   int  // length of b where … still fits before limit
	cutAt int  // the column there
	full  bool // … was written: nothing more goes into this cell
}

// style is an ECMA-48 SGR sequence that begins with a reset.
type style string

const (
	plain  style = "\x1b[0m"
	bold   style = "\x1b[0;1m"
	dim    style = "\x1b[0;2m"
	yellow style = "\x1b[0;33m"
	cyan   style = "\x1b[0;36m"
	red    style = "\x1b[0;1;31m"
)

func (l *line) begin(dst []byte) {
	l.b, l.col, l.limit, l.full = dst, 0, l.columns, false
	l.cut, l.cutAt, l.start, l.now = len(dst), 0, len(dst), plain
}

func (l *line) end() []byte {
	l.style(plain)
	for len(l.b) > l.start && l.b[len(l.b)-1] == ' ' {
		l.b = l.b[:len(l.b)-1]
	}
	out := append(l.b, '\n')
	l.b = nil
	return out
}

func (l *line) style(s style) {
	if l.colour && l.now != s {
		l.b = append(l.b, s...)
		l.now = s
	}
}

// cell begins a cell; with no limit to the line it can grow beyond its width.
// What endCell returns to is its left edge, which cell returns.
func (l *line) cell(width int) int {
	if l.columns > 0 {
		l.limit = min(l.columns, l.col+width)
	}
	l.cut, l.cutAt, l.full = len(l.b), l.col, l.col >= l.columns && l.columns > 0
	return l.col
}

// endCell pads the cell that began at left and leaves a gap after it.
func (l *line) endCell(left, width, gap int) {
	l.style(plain)
	l.limit = l.columns
	l.full = l.columns > 0 && l.col >= l.columns
	for to := max(l.col, left+width) + gap; l.col < to && !l.full; {
		l.text(" ")
	}
	l.cut, l.cutAt = len(l.b), l.col
}

// text writes a string of ours: ASCII, nothing to quote.
func (l *line) text(s string) {
	for i := range len(s) {
		l.piece(s[i:i+1], 1)
	}
}

func (l *line) num(v uint64) {
	var digits [20]byte
	l.text(string(strconv.AppendUint(digits[:0], v, 10)))
}

// piece writes what must not be split, if there is room, or else the …
func (l *line) piece(s string, columns int) {
	if l.room(columns) {
		l.b = append(l.b, s...)
		l.col += columns
	}
}

func (l *line) room(columns int) bool {
	if l.full || l.limit == 0 {
		return !l.full
	}
	if l.col < l.limit {
		l.cut, l.cutAt = len(l.b), l.col
	}
	if l.col+columns <= l.limit {
		return true
	}
	l.full = true
	if l.cutAt < l.limit {
		l.b = append(l.b[:l.cut], "…"...)
		l.now = "" // it could have been set in what was just cut off
		l.col = l.cutAt + 1
	}
	return false
}

// quote writes a string that was made elsewhere.
func (l *line) quote(s string) {
	q := newQuoted(s)
	l.text(q.kind.open())
	l.pieces(&q, len(s))
	l.text(q.kind.close())
}

// pieces writes q up to an offset in its string.
func (l *line) pieces(q *quoted, end int) {
	var scratch [16]byte
	for q.pos < end && !l.full {
		piece, n, _ := q.next(scratch[:0])
		l.piece(string(piece), n)
	}
}

// words writes a short text of several words, quoted only if it is not harmless.
func (l *line) words(s string) {
	if quotingFor(s) == dollar {
		l.quote(s)
		return
	}
	q := quoted{s: s, marks: maxMarks}
	l.pieces(&q, len(s))
}

// path writes a path with its last component brought out, and may leave either
// style behind. If the room is short
// it is the beginning that goes.
func (l *line) path(s string, dir, base style) {
	q := newQuoted(s)
	open, end := q.kind.open(), q.kind.close()
	slash := 0
	for i := range len(s) {
		if s[i] == '/' && i+1 < len(s) {
			slash = i + 1
		}
	}
	if l.limit > 0 {
		room := l.limit - l.col - len(open) - len(end)
		if over := q.columns() - room; over > 0 {
			l.style(dir)
			l.piece("…", 1)
			q.skip(over + 1)
		}
	}
	l.style(dir)
	l.text(open)
	l.pieces(&q, slash)
	l.style(base)
	l.pieces(&q, len(s))
	if end != "" {
		l.style(dir)
		l.text(end)
	}
}
