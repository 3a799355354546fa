package encode

import "xnumon/event"

// JSON writes one object per record on a line of its own (JSON Lines). The zero
// value is ready to use.
//
// What is not known is absent and never null. Times are RFC 3339 in UTC with
// nine digits of nanoseconds. Integers are JSON integers and can exceed 2^53.
// The mode of a file is a string of octal digits. An argument or environment
// vector is absent when it is unknown and [] when it is known to be empty.
// Missing is an object from the name of a field to the reason.
//
// Strings in the kernel are bytes. One that is valid UTF-8 is written as it is.
// In one that is not, each byte that is not part of a valid sequence is written
// as \xNN with two hexadecimal digits and each backslash is doubled, and the
// record ends in "escaped", an array with the JSON Pointer (RFC 6901) of every
// string so written; Unescape takes it back. Control characters, DEL, C1
// controls, line separators, byte order marks and the controls of bidirectional
// text are always JSON escapes, so that a record can be looked at on a terminal.
type JSON struct{ w writer }

// AppendExec appends the record of an exec.
func (e *JSON) AppendExec(dst []byte, r *event.ImageExec) []byte {
	e.w.begin(dst)
	e.w.exec(r)
	e.w.escapedList()
	return e.w.end()
}

// AppendLoss appends the record of a loss.
func (e *JSON) AppendLoss(dst []byte, r *event.Loss) []byte {
	e.w.begin(dst)
	e.w.loss(r)
	e.w.escapedList()
	return e.w.end()
}

// JSONSeq writes a JSON text sequence (RFC 7464): the records of JSON, each
// behind a record separator, U+001E. A reader that finds a record cut short, by
// a crash or a full disk, goes on at the next separator. Within a record the
// separator only occurs as a JSON escape. The zero value is ready to use.
type JSONSeq struct{ json JSON }

// recordSeparator begins each text of a sequence (RFC 7464, section 2.2).
const recordSeparator = 0x1e

// AppendExec appends the record of an exec.
func (e *JSONSeq) AppendExec(dst []byte, r *event.ImageExec) []byte {
	return e.json.AppendExec(append(dst, recordSeparator), r)
}

// AppendLoss appends the record of a loss.
func (e *JSONSeq) AppendLoss(dst []byte, r *event.Loss) []byte {
	return e.json.AppendLoss(append(dst, recordSeparator), r)
}
