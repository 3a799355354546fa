package encode

import (
	"bytes"
	"encoding/json"

	"xnumon/event"
)

// Multiline spreads the records of e over several lines, indented, where they are
// JSON; other formats it returns as they are. It is for people: one record is
// not one line any more.
func Multiline(e Encoder) Encoder {
	switch e.(type) {
	case *JSON, *JSONSeq, *ECS, *OCSF:
		return &multiline{from: e}
	}
	return e
}

type multiline struct {
	from   Encoder
	line   []byte
	spread bytes.Buffer
}

func (m *multiline) AppendExec(dst []byte, r *event.ImageExec) []byte {
	m.line = m.from.AppendExec(m.line[:0], r)
	return m.append(dst)
}

func (m *multiline) AppendLoss(dst []byte, r *event.Loss) []byte {
	m.line = m.from.AppendLoss(m.line[:0], r)
	return m.append(dst)
}

func (m *multiline) AppendOps(dst []byte, r *event.Ops) []byte {
	m.line = m.from.AppendOps(m.line[:0], r)
	return m.append(dst)
}

func (m *multiline) AppendStats(dst []byte, r *event.Stats) []byte {
	m.line = m.from.AppendStats(m.line[:0], r)
	return m.append(dst)
}

func (m *multiline) append(dst []byte) []byte {
	object := bytes.TrimPrefix(m.line, []byte{recordSeparator})
	dst = append(dst, m.line[:len(m.line)-len(object)]...)
	m.spread.Reset()
	if err := json.Indent(&m.spread, object, "", "  "); err != nil {
		return append(dst, object...) // the encoders write nothing but JSON
	}
	return append(dst, m.spread.Bytes()...)
}
