//go:build linux && !nolive

package linux

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf/ringbuf"
)

// The reader is woken for an exec, at once where its image is not known and soon where it is, and
// has not to wait for its own clock.
func TestLiveWakes(t *testing.T) {
	s, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	known := knownImages{told: s.objs.KnownImages}
	// One that nobody else on the machine executes.
	program := t.TempDir() + "/wakes"
	raw, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	records, done := make(chan monitorExecRecord, 1024), make(chan error, 1)
	go func() {
		var rec ringbuf.Record
		for {
			err := s.ring.read(&rec)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = s.ring.wait()
			}
			if ended(err) {
				done <- nil
				return
			}
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				done <- err
				return
			}
			var r monitorExecRecord
			if _, wrong := read(rec.RawSample, &r); err == nil && wrong == nil && monitorRecordType(r.H.Type) == monitorRecordTypeREC_EXEC {
				records <- r
			}
		}
	}()
	// run executes it and returns how long its record took.
	run := func() (monitorExecRecord, time.Duration) {
		t.Helper()
		cmd := exec.Command(program)
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		ended := time.Now()
		for {
			select {
			case r := <-records:
				if r.Key.Pid == uint32(cmd.Process.Pid) {
					return r, time.Since(ended)
				}
			case err := <-done:
				t.Fatal(err)
			case <-time.After(time.Minute):
				t.Fatal("no record")
			}
		}
	}
	for _, tell := range []bool{false, true} {
		var took []time.Duration
		for range 21 {
			r, waited := run()
			took = append(took, waited)
			known.set(&r.Image, tell)
		}
		slices.Sort(took)
		t.Logf("known %v: records after %v", tell, took)
		if took[len(took)/2] > tick/3 {
			t.Errorf("known %v: the reader was not woken for most: %v", tell, took)
		}
	}
	// After close nobody waits any more.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
