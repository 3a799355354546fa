package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"xnumon/event"
)

// encodeLoss writes what the tests want to know of a loss.
func encodeLoss(dst []byte, l *event.Loss) []byte {
	return fmt.Appendf(dst, "lost %d %s %d-%d\n", l.Count, l.Source, l.Since, l.Until)
}

// numbered is a record with a number and a length.
func numbered(i, length int) string {
	s := fmt.Sprintf("rec %d ", i)
	return s + strings.Repeat("x", max(length-len(s)-1, 0)) + "\n"
}

// checkStream says of what was written that every line is whole, that the
// records are in order, and that wherever some are missing a loss record stands
// there and tells how many. It returns how many were written and lost.
func checkStream(t interface {
	Helper()
	Fatalf(string, ...any)
}, out string) (written, lost int) {
	t.Helper()
	if out != "" && !strings.HasSuffix(out, "\n") {
		t.Fatalf("ends in half a line: %q", out[max(0, len(out)-80):])
	}
	next := 0
	for line := range strings.Lines(out) {
		var i, n int
		if _, err := fmt.Sscanf(line, "lost %d output", &n); err == nil {
			lost += n
			next += n
			continue
		}
		if _, err := fmt.Sscanf(line, "rec %d ", &i); err != nil {
			t.Fatalf("not a record: %q", line)
		}
		if i != next || strings.Count(line, "rec") != 1 {
			t.Fatalf("record %d where %d was due: %.80q", i, next, line)
		}
		next++
		written++
	}
	return written, lost
}

// scripted is an Output whose every Write waits for a step, and takes what that says.
type scripted struct {
	steps chan step
	stop  chan struct{}
	once  sync.Once

	mu  sync.Mutex
	out bytes.Buffer
}

type step struct {
	most int // bytes to take
	err  error
}

func newScripted() *scripted { return &scripted{steps: make(chan step), stop: make(chan struct{})} }

func (s *scripted) Write(p []byte) (int, error) {
	select {
	case st := <-s.steps:
		n := min(st.most, len(p))
		s.mu.Lock()
		s.out.Write(p[:n])
		s.mu.Unlock()
		return n, st.err
	case <-s.stop:
		return 0, ErrInterrupted
	}
}

func (s *scripted) Interrupt() { s.once.Do(func() { close(s.stop) }) }

func (s *scripted) Close() error { return nil }

func (s *scripted) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// free lets everything through from now on.
func (s *scripted) free(t *testing.T) {
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go func() {
		for {
			select {
			case s.steps <- step{most: 1 << 30}:
			case <-done:
				return
			}
		}
	}()
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func ticking() func() event.Time {
	var now event.Time
	return func() event.Time { now++; return now } // called under the queue's lock, or in its only writer
}

func TestQueueTellsOfAGapWhereItIs(t *testing.T) {
	out := newScripted()
	var mu sync.Mutex
	now := ticking()
	q := NewQueue(out, Options{Limit: 1000, Loss: encodeLoss, Now: func() event.Time {
		mu.Lock()
		defer mu.Unlock()
		return now()
	}})
	for i := range 15 { // ten fit
		q.Write([]byte(numbered(i, 100)))
	}
	if s := q.Stats(); s.Dropped != 5 || s.Queued != 1000 || s.QueuedMost != 1000 {
		t.Fatalf("%+v", s)
	}
	out.free(t)
	waitFor(t, func() bool { return q.Stats().Queued == 0 })
	for i := 15; i < 20; i++ {
		q.Write([]byte(numbered(i, 100)))
	}
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if written, lost := checkStream(t, out.String()); written != 15 || lost != 5 {
		t.Fatalf("%d written, %d lost:\n%s", written, lost, out)
	}
	if !strings.Contains(out.String(), "lost 5 output 1-5\n") {
		t.Errorf("no such gap:\n%s", out)
	}
	if s := q.Stats(); s.Records != 16 || s.Bytes != uint64(out.out.Len()) {
		t.Errorf("%+v for %d bytes", s, out.out.Len())
	}
}

// waitFor waits for a condition that nothing signals.
func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		time.Sleep(time.Millisecond)
	}
}

// TestQueueAtTheEndOfALoss: a gap is told although no record comes after it.
func TestQueueAtTheEndOfALoss(t *testing.T) {
	out := newScripted()
	q := NewQueue(out, Options{Limit: 100, Loss: encodeLoss})
	for i := range 3 {
		q.Write([]byte(numbered(i, 60)))
	}
	out.free(t)
	waitFor(t, func() bool { return strings.Contains(out.String(), "lost 2 ") })
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	checkStream(t, out.String())
}

func TestQueueTakesARecordLongerThanItself(t *testing.T) {
	out := newScripted()
	out.free(t)
	q := NewQueue(out, Options{Limit: 100, Loss: encodeLoss})
	long := numbered(0, 300_000)
	q.Write([]byte(long))
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if out.String() != long {
		t.Errorf("%d bytes came out", out.out.Len())
	}
}

