package record

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

// names knows everybody below 2000.
type names struct{ refreshed int }

func (n *names) Refresh() { n.refreshed++ }

func (n *names) User(id uint32) string {
	if id < 2000 {
		return fmt.Sprint("u", id)
	}
	return ""
}

func (n *names) Group(id uint32) string {
	if id < 2000 {
		return fmt.Sprint("g", id)
	}
	return ""
}

func file(path string, digest ...sensor.Digest) *sensor.File {
	f := &sensor.File{
		Path: path, HasStat: true, Mode: 0o100755, UID: 0, GID: 50, BTime: 33,
		ID: sensor.Identity{Dev: 8<<8 | 1, Ino: 77, Size: 1234, MTime: 11, CTime: 22},
	}
	if len(digest) > 0 {
		f.Resolve(digest[0])
	} else {
		f.Resolve(sensor.Digest{SHA256: "sha256 of " + path})
	}
	return f
}

var user = sensor.Creds{EUID: 1000, EGID: 100, RUID: 1000, RGID: 100, SUID: 1000, SGID: 100}

func exec(path string) *sensor.Exec {
	before := user
	return &sensor.Exec{
		Time: 500, Key: sensor.Key{PID: 42, Start: 1}, ExecID: 9, Argv: []string{"a", ""}, Cwd: "/home/u",
		Env:      []string{"HOME=/home/u", "LD_PRELOAD=/tmp/x.so", "LDX=1"},
		Filename: path, Image: file(path), Before: &before, After: user,
		Session: sensor.Session{AUID: 1000, HasAUID: true, ID: 3, Leader: 40, TTY: "/dev/pts/1"},
	}
}

// past is a process that was seen being forked and runs images, oldest first.
func past(t *testing.T, images ...*sensor.Exec) lineage.Execution {
	t.Helper()
	tab := lineage.New()
	tab.Process(&sensor.Process{Key: sensor.Key{PID: 3, Start: 1}, KernelThread: true})
	tab.Fork(&sensor.Fork{Time: 100, Parent: sensor.Key{PID: 3, Start: 1}, Child: sensor.Key{PID: 42, Start: 2}})
	for n, e := range images {
		e.Time, e.Key, e.ExecID = event.Time(200+n), sensor.Key{PID: 42, Start: 2}, uint64(n+1)
		tab.Exec(e)
	}
	return tab.Exec(&sensor.Exec{
		Time: 500, Key: sensor.Key{PID: 42, Start: 2}, ExecID: uint64(len(images) + 1), Image: file("/bin/last"),
	})
}

func builder(change ...func(*Options)) *Builder {
	o := Options{Env: EnvLinker, Ancestors: Unlimited, Hashes: Hashes{SHA256: true}, Names: &names{}}
	for _, c := range change {
		c(&o)
	}
	return NewBuilder(o)
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, _ := json.MarshalIndent(got, "", " ")
		w, _ := json.MarshalIndent(want, "", " ")
		t.Errorf("%s is\n%s\nwant\n%s", what, g, w)
	}
}

func image(path string) *event.Image {
	return &event.Image{
		Path: path, HasStat: true, Mode: 0o100755, UName: "u0", GID: 50, GName: "g50",
		Size: 1234, Dev: "8:1", Ino: 77, MTime: 11, CTime: 22, BTime: 33, SHA256: "sha256 of " + path,
	}
}

func ancestor(path string, time event.Time) *event.Image {
	i := image(path)
	i.ExecTime, i.ExecPid = time, 42
	return i
}

func creds() event.Creds {
	return event.Creds{
		HasAUID: true, HasIDs: true, AUID: 1000, AUName: "u1000", EUID: 1000, EUName: "u1000",
		EGID: 100, EGName: "g100", RUID: 1000, RUName: "u1000", RGID: 100, RGName: "g100",
	}
}

func TestExec(t *testing.T) {
	x := past(t, exec("/bin/init"), exec("/bin/sh"))
	got := builder().Exec(exec("/bin/ls"), &x)
	same(t, "record", got, &event.ImageExec{
		Time: 500, Argv: []string{"a", ""}, Env: []string{"LD_PRELOAD=/tmp/x.so"}, Cwd: "/home/u",
		Image: image("/bin/ls"),
		Subject: event.Subject{
			Pid: 42, Creds: creds(), Sid: 3, Session: 40, Dev: "/dev/pts/1", ForkTime: 100, ForkPid: 3,
			Image:     ancestor("/bin/sh", 201),
			Ancestors: []*event.Image{ancestor("/bin/init", 200)},
		},
	})
}

