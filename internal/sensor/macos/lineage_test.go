package macos

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

// TestHistories runs a machine at random through the mapper and the process
// table. What a record would say of the past of a process must be what the
// process and its forkers ran: all of it down to the first image that is
// marked. Beyond are lookups: the image of a forker can be a later one than that
// of the fork, but never that of somebody else.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(10)
		s.pidSpace = 12
		init := s.boot()
		init.history = []string{"/sbin/launchd"}
		live := []*simProcess{init}
		truth := map[sensor.Key][]string{} // by identity before the exec
		lossy := rapid.Bool().Draw(t, "lossy")
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if lossy && rapid.IntRange(0, 9).Draw(t, "lose") == 0 && s.dropped == 0 {
				s.drop(rapid.IntRange(1, 5).Draw(t, "how many"))
			}
			at := rapid.IntRange(0, len(live)-1).Draw(t, "who")
			p := live[at]
			switch op := rapid.IntRange(0, 2).Draw(t, "op"); {
			case op == 0 && len(live) < 10:
				c := s.fork(p)
				c.history = slices.Clone(p.history)
				live = append(live, c)
			case op == 1 && p != init:
				s.exit(p, 0)
				live = append(live[:at:at], live[at+1:]...)
				for _, c := range live {
					if c.parent == p {
						reparent(init, c)
					}
				}
			default:
				truth[sensor.Key{PID: p.pid, Start: uint64(p.version)}] = slices.Clone(p.history)
				f := tool(fmt.Sprintf("/bin/%d", i))
				s.exec(p, f, simExec{})
				p.history = append(p.history, f.path)
			}
		}

		table := lineage.New()
		err := Open(bytes.NewReader(s.out.Bytes()), CaptureOptions{}).Run(context.Background(), func(o sensor.Observation) error {
			switch o := o.(type) {
			case *sensor.Fork:
				table.Fork(o)
			case *sensor.Exit:
				table.Exit(o)
			case *sensor.Process:
				table.Process(o)
			case *sensor.Lost:
				table.Lost(o)
			case *sensor.Exec:
				x := table.Exec(o)
				past := slices.Clone(truth[o.Key])
				slices.Reverse(past)
				checkPast(t, s.runs[o.Key], x, past, lossy)
				if !x.Reconstructed && x.ForkPID != s.runs[o.Key].forkerPID {
					t.Fatalf("%v: forked by %d, not %d", o.Key, s.runs[o.Key].forkerPID, x.ForkPID)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(live); !lossy && table.Len() > n {
			t.Fatalf("%d processes in the table, %d alive", table.Len(), n)
		}
	})
}

// checkPast compares an Execution with the past of the process, newest first.
func checkPast(t *rapid.T, p *simProcess, x lineage.Execution, past []string, lossy bool) {
	ever := map[string]bool{}
	for f := p; f != nil; f = f.forker {
		for _, name := range f.history {
			ever[name] = true
		}
	}
	var got []string
	marked := false
	for i := x.Image; i != nil; i = i.Older() {
		marked = marked || i.Reconstructed
		name := "?"
		if i.File != nil {
			name = i.File.Path
		}
		n := len(got)
		if got = append(got, name); i.File == nil {
			continue
		}
		if marked && lossy {
			if !ever[name] {
				t.Fatalf("%d: %q, was %q", p.pid, got, past)
			}
		} else if n >= len(past) || past[n] != name {
			t.Fatalf("%d: %q, was %q", p.pid, got, past)
		}
	}
	if !lossy && len(got) != len(past) {
		t.Fatalf("%d: only %q of %q, though nothing was lost", p.pid, got, past)
	}
}
