//go:build linux

package monitor

import (
	"reflect"
	"strings"
	"testing"

	"xnumon/conformance/fact"
)

func decodeAll(d Decoder, lines ...string) []fact.Record {
	var out []fact.Record
	for _, l := range lines {
		out = append(out, d.Line([]byte(l))...)
	}
	return append(out, d.Flush()...)
}

func expect(t *testing.T, r fact.Record, want map[string][]string) {
	t.Helper()
	for name, values := range want {
		if got, ok := r.Facts[name]; values == nil && ok || values != nil && !reflect.DeepEqual(got, values) {
			t.Errorf("%s: %q, want %q", name, got, values)
		}
	}
}

func one(s ...string) []string { return s }

func TestAuditDecoder(t *testing.T) {
	got := decodeAll(new(auditDecoder),
		`type=SYSCALL msg=audit(1700000000.345:7): arch=c000003e syscall=59 success=yes exit=0 items=3 ppid=10 pid=11 auid=1000 uid=1 gid=2 euid=3 suid=3 fsuid=3 egid=4 sgid=4 fsgid=4 tty=pts3 ses=9 comm="x" exe=2F746D702F612062202864656C6574656429 key="conformance"`+"\x1d"+`ARCH=x86_64 AUID="u" UID="daemon"`,
		`type=SYSCALL msg=audit(1700000000.345:8): arch=c000003e syscall=59 success=no exit=-2 pid=12 key="conformance"`,
		`type=BPRM_FCAPS msg=audit(1700000000.345:7): fver=0 old_pe=0 pe=0000000000000400`,
		`type=EXECVE msg=audit(1700000000.345:7): argc=3 a0="x" a1_len=4 a1[0]=6120`,
		`type=PROCTITLE msg=audit(1700000000.345:8): proctitle="x"`,
		`type=EXECVE msg=audit(1700000000.345:7): a1[1]=62FF a2=""`,
		`type=CWD msg=audit(1700000000.345:7): cwd="<too_long>"`,
		`type=PATH msg=audit(1700000000.345:7): item=0 name="./x" inode=5 dev=fe:10 mode=0104755 ouid=7 ogid=8 rdev=00:00 nametype=NORMAL`+"\x1d"+`OUID="bin" OGID="b"`,
		`type=PATH msg=audit(1700000000.345:7): item=1 name="/bin/sh" inode=6 dev=fe:00`,
		`type=PROCTITLE msg=audit(1700000000.345:7): proctitle="x"`,
	)
	if len(got) != 1 || got[0].Pid != 11 {
		t.Fatalf("got %+v", got)
	}
	expect(t, got[0], map[string][]string{
		"image.path": one("/tmp/a b"), "image.deleted": one("yes"),
		"time": one("1700000000345000000"), "argv": one("x", "a b\xff", ""), "cwd": nil, "filename": one("./x"),
		"named.file": one("254:16:5"), "named.mode": one("104755"), "named.uid": one("7"), "named.user": one("bin"),
		"parent": one("10"), "after.ruid": one("1"), "after.euid": one("3"), "after.rgid": one("2"), "after.egid": one("4"),
		"before.caps": one("0"), "after.caps": one("400"), "auid": one("1000"), "session": one("9"), "tty": one("/dev/pts/3"),
		"auser": one("u"), "after.ruser": one("daemon"),
	})
	if got[0].Absent["cwd"] != tooLong {
		t.Errorf("cwd: %q", got[0].Absent)
	}
}

func TestAuditImage(t *testing.T) {
	var r fact.Record
	auditImage(&r, "/memfd:x (deleted)")
	expect(t, r, map[string][]string{"image.path": one("/memfd:x"), "image.deleted": one("yes")})
	r = fact.Record{}
	auditImage(&r, "/bin/true")
	expect(t, r, map[string][]string{"image.path": one("/bin/true"), "image.deleted": nil})
}

func TestLaurelDecoder(t *testing.T) {
	got := decodeAll(laurelDecoder{},
		`{"ID":"1700000000.345:7","SYSCALL":{"success":"yes","ppid":10,"pid":11,"auid":4294967295,"uid":1,"gid":2,"euid":3,"egid":4,"tty":"(none)","ses":4294967295,"exe":"/bin/%7e","key":"conformance","SCRIPT":"/x","PPID":{"exe":"/p"},"PID":{"EVENT_ID":"1"}},"EXECVE":{"argc":2,"ARGV":["a%2bb","%ff"],"ENV":{"LD_PRELOAD":"/e"}},"CWD":{"cwd":"/tmp"},"PATH":[{"item":0,"name":"y","inode":5,"dev":"fe:10","mode":"0o100755","ouid":7,"ogid":8}]}`,
		`{"SYSCALL":{"success":"no","pid":12,"key":"conformance"}}`,
		`{"SYSCALL":{"success":"yes","pid":12,"key":null}}`,
		`not json`)
	if len(got) != 1 || got[0].Pid != 11 {
		t.Fatalf("got %+v", got)
	}
	expect(t, got[0], map[string][]string{
		"argv": one("a+b", "\xff"), "image.path": one("/bin/~"), "script.path": one("/x"), "parent.image.path": one("/p"),
		"env.LD_PRELOAD": one("/e"), "cwd": one("/tmp"), "filename": one("y"), "named.file": one("254:16:5"),
		"named.mode": one("100755"), "auid": nil, "session": nil, "tty": nil, "after.egid": one("4"),
	})
}