func missing(list []event.Absence) string {
	var s []string
	for _, a := range list {
		s = append(s, fmt.Sprintf("%s: %s", a.Field, a.Reason))
	}
	return strings.Join(s, ", ")
}

// What an exec, changed in one way, does to the record.
func TestExecFields(t *testing.T) {
	script := func(files ...string) func(*sensor.Exec) {
		return func(e *sensor.Exec) {
			e.Interpreted = true
			for _, f := range files {
				e.Interpreters = append(e.Interpreters, file(f))
			}
		}
	}
	paths := func(images []*event.Image) (out []string) {
		for _, i := range images {
			out = append(out, i.Path+" "+i.SHA256)
		}
		return out
	}
	tests := []struct {
		name    string
		change  func(*sensor.Exec)
		get     func(*event.ImageExec) any
		want    any
		missing string
	}{
		{"filename is the image", func(e *sensor.Exec) {}, func(r *event.ImageExec) any { return r.Filename }, "", ""},
		{"filename is another", func(e *sensor.Exec) { e.Filename = "./ls" },
			func(r *event.ImageExec) any { return r.Filename }, "./ls", ""},
		{"filename is the script", func(e *sensor.Exec) { script("/home/u/x.sh")(e); e.Filename = "/home/u/x.sh" },
			func(r *event.ImageExec) any { return r.Filename }, "", ""},
		{"filename is not the script", func(e *sensor.Exec) { script("/home/u/x.sh")(e); e.Filename = "/dev/fd/3" },
			func(r *event.ImageExec) any { return r.Filename }, "/dev/fd/3", ""},
		{"script", script("/home/u/x.sh"), func(r *event.ImageExec) any { return *r.Script }, *image("/home/u/x.sh"), ""},
		{"script alone is no chain", script("/home/u/x.sh"),
			func(r *event.ImageExec) any { return len(r.Interpreters) }, 0, ""},
		{"chain", script("/home/u/x.sh", "/home/u/wrap"), func(r *event.ImageExec) any {
			if r.Interpreters[0] != r.Script || r.Interpreters[2] != r.Image {
				return "ends are not the script and the image"
			}
			return paths(r.Interpreters)
		}, []string{
			"/home/u/x.sh sha256 of /home/u/x.sh", "/home/u/wrap sha256 of /home/u/wrap", "/bin/ls sha256 of /bin/ls",
		}, ""},
		{"script not held", script(), func(r *event.ImageExec) any { return r.Script == nil }, true, "script: not held"},
		{"argv cut", func(e *sensor.Exec) { e.ArgvReason = event.ReasonTruncated },
			func(r *event.ImageExec) any { return r.Argv }, []string{"a", ""}, "argv: truncated"},
		{"argv unreadable", func(e *sensor.Exec) { e.Argv, e.ArgvReason = nil, event.ReasonMemory },
			func(r *event.ImageExec) any { return r.Argv == nil }, true, "argv: unreadable memory"},
		{"cwd unknown", func(e *sensor.Exec) { e.Cwd, e.CwdReason = "", event.ReasonRaced },
			func(r *event.ImageExec) any { return r.Cwd }, "", "cwd: raced"},
		{"environment unknown", func(e *sensor.Exec) { e.Env, e.EnvReason = nil, event.ReasonMemory },
			func(r *event.ImageExec) any { return r.Env == nil }, true, "env: unreadable memory"},
		{"environment cut", func(e *sensor.Exec) { e.EnvReason = event.ReasonTruncated },
			func(r *event.ImageExec) any { return r.Env }, []string{"LD_PRELOAD=/tmp/x.so"}, "env: truncated"},
		{"nothing of interest in the environment", func(e *sensor.Exec) { e.Env = []string{"A=b"} },
			func(r *event.ImageExec) any { return r.Env }, []string{}, ""},
		{"thread", func(e *sensor.Exec) { e.TID = 45 }, func(r *event.ImageExec) any { return r.Subject.Tid }, uint32(45), ""},
		{"gate", func(e *sensor.Exec) { e.Gate = &event.Gate{Level: "hash"} },
			func(r *event.ImageExec) any { return r.Gate.Level }, "hash", ""},
		{"container", func(e *sensor.Exec) { e.Container = &event.Container{ID: "c"} },
			func(r *event.ImageExec) any { return r.Container.ID }, "c", ""},
		{"no login", func(e *sensor.Exec) { e.Session = sensor.Session{AUID: sensor.NoID, ID: sensor.NoID} },
			func(r *event.ImageExec) any { return []any{r.Subject.HasAUID, r.Subject.AUName, r.Subject.Sid} },
			[]any{false, "", uint32(0)}, ""},
		{"no login said otherwise", func(e *sensor.Exec) { e.Session.AUID = sensor.NoID },
			func(r *event.ImageExec) any { return r.Subject.HasAUID }, false, ""},
		{"login as root", func(e *sensor.Exec) { e.Session.AUID = 0 },
			func(r *event.ImageExec) any { return []any{r.Subject.HasAUID, r.Subject.AUName} }, []any{true, "u0"}, ""},
		{"credentials stay", func(e *sensor.Exec) {}, func(r *event.ImageExec) any { return r.Creds == nil }, true, ""},
		{"setuid root", func(e *sensor.Exec) { e.After.EUID, e.After.SUID, e.After.Caps = 0, 0, 0x1ffffffffff },
			func(r *event.ImageExec) any { return *r.Creds }, event.Creds{
				HasIDs: true, EUName: "u0", EGID: 100, EGName: "g100", RUID: 1000, RUName: "u1000",
				RGID: 100, RGName: "g100", Caps: "1ffffffffff",
			}, ""},
		{"setgid", func(e *sensor.Exec) { e.After.EGID, e.After.SGID = 50, 50 },
			func(r *event.ImageExec) any { return r.Creds.EGName + r.Creds.Caps }, "g50", ""},
		{"saved id alone", func(e *sensor.Exec) { e.Before.SUID = 0 },
			func(r *event.ImageExec) any { return r.Creds.EUID }, uint32(1000), ""},
		{"file capabilities", func(e *sensor.Exec) { e.Before.Caps, e.After.Caps = 1, 1<<13|1 },
			func(r *event.ImageExec) any { return r.Creds.Caps }, "2001", ""},
		{"capabilities lost", func(e *sensor.Exec) { e.Before.Caps = 1 << 13 },
			func(r *event.ImageExec) any { return r.Creds == nil }, true, ""},
		{"credentials before unseen", func(e *sensor.Exec) { e.Before = nil },
			func(r *event.ImageExec) any {
				return []any{r.Creds == nil, r.Subject.HasIDs, r.Subject.HasAUID, missing(r.Subject.Missing)}
			}, []any{true, false, true, "euid: unseen, egid: unseen, ruid: unseen, rgid: unseen"}, "creds: unseen"},
		{"a stranger has no name", func(e *sensor.Exec) { e.Before.EUID = 5000; e.After.EUID = 5000 },
			func(r *event.ImageExec) any { return r.Subject.EUName }, "", ""},
		{"path unknown", func(e *sensor.Exec) { e.Image.Path, e.Image.PathReason = "", event.ReasonTruncated },
			func(r *event.ImageExec) any { return missing(r.Image.Missing) }, "path: truncated", ""},
		{"deleted, unreachable, memfd", func(e *sensor.Exec) { e.Image.Deleted, e.Image.Unreachable, e.Image.Memfd = true, true, "sealed" },
			func(r *event.ImageExec) any { return []any{r.Image.Deleted, r.Image.Unreachable, r.Image.Memfd} }, []any{true, true, "sealed"}, ""},
		{"no stat", func(e *sensor.Exec) { e.Image.HasStat = false },
			func(r *event.ImageExec) any { return []any{r.Image.HasStat, r.Image.Dev, missing(r.Image.Missing)} },
			[]any{false, "", "mode: unseen, uid: unseen, gid: unseen, size: unseen"}, ""},
		{"no hash", func(e *sensor.Exec) { e.Image = file("/bin/ls", sensor.Digest{Reason: event.ReasonModified}) },
			func(r *event.ImageExec) any { return missing(r.Image.Missing) + r.Image.SHA256 }, "sha256: modified", ""},
		{"hash not ready", func(e *sensor.Exec) { e.Image = &sensor.File{HasStat: true, Path: "/bin/ls"} },
			func(r *event.ImageExec) any { return missing(r.Image.Missing) }, "sha256: timeout", ""},
		{"hash not wanted", func(e *sensor.Exec) { e.Image = file("/bin/ls", sensor.Digest{}) },
			func(r *event.ImageExec) any { return missing(r.Image.Missing) }, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := exec("/bin/ls")
			tt.change(e)
			x := past(t, exec("/bin/sh"))
			r := builder().Exec(e, &x)
			if got := tt.get(r); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %#v, want %#v", got, tt.want)
			}
			if got := missing(r.Missing); got != tt.missing {
				t.Errorf("missing %q, want %q", got, tt.missing)
			}
			if r.Reconstructed || r.Subject.Reconstructed || r.AtStart {
				t.Error("marked as reconstructed")
			}
		})
	}
}

