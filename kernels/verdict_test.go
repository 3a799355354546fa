package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const allPass = `=== RUN   TestLiveA
--- PASS: TestLiveA (1.00s)
=== RUN   TestLiveB
=== RUN   TestLiveB/one
--- PASS: TestLiveB (0.10s)
    --- PASS: TestLiveB/one (0.10s)
PASS
`

func TestTests(t *testing.T) {
	want := []string{"TestLiveA", "TestLiveB"}
	for name, c := range map[string]struct {
		log    string
		passed int
		wrong  string // all of it, joined; empty when nothing is
	}{
		"all pass":      {allPass, 2, ""},
		"one fails":     {strings.Replace(allPass, "--- PASS: TestLiveA", "--- FAIL: TestLiveA", 1), 1, "TestLiveA: FAIL"},
		"one skips":     {strings.Replace(allPass, "--- PASS: TestLiveA", "--- SKIP: TestLiveA", 1), 1, "TestLiveA: SKIP"},
		"a part skips":  {strings.Replace(allPass, "    --- PASS", "    --- SKIP", 1), 2, "TestLiveB/one: SKIP"},
		"one is absent": {strings.Replace(allPass, "--- PASS: TestLiveA (1.00s)\n", "", 1), 1, "TestLiveA: did not report"},
		"one too many":  {allPass + "--- PASS: TestLiveC (0.00s)\n", 2, "TestLiveC: not one of the live tests"},
		"twice":         {allPass + "--- PASS: TestLiveA (0.00s)\n", 2, "TestLiveA: reported twice"},
		"nothing":       {"", 0, "TestLiveA: did not report|TestLiveB: did not report"},
		"in a word":     {"x --- PASS: TestLiveA (1s)\n--- PASS: TestLiveB (1s)", 1, "TestLiveA: did not report"},
	} {
		passed, wrong := tests(c.log, want)
		if passed != c.passed || strings.Join(wrong, "|") != c.wrong {
			t.Errorf("%s: %d passed, wrong: %q", name, passed, wrong)
		}
	}
}

// archiveOf writes a tar archive as a machine would, at the start of a larger disk.
func archiveOf(t *testing.T, files ...string) string {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f, Mode: 0o644, Size: int64(len(f)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, append(buf.Bytes(), make([]byte, 1<<16)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCollect(t *testing.T) {
	out := t.TempDir()
	if err := collect(archiveOf(t, "a.log", "../b.log", complete), out); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"a.log": "a.log", "b.log": "../b.log"} {
		if got, err := os.ReadFile(filepath.Join(out, file)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
	if err := collect(archiveOf(t, "a.log"), t.TempDir()); err == nil {
		t.Error("a report without an end was taken")
	}
	// What a machine that did not get there leaves: an empty disk.
	if err := collect(archiveOf(t), t.TempDir()); err == nil {
		t.Error("an empty report was taken")
	}
}

// reported makes the folder of a machine that did what it should.
func reported(t *testing.T, p *payload) string {
	t.Helper()
	out := t.TempDir()
	for file, text := range map[string]string{
		"release":         "6.1.0-cloud-amd64\n",
		"doctor.status":   "0\n",
		"live-a-b.log":    allPass,
		"live-a-b.status": "0\n",
		"corpus.log":      "xnumon hash   100 right     0 missing     0 wrong     0 not said; of 9 cases 9 right, 0 with something wrong\n",
		"corpus.status":   "0\n",
	} {
		if err := os.WriteFile(filepath.Join(out, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.suites = []suite{{folder: "a/b", tests: []string{"TestLiveA", "TestLiveB"}}}
	p.corpus = true
	return out
}

func TestJudge(t *testing.T) {
	var p payload
	out := reported(t, &p)
	if err := judge("6.1", "6.1.0-cloud-amd64", &p, out); err != nil {
		t.Errorf("everything is right: %v", err)
	}
	if err := judge("6.1", "6.1.1-cloud-amd64", &p, out); err == nil {
		t.Error("another kernel was booted, and nobody minds")
	}
	for _, file := range []string{"doctor.status", "live-a-b.status", "corpus.status"} {
		out := reported(t, &p)
		if err := os.WriteFile(filepath.Join(out, file), []byte("137\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := judge("6.1", "6.1.0-cloud-amd64", &p, out); err == nil || !strings.Contains(err.Error(), "137") {
			t.Errorf("%s is 137: %v", file, err)
		}
		if err := os.Remove(filepath.Join(out, file)); err != nil {
			t.Fatal(err)
		}
		if err := judge("6.1", "6.1.0-cloud-amd64", &p, out); err == nil {
			t.Errorf("without %s nobody minds", file)
		}
	}
}

// What is missing and excused is told, line by line, and fails nobody.
func TestJudgeTellsExcuses(t *testing.T) {
	var p payload
	out := reported(t, &p)
	const line = excused + "xnumon hash: case script-memfd: open script.path missing (not held)"
	if err := os.WriteFile(filepath.Join(out, "corpus.log"), []byte("xnumon hash: cwd\n"+line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	os.Stdout = w
	err = judge("6.1", "6.1.0-cloud-amd64", &p, out)
	os.Stdout = said
	w.Close()
	if err != nil {
		t.Error(err)
	}
	text, err := io.ReadAll(r)
	if err != nil || !strings.Contains(string(text), "6.1: "+line+"\n") || strings.Contains(string(text), "cwd") {
		t.Errorf("told %q, %v", text, err)
	}
}

func TestQemuVersion(t *testing.T) {
	major, minor, err := qemuVersion("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright")
	if err != nil || major != 10 || minor != 0 {
		t.Errorf("%d.%d, %v", major, minor, err)
	}
	if _, _, err := qemuVersion("none"); err == nil {
		t.Error("no version, no error")
	}
}

func TestLibraries(t *testing.T) {
	got := libraries("\tlinux-vdso.so.1 (0x00007ff6de54f000)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007ff6de339000)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007ff6de551000)\n")
	if want := []string{"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
