package record

import (
	"reflect"
	"testing"

	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

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
		{"no id has no name", func(e *sensor.Exec) { e.Image.UID, e.Image.GID = sensor.NoID, sensor.NoID },
			func(r *event.ImageExec) any { return r.Image.UName + r.Image.GName }, "", ""},
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
