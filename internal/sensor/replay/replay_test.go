package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

func stream(b []byte) (*Sensor, error) { return New("test.xns", io.NopCloser(bytes.NewReader(b))) }

// play plays a stream back to its end.
func play(b []byte) ([]sensor.Observation, Stats, error) {
	s, err := stream(b)
	if err != nil {
		return nil, Stats{}, err
	}
	var all []sensor.Observation
	err = s.Run(context.Background(), func(o sensor.Observation) error {
		all = append(all, o)
		return nil
	})
	return all, s.Stats(), err
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// TestTruncated cuts a stream at every byte: what is before the cut is played
// back, and the cut is reported unless it is between lines.
func TestTruncated(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "stream.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := play(b)
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.IndexByte(b, '\n')
	for n := header; n <= len(b); n++ {
		got, stats, err := play(b[:n])
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		atLine := n == len(b) || b[n] == '\n' || b[n-1] == '\n'
		if stats.Truncated == atLine {
			t.Fatalf("cut at %d: %+v", n, stats)
		}
		for i := range got {
			if reflect.TypeOf(got[i]) != reflect.TypeOf(whole[i]) {
				t.Fatalf("cut at %d: observation %d is %T", n, i, got[i])
			}
			for _, f := range filesOf(got[i]) {
				if f.Digest() == nil {
					t.Fatalf("cut at %d: file %d has no digest", n, f.Ref)
				}
			}
		}
	}
}

const head = `{"xnumon_stream":1}` + "\n"

// TestDigestAfterItsExec: it is there when the exec is delivered.
func TestDigestAfterItsExec(t *testing.T) {
	s, err := stream([]byte(head + `{"t":"exec","key":[1,1],"image":{"ref":1}}
{"t":"fork","child":[2,2]}
{"t":"exec","key":[2,2],"image":1}
{"t":"digest","ref":1,"sha256":"ab"}
{"t":"digest","ref":1,"sha256":"cd"}
{"t":"exec","key":[2,2],"image":{"ref":2}}
{"t":"free","ref":2}
{"t":"digest","ref":2,"sha256":"ef"}
{"t":"exec","key":[2,2],"image":3}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = s.Run(t.Context(), func(o sensor.Observation) error {
		got = append(got, fmt.Sprintf("%T", o))
		if e, ok := o.(*sensor.Exec); ok {
			d := e.Image.Digest()
			if d == nil {
				t.Fatal("no digest")
			}
			got = append(got, d.SHA256+string(d.Reason)+string(e.Image.PathReason))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"*sensor.Exec", "ab", "*sensor.Fork", "*sensor.Exec", "ab", "*sensor.Exec", "not recorded", "*sensor.Exec", "not recordednot recorded"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if s := s.Stats(); s.Unmatched != 2 {
		t.Errorf("%+v", s)
	}
}

// TestLookaheadEnds: a digest that never comes does not hold the stream up.
func TestLookaheadEnds(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + `{"t":"exec","key":[1,1],"image":{"ref":1}}` + "\n")
	for range lookahead + 10 {
		b.WriteString(`{"t":"lost"}` + "\n")
	}
	s, err := stream([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	var file *sensor.File
	n := 0
	err = s.Run(t.Context(), func(o sensor.Observation) error {
		n++
		if e, ok := o.(*sensor.Exec); ok {
			file = e.Image
			if file.Digest() != nil {
				t.Error("resolved too early")
			}
		}
		return nil
	})
	if err != nil || n != lookahead+11 || file.Digest().Reason != event.ReasonNotRecorded {
		t.Errorf("%v, %d observations, %+v", err, n, file.Digest())
	}
}

func TestRunEnds(t *testing.T) {
	cause := errors.New("enough")
	b := []byte(head + strings.Repeat(`{"t":"lost"}`+"\n", 10))
	s, _ := stream(b)
	if err := s.Run(t.Context(), func(sensor.Observation) error { return cause }); err != cause {
		t.Errorf("%v", err)
	}
	if err := s.Run(t.Context(), nil); err == nil {
		t.Error("ran twice")
	}

	s, _ = stream(b)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := s.Run(ctx, func(sensor.Observation) error { n++; cancel(); return nil })
	if err != nil || n != 1 {
		t.Errorf("%v, %d observations", err, n)
	}

	for name, end := range map[string]func(*Sensor, func()){
		"close": func(s *Sensor, _ func()) { s.Close() }, "cancel": func(_ *Sensor, cancel func()) { cancel() },
	} {
		r, w, err := os.Pipe() // a stream that is still being written
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		w.WriteString(head + `{"t":"lost"}` + "\n" + `{"t":"exec","key":[1,1],"image":{"ref":1}}` + "\n")
		s, err := New("pipe", r)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		seen := make(chan struct{})
		done := make(chan error)
		go func() {
			var once sync.Once
			done <- s.Run(ctx, func(sensor.Observation) error { once.Do(func() { close(seen) }); return nil })
		}()
		<-seen
		end(s, cancel)
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s does not end Run", name)
		}
	}
}

func TestLongLines(t *testing.T) {
	argv := []string{strings.Repeat("x", 1<<20), strings.Repeat("\xff", 1<<20), ""}
	e := &sensor.Exec{Key: sensor.Key{PID: 1, Start: 1}, Argv: argv, Image: &sensor.File{Ref: 1}}
	e.Image.Resolve(sensor.Digest{})
	all, _, err := play(recordAll(t, e, e))
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, []sensor.Observation{e, e}, all)
	_, _, err = play([]byte(head + `{"t":"` + strings.Repeat("x", longest+1)))
	if err == nil || !strings.Contains(err.Error(), "test.xns:2: line of more than") {
		t.Errorf("%v", err)
	}
}
