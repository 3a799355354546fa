package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhereabouts(t *testing.T) {
	const live = "== doctor (4 s)\nfine\n== live-cmd (9 s)\n=== RUN   TestLiveA\n--- PASS: TestLiveA (1s)\n=== RUN   TestLiveB\n    b_test.go:1: said\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing": {"", "it was booting"},
		"a test":  {live, "it was at live-cmd, TestLiveB"},
		"a case":  {live + "== corpus (90 s)\r\nxnumon none: cwd\r\n", `it was at corpus, and had said "xnumon none: cwd"`},
		"a panic": {live + "[  9.1] Kernel panic - not syncing: Oops\n== never\n", "Kernel panic - not syncing: Oops"},
	} {
		if got := whereabouts(c.text); got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestConsole(t *testing.T) {
	dir := t.TempDir()
	var all, steps bytes.Buffer
	c, err := newConsole("6.1", dir, &all, &steps)
	if err != nil {
		t.Fatal(err)
	}
	const text = "boot\n== doctor (4 s)\r\nx == not this\n== live (9 s)\nrest"
	for i := range text {
		if n, err := c.Write([]byte(text[i : i+1])); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := steps.String(); got != "6.1: doctor (4 s)\n6.1: live (9 s)\n" {
		t.Errorf("steps: %q", got)
	}
	kept, err := os.ReadFile(filepath.Join(dir, consoleLog))
	if err != nil || string(kept) != text || all.String() != text {
		t.Errorf("kept %q, shown %q: %v", kept, all.String(), err)
	}
	cause := errors.New("it had not ended")
	if err := stuck(cause, dir); !errors.Is(err, cause) || !strings.Contains(err.Error(), "at live") {
		t.Errorf("stuck: %v", err)
	}
}
