package lineage

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// The model is a kernel that keeps the whole past of every process as a list
// and remembers which of its events were delivered. It is slow and has no
// cleverness: a fork copies the list.

// past is one thing that happened to a process or to one it descends from.
type past struct {
	fork bool // a fork; else an exec
	seen bool // its event was delivered
	file *sensor.File
	time event.Time
	pid  uint32
}

type modelProcess struct {
	key      sensor.Key
	parent   *modelProcess // as getppid would tell
	children []*modelProcess
	execID   uint64
	past     []past // newest first
	forked   past   // the newest fork in past
	forker   *modelProcess
	thread   bool // of the kernel
	followed bool // asked for
}

type model struct {
	t     *rapid.T
	tab   *Table
	lossy bool
	// numberless kernels do not count execs.
	numberless bool
	now        event.Time
	start      uint64
	refs       uint64
	live       []*modelProcess
	ever       map[event.Time]past // every exec there was
	// Lookups and notices that were made but are not delivered yet.
	stale []*sensor.Process
	// followed are those that have to be.
	followed map[sensor.Key]bool
	handed   []handed
}

const pids = 12

func (p *modelProcess) String() string { return fmt.Sprint(p.key) }

func (h past) String() string {
	s := "fork"
	if !h.fork {
		s = h.file.Path
	}
	if !h.seen {
		s = "!" + s
	}
	return fmt.Sprintf("%s@%d", s, h.time)
}

func (m *model) tick() event.Time { m.now++; return m.now }

func (m *model) newFile() *sensor.File {
	m.refs++
	// few files, so that the same one is often executed again
	n := rapid.IntRange(1, 4).Draw(m.t, "file")
	return &sensor.File{Ref: m.refs, Path: fmt.Sprintf("/bin/%d", n), HasStat: true, ID: sensor.Identity{Ino: uint64(n)}}
}

func (m *model) pick(label string) *modelProcess {
	return m.live[rapid.IntRange(0, len(m.live)-1).Draw(m.t, label)]
}

// delivered decides whether an event gets through.
func (m *model) delivered() bool {
	if !m.lossy || rapid.IntRange(0, 5).Draw(m.t, "lost") > 0 {
		return true
	}
	if m.numberless {
		// Such a sensor finds a loss by a gap, where it stands.
		m.lost()
	}
	return false
}

func (m *model) number(p *modelProcess) uint64 {
	if m.numberless {
		return 0
	}
	return p.execID
}

func (m *model) freePID() (uint32, bool) {
	var free []uint32
	for pid := uint32(1); pid <= pids; pid++ {
		if !slices.ContainsFunc(m.live, func(p *modelProcess) bool { return p.key.PID == pid }) {
			free = append(free, pid)
		}
	}
	if len(free) == 0 {
		return 0, false
	}
	return rapid.SampledFrom(free).Draw(m.t, "pid"), true
}

func (m *model) birth(forker, parent *modelProcess, pid uint32) *modelProcess {
	m.start++
	c := &modelProcess{
		key: sensor.Key{PID: pid, Start: m.start}, parent: parent, forker: forker,
		execID: forker.execID, thread: forker.thread,
	}
	c.forked = past{fork: true, time: m.tick()}
	parent.children = append(parent.children, c)
	m.live = append(m.live, c)
	return c
}

func (m *model) fork() {
	p := m.pick("forker")
	pid, ok := m.freePID()
	if !ok {
		return
	}
	parent := p
	if p.parent != nil && rapid.IntRange(0, 4).Draw(m.t, "CLONE_PARENT") == 0 {
		parent = p.parent
	}
	c := m.birth(p, parent, pid)
	c.forked.seen = m.delivered()
	c.past = append([]past{c.forked}, p.past...)
	// The child is in the kernel's list before its fork is told.
	if rapid.IntRange(0, 7).Draw(m.t, "found early") == 0 {
		m.find(m.look(c))
	}
	m.t.Logf("fork of %v by %v, child of %v, %v", c, p, parent, c.forked)
	if c.forked.seen {
		m.followed[c.key] = m.followed[p.key]
		m.tab.Fork(&sensor.Fork{Time: c.forked.time, Parent: p.key, Child: c.key, ExecID: m.number(c)})
	}
}

func (m *model) exec() {
	p := m.pick("caller")
	if p.parent == nil && p.thread {
		return // a kernel thread proper never does; what it forks may
	}
	e := past{file: m.newFile(), time: m.tick(), pid: p.key.PID, seen: m.delivered()}
	before := slices.Clone(p.past)
	p.execID++
	p.past = append([]past{e}, p.past...)
	p.thread = false
	m.ever[e.time] = e
	if rapid.IntRange(0, 5).Draw(m.t, "found in the middle") == 0 {
		s := m.look(p)
		if rapid.Bool().Draw(m.t, "not told") {
			s.Image = nil
		}
		m.find(s)
	}
	if !e.seen {
		m.t.Logf("exec of %v (%d) is lost", p, p.execID)
		return
	}
	x := m.tab.Exec(&sensor.Exec{
		Time: e.time, Key: p.key, ExecID: m.number(p), Parent: p.parentKey(), Image: e.file,
	})
	m.check(p, before, x)
}

