//go:build linux && !nolive

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What was hashed once has its hash in every record, however soon its processes
// end and however late their records are read.
func TestLiveKnownAndGone(t *testing.T) {
	levels(t, func(t *testing.T, level string, d *disk) {
		program, log := filepath.Join(d.dir, "program"), filepath.Join(t.TempDir(), "log")
		copyFile(t, "/bin/sleep", program)
		settle(t)
		s := monitoring(t, level, d.dir, log)
		run := func(args ...string) {
			t.Helper()
			if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		raw, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		want := digestOf(raw)
		eventually(t, "a record with the hash", func() bool {
			run("1") // long enough to be hashed while it runs
			written, _ := os.ReadFile(log)
			return bytes.Contains(written, []byte(want))
		})
		const times = 50
		for range times {
			run("0")
		}
		s.stop()
		found := 0
		for _, r := range records(t, log) {
			argv, _ := r["argv"].([]any)
			if len(argv) != 2 || argv[1] != "0" || at(r, "image", "path") != program {
				continue
			}
			found++
			if got := at(r, "image", "sha256"); got != want {
				t.Errorf("sha256 %v, missing %v", got, at(r, "image", "missing"))
			}
		}
		if found != times {
			t.Errorf("%d of %d records", found, times)
		}
	})
}
