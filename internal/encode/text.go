package encode

import (
	"path"
	"strconv"
	"time"

	"xnumon/event"
)

// Text writes records for a person at a terminal: a line each, in columns, the
// time first, then process, user, what it was before and how many images back
// its history goes, the image, marks for what is out of the ordinary, arguments.
//
//	21:49:01.123    4242 u        bash         3  /usr/bin/dash       [script ./hello.sh] /bin/sh ./hello.sh
//
// It is for reading, not for parsing: a line that is too long is cut and ends in
// an ellipsis, and much of a record is not shown. What a process can choose
// is quoted for a shell, so that it cannot break a line, move the cursor or look
// like a mark. A ~ before what it was before means that this was looked up. The
// zero value writes without colour, at any length, in local time.
type Text struct {
	Colour   bool           // use ECMA-48 styles
	Columns  int            // width of the terminal, 0 for no limit; may change between records
	Location *time.Location // nil for local time

	l       line
	scratch []byte
	lastDay [3]int // year, month, day of the last line
}

// widths of the columns that depend on the width of the terminal.
type widths struct{ user, by, image int }

const (
	timeWidth  = 12
	pidWidth   = 7 // up to the kernel's PID_MAX_LIMIT, 4194304
	depthWidth = 4
)

func (t *Text) widths() widths {
	switch {
	case t.Columns <= 0:
		return widths{user: 8, by: 12, image: 32}
	case t.Columns < 100:
		return widths{user: 6, by: 8, image: max(12, t.Columns/4)}
	}
	return widths{user: 8, by: 12, image: min(t.Columns/4, 40)}
}

// AppendHeader appends a line that names the columns.
func (t *Text) AppendHeader(dst []byte) []byte {
	l, w := t.begin(dst), t.widths()
	t.cell("TIME", timeWidth, 1, dim)
	t.right("PID", pidWidth, dim)
	l.text(" ")
	t.cell("USER", w.user, 1, dim)
	t.cell("BY", w.by, 0, dim)
	t.right("DEEP", depthWidth, dim)
	l.text("  ")
	t.cell("IMAGE", w.image, 2, dim)
	l.style(dim)
	l.text("ARGUMENTS")
	return l.end()
}

// AppendExec appends the line of an exec, and before the first one of a new day
// a line with the date.
func (t *Text) AppendExec(dst []byte, r *event.ImageExec) []byte {
	dst = t.newDay(dst, r.Time)
	l, w := t.begin(dst), t.widths()
	t.clock(r.Time)
	t.rightNum(uint64(r.Subject.Pid), pidWidth, plain)
	l.text(" ")
	t.who(&r.Subject, w)
	l.text("  ")
	t.image(r, w)
	t.marks(r)
	t.arguments(r)
	return l.end()
}

// AppendLoss appends a line that stands out.
func (t *Text) AppendLoss(dst []byte, r *event.Loss) []byte {
	dst = t.newDay(dst, r.Time)
	l := t.begin(dst)
	t.clock(r.Time)
	l.style(red)
	t.right("LOST", pidWidth, red)
	l.style(red)
	l.text(" ")
	if r.Count == 0 {
		l.text("an unknown number of events")
	} else {
		l.num(r.Count)
		l.text(" events")
	}
	l.text(" (")
	l.words(r.Source)
	l.text(")")
	if r.Since != 0 && r.Until != 0 {
		l.text(" between ")
		l.text(string(t.clockText(r.Since)))
		l.text(" and ")
		l.text(string(t.clockText(r.Until)))
	}
	return l.end()
}

func (t *Text) begin(dst []byte) *line {
	t.l.columns, t.l.colour = max(t.Columns, 0), t.Colour
	t.l.begin(dst)
	return &t.l
}

// newDay writes the date when a later day than that of the last line begins.
func (t *Text) newDay(dst []byte, at event.Time) []byte {
	if at == 0 {
		return dst
	}
	y, m, d := t.local(at).Date()
	today := [3]int{y, int(m), d}
	last := t.lastDay
	if last != [3]int{} && (today[0] < last[0] || today[0] == last[0] &&
		(today[1] < last[1] || today[1] == last[1] && today[2] <= last[2])) {
		return dst // records are not strictly in the order of their times
	}
	t.lastDay = today
	if last == [3]int{} {
		return dst
	}
	l := t.begin(dst)
	l.style(dim)
	l.text(t.local(at).Format("Monday, 2 January 2006"))
	return l.end()
}