func TestSnoopDecoder(t *testing.T) {
	got := decodeAll(new(snoopDecoder), "Attaching 3 probes...", "TIME(ms)   PID   ARGS",
		"1000       4321  /bin/echo a b", "second line", "Lost 3 events", "1001       4322  ")
	if len(got) != 2 || got[0].Pid != 4321 || got[1].Pid != 4322 {
		t.Fatalf("got %+v", got)
	}
	expect(t, got[0], map[string][]string{"argv.passed": one("/bin/echo", "a", "b\nsecond", "line")})
	expect(t, got[1], map[string][]string{"argv.passed": one("")})
}

func TestXnumonDecoder(t *testing.T) {
	got := decodeAll(xnumonDecoder{},
		`{"version":8,"eventcode":0}`,
		`{"version":8,"eventcode":2,"at_start":true,"subject":{"pid":1}}`,
		`{"version":8,"time":"2023-11-14T22:13:20.345678901Z","eventcode":2,"argv":["x","\\xff\\\\","\\xff"],"env":["A=1","A=2","B"],`+
			`"image":{"path":"/bin/sh","mode":"100755","uid":0,"gid":0,"size":5,"dev":"254:0","ino":7,"missing":{"sha256":"gone"}},`+
			`"script":{"path":"/s","sha256":"ab","mode":"104755","uid":3,"gid":4,"size":6},`+
			`"creds":{"euid":0,"egid":2,"ruid":1,"rgid":2},"missing":{"cwd":"lost"},`+
			`"subject":{"pid":11,"euid":1,"egid":2,"ruid":1,"rgid":2,"fork_pid":10,`+
			`"image":{"path":"/p","missing":{"script":"not held"}},`+
			`"ancestors":[{"path":"/a","script":{"path":"/b"}},{"path":"/c"},{"path":"/d","missing":{"script":"not held"}}]},`+
			`"escaped":["/argv/1"]}`)
	if len(got) != 1 || got[0].Pid != 11 {
		t.Fatalf("got %+v", got)
	}
	expect(t, got[0], map[string][]string{
		"time": one("1700000000345678901"), "argv": one("x", "\xff\\", "\\xff"), "env": one("A=1", "A=2", "B"), "env.A": one("1"),
		"image.path": one("/bin/sh"), "image.sha256": nil, "image.file": one("254:0:7"), "script.path": one("/s"),
		"named.mode": one("104755"), "filename": one("/s"), "interpreters": one("/s", "/bin/sh"),
		"interpreters.sha256": one("ab", fact.Unknown), "before.euid": one("1"), "after.euid": one("0"), "forker": one("10"),
		"subject.image.path": one("/p"), "ancestors": one("/a", "/c", "/d"), "ancestors.script": one("/b", "", fact.Unknown),
	})
	for name, why := range map[string]string{
		"cwd": "lost", "image.sha256": "gone", "subject.script.path": "not held", "interpreters.sha256": "gone", "ancestors.script": "not held",
	} {
		if got[0].Absent[name] != why {
			t.Errorf("%s is absent because of %q, want %q", name, got[0].Absent[name], why)
		}
	}
}

func FuzzDecoders(f *testing.F) {
	f.Add(`type=EXECVE msg=audit(1.2:3): argc=2 a0="x" a1[0]=41 a1[1]=42` + "\n" + `type=PROCTITLE msg=audit(1.2:3): x=`)
	f.Add(`type=SYSCALL msg=audit(1.2:3): success=yes pid=1 key="conformance" exe=41` + "\n" + `type=PROCTITLE msg=audit(1.2:3): x=`)
	f.Add(`{"SYSCALL":{"pid":1,"key":"conformance"},"EXECVE":{"ARGV":["%41"]}}`)
	f.Add("1 2 a\nb\n3 4 c")
	f.Add(`{"eventcode":2,"subject":{"pid":1,"ancestors":[{}]},"argv":["\\xff"],"escaped":["/argv/0"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []Decoder{new(auditDecoder), laurelDecoder{}, new(snoopDecoder), xnumonDecoder{}} {
			decodeAll(d, strings.Split(text, "\n")...)
		}
	})
}
