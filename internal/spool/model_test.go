package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSpoolAgainstAModel does to a spool what can happen to one, and then
// accounts for every record ever appended: it was read, or a loss record stands
// where it would have been, and says how many there were if that can be known.
func TestSpoolAgainstAModel(t *testing.T) {
	// Where forcing something to the disk takes no time, if there is such a place.
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		m := &model{t: rt, dir: filepath.Join(dir, fmt.Sprint(runs))}
		m.open()
		defer func() { m.s.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append,
			"read": func(rt *rapid.T) {
				m.read(rapid.IntRange(1, 20).Draw(rt, "records"), rapid.IntRange(1, 5000).Draw(rt, "bytes"))
			},
			"ack": func(rt *rapid.T) {
				if m.last > m.s.Acked() {
					m.s.Ack(rapid.Uint64Range(m.s.Acked(), m.last).Draw(rt, "number"))
				}
			},
			"rewind": func(*rapid.T) {
				m.s.Rewind()
				m.last = m.s.Acked()
			},
			"restart": func(rt *rapid.T) {
				if lost, err := m.s.Close(); lost != 0 || err != nil {
					rt.Fatal(lost, err)
				}
				m.open()
			},
			"crash": m.crash,
		})
		// A gap at the very end is seen when something comes after it.
		m.append(rt)
		for m.read(100, 1<<20) {
		}
		for i, seen := range m.seen {
			if !seen {
				rt.Fatalf("record %d of %d is not accounted for", i, len(m.seen))
			}
		}
	})
}

type model struct {
	t    *rapid.T
	s    *Spool
	dir  string
	log  []int // by the spool's numbers, from 1: which record, or told
	seen []bool
	last uint64 // number read last
}

// told is in the log for the loss record that an Open wrote.
const told = -1

func (m *model) open() {
	s, err := Open(m.dir, Options{Loss: encodeLoss})
	if err != nil {
		m.t.Fatal(err)
	}
	s.segment = 1000
	m.s, m.last = s, s.Acked()
}

func (m *model) append(rt *rapid.T) {
	var b []byte
	var ends []int
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 300), 1, 10).Draw(rt, "lengths") {
		b = append(b, numbered(len(m.seen), n)...)
		ends = append(ends, len(b))
		m.log = append(m.log, len(m.seen))
		m.seen = append(m.seen, false)
	}
	if err := m.s.Append(b, ends); err != nil {
		rt.Fatal(err)
	}
}

// see accounts for the records of numbers from, but not including, after to last.
func (m *model) see(after, last uint64) {
	for _, i := range m.log[after:last] {
		if i != told {
			m.seen[i] = true
		}
	}
}

// read checks that what comes is what is due, or a loss in its place.
func (m *model) read(records, bytes int) bool {
	recs, err := m.s.Next(records, bytes)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, r := range recs {
		if r.Seq <= m.last || r.Seq > uint64(len(m.log)) {
			m.t.Fatalf("number %d after %d of %d", r.Seq, m.last, len(m.log))
		}
		if n := uint64(0); strings.HasPrefix(string(r.Data), "lost ") {
			if _, err := fmt.Sscanf(string(r.Data), "lost %d ", &n); err != nil {
				m.t.Fatal(err)
			}
			if n != r.Seq-m.last && (n != 0 || m.log[r.Seq-1] != told) {
				m.t.Fatalf("%q from %d to %d", r.Data, m.last, r.Seq)
			}
		} else {
			var i int
			_, err := fmt.Sscanf(string(r.Data), "rec %d ", &i)
			if err != nil || i != m.log[r.Seq-1] || r.Seq != m.last+1 {
				m.t.Fatalf("%.20q at %d after %d, where record %d was due", r.Data, r.Seq, m.last, m.log[r.Seq-1])
			}
		}
		m.see(m.last, r.Seq)
		m.last = r.Seq
	}
	return len(recs) > 0
}

// crash ends the process, damages what it left, and starts it again.
func (m *model) crash(rt *rapid.T) {
	acked := m.s.Acked()
	abandon(m.s)
	paths := segments(rt, m.s)
	if len(paths) > 0 && rapid.Bool().Draw(rt, "damage") {
		which := rapid.IntRange(0, len(paths)-1).Draw(rt, "segment")
		b, err := os.ReadFile(paths[which])
		if err != nil {
			rt.Fatal(err)
		}
		if len(b) == 0 {
			b = []byte{0}
		}
		at := rapid.IntRange(0, len(b)-1).Draw(rt, "offset")
		if rapid.Bool().Draw(rt, "cut") {
			b = b[:at]
		} else {
			b[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		}
		if err := os.WriteFile(paths[which], b, 0o600); err != nil {
			rt.Fatal(err)
		}
	}
	m.open()
	if m.s.Acked() > acked {
		rt.Fatalf("%d acknowledged, and after a crash %d", acked, m.s.Acked())
	}
	// The loss record stands where the last segment could not be read any more.
	loss := m.s.next - 1
	if loss > uint64(len(m.log))+1 {
		rt.Fatalf("%d records, and the next number is %d", len(m.log), loss)
	}
	m.see(loss-1, uint64(len(m.log)))
	m.log = append(m.log[:loss-1], told)
}
