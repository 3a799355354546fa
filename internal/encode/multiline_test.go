package encode

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// Spread over lines, a record is the same record.
func TestMultiline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := someExec().Draw(t, "exec")
		for _, name := range Names() {
			plain, err := New(name, Options{})
			if err != nil {
				t.Fatal(err)
			}
			other, _ := New(name, Options{})
			spread := Multiline(other)
			want := plain.AppendExec([]byte("before"), r)
			got := spread.AppendExec([]byte("before"), r)
			if name == "text" || name == "yaml" {
				if !bytes.Equal(got, want) {
					t.Fatalf("%s differs", name)
				}
				continue
			}
			if got[len(got)-1] != '\n' || bytes.Count(got, []byte("\n")) < 5 {
				t.Fatalf("%s is not spread: %q", name, got)
			}
			skip := len("before") + bytes.IndexByte(want[len("before"):], '{')
			if !bytes.Equal(got[:skip], want[:skip]) {
				t.Fatalf("%s begins with %q, want %q", name, got[:skip], want[:skip])
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, got[skip:]); err != nil || compact.String()+"\n" != string(want[skip:]) {
				t.Fatalf("%s: %v\n%s\nwant\n%s", name, err, compact.Bytes(), want[skip:])
			}
		}
	})
}
