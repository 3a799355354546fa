package macos

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

var update = flag.Bool("update", false, "write testdata anew from the scenarios")

// scenarios are the streams in testdata. Each is written by the simulated
// machine and read back from the file, so that a change of either is seen.
var scenarios = map[string]func() *sim{
	"script": func() *sim {
		s := newSim(8)
		sh := s.old(s.boot(), system("/bin/zsh"))
		sh.tty, sh.auid, sh.uid, sh.euid = "/dev/ttys002", 501, 501, 501
		c := s.fork(sh)
		script := tool("/Users/u/hello.sh")
		s.exec(c, system("/bin/sh"), simExec{args: []any{"/bin/sh", "-e", "./hello.sh", ""}, script: &script})
		s.exec(c, system("/bin/bash"), simExec{args: []any{"sh", "./hello.sh"}})
		s.exit(c, 0)
		return s
	},
	"setuid": func() *sim {
		s := newSim(7)
		sh := s.old(s.boot(), system("/bin/zsh"))
		sh.auid, sh.uid, sh.euid = 501, 501, 501
		c := s.fork(sh)
		su := system("/usr/bin/su")
		su.mode = 0o104755
		root := uint32(0)
		s.exec(c, su, simExec{args: []any{"su", "-"}, uid: &root})
		s.exit(c, 256)
		return s
	},
	"double-fork": func() *sim {
		s := newSim(10)
		init := s.boot()
		sh := s.old(init, system("/bin/zsh"))
		middle := s.fork(sh)
		s.exec(middle, tool("/Users/u/daemonize"), simExec{})
		daemon := s.fork(middle)
		s.exit(middle, 0)
		reparent(init, daemon)
		s.exec(daemon, tool("/Users/u/daemon"), simExec{})
		return s
	},
	// As double-fork, but begun after the forks: only the pid of the forker is told.
	"reparented": func() *sim {
		s := newSim(10)
		init := s.boot()
		sh := s.old(init, system("/bin/zsh"))
		sh.dead = true
		orphan := s.old(sh, tool("/Users/u/orphan"))
		reparent(init, orphan)
		s.exec(orphan, tool("/Users/u/daemon"), simExec{})
		return s
	},
	"xpcproxy": func() *sim {
		s := newSim(10)
		c := s.fork(s.boot())
		s.exec(c, system("/usr/libexec/xpcproxy"), simExec{args: []any{"xpcproxy", "org.example.agent"}})
		devid := tool("/Applications/Example.app/Contents/MacOS/Example")
		devid.flags, devid.category, devid.team, devid.ident = 0x22010311, categoryDeveloperID, "EXAMPLE123", "org.example.app"
		s.exec(c, devid, simExec{})
		s.exit(c, 9)
		return s
	},
	"deleted": func() *sim {
		s := newSim(6)
		c := s.fork(s.boot())
		f := tool("/private/tmp/.x")
		f.nlink = 0
		s.exec(c, f, simExec{})
		return s
	},
	"not-utf8": func() *sim {
		s := newSim(6)
		c := s.fork(s.boot())
		s.exec(c, tool("/Volumes/DOS/caf\xe9"), simExec{args: []any{raw("caf\xe9"), raw("a\x01\"b\\"), "日本"}})
		s.exec(c, tool("/Volumes/DOS/caf\uFFFD"), simExec{args: []any{"\uFFFD"}, env: []any{"X=\uFFFD"}})
		return s
	},
	"array-tokens": func() *sim {
		s := newSim(9)
		s.arrays = true
		c := s.fork(s.boot())
		s.exec(c, system("/usr/bin/true"), simExec{})
		s.exit(c, 0)
		return s
	},
	"newer": func() *sim {
		s := newSim(12)
		c := s.fork(s.boot())
		s.exec(c, system("/usr/bin/true"), simExec{extra: obj{"quantum_state": []any{1, obj{"a": nil}}, "last_fd": "many", "env": 7}})
		s.emit(10, c, obj{"open": obj{"fflag": 1}})
		s.emit(999, c, obj{"teleport": obj{}})
		s.exit(c, 0)
		return s
	},
	// The exec of one process and the fork of another are lost.
	"gap": func() *sim {
		s := newSim(10)
		init := s.boot()
		sh := s.old(init, system("/bin/zsh"))
		a := s.fork(sh)
		s.exec(a, tool("/usr/local/bin/a"), simExec{})
		s.drop(2)
		s.exec(a, tool("/usr/local/bin/b"), simExec{})
		b := s.fork(sh)
		s.exec(a, tool("/usr/local/bin/c"), simExec{})
		s.exec(b, tool("/usr/local/bin/d"), simExec{})
		s.exit(a, 0)
		s.exit(b, 0)
		return s
	},
	// The same pid, twice, with the exit of the first one lost.
	"reused": func() *sim {
		s := newSim(10)
		init := s.boot()
		a := s.fork(init)
		s.exec(a, tool("/usr/local/bin/a"), simExec{})
		s.drop(1)
		s.exit(a, 0)
		s.pids--
		b := s.fork(init)
		s.exec(b, tool("/usr/local/bin/b"), simExec{})
		return s
	},
	"broken-lines": func() *sim {
		s := newSim(10)
		init := s.boot()
		s.line("Password:")
		c := s.fork(init)
		s.line("")
		s.exec(c, tool("/usr/local/bin/a"), simExec{})
		s.exec(c, tool("/usr/local/bin/b"), simExec{extra: obj{"target": nil}})
		s.exec(c, tool("/usr/local/bin/c"), simExec{})
		at := s.out.Len()
		s.exit(c, 0)
		s.out.Truncate(at + (s.out.Len()-at)/2) // cut off in the middle of the last line
		return s
	},
	// Two recordings in one file, with the machine started anew in between.
	"rebooted": func() *sim {
		s := newSim(10)
		c := s.fork(s.boot())
		s.exec(c, tool("/usr/local/bin/a"), simExec{})
		t := newSim(10)
		t.clock, t.mach = s.clock.Add(time.Hour), 1<<20
		t.out = s.out
		c = t.fork(t.boot())
		t.exec(c, tool("/usr/local/bin/b"), simExec{})
		return t
	},
	"storm": func() *sim {
		s := newSim(11)
		init := s.boot()
		all := []*simProcess{init}
		for range 25 {
			p := all[s.rnd.IntN(len(all))]
			c := s.fork(p)
			all = append(all, c)
			if s.rnd.IntN(3) == 0 {
				s.exec(c, tool("/usr/local/bin/storm"), simExec{})
			}
		}
		for _, p := range all[1:] {
			s.exit(p, 0)
		}
		return s
	},
	"no-stat": func() *sim {
		s := newSim(6)
		c := s.fork(s.boot())
		f := tool("/usr/local/bin/a")
		f.noStat = true
		s.exec(c, f, simExec{cwd: obj{"path": "/cut/of", "path_truncated": true}})
		f = tool("/" + strings.Repeat("long", 10))
		f.cut = true
		s.exec(c, f, simExec{extra: obj{"args": nil}, cwd: 5})
		return s
	},
	// A process whose image became invalid, one that is debugged, one unsigned.
	"signatures": func() *sim {
		s := newSim(10)
		c := s.fork(s.boot())
		for _, f := range []struct {
			flags    uint32
			platform bool
			category int
		}{
			{0, false, categoryNone}, {csSigned, false, 0}, {csSigned | csDebugged, false, 0},
			{csSigned | csValid, false, categoryAppStore}, {csSigned | csValid, false, categoryTestFlight},
			{csSigned | csValid, false, categoryLocal}, {csSigned | csValid, false, 77}, {csSigned | csValid | csAdhoc, false, 0},
		} {
			x := tool("/usr/local/bin/signed")
			x.flags, x.platform, x.category = f.flags, f.platform, f.category
			s.exec(c, x, simExec{})
		}
		s.version = 9
		for _, flags := range []uint32{csSigned | csValid, csSigned | csValid | csAdhoc} {
			x := tool("/usr/local/bin/signed")
			x.flags = flags
			s.exec(c, x, simExec{})
		}
		x := system("/usr/bin/signed")
		x.flags = 0x22013b11
		s.exec(c, x, simExec{})
		return s
	},
}

