package journald

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"xnumon/internal/spool"
)

// parse reads an entry as the journal does (server_process_entry in systemd's
// journald-native.c).
func parse(t *testing.T, b []byte) (fields []string) {
	t.Helper()
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			t.Fatalf("ends in half a line: %q", b)
		}
		if name, value, ok := bytes.Cut(b[:end], []byte{'='}); ok {
			fields = append(fields, fmt.Sprintf("%s=%s", name, value))
			b = b[end+1:]
			continue
		}
		name := b[:end]
		if b = b[end+1:]; len(b) < 8 {
			t.Fatalf("no length behind %s", name)
		}
		n := binary.LittleEndian.Uint64(b)
		if b = b[8:]; uint64(len(b)) <= n || b[n] != '\n' {
			t.Fatalf("%s is not as long as it says", name)
		}
		fields = append(fields, fmt.Sprintf("%s=%s", name, b[:n]))
		b = b[n+1:]
	}
	return fields
}

func TestEntry(t *testing.T) {
	const data = `{"time":"2026-11-22T21:49:01Z","eventcode":2,"argv":["sh","a\nMESSAGE=forged"],"image":{"path":"/a"},"x y":1}`
	got := parse(t, new(entry).record(&spool.Record{Seq: 7, Data: []byte(data + "\n")}))
	want := []string{
		"PRIORITY=6", "SYSLOG_IDENTIFIER=xnumon", "MESSAGE_ID=" + MessageIDs[2],
		"XNUMON_STREAM=" + strings.Repeat("0", 32), "XNUMON_SEQUENCE=7",
		"XNUMON_TIME=2026-11-22T21:49:01Z", "XNUMON_EVENTCODE=2", "XNUMON_ARGV=sh", "XNUMON_ARGV=a\nMESSAGE=forged",
		"XNUMON_IMAGE_PATH=/a", "XNUMON_FIELDS_OMITTED=1", "MESSAGE=" + data,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestEntryOfManyFields: an entry has no more than the journal takes.
func TestEntryOfManyFields(t *testing.T) {
	data := `{"argv":["` + strings.Repeat(`x","`, 2000) + `"]}`
	got := parse(t, new(entry).record(&spool.Record{Seq: 1, Data: []byte(data)}))
	if len(got) > 1000 || !slices.Contains(got, fmt.Sprintf("XNUMON_FIELDS_OMITTED=%d", 2001-(len(got)-6))) {
		t.Errorf("%d fields: %q", len(got), got[len(got)-2][:60])
	}
}

// FuzzEntry: nothing in a record makes a field of its own, or half of one.
func FuzzEntry(f *testing.F) {
	f.Add([]byte(`{"a":"\nMESSAGE=forged\n","b.c":{"d":[1,true,null]}}`))
	f.Add([]byte("text\nPRIORITY=0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, field := range parse(t, new(entry).record(&spool.Record{Seq: 1, Data: data})) {
			name, _, _ := strings.Cut(field, "=")
			if !strings.HasPrefix(name, prefix) && !slices.Contains([]string{"PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE_ID", "MESSAGE"}, name) {
				t.Errorf("%q makes a field %q", data, name)
			}
		}
	})
}
