package encode

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xnumon/event"
)

var update = flag.Bool("update", false, "write the golden files")

// at is a moment of the day that the samples happen on.
func at(s string) event.Time {
	t, err := time.Parse(time.RFC3339Nano, "2026-11-22T"+s+"Z")
	if err != nil {
		panic(err)
	}
	return event.Time(t.UnixNano())
}

func digest(c string) string { return strings.Repeat(c, 64) }

func file(path string) *event.Image {
	return &event.Image{
		Path: path, HasStat: true, Mode: 0o100755, UName: "root", GName: "root", Size: 125640,
		Dev: "8:1", Ino: 1<<53 + 1, MTime: at("10:00:00.5"), CTime: at("10:00:01"), BTime: at("09:59:59.000000001"),
		SHA256: digest("a"),
	}
}

func earlier(path string, pid uint32) *event.Image {
	return &event.Image{Path: path, ExecTime: at("20:00:00"), ExecPid: pid, SHA256: digest("b")}
}

func user(name string, id uint32) event.Creds {
	return event.Creds{
		HasAUID: true, AUID: id, AUName: name, HasIDs: true, EUID: id, EUName: name, EGID: id, EGName: name,
		RUID: id, RUName: name, RGID: id, RGName: name,
	}
}

func shell(pid uint32, depth int) event.Subject {
	s := event.Subject{
		Pid: pid, Creds: user("u", 1000), Sid: 3, Session: 4000, Dev: "/dev/pts/1",
		ForkTime: at("21:49:01.12"), ForkPid: 4200, Image: earlier("/usr/bin/bash", 4200),
	}
	for i := range depth {
		s.Ancestors = append(s.Ancestors, earlier("/usr/sbin/sshd", 4100-uint32(i)))
	}
	return s
}

type sample struct {
	name string
	exec *event.ImageExec
	loss *event.Loss
	ops  *event.Ops
	stat *event.Stats
}

