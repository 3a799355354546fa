package replay

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"xnumon/event"
	"xnumon/internal/sensor"
)

var update = flag.Bool("update", false, "write the golden files")

// flat returns an observation as a value that reflect.DeepEqual compares by
// all that is recorded and not zero, the digests of files included.
func flat(o any) any {
	v := reflect.ValueOf(o)
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		m := flat(v.Elem().Interface())
		if f, ok := o.(*sensor.File); ok && f.Digest() != nil {
			m.(map[string]any)["digest"] = *f.Digest()
		}
		return m
	case reflect.Struct:
		m := map[string]any{"type": v.Type().String()}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "Opener" && !v.Field(i).IsZero() {
				m[f.Name] = flat(v.Field(i).Interface())
			}
		}
		return m
	case reflect.Slice:
		if v.Type().Elem() != reflect.TypeFor[*sensor.File]() {
			return o
		}
		list := []any{} // none and an empty list are the same here
		for i := range v.Len() {
			list = append(list, flat(v.Index(i).Interface()))
		}
		return list
	}
	return o
}

func equal(a, b any) bool { return reflect.DeepEqual(flat(a), flat(b)) }

// fill sets every field of a value to something that is not zero.
func fill(v reflect.Value, n *uint64) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && f.Type() != reflect.TypeFor[sensor.Opener]() {
				fill(f, n)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.String:
		v.SetString(fmt.Sprint("s", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(*n)
	default:
		panic(v.Kind())
	}
}

// TestEveryFieldSurvives fails when a field is added to the contract and not to
// the format.
func TestEveryFieldSurvives(t *testing.T) {
	var n uint64
	for _, o := range []sensor.Observation{new(sensor.Fork), new(sensor.Exec), new(sensor.Exit), new(sensor.Process), new(sensor.Lost)} {
		fill(reflect.ValueOf(o).Elem(), &n)
		if e, ok := o.(*sensor.Exec); ok {
			var d sensor.Digest
			fill(reflect.ValueOf(&d).Elem(), &n)
			e.Image.Resolve(d)
			e.Interpreters[0].Resolve(sensor.Digest{})
			e.Interpreters[1].Resolve(sensor.Digest{Reason: "r"})
		}
		if p, ok := o.(*sensor.Process); ok {
			p.Image.Resolve(sensor.Digest{Reason: event.ReasonGone})
		}
		all, stats, err := play(recordAll(t, o))
		if err != nil || len(all) != 1 || stats.UnknownMembers != 0 {
			t.Fatalf("%T: %d observations, %+v, %v", o, len(all), stats, err)
		}
		if !equal(o, all[0]) {
			t.Errorf("%T\n got %+v\nwant %+v", o, flat(all[0]), flat(o))
		}
	}
}

func recordAll(t fataler, list ...sensor.Observation) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, Header{OS: "linux", Release: "6.18", Time: 1})
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, o := range list {
		if err := w.Record(o); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	runtime.KeepAlive(list)
	return out.Bytes()
}

