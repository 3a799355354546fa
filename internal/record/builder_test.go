package record

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

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
		e.Env = nil
		if got := b.Exec(e, &x).Env; len(got) != 0 || (got == nil) != (want == nil) {
			t.Errorf("level %d: %#v for an empty environment", level, got)
		}
		e.Env, e.EnvReason = nil, event.ReasonMemory
		r := b.Exec(e, &x)
		if wantMissing := level != EnvNone; (missing(r.Missing) != "") != wantMissing || r.Env != nil {
			t.Errorf("level %d: environment %q, missing %q", level, r.Env, missing(r.Missing))
		}
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
	if n := len(b.images) + len(b.absences); n > 20 {
		t.Errorf("%d images and absences are kept", n)
	}
}

func BenchmarkExec(b *testing.B) {
	e, tab := exec("/bin/ls"), lineage.New()
	var x lineage.Execution
	for n := range 8 {
		x = tab.Exec(&sensor.Exec{Key: sensor.Key{PID: 42, Start: 2}, ExecID: uint64(n + 1), Image: file("/bin/sh")})
	}
	build := NewBuilder(Options{Env: EnvLinker, Ancestors: Unlimited, Hashes: Hashes{SHA256: true}})
	b.ReportAllocs()
	for b.Loop() {
		build.Exec(e, &x)
	}
}
