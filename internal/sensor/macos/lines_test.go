package macos

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"xnumon/internal/sensor"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	in := "a\n\nb\r\n" + long + "\n" + "tail"
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(in), "bytewise": iotest.OneByteReader(strings.NewReader(in)),
	} {
		l := newLines(r)
		for _, want := range []string{"a", "", "b\r", long, "tail"} {
			got, err := l.next()
			if err != nil || string(got) != want {
				t.Fatalf("%s: %.20q, %v; want %.20q", name, got, err, want)
			}
		}
		if _, err := l.next(); err != io.EOF {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestLineTooLong(t *testing.T) {
	for _, n := range []int{1001, 300 << 10, 1 << 20} {
		l := newLines(strings.NewReader("before\n" + strings.Repeat("x", n) + "\nafter\n" + strings.Repeat("y", n)))
		l.max = 1000
		for i, want := range []string{"before", "", "after", ""} {
			got, err := l.next()
			if tooLong := errors.Is(err, errTooLong); tooLong != (want == "") || string(got) != want {
				t.Fatalf("%d, line %d: %.20q, %v", n, i, got, err)
			}
		}
		if _, err := l.next(); err != io.EOF {
			t.Errorf("error %v", err)
		}
	}
}

// TestMegabytes: the longest command line that the kernel lets through, every
// byte of it escaped.
func TestMegabytes(t *testing.T) {
	s := newSim(10)
	c := s.fork(s.boot())
	args := []any{}
	for range 1 << 10 {
		args = append(args, raw(strings.Repeat("\x01", 1<<10)))
	}
	s.exec(c, tool("/bin/long"), simExec{args: args})
	if s.out.Len() < 6<<20 {
		t.Fatal("not long enough to be a test")
	}
	seen := false
	err := Open(&s.out, CaptureOptions{}).Run(context.Background(), func(o sensor.Observation) error {
		if x, ok := o.(*sensor.Exec); ok {
			seen = len(x.Argv) == len(args) && x.Argv[1023] == strings.Repeat("\x01", 1<<10) && x.ArgvReason == ""
		}
		return nil
	})
	if err != nil || !seen {
		t.Errorf("seen: %v, error %v", seen, err)
	}
}

func TestCaptureEnds(t *testing.T) {
	s := newSim(10)
	c := s.fork(s.boot())
	s.exec(c, tool("/bin/a"), simExec{})

	t.Run("by the receiver", func(t *testing.T) {
		enough := errors.New("enough")
		n := 0
		err := Open(bytes.NewReader(s.out.Bytes()), CaptureOptions{}).Run(context.Background(), func(sensor.Observation) error {
			n++
			return enough
		})
		if err != enough || n != 1 {
			t.Errorf("error %v after %d", err, n)
		}
	})
	for name, end := range map[string]func(*Capture, context.CancelFunc){
		"by Close":       func(c *Capture, _ context.CancelFunc) { c.Close(); c.Close() },
		"by its context": func(_ *Capture, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			// A pipe that nobody closes at the other end.
			r, w := io.Pipe()
			defer w.Close()
			capture := Open(r, CaptureOptions{})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			observed, done := make(chan struct{}, 10), make(chan error)
			go func() {
				done <- capture.Run(ctx, func(sensor.Observation) error { observed <- struct{}{}; return nil })
			}()
			if _, err := w.Write(s.out.Bytes()); err != nil {
				t.Fatal(err)
			}
			for range 3 { // process, fork, exec
				<-observed
			}
			end(capture, cancel)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("by a read error", func(t *testing.T) {
		broken := errors.New("broken")
		err := Open(iotest.ErrReader(broken), CaptureOptions{}).Run(context.Background(), func(sensor.Observation) error { return nil })
		if !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	})
}
