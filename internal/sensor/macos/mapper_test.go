package macos

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"xnumon/internal/sensor"
)

// TestAgainstMachine lets a machine with few pids run at random and loses
// messages at random. What is observed must be what happened, as far as it was
// told, and what was not told must never be made up.
func TestAgainstMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(rapid.IntRange(6, 11).Draw(t, "version"))
		s.pidSpace = 12
		init := s.boot()
		live := []*simProcess{init}
		for range rapid.IntRange(0, 3).Draw(t, "older") {
			live = append(live, s.old(live[len(live)-1], tool("/old")))
		}
		var execs []string // that were told
		dropped, pending := 0, 0
		told := func() bool {
			if s.dropped > 0 {
				pending++
				return false
			}
			dropped, pending = dropped+pending, 0
			return true
		}
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		for i := range steps {
			if rapid.IntRange(0, 9).Draw(t, "lose") == 0 && s.dropped == 0 {
				s.drop(rapid.IntRange(1, 6).Draw(t, "how many"))
			}
			at := rapid.IntRange(0, len(live)-1).Draw(t, "who")
			p := live[at]
			switch op := rapid.IntRange(0, 2).Draw(t, "op"); {
			case op == 0 && len(live) < 10:
				told()
				live = append(live, s.fork(p))
			case op == 1 && p != init:
				told()
				s.exit(p, 0)
				live = append(live[:at:at], live[at+1:]...)
				for _, c := range live {
					if c.parent == p {
						reparent(init, c)
					}
				}
			default:
				before := fmt.Sprintf("%d.%d", p.pid, p.version)
				tell := told()
				s.exec(p, tool(fmt.Sprintf("/bin/%d", i)), simExec{})
				if tell {
					execs = append(execs, fmt.Sprintf("%s -> %d.%d /bin/%d", before, p.pid, p.version, i))
				}
			}
		}

		known := map[uint32]sensor.Key{} // what an observer believes to be alive
		report := func(k sensor.Key) {
			if o, ok := known[k.PID]; ok {
				t.Fatalf("%v reported although %v has not ended", k, o)
			}
			known[k.PID] = k
		}
		end := func(k sensor.Key) {
			if known[k.PID] != k {
				t.Fatalf("%v ends, known is %v", k, known[k.PID])
			}
			delete(known, k.PID)
		}
		var got []string
		lost, found := 0, 0
		c := Open(bytes.NewReader(s.out.Bytes()), CaptureOptions{})
		err := c.Run(context.Background(), func(o sensor.Observation) error {
			switch o := o.(type) {
			case *sensor.Lost:
				if o.Lineage {
					t.Fatal("lost of processes unknown")
				}
				lost += int(o.Count)
			case *sensor.Fork:
				if known[o.Parent.PID] != o.Parent {
					t.Fatalf("fork by unknown %v", o.Parent)
				}
				if s.runs[o.Child].forker != s.runs[o.Parent] {
					t.Fatalf("fork %v by %v", o.Child, o.Parent)
				}
				report(o.Child)
			case *sensor.Process:
				found++
				if !o.Was.IsZero() {
					if s.runs[o.Was] != s.runs[o.Key] {
						t.Fatalf("%v was another process: %v", o.Key, o.Was)
					}
					end(o.Was)
				}
				report(o.Key)
				p := s.runs[o.Key]
				if o.ForkPID != p.forkerPID {
					t.Fatalf("%v: forked by %d, not %d", o.Key, p.forkerPID, o.ForkPID)
				}
				if !o.Parent.IsZero() && s.runs[o.Parent] != p.forker {
					t.Fatalf("%v: parent %v is another process with that pid", o.Key, o.Parent)
				}
			case *sensor.Exec:
				end(o.Key)
				report(o.Next)
				got = append(got, fmt.Sprintf("%d.%d -> %d.%d %s", o.Key.PID, o.Key.Start, o.Next.PID, o.Next.Start, o.Image.Path))
			case *sensor.Exit:
				if known[o.Key.PID] == o.Key {
					end(o.Key)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(execs) {
			t.Fatalf("execs\n%v, want\n%v", got, execs)
		}
		if lost != dropped {
			t.Fatalf("lost %d, dropped %d", lost, dropped)
		}
		if dropped+pending == 0 {
			for _, p := range s.runs {
				if p.forker == nil || p.start.Before(s.clock.Add(-30e9)) {
					found-- // the old ones, at most
				}
			}
			if found > 0 {
				t.Fatalf("%d too many processes found, though nothing was lost", found)
			}
		}
	})
}
