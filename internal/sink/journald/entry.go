// Package journald sends records to systemd's journal by its native protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), with fields to search by.
package journald

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"xnumon/event"
	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// DefaultPath is the socket of the native protocol.
const DefaultPath = "/run/systemd/journal/socket"

const (
	prefix = "XNUMON_"
	// nameMost is how long the name of a field can be (journal_field_valid in
	// systemd's journal-file.c), fieldsMost about how many an entry can have
	// (ENTRY_FIELD_COUNT_MAX is 1024, the journal's own included).
	nameMost   = 64
	fieldsMost = 900
)

// MessageIDs tell the kinds of records apart (MESSAGE_ID of
// systemd.journal-fields(7)), by event code.
var MessageIDs = map[event.Code]string{
	event.CodeOps:       "a985b95514364349b6b1604955a2690b",
	event.CodeStats:     "86cb08ea0f454201a556ddd4e77d0309",
	event.CodeImageExec: "4dc25ea240be4301890fe971009d52c9",
}

// entry builds the datagram of one record.
type entry struct {
	b      []byte
	name   []byte
	fields int
}

// record makes the entry of r. The message is the record as it is; when that
// is JSON, its values are there once more as fields of their own, with the path
// of the value for a name: XNUMON_IMAGE_PATH, or XNUMON_ANCESTORS_PATH as often
// as there are ancestors. When there are too many for an entry the field
// XNUMON_FIELDS_OMITTED says how many are only in the message.
func (e *entry) record(r *spool.Record) []byte {
	data := transport.Trim(r.Data)
	head := transport.ReadHead(data)
	e.b, e.fields = e.b[:0], 0
	priority := "6"
	if head.HasCode && head.Code == event.CodeStats && bytes.Contains(data, []byte(`"loss":{`)) {
		priority = "4"
	}
	e.text("PRIORITY", priority)
	e.text("SYSLOG_IDENTIFIER", "xnumon")
	if id := MessageIDs[head.Code]; head.HasCode && id != "" {
		e.text("MESSAGE_ID", id)
	}
	e.text("XNUMON_STREAM", r.Stream.String())
	e.text("XNUMON_SEQUENCE", strconv.FormatUint(r.Seq, 10))
	omitted := 0
	whole := len(e.b)
	object := transport.Fields(data, func(path []byte, _ transport.Kind, value []byte) {
		if e.fields == fieldsMost || !e.fieldName(path) {
			omitted++
			return
		}
		e.append(e.name, value)
	})
	if !object {
		e.b = e.b[:whole]
	} else if omitted > 0 {
		e.text("XNUMON_FIELDS_OMITTED", strconv.Itoa(omitted))
	}
	e.append([]byte("MESSAGE"), data)
	return e.b
}

// fieldName makes the name of a field in the only letters there are for it: a
// path that has others, or is too long, has no field.
func (e *entry) fieldName(path []byte) bool {
	e.name = append(e.name[:0], prefix...)
	for _, c := range path {
		switch {
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_':
		case c == '.', c == '@', c == '-':
			c = '_'
		default:
			return false
		}
		e.name = append(e.name, c)
	}
	return len(e.name) <= nameMost
}

func (e *entry) text(name, value string) { e.append([]byte(name), []byte(value)) }

// append appends a field. A value with a line feed has its length in front.
func (e *entry) append(name, value []byte) {
	e.fields++
	e.b = append(e.b, name...)
	if bytes.IndexByte(value, '\n') < 0 {
		e.b = append(e.b, '=')
	} else {
		e.b = append(e.b, '\n')
		e.b = binary.LittleEndian.AppendUint64(e.b, uint64(len(value)))
	}
	e.b = append(e.b, value...)
	e.b = append(e.b, '\n')
}