func TestHashes(t *testing.T) {
	for want, h := range map[string]Hashes{
		"":                                    {},
		"sha1: gone, md5: gone":               {SHA1: true, MD5: true},
		"sha256: gone, sha1: gone, md5: gone": {SHA256: true, SHA1: true, MD5: true},
	} {
		e, x := exec("/bin/ls"), past(t, exec("/bin/sh"))
		e.Image = file("/bin/ls", sensor.Digest{Reason: event.ReasonGone})
		r := builder(func(o *Options) { o.Hashes = h }).Exec(e, &x)
		if got := missing(r.Image.Missing); got != want {
			t.Errorf("%+v: missing %q, want %q", h, got, want)
		}
	}
	e, x := exec("/bin/ls"), past(t, exec("/bin/sh"))
	e.Image = file("/bin/ls", sensor.Digest{SHA256: "a", SHA1: "b", MD5: "c"})
	i := builder(func(o *Options) { o.Hashes = Hashes{true, true, true} }).Exec(e, &x).Image
	if i.SHA256 != "a" || i.SHA1 != "b" || i.MD5 != "c" || i.Missing != nil {
		t.Errorf("%+v", i)
	}
}

func TestEnvironment(t *testing.T) {
	env := []string{
		"LD_PRELOAD=x", "LD_=", "DYLD_INSERT_LIBRARIES=x", "GLIBC_TUNABLES=x", "GCONV_PATH=x",
		"PATH=/bin", "LD_PRELOAD", "ld_preload=x", "GLIBC_TUNABLES2=x", "XLD_PRELOAD=x", "", "L", "=LD_PRELOAD",
	}
	for level, want := range map[Env][]string{EnvNone: nil, EnvLinker: env[:5], EnvFull: env} {
		e, x := exec("/bin/ls"), past(t, exec("/bin/sh"))
		e.Env = env
		b := builder(func(o *Options) { o.Env = level })
		for range 2 { // a Builder is used again
			if got := b.Exec(e, &x).Env; !slices.Equal(got, want) || (got == nil) != (want == nil) {
				t.Errorf("level %d: %q, want %q", level, got, want)
			}
		}
		e.Env, e.EnvReason = nil, event.ReasonMemory
		r := b.Exec(e, &x)
		if wantMissing := level != EnvNone; (missing(r.Missing) != "") != wantMissing || r.Env != nil {
			t.Errorf("level %d: environment %q, missing %q", level, r.Env, missing(r.Missing))
		}
	}
}