func (p *modelProcess) parentKey() sensor.Key {
	if p.parent == nil {
		return sensor.Key{}
	}
	return p.parent.key
}

func (m *model) exit() {
	p := m.pick("who exits")
	if p.parent == nil {
		return
	}
	m.live = slices.DeleteFunc(m.live, func(o *modelProcess) bool { return o == p })
	// Its children go to whoever is next above, or to the first process.
	m.t.Logf("exit of %v", p)
	reaper := m.live[0]
	if rapid.Bool().Draw(m.t, "subreaper") {
		reaper = p.parent
	}
	if !slices.Contains(m.live, reaper) {
		reaper = m.live[0]
	}
	for _, c := range p.children {
		if slices.Contains(m.live, c) {
			c.parent = reaper
			reaper.children = append(reaper.children, c)
		}
	}
	if m.delivered() {
		m.tab.Exit(&sensor.Exit{Time: m.tick(), Key: p.key})
	}
}

// look is a lookup: it tells the truth of this moment.
func (m *model) look(p *modelProcess) *sensor.Process {
	s := &sensor.Process{
		Time: m.tick(), Key: p.key, Parent: p.parentKey(), ExecID: m.number(p),
		Start: p.forked.time, KernelThread: p.thread,
	}
	if i := slices.IndexFunc(p.past, func(h past) bool { return !h.fork }); i >= 0 && !p.thread {
		m.refs++
		f := p.past[i].file
		s.Image = &sensor.File{Ref: m.refs, Path: f.Path, HasStat: true, ID: f.ID}
	}
	return s
}

func (m *model) lookup() {
	s := m.look(m.pick("found"))
	if rapid.IntRange(0, 3).Draw(m.t, "late") == 0 {
		m.stale = append(m.stale, s)
		return
	}
	m.find(s)
}

func (m *model) find(s *sensor.Process) {
	m.t.Logf("found %v (%d), child of %v, image %v", s.Key, s.ExecID, s.Parent, s.Image != nil)
	m.tab.Process(s)
}

func (m *model) deliverStale() {
	for _, s := range m.stale {
		m.find(s)
	}
	m.stale = nil
}

func (m *model) lost() {
	m.tab.Lost(&sensor.Lost{Time: m.tick(), Since: m.now - 1, Until: m.now, Lineage: m.lossy})
}

func (m *model) sweep() {
	m.tab.Sweep(m.alive)
	if got, most := m.tab.Len(), len(m.live); got > most {
		m.t.Fatalf("%d processes after a sweep, %d are alive", got, most)
	}
}

func (m *model) alive(k sensor.Key) bool {
	return slices.ContainsFunc(m.live, func(p *modelProcess) bool { return p.key == k })
}

func (m *model) follow() {
	p := m.pick("followed")
	if p == m.live[0] {
		return // gets orphans that do not descend from it
	}
	m.followed[p.key], p.followed = true, true
	m.t.Logf("follow %v", p)
	m.tab.Follow(p.key)
}

func newModel(t *rapid.T, lossy, numberless bool) *model {
	m := &model{
		t: t, tab: New(), lossy: lossy, numberless: numberless, ever: make(map[event.Time]past),
		followed: make(map[sensor.Key]bool),
	}
	// Some processes run already, one of them a kernel thread.
	m.start++
	first := &modelProcess{key: sensor.Key{PID: 1, Start: m.start}, execID: 1}
	first.forked = past{fork: true, time: m.tick()}
	first.past = []past{{file: m.newFile(), time: m.tick()}, first.forked}
	m.start++
	kthread := &modelProcess{key: sensor.Key{PID: 2, Start: m.start}, thread: true}
	kthread.forked = past{fork: true, time: m.tick()}
	kthread.past = []past{kthread.forked}
	m.live = append(m.live, first, kthread)
	for n := rapid.IntRange(0, 4).Draw(t, "running"); n > 0; n-- {
		p := m.pick("forker")
		pid, _ := m.freePID()
		c := m.birth(p, p, pid)
		c.past = append([]past{c.forked}, p.past...)
		if !c.thread && rapid.Bool().Draw(t, "executed") {
			c.past = append([]past{{file: m.newFile(), time: m.tick()}}, c.past...)
			c.execID++
		}
	}
	return m
}

func (m *model) run() {
	m.t.Repeat(map[string]func(*rapid.T){
		"":       func(*rapid.T) { m.invariants() },
		"fork":   func(*rapid.T) { m.fork() },
		"fork 2": func(*rapid.T) { m.fork() },
		"exec":   func(*rapid.T) { m.exec() },
		"exec 2": func(*rapid.T) { m.exec() },
		"exec 3": func(*rapid.T) { m.exec() },
		"exit":   func(*rapid.T) { m.exit() },
		"find":   func(*rapid.T) { m.lookup() },
		"late":   func(*rapid.T) { m.deliverStale() },
		"lost":   func(*rapid.T) { m.lost() },
		"sweep":  func(*rapid.T) { m.sweep() },
		"follow": func(*rapid.T) { m.follow() },
	})
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { newModel(t, false, false).run() })
}

func TestModelWithLosses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { newModel(t, true, false).run() })
}

func TestModelWithoutNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { newModel(t, false, true).run() })
}

func TestModelWithoutNumbersWithLosses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { newModel(t, true, true).run() })
}
