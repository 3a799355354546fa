package record

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

// names knows everybody below 2000, and one it must not be asked for.
type names struct{ refreshed int }

func (n *names) Refresh() { n.refreshed++ }

func (n *names) User(id uint32) string {
	if id < 2000 || id == sensor.NoID {
		return fmt.Sprint("u", id)
	}
	return ""
}

func (n *names) Group(id uint32) string {
	if id < 2000 || id == sensor.NoID {
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

func missing(list []event.Absence) string {
	var s []string
	for _, a := range list {
		s = append(s, fmt.Sprintf("%s: %s", a.Field, a.Reason))
	}
	return strings.Join(s, ", ")
}