func TestPast(t *testing.T) {
	script, unheld := exec("/bin/sh"), exec("/bin/perl")
	script.Interpreted, script.Interpreters = true, []*sensor.File{file("/home/u/x.sh"), file("/home/u/wrap")}
	unheld.Interpreted = true
	x := past(t, exec("/bin/a"), unheld, script, exec("/bin/b"))
	s := builder().Exec(exec("/bin/ls"), &x).Subject
	same(t, "image", s.Image, ancestor("/bin/b", 203))
	sh, perl := ancestor("/bin/sh", 202), ancestor("/bin/perl", 201)
	sh.Script = image("/home/u/x.sh")
	perl.Missing = []event.Absence{{Field: "script", Reason: event.ReasonNotHeld}}
	same(t, "ancestors", s.Ancestors, []*event.Image{sh, perl, ancestor("/bin/a", 200)})

	for n, want := range map[int][2]int{0: {0, 3}, 1: {1, 2}, 3: {3, 0}, 9: {3, 0}, Unlimited: {3, 0}} {
		s := builder(func(o *Options) { o.Ancestors = n }).Exec(exec("/bin/ls"), &x).Subject
		if len(s.Ancestors) != want[0] || s.AncestorsOmitted != want[1] {
			t.Errorf("limit %d: %d ancestors, %d omitted, want %v", n, len(s.Ancestors), s.AncestorsOmitted, want)
		}
	}
}