// TestQueueOverABadOutput: whatever an output does short of failing for good,
// what it was given is whole lines in order.
func TestQueueOverABadOutput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		out := newScripted()
		q := NewQueue(out, Options{Limit: rapid.IntRange(1, 2000).Draw(t, "limit"), Loss: encodeLoss})
		lengths := rapid.SliceOfN(rapid.IntRange(10, 400), 1, 40).Draw(t, "lengths")
		faults := 0
		for i, n := range lengths {
			q.Write([]byte(numbered(i, n)))
			if s := q.Stats(); s.QueuedMost > max(q.limit, slices.Max(lengths)) {
				t.Fatalf("%d bytes queued, limit %d", s.Queued, q.limit)
			}
			if rapid.Bool().Draw(t, "write") {
				st := step{most: rapid.IntRange(0, 300).Draw(t, "bytes")}
				if faults < 2 && rapid.IntRange(0, 9).Draw(t, "fault") == 0 {
					st.err = Temporary(errors.New("no space"))
					faults++
				}
				if st.most == 0 && st.err == nil {
					st.most = 1
				}
				select { // if it has nothing to write it does not ask
				case out.steps <- st:
				case <-time.After(time.Millisecond):
				}
			}
		}
		closed := make(chan error)
		go func() { closed <- q.Close(context.Background()) }()
		for {
			select {
			case out.steps <- step{most: 97}:
				continue
			case err := <-closed:
				if err != nil {
					t.Fatal(err)
				}
			}
			break
		}
		written, lost := checkStream(t, out.String())
		if written+lost != len(lengths) {
			t.Fatalf("%d written and %d lost of %d", written, lost, len(lengths))
		}
		if s := q.Stats(); int(s.Dropped) != lost || s.Queued != 0 {
			t.Fatalf("%d lost, %+v", lost, s)
		}
	})
}

func TestQueueFailsForGood(t *testing.T) {
	out := newScripted()
	q := NewQueue(out, Options{Loss: encodeLoss})
	q.Write([]byte("a\n"))
	q.Write([]byte("b\n"))
	cause := errors.New("gone")
	out.steps <- step{most: 0, err: cause}
	<-q.Failed()
	if !errors.Is(q.Err(), cause) {
		t.Errorf("%v", q.Err())
	}
	q.Write([]byte("c\n"))
	if s := q.Stats(); s.Dropped != 1 {
		t.Errorf("%+v", s)
	}
	err := q.Close(within(t, time.Minute))
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "2 records not written") {
		t.Errorf("%v", err)
	}
}

func TestQueueCloseHasADeadline(t *testing.T) {
	out := newScripted() // nobody steps
	q := NewQueue(out, Options{Loss: encodeLoss, Limit: 10})
	q.Write([]byte("rec 0 xxx\n"))
	q.Write([]byte("dropped\n"))
	err := q.Close(within(t, 10*time.Millisecond))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 records not written") {
		t.Errorf("%v", err)
	}
	<-q.done
	if err := q.Close(within(t, time.Minute)); err == nil {
		t.Error("the second Close forgot")
	}
}

// TestQueueCloseWhileTryingAgain: the pause after an error does not outlast the deadline.
func TestQueueCloseWhileTryingAgain(t *testing.T) {
	out := newScripted()
	q := NewQueue(out, Options{})
	q.Write([]byte("rec 0 xxx\n"))
	cause := errors.New("no space")
	for range 3 { // the next pause is 400 ms
		out.steps <- step{most: 1, err: Temporary(cause)}
	}
	if err := q.Close(within(t, 10*time.Millisecond)); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	<-q.done
	if s := q.Stats(); s.Retries != 3 || s.Bytes != 3 {
		t.Errorf("%+v", s)
	}
}

func TestQueueFromManyGoroutines(t *testing.T) {
	out := newScripted()
	out.free(t)
	q := NewQueue(out, Options{Limit: 4000, Loss: encodeLoss})
	const each, writers = 500, 4
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				q.Write([]byte("rec xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"))
			}
		})
	}
	wg.Wait()
	if err := q.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	got := strings.Count(out.String(), "rec")
	if s := q.Stats(); got+int(s.Dropped) != each*writers {
		t.Errorf("%d written, %+v", got, s)
	}
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Interrupt()                  {}
func (nowhere) Close() error                { return nil }

func BenchmarkQueue(b *testing.B) {
	q := NewQueue(nowhere{}, Options{Loss: encodeLoss})
	rec := []byte(numbered(0, 1000))
	b.ReportAllocs()
	b.SetBytes(int64(len(rec)))
	for b.Loop() {
		q.Write(rec)
	}
	if err := q.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(q.Stats().Dropped)/float64(b.N), "dropped/op")
}