func (t *Text) local(at event.Time) time.Time {
	if t.Location != nil {
		return time.Unix(0, int64(at)).In(t.Location)
	}
	return time.Unix(0, int64(at))
}

// clockText returns the time of day, valid until the next call.
func (t *Text) clockText(at event.Time) []byte {
	if at == 0 {
		t.scratch = append(t.scratch[:0], "--:--:--.---"...)
	} else {
		t.scratch = t.local(at).AppendFormat(t.scratch[:0], "15:04:05.000")
	}
	return t.scratch
}

func (t *Text) clock(at event.Time) { t.cell(string(t.clockText(at)), timeWidth, 1, dim) }

// cell writes a text of ours to the left of a cell, right to its right.
func (t *Text) cell(s string, width, gap int, st style) {
	left := t.l.cell(width)
	t.l.style(st)
	t.l.text(s)
	t.l.endCell(left, width, gap)
}

func (t *Text) right(s string, width int, st style) {
	left := t.l.cell(width)
	for range width - len(s) {
		t.l.text(" ")
	}
	t.l.style(st)
	t.l.text(s)
	t.l.endCell(left, width, 0)
}

func (t *Text) rightNum(v uint64, width int, st style) {
	var digits [20]byte
	t.right(string(strconv.AppendUint(digits[:0], v, 10)), width, st)
}

// who writes the user, the subject's image and its depth.
func (t *Text) who(s *event.Subject, w widths) {
	l := &t.l
	left := l.cell(w.user)
	switch {
	case s.HasIDs && s.EUName != "":
		l.quote(s.EUName)
	case s.HasIDs:
		l.num(uint64(s.EUID))
	default:
		l.text("?")
	}
	l.endCell(left, w.user, 1)

	left = l.cell(w.by)
	if s.Reconstructed {
		l.style(dim)
		l.text("~")
		l.style(plain)
	}
	switch {
	case s.Image != nil && s.Image.Path != "":
		l.quote(path.Base(s.Image.Path))
	default:
		l.text("?")
	}
	l.endCell(left, w.by, 0)
	t.rightNum(uint64(len(s.Ancestors)+s.AncestorsOmitted), depthWidth, dim)
}

func (t *Text) image(r *event.ImageExec, w widths) {
	l := &t.l
	left := l.cell(w.image)
	switch {
	case r.Image == nil:
		l.style(yellow)
		l.text("?")
		t.reason(r.Missing, "image")
	case r.Image.Path == "":
		l.style(yellow)
		l.text("?")
		t.reason(r.Image.Missing, "path")
	default:
		l.path(r.Image.Path, dim, bold)
	}
	l.endCell(left, w.image, 2)
}

// reason writes why a field is absent, if the record says it.
func (t *Text) reason(missing []event.Absence, field string) {
	if why := reasonFor(missing, field); why != "" {
		t.l.text(" (")
		t.l.words(string(why))
		t.l.text(")")
	}
}

func reasonFor(missing []event.Absence, fields ...string) event.Reason {
	for _, a := range missing {
		for _, f := range fields {
			if a.Field == f {
				return a.Reason
			}
		}
	}
	return ""
}

// arguments writes the argument vector, or why there is none.
func (t *Text) arguments(r *event.ImageExec) {
	l := &t.l
	why := reasonFor(r.Missing, "argv")
	switch {
	case r.Argv == nil && why == "":
	case r.Argv == nil:
		l.style(yellow)
		l.text("(no arguments: ")
		l.words(string(why))
		l.text(")")
		return
	case len(r.Argv) == 0:
		l.style(yellow)
		l.text("(empty argument vector)")
	}
	for i, a := range r.Argv {
		if l.full {
			return // the rest need not even be looked at
		}
		if i > 0 {
			l.text(" ")
		}
		l.quote(a)
	}
	if why != "" && r.Argv != nil {
		l.style(yellow)
		l.text(" (")
		l.words(string(why))
		l.text(")")
	}
}