func TestPastWithoutEnd(t *testing.T) {
	tab := lineage.New()
	k := sensor.Key{PID: 42, Start: 2}
	tab.Process(&sensor.Process{Key: sensor.Key{PID: 3, Start: 1}, KernelThread: true})
	tab.Fork(&sensor.Fork{Time: 100, Parent: sensor.Key{PID: 3, Start: 1}, Child: k})
	var x lineage.Execution
	const execs = 1000
	for n := range execs {
		x = tab.Exec(&sensor.Exec{Time: event.Time(n + 1), Key: k, ExecID: uint64(n + 1), Image: file("/bin/sh")})
	}
	s := builder().Exec(exec("/bin/ls"), &x).Subject
	// the subject's own image and the new one are not ancestors
	if got := len(s.Ancestors) + s.AncestorsOmitted; got != execs-2 || s.AncestorsOmitted == 0 {
		t.Errorf("%d ancestors, %d omitted, want %d together", len(s.Ancestors), s.AncestorsOmitted, execs-2)
	}
}

func TestUnknownPast(t *testing.T) {
	found := func(pid uint32, path string) *sensor.Process {
		return &sensor.Process{
			Time: 10, Key: sensor.Key{PID: pid, Start: uint64(pid)}, ExecID: 1, Start: event.Time(pid), Image: file(path),
		}
	}
	call := func(tab *lineage.Table, pid uint32, id uint64) lineage.Execution {
		return tab.Exec(&sensor.Exec{Time: 50, Key: sensor.Key{PID: pid, Start: uint64(pid)}, ExecID: id, Image: file("/bin/x")})
	}
	fork := func(tab *lineage.Table, parent, child uint32) {
		tab.Fork(&sensor.Fork{
			Time: 20, Parent: sensor.Key{PID: parent, Start: uint64(parent)},
			Child: sensor.Key{PID: child, Start: uint64(child)}, ExecID: 1,
		})
	}
	known := func(path string) *event.Image {
		i := image(path)
		i.Reconstructed = true
		i.Missing = []event.Absence{{Field: "script", Reason: event.ReasonRunning}}
		return i
	}
	lost := &event.Image{Reconstructed: true, Missing: []event.Absence{{Field: "path", Reason: event.ReasonLost}}}
	tests := []struct {
		name string
		do   func(*lineage.Table) lineage.Execution
		want event.Subject
	}{
		{"nothing known", func(tab *lineage.Table) lineage.Execution {
			return call(tab, 7, 2)
		}, event.Subject{Pid: 7, Reconstructed: true, Missing: []event.Absence{
			{Field: "fork_time", Reason: event.ReasonRunning}, {Field: "fork_pid", Reason: event.ReasonRunning},
			{Field: "image", Reason: event.ReasonRunning}, {Field: "ancestors", Reason: event.ReasonRunning},
		}}},
		{"found running", func(tab *lineage.Table) lineage.Execution {
			tab.Process(found(7, "/bin/sh"))
			return call(tab, 7, 2)
		}, event.Subject{Pid: 7, Reconstructed: true, ForkTime: 7, Image: known("/bin/sh"), Missing: []event.Absence{
			{Field: "fork_pid", Reason: event.ReasonRunning},
		}}},
		{"forked from one found running", func(tab *lineage.Table) lineage.Execution {
			tab.Process(found(7, "/bin/sh"))
			fork(tab, 7, 8)
			return call(tab, 8, 2)
		}, event.Subject{Pid: 8, Reconstructed: true, ForkTime: 20, ForkPid: 7, Image: known("/bin/sh")}},
		{"exec lost", func(tab *lineage.Table) lineage.Execution {
			tab.Process(found(7, "/bin/sh"))
			fork(tab, 7, 8)
			return call(tab, 8, 4)
		}, event.Subject{
			Pid: 8, Reconstructed: true, ForkTime: 20, ForkPid: 7, Ancestors: []*event.Image{lost, known("/bin/sh")},
			Missing: []event.Absence{{Field: "image", Reason: event.ReasonLost}},
		}},
		{"kernel thread", func(tab *lineage.Table) lineage.Execution {
			p := found(7, "")
			p.KernelThread, p.Image, p.ExecID = true, nil, 1
			tab.Process(p)
			fork(tab, 7, 8)
			return call(tab, 8, 2)
		}, event.Subject{Pid: 8, Reconstructed: true, ForkTime: 20, ForkPid: 7, Missing: []event.Absence{
			{Field: "image", Reason: event.ReasonKernelThread},
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := tt.do(lineage.New())
			r := builder().Exec(exec("/bin/x"), &x)
			got := r.Subject
			got.Creds, got.Sid, got.Session, got.Dev = event.Creds{}, 0, 0, ""
			same(t, "subject", got, tt.want)
			if r.Reconstructed {
				t.Error("the record itself is marked")
			}
		})
	}
	// What is not shown marks nothing.
	tab := lineage.New()
	tab.Process(found(7, "/bin/sh"))
	fork(tab, 7, 8)
	call(tab, 8, 2)
	x := call(tab, 8, 3)
	if builder(func(o *Options) { o.Ancestors = 0 }).Exec(exec("/bin/x"), &x).Subject.Reconstructed {
		t.Error("marked because of an ancestor that is left out")
	}
	if !builder().Exec(exec("/bin/x"), &x).Subject.Reconstructed {
		t.Error("not marked though an ancestor is reconstructed")
	}
}

func TestProcess(t *testing.T) {
	tab := lineage.New()
	first := &sensor.Process{Time: 10, Key: sensor.Key{PID: 1, Start: 1}, ExecID: 1, Start: 1, Image: file("/sbin/init")}
	p := &sensor.Process{
		Time: 11, Key: sensor.Key{PID: 7, Start: 5}, Parent: first.Key, ExecID: 3, Start: 5, Image: file("/bin/sh"),
		Argv: []string{"sh"}, Env: []string{"A=b"}, Cwd: "/", Creds: user,
		Session: sensor.Session{AUID: 1000, HasAUID: true, ID: 3, Leader: 40, TTY: "/dev/pts/1"},
	}
	tab.Process(first)
	tab.Process(p)
	x, ok := tab.Running(p)
	if !ok {
		t.Fatal("not known")
	}
	above := image("/sbin/init")
	above.Reconstructed = true
	above.Missing = []event.Absence{{Field: "script", Reason: event.ReasonRunning}}
	same(t, "record", builder().Process(p, &x), &event.ImageExec{
		Time: 11, Reconstructed: true, AtStart: true, Argv: []string{"sh"}, Env: []string{}, Cwd: "/",
		Image: image("/bin/sh"),
		Subject: event.Subject{
			Pid: 7, Reconstructed: true, Creds: creds(), Sid: 3, Session: 40, Dev: "/dev/pts/1", ForkTime: 5,
			Ancestors: []*event.Image{above},
			Missing: []event.Absence{
				{Field: "fork_pid", Reason: event.ReasonRunning}, {Field: "image", Reason: event.ReasonRunning},
			},
		},
		Missing: []event.Absence{{Field: "script", Reason: event.ReasonRunning}},
	})

	p = &sensor.Process{Key: sensor.Key{PID: 9, Start: 9}, KernelThread: true}
	tab.Process(p)
	x, _ = tab.Running(p)
	if r := builder().Process(p, &x); missing(r.Missing) != "image: kernel thread" || r.Image != nil {
		t.Errorf("kernel thread: image %v, missing %q", r.Image, missing(r.Missing))
	}
	p = &sensor.Process{Key: sensor.Key{PID: 10, Start: 10}}
	tab.Process(p)
	x, _ = tab.Running(p)
	want := "argv: not recorded, env: not recorded, cwd: not recorded, image: raced"
	if r := builder().Process(p, &x); missing(r.Missing) != want {
		t.Errorf("missing %q, want %q", missing(r.Missing), want)
	}
}

func TestAppendFiles(t *testing.T) {
	pending := func(path string) *sensor.File { return &sensor.File{Path: path} }
	one, two := exec(""), exec("")
	one.Image = pending("one")
	two.Image, two.Interpreters = pending("two"), []*sensor.File{pending("script"), pending("not shown")}
	known := exec("/bin/known")
	x := past(t, one, two, known)
	e := exec("")
	e.Image, e.Interpreters = pending("image"), []*sensor.File{pending("x.sh"), file("/known"), pending("wrap")}
	for n, want := range map[int]string{
		Unlimited: "image x.sh wrap two script one", 2: "image x.sh wrap two script one",
		1: "image x.sh wrap two script", 0: "image x.sh wrap",
	} {
		b := builder(func(o *Options) { o.Ancestors = n })
		var got []string
		for _, f := range b.AppendFiles(nil, e, &x) {
			got = append(got, f.Path)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("limit %d: %q, want %q", n, s, want)
		}
	}
	if got := builder().AppendProcessFiles(nil, &sensor.Process{Image: one.Image}, &x); len(got) != 4 {
		t.Errorf("%d files of a process, want 4", len(got))
	}
}

func TestDevice(t *testing.T) {
	for dev, want := range map[uint64]string{
		0: "0:0", 8<<8 | 1: "8:1", 0xff: "0:255", 1 << 20: "0:256", 0xfff << 8: "4095:0",
		1 << 44: "4096:0", ^uint64(0): "4294967295:4294967295",
	} {
		if got := linuxDevice(dev); got != want {
			t.Errorf("device %#x is %s, want %s", dev, got, want)
		}
	}
	b := builder(func(o *Options) { o.Device = func(d uint64) string { return fmt.Sprint("d", d) } })
	for d := range uint64(3 * maxDevices) {
		if got, want := b.device(d), fmt.Sprint("d", d); got != want {
			t.Fatalf("device is %s, want %s", got, want)
		}
	}
	if len(b.devices) > maxDevices {
		t.Errorf("%d devices are cached", len(b.devices))
	}
}

func TestNamesAreOptional(t *testing.T) {
	e, x := exec("/bin/ls"), past(t, exec("/bin/sh"))
	r := builder(func(o *Options) { o.Names = nil }).Exec(e, &x)
	if r.Image.UName != "" || r.Subject.EUName != "" || !r.Subject.HasIDs {
		t.Errorf("%+v", r)
	}
	n := new(names)
	b := builder(func(o *Options) { o.Names = n })
	for range 3 {
		b.Exec(e, &x)
	}
	if n.refreshed != 3 {
		t.Errorf("refreshed %d times, want 3", n.refreshed)
	}
}

// A Builder's records do not depend on what it built before, and once it has
// grown it allocates nothing.
func TestBuilderIsReused(t *testing.T) {
	small, big := exec("/bin/ls"), exec("/bin/big")
	big.Interpreted, big.Interpreters = true, []*sensor.File{file("/a"), file("/b"), file("/c")}
	big.ArgvReason, big.Before = event.ReasonTruncated, nil
	big.Image = file("/bin/big", sensor.Digest{Reason: event.ReasonGone})
	short, long := past(t, exec("/bin/sh")), past(t, exec("/1"), exec("/2"), exec("/3"), exec("/4"), exec("/5"))
	want, err := json.Marshal(builder().Exec(small, &short))
	if err != nil {
		t.Fatal(err)
	}
	b := builder()
	for range 3 {
		b.Exec(big, &long)
		got, err := json.Marshal(b.Exec(small, &short))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatalf("record is\n%s\nwant\n%s", got, want)
		}
	}
	b = builder(func(o *Options) { o.Names = nil })
	b.Exec(big, &long)
	if n := testing.AllocsPerRun(100, func() { b.Exec(big, &long); b.Exec(small, &short) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
