package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// entries reads an archive back, by the format's description.
func entries(t *testing.T, b []byte) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for off := 0; ; {
		if off%4 != 0 || off+110 > len(b) || string(b[off:off+6]) != "070701" {
			t.Fatalf("no header at %d", off)
		}
		var fields [13]int
		for i := range fields {
			if _, err := fmt.Sscanf(string(b[off+6+8*i:off+14+8*i]), "%08x", &fields[i]); err != nil {
				t.Fatal(err)
			}
		}
		size, nameSize := fields[6], fields[11]
		name := string(b[off+110 : off+110+nameSize-1])
		off = (off + 110 + nameSize + 3) &^ 3
		text := string(b[off : off+size])
		off = (off + size + 3) &^ 3
		if name == "TRAILER!!!" {
			if off != len(b) {
				t.Errorf("%d bytes behind the end", len(b)-off)
			}
			return all
		}
		all[name] = fmt.Sprintf("%o %s", fields[1], text)
	}
}

func TestCpio(t *testing.T) {
	var buf bytes.Buffer
	a := &cpio{w: &buf}
	want := make(map[string]string)
	a.dir("bin")
	want["bin"] = "40755 "
	for n := range 9 {
		name, text := "bin/"+strings.Repeat("n", n+1), strings.Repeat("x", n)
		a.file(name, 0o755, []byte(text))
		want[name] = "100755 " + text
	}
	if err := a.end(); err != nil {
		t.Fatal(err)
	}
	got := entries(t, buf.Bytes())
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %q, not %q", name, got[name], w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d entries", len(got))
	}
}