func TestFixtures(t *testing.T) {
	for name, scenario := range scenarios {
		t.Run(name, func(t *testing.T) {
			in := filepath.Join("testdata", name+".jsonl")
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				write(t, in, scenario().out.Bytes())
			}
			got, stats := replay(t, in)
			got += fmt.Sprintf("%+v\n", stats)
			if *update {
				write(t, golden, []byte(got))
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// TestRecordings reads recordings of real machines: those in the directory that
// XNUMON_RECORDINGS names. Nothing in them may be unreadable.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(os.Getenv("XNUMON_RECORDINGS"), "*.jsonl"))
	if err != nil || os.Getenv("XNUMON_RECORDINGS") == "" {
		files = nil
	}
	for _, name := range files {
		got, stats := replay(t, name)
		t.Logf("%s: %+v\n%s", name, stats, got)
		if stats.Unreadable > 0 {
			t.Errorf("%s: %d lines cannot be read", name, stats.Unreadable)
		}
	}
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func replay(t *testing.T, name string) (string, Stats) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	c := Open(f, CaptureOptions{Warn: func(n uint64, err error) { t.Logf("line %d: %v", n, err) }})
	defer c.Close()
	var out bytes.Buffer
	if err := c.Run(context.Background(), func(o sensor.Observation) error {
		show(&out, o)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out.String(), c.Stats()
}

// show writes an observation so that a person can check it.
func show(out *bytes.Buffer, o sensor.Observation) {
	key := func(k sensor.Key) string {
		switch {
		case k.Start&provisional != 0:
			return fmt.Sprintf("%d?%d", k.PID, k.Start&^provisional)
		case k.IsZero():
			return "-"
		}
		return fmt.Sprintf("%d.%d", k.PID, k.Start)
	}
	at := func(t event.Time) string {
		if t == 0 {
			return "-"
		}
		return time.Unix(0, int64(t)).UTC().Format("15:04:05.000000000")
	}
	p := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	file := func(label string, f *sensor.File) {
		if f == nil {
			p("  %s: none\n", label)
			return
		}
		p("  %s: %q%s ref=%d", label, f.Path, reason(f.PathReason), f.Ref)
		if f.HasStat {
			p(" dev=%d:%d ino=%d mode=%o uid=%d gid=%d size=%d mtime=%s ctime=%s btime=%s",
				f.ID.Dev>>8&0xfff, f.ID.Dev&0xff|f.ID.Dev>>12&^0xff, f.ID.Ino, f.Mode, f.UID, f.GID, f.ID.Size,
				at(f.ID.MTime), at(f.ID.CTime), at(f.BTime))
		}
		if f.Deleted {
			p(" deleted")
		}
		if d := f.Digest(); d != nil {
			p(" digest%s", reason(d.Reason))
		} else {
			p(" digest=later")
		}
		p("\n")
		if s := f.Signature; s != nil {
			p("    signature: %q%s origin=%q cdhash=%s ident=%q teamid=%q\n",
				s.Status, reason(s.StatusReason), s.Origin, s.CDHash, s.Ident, s.TeamID)
		}
	}
	login := func(s sensor.Session) {
		p("  session: auid=%d %v sid=%d leader=%d tty=%q\n", int32(s.AUID), s.HasAUID, s.ID, s.Leader, s.TTY)
	}
	switch o := o.(type) {
	case *sensor.Fork:
		p("fork %s -> %s at %s\n", key(o.Parent), key(o.Child), at(o.Time))
	case *sensor.Exit:
		p("exit %s at %s\n", key(o.Key), at(o.Time))
	case *sensor.Lost:
		p("lost %d from %s between %s and %s\n", o.Count, o.Source, at(o.Since), at(o.Until))
		if o.Lineage {
			p("  of processes unknown\n")
		}
	case *sensor.Process:
		p("process %s was %s parent %s forked by %d started %s at %s\n", key(o.Key), key(o.Was), key(o.Parent), o.ForkPID, at(o.Start), at(o.Time))
		file("image", o.Image)
		p("  creds: %+v\n", o.Creds)
		login(o.Session)
		if o.Argv != nil || o.Env != nil {
			p("  argv: %q env: %q\n", o.Argv, o.Env)
		}
	case *sensor.Exec:
		p("exec %s -> %s parent %s at %s\n", key(o.Key), key(o.Next), key(o.Parent), at(o.Time))
		p("  argv: %q%s env: %q%s cwd: %q%s filename: %q\n",
			o.Argv, reason(o.ArgvReason), o.Env, reason(o.EnvReason), o.Cwd, reason(o.CwdReason), o.Filename)
		file("image", o.Image)
		if o.Interpreted {
			for _, f := range o.Interpreters {
				file("script", f)
			}
		}
		p("  before: %+v\n  after: %+v\n", *o.Before, o.After)
		login(o.Session)
	}
}

func reason(r event.Reason) string {
	if r == "" {
		return ""
	}
	return " (" + string(r) + ")"
}

func TestDevice(t *testing.T) {
	// 1:17, as stat(2) on Linux writes it, and one with a large minor.
	if d := device(16777233); d != 1<<8|17 {
		t.Errorf("got %#x", d)
	}
	if d := device(0x0f123456); d != 0x0f<<8|0x56|0x123400<<12 {
		t.Errorf("got %#x", d)
	}
}

func TestSniff(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !Sniff(b) || len(b) > 1<<16 && !Sniff(b[:1<<16]) {
			t.Errorf("%s: not recognised", name)
		}
		for line := range bytes.Lines(b) {
			if !bytes.HasPrefix(line, []byte("{")) || !bytes.HasSuffix(line, []byte("\n")) {
				continue
			}
			if !Sniff(line) {
				t.Fatalf("%s: not recognised: %s", name, line)
			}
			if cut := line[:len(line)/2]; !Sniff(cut) {
				t.Errorf("%s: not recognised: %s", name, cut)
			}
		}
	}
	for _, other := range []string{
		"", "{}", "[]", "null", "\x7fELF", "#!/bin/sh", `{"version":8,"time":"2026-11-22T21:49:01Z","eventcode":2,"image":{}}`,
		`{"event":{"kind":"x"},"process":{"pid":1}}`, `{"time":1,"process":{"name":"x"}}`, hex.EncodeToString(make([]byte, 99)),
	} {
		if Sniff([]byte(other)) {
			t.Errorf("taken for eslogger's: %s", other)
		}
	}
}
