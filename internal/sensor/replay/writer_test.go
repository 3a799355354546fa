package replay

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// lines collects what a Writer writes.
type lines struct {
	mu  sync.Mutex
	b   bytes.Buffer
	err error
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func execOf(f *sensor.File) *sensor.Exec {
	return &sensor.Exec{Key: sensor.Key{PID: 1, Start: 1}, Image: f}
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

func TestDigestIsRecordedWhenKnown(t *testing.T) {
	var out lines
	w, err := NewWriter(&out, Header{})
	if err != nil {
		t.Fatal(err)
	}
	early, late, never, told := &sensor.File{Ref: 1}, &sensor.File{Ref: 2}, &sensor.File{Ref: 3}, &sensor.File{Ref: 4}
	early.Resolve(sensor.Digest{SHA256: "aa"})
	for _, f := range []*sensor.File{early, late, never, told, early, late} {
		if err := w.Record(execOf(f)); err != nil {
			t.Fatal(err)
		}
	}
	late.Resolve(sensor.Digest{Reason: event.ReasonModified})
	waitFor(t, func() bool { return strings.Contains(out.String(), `{"t":"digest","ref":2,"reason":"modified"}`) })
	if err := w.Record(&sensor.Digest{Ref: 4, MD5: "bb"}); err != nil {
		t.Fatal(err)
	}
	told.Resolve(sensor.Digest{MD5: "bb"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s := out.String()
	for line, n := range map[string]int{
		`{"t":"digest","ref":1,"sha256":"aa"}`: 1, `"ref":3}`: 1, `"image":1,`: 1, `"image":2,`: 1, `{"t":"digest","ref":4,"md5":"bb"}`: 1, `"t":"digest"`: 3,
	} {
		if strings.Count(s, line) != n {
			t.Errorf("%s is not there %d times:\n%s", line, n, s)
		}
	}
	if err := w.Record(&sensor.Exit{}); err == nil {
		t.Error("recorded after the end")
	}
	runtime.KeepAlive([]*sensor.File{early, late, never, told})
}

// TestFilesOutOfUseAreForgotten: neither side keeps what nobody can refer to.
func TestFilesOutOfUseAreForgotten(t *testing.T) {
	var out lines
	w, err := NewWriter(&out, Header{})
	if err != nil {
		t.Fatal(err)
	}
	kept := &sensor.File{Ref: 1000}
	kept.Resolve(sensor.Digest{})
	for i := range 100 {
		f := &sensor.File{Ref: uint64(i + 1)}
		f.Resolve(sensor.Digest{})
		if err := errors.Join(w.Record(execOf(f)), w.Record(execOf(kept))); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, func() bool {
		runtime.GC()
		if err := w.Record(execOf(kept)); err != nil {
			t.Fatal(err)
		}
		return strings.Count(out.String(), `"t":"free"`) == 100
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := stream([]byte(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), func(sensor.Observation) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if len(s.dec.files) != 1 || len(w.files) != 1 {
		t.Errorf("%d files kept by the reader, %d by the writer", len(s.dec.files), len(w.files))
	}
	runtime.KeepAlive(kept)
}

// TestLinesLost: after a gap every file comes by value again.
func TestLinesLost(t *testing.T) {
	var out lines
	w, err := NewWriter(&out, Header{})
	if err != nil {
		t.Fatal(err)
	}
	f := &sensor.File{Ref: 7, Path: "/bin/sh"}
	f.Resolve(sensor.Digest{SHA256: "aa"})
	if err := w.Record(execOf(f)); err != nil {
		t.Fatal(err)
	}
	lost := w.AppendLoss(nil, &event.Loss{Time: 4, Source: "output", Count: 9, Since: 2, Until: 3})
	out.mu.Lock()
	header, _, _ := bytes.Cut(out.b.Bytes(), []byte("\n"))
	b := append(header[:len(header):len(header)], '\n')
	b = append(b, lost...) // the exec did not get through
	out.b.Reset()
	out.mu.Unlock()
	if err := errors.Join(w.Record(execOf(f)), w.Close()); err != nil {
		t.Fatal(err)
	}
	all, stats, err := play(append(b, out.String()...))
	if err != nil || stats.Unmatched != 0 {
		t.Fatalf("%+v, %v", stats, err)
	}
	checkSame(t, []sensor.Observation{
		&sensor.Lost{Time: 4, Source: "output", Count: 9, Since: 2, Until: 3, Lineage: true}, execOf(f),
	}, all)
}

func TestWriterFromManyGoroutines(t *testing.T) {
	var out lines
	w, err := NewWriter(&out, Header{})
	if err != nil {
		t.Fatal(err)
	}
	shared := &sensor.File{Ref: 1 << 40}
	const writers, each = 4, 200
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			for i := range each {
				f := &sensor.File{Ref: uint64(g*each + i + 1), Path: fmt.Sprint(g, i)}
				if err := errors.Join(w.Record(execOf(f)), w.Record(execOf(shared)), w.Record(&sensor.Exit{Key: sensor.Key{PID: 1}})); err != nil {
					t.Error(err)
				}
				f.Resolve(sensor.Digest{SHA256: fmt.Sprint(g, i)})
			}
			shared.Resolve(sensor.Digest{SHA256: "aa"})
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all, stats, err := play([]byte(out.String()))
	if err != nil || stats.Unmatched != 0 || len(all) != 3*writers*each {
		t.Fatalf("%d observations, %+v, %v", len(all), stats, err)
	}
	for _, o := range all {
		if e, ok := o.(*sensor.Exec); ok {
			want := e.Image.Path
			if e.Image.Ref == shared.Ref {
				want = "aa"
			}
			if e.Image.Digest().SHA256 != want {
				t.Fatalf("%q has digest %+v", e.Image.Path, e.Image.Digest())
			}
		}
	}
}

func TestWriterErrors(t *testing.T) {
	cause := errors.New("no space")
	if _, err := NewWriter(&lines{err: cause}, Header{}); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	var out lines
	w, err := NewWriter(&out, Header{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []sensor.Observation{
		&sensor.Exec{}, execOf(&sensor.File{}), &sensor.Exec{Image: &sensor.File{Ref: 1}, Interpreters: []*sensor.File{nil}},
		&sensor.Process{Image: &sensor.File{}}, &sensor.Digest{},
	} {
		if err := w.Record(o); err == nil {
			t.Errorf("recorded %+v", o)
		}
	}
	if err := w.Record(&sensor.Exit{}); err != nil {
		t.Fatal(err)
	}
	out.err = cause
	for range 2 {
		if err := w.Record(&sensor.Exit{}); !errors.Is(err, cause) {
			t.Errorf("%v", err)
		}
	}
	if err := w.Close(); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}
