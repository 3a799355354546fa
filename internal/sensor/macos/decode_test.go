package macos

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xnumon/internal/sensor"
)

// TestNeeded takes out, one at a time, the members that an exec cannot do without.
func TestNeeded(t *testing.T) {
	s := newSim(10)
	s.exec(s.boot(), tool("/bin/a"), simExec{})
	line := s.out.String()
	if _, err := new(decoder).decode([]byte(line)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"event", "exec", "process", "target", "audit_token", "pid", "pidversion", "euid", "asid", "time",
	} {
		without := strings.ReplaceAll(line, `"`+name+`":`, `"x_`+name+`":`)
		if without == line {
			t.Fatalf("no %s", name)
		}
		m, err := new(decoder).decode([]byte(without))
		if err == nil && m.ours() {
			t.Errorf("without %s: no error", name)
		}
		if m.global == nil {
			t.Errorf("without %s: sequence number not read", name)
		}
	}
	for _, name := range []string{
		"version", "seq_num", "global_seq_num", "event_type", "schema_version", "parent_audit_token", "tty", "start_time",
		"cwd", "args", "env", "script", "st_ino", "st_birthtimespec", "cdhash", "codesigning_flags", "original_ppid",
		"team_id", "image_cputype", "fds", "thread", "mach_time", "action", "is_platform_binary", "path_truncated",
	} {
		without := strings.ReplaceAll(line, `"`+name+`":`, `"x_`+name+`":`)
		if without == line {
			t.Fatalf("no %s", name)
		}
		d := new(decoder)
		if _, err := d.decode([]byte(without)); err != nil {
			t.Errorf("without %s: %v", name, err)
		}
		if d.unknownFields == 0 {
			t.Errorf("without %s: x_%s not counted", name, name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		n := 0
		for line := range bytes.Lines(b) {
			if n++; n <= 4 {
				f.Add(bytes.TrimSpace(line))
			}
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		Sniff(line)
		d := new(decoder)
		m, err := d.decode(line)
		if m == nil {
			t.Fatal("no message")
		}
		if err != nil || !m.ours() {
			return
		}
		if m.process == nil || m.time == 0 || m.kind == "fork" && m.child == nil || m.kind == "exec" && (m.exec == nil || m.exec.target.executable == nil) {
			t.Fatalf("taken, but incomplete: %+v", m)
		}
	})
}

// FuzzCapture runs whole streams: nothing in them may end the program, and what
// comes out must be consistent.
func FuzzCapture(f *testing.F) {
	for _, name := range []string{"gap", "reused", "broken-lines", "rebooted", "newer"} {
		b, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		known := map[sensor.Key]bool{}
		err := Open(bytes.NewReader(stream), CaptureOptions{}).Run(context.Background(), func(o sensor.Observation) error {
			switch o := o.(type) {
			case *sensor.Process:
				delete(known, o.Was)
				known[o.Key] = true
			case *sensor.Fork:
				if !known[o.Parent] && o.Parent.PID != 0 {
					t.Fatalf("fork by unknown %v", o.Parent)
				}
				known[o.Child] = true
			case *sensor.Exec:
				if !known[o.Key] && o.Key.PID != 0 {
					t.Fatalf("exec by unknown %v", o.Key)
				}
				if o.Image == nil || o.Image.Digest() == nil {
					t.Fatal("image without digest")
				}
				if !o.Next.IsZero() {
					delete(known, o.Key)
					known[o.Next] = true
				}
			case *sensor.Exit:
				delete(known, o.Key)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestProcArgs(t *testing.T) {
	b := []byte("\x02\x00\x00\x00/bin/sh\x00\x00\x00\x00sh\x00\x00A=1\x00B=\x00\x00ptr_munge=\x00")
	argv, env, err := parseProcArgs(b)
	if err != nil || strings.Join(argv, "|") != "sh|" || strings.Join(env, "|") != "A=1|B=" {
		t.Errorf("%q %q %v", argv, env, err)
	}
	for _, bad := range []string{"", "\x01", "\x01\x00\x00\x00", "\x01\x00\x00\x00/bin/sh", "\xff\xff\xff\xff/bin/sh\x00sh\x00"} {
		if argv, env, err := parseProcArgs([]byte(bad)); err == nil {
			t.Errorf("%q: %q %q", bad, argv, env)
		}
	}
}

func FuzzProcArgs(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00/bin/sh\x00\x00\x00\x00sh\x00-c\x00A=1\x00B=2\x00\x00ptr_munge=\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		argv, env, err := parseProcArgs(b)
		if err != nil && (argv != nil || env != nil) {
			t.Error("results with an error")
		}
	})
}