func samples() []sample {
	script := file("/home/u/hello.sh")
	script.UID, script.UName, script.GID, script.GName = 1000, "u", 1000, "u"
	scriptedParent := shell(4243, 3)
	scriptedParent.Image = earlier("/usr/bin/dash", 4242)
	scriptedParent.Image.Script = &event.Image{Path: "/home/u/hello.sh", SHA256: digest("c")}
	chain := []*event.Image{script, file("/opt/interp.sh"), file("/usr/bin/dash")}
	unhashed := file("/tmp/.x/dropper")
	unhashed.SHA256, unhashed.Deleted = "", true
	unhashed.Missing = []event.Absence{{Field: "sha256", Reason: event.ReasonModified}}
	memfd := file("/memfd:payload")
	memfd.Memfd, memfd.Deleted = "unsealed", true
	setuid := file("/usr/bin/sudo")
	setuid.Mode = 0o104755
	root := user("root", 0)
	root.HasAUID = false
	lookedUp := shell(880, 1)
	lookedUp.Reconstructed, lookedUp.Image.Reconstructed = true, true
	lookedUp.Image.ExecTime, lookedUp.Image.ExecPid = 0, 0

	return []sample{
		{name: "plain", exec: &event.ImageExec{
			Time: at("21:49:01.123456789"), Argv: []string{"ls", "-l", "/tmp/a b"}, Cwd: "/home/u",
			Image: file("/usr/bin/ls"), Gate: &event.Gate{Level: "hash", Outcome: event.GateKnown}, Subject: shell(4242, 7),
		}},
		{name: "script", exec: &event.ImageExec{
			Time: at("21:49:01.2"), Argv: []string{"/bin/sh", "./hello.sh"}, Env: []string{"LD_PRELOAD=/tmp/x.so"}, Cwd: "/home/u",
			Filename: "./hello.sh", Image: file("/usr/bin/dash"), Script: script, Subject: shell(4242, 7),
		}},
		{name: "chain", exec: &event.ImageExec{
			Time: at("21:49:01.201"), Argv: []string{"/bin/sh", "/opt/interp.sh", "./hello.sh"},
			Image: chain[2], Script: chain[0], Interpreters: chain, Subject: scriptedParent,
		}},
		{name: "no bytes to hash", exec: &event.ImageExec{
			Time: at("21:49:02"), Argv: []string{}, Env: []string{}, Image: unhashed, Subject: shell(4300, 0),
			Gate: &event.Gate{Level: "hash", Outcome: event.GateDeadline, Held: 2_000_000_000},
		}},
		{name: "memfd", exec: &event.ImageExec{
			Time: at("21:49:02.000000001"), Argv: []string{""}, Filename: "/dev/fd/3", Image: memfd, Subject: shell(4301, 1),
		}},
		{name: "setuid", exec: &event.ImageExec{
			Time: at("21:49:03"), Argv: []string{"sudo", "-i"}, Image: setuid, Creds: &root, Subject: shell(4302, 7),
		}},
		{name: "forged", exec: &event.ImageExec{
			Time:  at("21:49:04"),
			Argv:  []string{"x\n21:49:05.000    1 root", "\x1b[2K\x1b[1A", `"},{"`, "it's", "[not hashed:", "\u009b31m", "\u202egpj.exe", "a\\x41\xff", "日本語", "e\u0301"},
			Image: file("/tmp/\xffa\nb"), Cwd: "/tmp/\xe2\x28\xa1", Subject: shell(4303, 7),
		}},
		{name: "container", exec: &event.ImageExec{
			Time: at("21:49:05"), Argv: []string{"nginx", "-g", "daemon off;"}, Image: file("/usr/sbin/nginx"),
			Container: &event.Container{ID: digest("d"), Cgroup: "/system.slice/docker-" + digest("d") + ".scope", Pid: 1},
			Subject:   event.Subject{Pid: 4194304, Image: earlier("/usr/bin/runc", 4400), AncestorsOmitted: 12},
		}},
		{name: "long path", exec: &event.ImageExec{
			Time: at("21:49:06"), Argv: []string{"cc1", "-quiet", "-I", "/usr/src/linux/include/generated/uapi", "-D", "日本語日本語日本語日本語日本語日本語", "-o", "/tmp/ccA8s.s"},
			Image: file("/usr/lib/gcc/x86_64-linux-gnu/libexec/12/compiler stages/cc1"), Subject: shell(4500, 11),
		}},
		{name: "at start", exec: &event.ImageExec{
			Time: at("21:40:00"), Reconstructed: true, AtStart: true, Image: &event.Image{Path: "/usr/sbin/sshd", Reconstructed: true,
				Missing: []event.Absence{{Field: "sha256", Reason: event.ReasonRunning}}},
			Missing: []event.Absence{{Field: "argv", Reason: event.ReasonMemory}, {Field: "cwd", Reason: event.ReasonGone}}, Subject: lookedUp,
		}},
		{name: "nothing known", exec: &event.ImageExec{
			Image: &event.Image{Missing: []event.Absence{{Field: "path", Reason: event.ReasonRaced}}},
			Subject: event.Subject{Pid: 1, Ancestors: []*event.Image{nil}, Missing: []event.Absence{
				{Field: "image", Reason: event.ReasonLost}, {Field: "euid", Reason: event.ReasonLost}, {Field: "image", Reason: event.ReasonGone}}},
		}},
		{name: "cut argv", exec: &event.ImageExec{
			Time: at("21:49:07"), Argv: []string{"a", "b"}, Image: file("/bin/a"), Subject: shell(5000, 2),
			Missing: []event.Absence{{Field: "argv", Reason: event.ReasonTruncated}},
		}},
		{name: "signature", exec: &event.ImageExec{
			Time: at("21:49:07.1"), Argv: []string{"tool"}, Subject: shell(5001, 2),
			Image: &event.Image{Path: "/opt/tool", SHA256: digest("e"), Signature: &event.Signature{Status: event.SignatureUntrusted,
				CDHash: digest("f")[:40], Ident: "com.example.\xff\xff"}},
		}},
		{name: "loss", loss: &event.Loss{Time: at("21:49:08"), Source: "ring", Count: 12, Since: at("21:49:07.5"), Until: at("21:49:07.9")}},
		{name: "loss of unknown size", loss: &event.Loss{Time: at("21:49:09"), Source: "fan\x1botify"}},
		{name: "start", ops: &event.Ops{
			Time: at("21:49:09.1"), Op: event.OpStart, Pid: 700, ConfigID: "example 7\n",
			Build:  event.Build{Version: "1.0.0", Revision: "0123456789ab", Go: "go1.26"},
			System: event.System{Hostname: "web-7", OS: "linux", Arch: "amd64", Kernel: "6.1.0", BootTime: at("08:00:00")},
			Config: []event.Setting{{Key: "gate", Value: "hash"}, {Key: "suppress_image_exec_by_path", Value: "[/opt/\xff]"}},
		}},
		{name: "reload", ops: &event.Ops{Time: at("21:49:09.2"), Op: event.OpReload, Pid: 700, Changed: []event.Setting{{Key: "omit_size", Value: "true"}}}},
		{name: "stop", ops: &event.Ops{Time: at("21:49:09.3"), Op: event.OpStop, Error: "write /var/log/x\x1b: no space left", Pid: 700}},
		{name: "stats", stat: &event.Stats{
			Time: at("21:49:09.4"), Since: at("21:49:09.1"), Processes: 300, Images: 400, Memory: 40 << 20, CPU: 12345678,
			Observed: event.ObservedStats{Forks: 7, Execs: 5, Exits: 6, Lookups: 299, Lost: 12, Losses: 1,
				Misses: event.MissStats{Forks: 2, Execs: 1, Images: 3}, Suppressed: 3, SuppressedBy: event.SuppressedStats{Path: 2, AncestorPath: 1, Elsewhere: 4}},
			Acquisition: event.AcquisitionStats{Lookups: 300, Hashed: 80, HashedBytes: 1 << 30, Cached: 80, Hits: 4, Misses: 81, Invalidated: 1,
				Missing: []event.ReasonCount{{Reason: event.ReasonGone, Count: 3}, {Reason: event.ReasonNotHeld, Count: 1}}},
			Gate:    &event.GateStats{Level: "hash", Held: 3, Known: 1, Deadline: 1, P50: 90000, P99: 1400000, Max: 2000000000},
			Queues:  []event.QueueStats{{Name: "ring", Depth: 4096, Limit: 8 << 20, Dropped: 12}, {Name: "gate"}},
			Outputs: []event.OutputStats{{Name: "/var/log/\xff", Records: 9, Bytes: 9000, Spooled: 5, SpoolBytes: 5000, Refused: 2, Damaged: 1, Errors: 2, Error: "no space\nleft"}},
		}},
		{name: "stats of nothing", stat: &event.Stats{}},
		{name: "next day", exec: &event.ImageExec{
			Time: at("21:49:07") + 3*3600*1e9, Argv: []string{"true"}, Image: file("/usr/bin/true"), Subject: shell(5001, 2),
		}},
	}
}

func appendSample(e Encoder, dst []byte, s sample) []byte {
	switch {
	case s.loss != nil:
		return e.AppendLoss(dst, s.loss)
	case s.ops != nil:
		return e.AppendOps(dst, s.ops)
	case s.stat != nil:
		return e.AppendStats(dst, s.stat)
	}
	return e.AppendExec(dst, s.exec)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", path, got)
	}
}
