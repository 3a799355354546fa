// Package syslog sends records by the syslog protocol of RFC 5424.
package syslog

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"xnumon/event"
	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// Severities of RFC 5424 that records have.
const (
	severityWarning = 4 // records about losses
	severityInfo    = 6
)

// Facilities are the names of the facilities of RFC 5424, by their codes.
var Facilities = [...]string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	12: "ntp", 13: "security", 14: "console", 15: "clock",
	16: "local0", 17: "local1", 18: "local2", 19: "local3", 20: "local4", 21: "local5", 22: "local6", 23: "local7",
}

// Header is what is the same in all messages.
type Header struct {
	Facility int
	Host     string
	App      string
	Pid      int
}

// NewHeader returns the header of messages of this process.
func NewHeader(facility int) Header {
	host, _ := os.Hostname() // unknown is -
	return Header{Facility: facility, Host: host, App: "xnumon", Pid: os.Getpid()}
}

// appendMessage appends a message. Its structured data is the number of the
// record as sequenceId (RFC 5424, 7.3.1), by which a receiver can find what came
// twice. The text of the message is the record as it is.
func (h *Header) appendMessage(dst []byte, r *spool.Record) []byte {
	data := transport.Trim(r.Data)
	head := transport.ReadHead(data)
	severity := severityInfo
	if head.HasCode && head.Code == event.CodeStats && bytes.Contains(data, []byte(`"loss":{`)) {
		severity = severityWarning
	}
	if head.Time == 0 {
		head.Time = r.Time
	}
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(h.Facility*8+severity), 10)
	dst = append(dst, ">1 "...)
	// Six digits of a second are what the protocol allows.
	dst = time.Unix(0, int64(head.Time)).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z07:00")
	dst = appendName(append(dst, ' '), h.Host, 255)
	dst = appendName(append(dst, ' '), h.App, 48)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(h.Pid), 10)
	dst = appendName(append(dst, ' '), head.Name(), 32)
	dst = append(dst, ` [meta sequenceId="`...)
	dst = strconv.AppendUint(dst, (r.Seq-1)%(1<<31-1)+1, 10)
	dst = append(dst, `"] `...)
	return append(dst, data...)
}

// appendName appends a field of the header: printable ASCII without spaces, - for nothing.
func appendName(dst []byte, s string, most int) []byte {
	if s == "" {
		return append(dst, '-')
	}
	for i := range min(len(s), most) {
		if c := s[i]; c > ' ' && c < 0x7f {
			dst = append(dst, c)
		} else {
			dst = append(dst, '?')
		}
	}
	return dst
}

// appendCounted appends a message with its length in front (RFC 6587, 3.4.1;
// RFC 5425, 4.3). scratch is used and returned.
func (h *Header) appendCounted(dst, scratch []byte, r *spool.Record) (out, used []byte) {
	scratch = h.appendMessage(scratch[:0], r)
	dst = strconv.AppendInt(dst, int64(len(scratch)), 10)
	dst = append(dst, ' ')
	return append(dst, scratch...), scratch
}

// appendLine appends a message and a line feed (RFC 6587, 3.4.2). What ends a
// line for those who read Unix sockets must not be inside: such a byte is
// written as rsyslog writes it, as # and three octal digits.
func (h *Header) appendLine(dst, scratch []byte, r *spool.Record) (out, used []byte) {
	scratch = h.appendMessage(scratch[:0], r)
	for _, c := range scratch {
		switch c {
		case '\n':
			dst = append(dst, "#012"...)
		case 0:
			dst = append(dst, "#000"...)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '\n'), scratch
}