// drawStream draws observations that share files, and resolves most of these.
func drawStream(t *rapid.T) []sensor.Observation {
	str := rapid.OneOf(rapid.SampledFrom([]string{"", "/bin/sh", "\xff\xfe", "a\nb", `"\`, "日本\u2028", "\x00\x7f\x1b"}), rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	reason := rapid.Map(str, func(s string) event.Reason { return event.Reason(s) })
	strs := rapid.OneOf(rapid.Just[[]string](nil), rapid.SliceOfN(str, 0, 4))
	moment := rapid.Map(rapid.Int64(), func(n int64) event.Time { return event.Time(n) })
	key := func(name string) sensor.Key {
		return sensor.Key{PID: rapid.Uint32Min(1).Draw(t, name), Start: rapid.Uint64().Draw(t, name)}
	}
	creds := rapid.Custom(func(t *rapid.T) sensor.Creds {
		id := rapid.Uint32()
		return sensor.Creds{EUID: id.Draw(t, "euid"), EGID: id.Draw(t, "egid"), RUID: id.Draw(t, "ruid"), RGID: id.Draw(t, "rgid"),
			SUID: id.Draw(t, "suid"), SGID: id.Draw(t, "sgid"), Caps: rapid.Uint64().Draw(t, "caps")}
	})
	session := func() sensor.Session {
		return sensor.Session{AUID: rapid.Uint32().Draw(t, "auid"), ID: sensor.NoID, TTY: str.Draw(t, "tty"), HasAUID: rapid.Bool().Draw(t, "has auid")}
	}
	container := func() *event.Container {
		if rapid.Bool().Draw(t, "in a container") {
			return &event.Container{ID: str.Draw(t, "id"), Cgroup: str.Draw(t, "cgroup"), Pid: rapid.Uint32().Draw(t, "pid")}
		}
		return nil
	}
	var files []*sensor.File
	file := func() *sensor.File {
		if len(files) > 0 && rapid.Bool().Draw(t, "known file") {
			return rapid.SampledFrom(files).Draw(t, "file")
		}
		f := &sensor.File{Ref: uint64(len(files)+1) << rapid.IntRange(0, 40).Draw(t, "ref"), Path: str.Draw(t, "path"), PathReason: reason.Draw(t, "reason"),
			Deleted: rapid.Bool().Draw(t, "deleted"), Memfd: str.Draw(t, "memfd")}
		for _, other := range files {
			if other.Ref == f.Ref {
				return other
			}
		}
		if f.HasStat = rapid.Bool().Draw(t, "stat"); f.HasStat {
			f.ID = sensor.Identity{Dev: rapid.Uint64().Draw(t, "dev"), Ino: rapid.Uint64().Draw(t, "ino"), Gen: rapid.Uint32().Draw(t, "gen"),
				Size: rapid.Int64().Draw(t, "size"), MTime: moment.Draw(t, "mtime"), CTime: moment.Draw(t, "ctime")}
			f.Mode, f.BTime = rapid.Uint32().Draw(t, "mode"), moment.Draw(t, "btime")
		}
		if rapid.Bool().Draw(t, "signed") {
			f.Signature = &event.Signature{Ident: str.Draw(t, "ident")}
		}
		if rapid.Bool().Draw(t, "resolved") {
			f.Resolve(sensor.Digest{SHA256: str.Draw(t, "sha256"), Reason: reason.Draw(t, "reason")})
		}
		files = append(files, f)
		return f
	}
	var list []sensor.Observation
	for range rapid.IntRange(0, 12).Draw(t, "length") {
		switch rapid.IntRange(0, 5).Draw(t, "type") {
		case 0:
			list = append(list, &sensor.Fork{Time: moment.Draw(t, "time"), Parent: key("parent"), Child: key("child"), ExecID: rapid.Uint64().Draw(t, "id")})
		case 1:
			list = append(list, &sensor.Exit{Time: moment.Draw(t, "time"), Key: key("key")})
		case 2, 3:
			e := &sensor.Exec{Time: moment.Draw(t, "time"), Key: key("key"), Next: key("next"), TID: rapid.Uint32().Draw(t, "tid"), Argv: strs.Draw(t, "argv"),
				ArgvReason: reason.Draw(t, "reason"), Env: strs.Draw(t, "env"), Cwd: str.Draw(t, "cwd"), Filename: str.Draw(t, "filename"),
				Image: file(), Interpreted: rapid.Bool().Draw(t, "interpreted"), After: creds.Draw(t, "after"), Session: session(), Container: container()}
			for range rapid.IntRange(0, 2).Draw(t, "interpreters") {
				e.Interpreters = append(e.Interpreters, file())
			}
			if rapid.Bool().Draw(t, "before") {
				e.Before = new(creds.Draw(t, "before"))
				e.Gate = &event.Gate{Level: str.Draw(t, "level"), Held: rapid.Int64().Draw(t, "held")}
			}
			list = append(list, e)
		case 4:
			p := &sensor.Process{Time: moment.Draw(t, "time"), Key: key("key"), Was: key("was"), Parent: key("parent"), ForkPID: rapid.Uint32().Draw(t, "fork pid"), Start: moment.Draw(t, "start"),
				KernelThread: rapid.Bool().Draw(t, "kernel thread"), Argv: strs.Draw(t, "argv"), Env: strs.Draw(t, "env"),
				Creds: creds.Draw(t, "creds"), Session: session(), Container: container()}
			if !p.KernelThread {
				p.Image = file()
			}
			list = append(list, p)
		case 5:
			list = append(list, &sensor.Lost{Time: moment.Draw(t, "time"), Source: str.Draw(t, "source"), Count: rapid.Uint64().Draw(t, "count"),
				Lineage: rapid.Bool().Draw(t, "lineage")})
		}
	}
	return list
}

// filesOf lists the files of an observation.
func filesOf(o sensor.Observation) []*sensor.File {
	switch o := o.(type) {
	case *sensor.Exec:
		return append([]*sensor.File{o.Image}, o.Interpreters...)
	case *sensor.Process:
		if o.Image != nil {
			return []*sensor.File{o.Image}
		}
	}
	return nil
}

func checkSame(t fataler, want, got []sensor.Observation) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d observations, want %d", len(got), len(want))
	}
	files := map[uint64]*sensor.File{}
	for i := range want {
		for _, f := range filesOf(got[i]) {
			if other := files[f.Ref]; other != nil && other != f {
				t.Fatalf("file %d twice", f.Ref)
			}
			files[f.Ref] = f
		}
		if !equal(want[i], got[i]) {
			t.Fatalf("observation %d\n got %+v\nwant %+v", i, flat(got[i]), flat(want[i]))
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawStream(t)
		b := recordAll(t, list...)
		got, stats, err := play(b)
		if err != nil {
			t.Fatalf("%v in\n%s", err, b)
		}
		if stats.UnknownLines+stats.UnknownMembers+stats.Unmatched != 0 || stats.Truncated || stats.Observations != len(list) {
			t.Fatalf("%+v", stats)
		}
		for _, o := range list { // as the player does with what has no digest
			for _, f := range filesOf(o) {
				f.Resolve(sensor.Digest{Reason: event.ReasonNotRecorded})
			}
		}
		checkSame(t, list, got)
	})
}

func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "stream.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if h := s.Header(); h != (Header{OS: "linux", Release: "6.12.100", Time: 1795384141000000000}) {
		t.Errorf("%+v", h)
	}
	var again bytes.Buffer
	w, err := NewWriter(&again, s.Header())
	if err != nil {
		t.Fatal(err)
	}
	var all []sensor.Observation
	err = s.Run(t.Context(), func(o sensor.Observation) error {
		all = append(all, o)
		return w.Record(o)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if again.String() != string(b) {
		t.Errorf("recorded again it is\n%s", again.String())
	}
	if got, want := s.Stats(), (Stats{Lines: bytes.Count(b, []byte("\n")), Observations: len(all)}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	var dump strings.Builder
	for _, o := range all {
		fmt.Fprintf(&dump, "%+v\n", flat(o))
	}
	golden := filepath.Join("testdata", "stream.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(dump.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || dump.String() != string(want) {
		t.Errorf("%v; got\n%s", err, dump.String())
	}
	runtime.KeepAlive(all)
}
