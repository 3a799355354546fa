package lineage

import (
	"slices"

	"pgregory.net/rapid"

	"xnumon/event"
)

// handed is what the table gave out, to see whether it stays as it was.
type handed struct {
	x    Execution
	then []string
}

// check compares what the table says of an exec with what happened.
func (m *model) check(p *modelProcess, before []past, x Execution) {
	m.handed = append(m.handed, handed{x, history(x)})
	m.t.Logf("exec of %v (%d) from %v: %q", p.key, p.execID, before, history(x))
	if x.Key != p.key {
		m.t.Fatalf("key %v, want %v", x.Key, p.key)
	}
	if x.Reconstructed != !p.forked.seen {
		m.t.Fatalf("%v: reconstructed is %v, its fork was seen: %v", p.key, x.Reconstructed, p.forked.seen)
	}
	if p.forked.seen && (x.ForkTime != p.forked.time || x.ForkPID != p.forker.key.PID) {
		m.t.Fatalf("%v: forked at %v by %d, want %v by %d", p.key, x.ForkTime, x.ForkPID, p.forked.time, p.forker.key.PID)
	}
	if !p.forked.seen && (x.ForkPID != 0 || x.ForkTime != 0 && x.ForkTime != p.forked.time || x.Unforked == "") {
		m.t.Fatalf("%v: fork invented: %v by %d, %q", p.key, x.ForkTime, x.ForkPID, x.Unforked)
	}
	descends := false
	for a := p; a != nil; a = a.forker {
		descends = descends || a.followed
	}
	if m.followed[p.key] && !x.Followed || x.Followed && !descends {
		m.t.Fatalf("%v: followed is %v", p.key, x.Followed)
	}
	if m.numberless {
		m.checkNumberless(p, before, x.Image)
	} else {
		m.checkPast(p, before, x.Image)
	}
}

// checkPast walks along both pasts. What was seen must be told as it was and
// unmarked, in its place; what was not must be marked, and be right if it is
// told. Beyond a fork that was not seen, with no image seen since, only lookups
// tell anything, which can go by a parent that is not the forker.
func (m *model) checkPast(p *modelProcess, want []past, got *Image) {
	for n, h := range want {
		if h.fork && h.seen {
			continue
		}
		if !h.seen && unknowable(want[n:]) {
			m.checkBeyond(p, want[n:], got)
			return
		}
		switch {
		case got == nil:
			m.t.Fatalf("%v: past ends before %v", p.key, h)
		case h.seen && (got.Reconstructed || got.File != h.file || got.Time != h.time || got.PID != h.pid):
			m.t.Fatalf("%v: image %+v, want %+v", p.key, got, h)
		case !h.seen && (!got.Reconstructed || got.Time != 0 || got.PID != 0):
			m.t.Fatalf("%v: image %+v was not seen", p.key, got)
		case !h.seen && got.File != nil && got.File.Path != h.file.Path:
			m.t.Fatalf("%v: image %s, was %s", p.key, got.File.Path, h.file.Path)
		case got.File == nil && got.Reason == "":
			m.t.Fatalf("%v: image %+v is absent for no reason", p.key, got)
		}
		got = got.Older()
	}
	// A past that ends here is that of what descends from a kernel thread.
	if got != nil && got.Reason != event.ReasonKernelThread && !got.Reconstructed {
		m.t.Fatalf("%v: image %+v never was", p.key, got)
	}
}

// unknowable reports whether nothing was seen down to the next fork that was
// not seen either.
func unknowable(h []past) bool {
	for _, h := range h {
		if h.fork && !h.seen {
			return true
		}
		if !h.fork && h.seen {
			return false
		}
	}
	return true
}

func (m *model) checkBeyond(p *modelProcess, want []past, got *Image) {
	if got == nil && !slices.ContainsFunc(want, func(h past) bool { return !h.fork }) {
		return // descends from a kernel thread
	}
	if got == nil || !got.Reconstructed {
		m.t.Fatalf("%v: image %+v is not marked", p.key, got)
	}
	for ; got != nil; got = got.Older() {
		if got.Time == 0 {
			if !got.Reconstructed {
				m.t.Fatalf("%v: image %+v is not marked", p.key, got)
			}
			continue
		}
		if h := m.ever[got.Time]; !h.seen || h.file != got.File || h.pid != got.PID {
			m.t.Fatalf("%v: image %+v never was", p.key, got)
		}
	}
}

// checkNumberless is for kernels where a loss puts all in doubt that was learnt
// before: what is told may then be unknown, but not wrong.
func (m *model) checkNumberless(p *modelProcess, want []past, got *Image) {
	if !m.lossy {
		m.checkPast(p, want, got)
		return
	}
	newest := slices.IndexFunc(want, func(h past) bool { return !h.fork })
	if newest >= 0 && got.File != nil {
		h := want[newest]
		if got.File.Path != h.file.Path || !got.Reconstructed && (got.Time != h.time || got.PID != h.pid) {
			m.t.Fatalf("%v: image %+v, was %v", p.key, got, h)
		}
	}
	for ; got != nil; got = got.Older() {
		if h := m.ever[got.Time]; !got.Reconstructed && (!h.seen || h.file != got.File || h.pid != got.PID) {
			m.t.Fatalf("%v: image %+v never was", p.key, got)
		}
	}
}

func (m *model) invariants() {
	for pid, p := range m.tab.procs {
		if p.key.PID != pid || p.image == nil {
			m.t.Fatalf("process %d is %+v", pid, p)
		}
		checkChain(m.t, p.image)
	}
	for _, h := range m.handed {
		if now := history(h.x); !slices.Equal(now, h.then) {
			m.t.Fatalf("%v: handed out as %q, is %q now", h.x.Key, h.then, now)
		}
	}
}

// checkChain finds cycles, and images that are marked settled and are not.
func checkChain(t *rapid.T, i *Image) {
	settled := false
	for n := 0; i != nil; i, n = i.prev, n+1 {
		if n > 1000 {
			t.Fatal("a past without end")
		}
		settled = settled || !i.unsettled
		if settled && i.open {
			t.Fatalf("image %+v is open behind a settled one", i)
		}
	}
}
