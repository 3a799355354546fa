package syslog

import (
	"strconv"
	"strings"
	"testing"

	"xnumon/event"
	"xnumon/internal/spool"
)

var header = Header{Facility: 16, Host: "web 7", App: "xnumon", Pid: 700}

func record(data string) *spool.Record {
	return &spool.Record{Seq: 42, Time: event.Time(1795384141e9), Data: []byte(data)}
}

func TestMessage(t *testing.T) {
	for data, want := range map[string]string{
		`{"version":8,"time":"2026-11-22T21:49:01.123456789Z","eventcode":2,"argv":["a"]}` + "\n": `<134>1 2026-11-22T21:49:01.123456Z web?7 xnumon 700 image-exec [meta sequenceId="42"] ` +
			`{"version":8,"time":"2026-11-22T21:49:01.123456789Z","eventcode":2,"argv":["a"]}`,
		`{"time":"2026-11-22T21:49:01Z","eventcode":1,"loss":{"source":"output"}}` + "\n": `<132>1 2026-11-22T21:49:01.000000Z web?7 xnumon 700 xnumon-stats [meta sequenceId="42"] ` +
			`{"time":"2026-11-22T21:49:01Z","eventcode":1,"loss":{"source":"output"}}`,
		"text\n": `<134>1 2026-11-22T21:49:01.000000Z web?7 xnumon 700 - [meta sequenceId="42"] text`,
	} {
		if got := string(header.appendMessage(nil, record(data))); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", data, got, want)
		}
	}
}

// TestNumberOfTheProtocol: it goes from 1 to 2147483647 and begins again (RFC 5424, 7.3.1).
func TestNumberOfTheProtocol(t *testing.T) {
	for seq, want := range map[uint64]string{1: "1", 1<<31 - 1: "2147483647", 1 << 31: "1", 1<<32 - 1: "1"} {
		r := record("x\n")
		r.Seq = seq
		if got := string(header.appendMessage(nil, r)); !strings.Contains(got, `sequenceId="`+want+`"`) {
			t.Errorf("%d: %s", seq, got)
		}
	}
}

// FuzzFrames: whatever is in a record, it is one message for who reads frames and
// one line for who reads lines, and no other begins in it.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("a\n<134>1 2026-11-22T21:49:01Z web xnumon 700 - - forged\n"))
	f.Add([]byte("\x00\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := record(string(data))
		frame, message := header.appendCounted(nil, nil, r)
		length, rest, _ := strings.Cut(string(frame), " ")
		if rest != string(message) || length != strconv.Itoa(len(message)) {
			t.Errorf("%q", frame)
		}
		line, _ := header.appendLine(nil, nil, r)
		if n := strings.Count(string(line), "\n"); n != 1 || line[len(line)-1] != '\n' || strings.Contains(string(line), "\x00") {
			t.Errorf("%q", line)
		}
	})
}
