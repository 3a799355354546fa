package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"xnumon/event"
	"xnumon/internal/encode"
	"xnumon/internal/record"
	"xnumon/internal/sensor"
	"xnumon/internal/suppress"
)

// script is a sensor that says what it is told to.
type script func(observe func(sensor.Observation)) error

func (s script) Run(_ context.Context, observe func(sensor.Observation) error) error {
	var failed error
	if err := s(func(o sensor.Observation) {
		if err := observe(o); err != nil && failed == nil {
			failed = err
		}
	}); err != nil {
		return err
	}
	return failed
}

func (s script) Close() error { return nil }

// lines is a sink that keeps records.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(rec []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(bytes.TrimSuffix(rec, []byte("\n"))))
}

func file(path string) *sensor.File {
	f := &sensor.File{Path: path, HasStat: true}
	f.Resolve(sensor.Digest{SHA256: "00"})
	return f
}

func exec(pid uint32, id uint64, path string) *sensor.Exec {
	return &sensor.Exec{
		Time: event.Time(id), Key: sensor.Key{PID: pid, Start: uint64(pid)}, ExecID: id, Image: file(path),
		Argv: []string{path}, Env: []string{"LD_X=1", "HOME=/"}, Cwd: "/", Before: &sensor.Creds{},
	}
}

func all() record.Options { return record.Options{Ancestors: record.Unlimited} }

func TestSuppressedExecsStayInLineage(t *testing.T) {
	rules := suppress.Rules{Paths: []string{"/quiet"}, AncestorPaths: []string{"/ci"}}
	set, err := rules.Compile()
	if err != nil {
		t.Fatal(err)
	}
	s := suppress.New(nil)
	s.Use(set)
	out := new(lines)
	acquired := 0
	m := New(Options{
		Records: all(), Encoder: &encode.JSON{}, Sink: out, Suppress: s, AtStart: true,
		Acquire: func(*sensor.File) { acquired++ },
	})
	err = m.Run(context.Background(), script(func(observe func(sensor.Observation)) error {
		observe(&sensor.Process{Time: 1, Key: sensor.Key{PID: 1, Start: 1}, ExecID: 1, Image: file("/init")})
		observe(&sensor.Process{Time: 1, Key: sensor.Key{PID: 2, Start: 2}, ExecID: 1, Image: file("/quiet")})
		observe(&sensor.Fork{Time: 2, Parent: sensor.Key{PID: 1, Start: 1}, Child: sensor.Key{PID: 3, Start: 3}, ExecID: 1})
		observe(exec(3, 2, "/quiet"))
		observe(exec(3, 3, "/loud"))
		observe(exec(3, 4, "/ci"))
		observe(exec(3, 5, "/below"))
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range out.all {
		var r struct {
			Image   struct{ Path string }
			Subject struct {
				Image     struct{ Path, SHA256 string }
				Ancestors []struct{ Path string }
			}
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(r.Image.Path, " by ", r.Subject.Image.Path, r.Subject.Ancestors))
	}
	want := "/init by [] /loud by /quiet[{/init}] /ci by /loud[{/quiet} {/init}]"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%s\nwant\n%s", s, want)
	}
	if c := s.Counts(); c.ByPath != 2 || c.ByAncestorPath != 1 {
		t.Errorf("%+v", c)
	}
	var stats event.Stats
	m.AddStats(&stats)
	if o := stats.Observed; o.Suppressed != 3 || o.SuppressedBy != (event.SuppressedStats{Path: 2, AncestorPath: 1}) {
		t.Errorf("%+v", o)
	}
	if stats.Images == 0 {
		t.Error("the images were not counted")
	}
	if acquired != 6 {
		t.Errorf("%d acquired, want 6", acquired)
	}
}

// Changes come while records are made; each is made whole, and none is lost.
func TestChange(t *testing.T) {
	const each, changes = 500, 40
	out := new(lines)
	m := New(Options{Records: all(), Encoder: &encode.JSON{}, Sink: out})
	var changer sync.WaitGroup
	err := m.Run(context.Background(), script(func(observe func(sensor.Observation)) error {
		changer.Go(func() {
			for i := range changes {
				c := Change{Records: all(), Encoder: &encode.JSON{}}
				if i%2 == 0 {
					c.Records.Env, c.Encoder = record.EnvFull, &encode.JSONSeq{}
				}
				m.Change(c)
			}
		})
		for i := range each {
			observe(exec(7, uint64(i+1), "/x"))
		}
		changer.Wait()
		observe(exec(7, each+1, "/last"))
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(out.all) != each+1 {
		t.Errorf("%d records, want %d", len(out.all), each+1)
	}
	for _, line := range out.all {
		if env := strings.Contains(line, "HOME=/"); env != strings.HasPrefix(line, "\x1e") {
			t.Errorf("a record is made with parts of both: %q", line)
		}
	}
	if last := out.all[each]; !strings.Contains(last, "/last") || strings.Contains(last, "HOME=/") {
		t.Errorf("the last record is not made as the last change says: %s", last)
	}
	m.Change(Change{}) // behind the end
}

func TestLossesAreAlwaysRecorded(t *testing.T) {
	out := new(lines)
	m := New(Options{Records: all(), Encoder: &encode.JSON{}, Sink: out})
	m.Change(Change{Records: all(), Encoder: &encode.JSON{}, NoExecs: true})
	err := m.Run(context.Background(), script(func(observe func(sensor.Observation)) error {
		observe(exec(7, 1, "/x"))
		observe(&sensor.Lost{Time: 3, Source: "ring", Count: 2})
		return nil
	}))
	if err != nil || len(out.all) != 1 || !strings.Contains(out.all[0], `"loss"`) {
		t.Errorf("%v, %v", out.all, err)
	}
}
