package macos

import (
	"maps"
	"slices"

	"xnumon/event"
	"xnumon/internal/macho"
	"xnumon/internal/sensor"
)

// mapper turns messages into observations. It keeps what a message leaves to be
// remembered: which processes have been reported, and under which identity. An
// actor that was not, because it is older than the stream or its fork or execs
// were lost, is reported from the description that every message carries of it:
// as a sensor.Process, which is to say, as found and not as seen happening.
//
// Invariant: live has one entry for each pid that was reported and not yet
// reported as gone.
type mapper struct {
	emit     func(sensor.Observation) error
	recorded bool // the files are not at hand
	refs     uint64
	seq      sequence
	live     map[uint32]*living
	// losses counts what was lost. What an entry says is certain only while
	// nothing was lost since it was last confirmed.
	losses uint64
}

type living struct {
	key    sensor.Key
	start  event.Time // when it was forked, zero if not known
	seen   event.Time // when it was last confirmed
	losses uint64     // mapper.losses then
}

// provisional marks the Start of a key whose pidversion is not known: the rest
// is the time of the fork in microseconds.
const provisional = 1 << 63

func newMapper(recorded bool, emit func(sensor.Observation) error) *mapper {
	return &mapper{emit: emit, recorded: recorded, live: map[uint32]*living{}}
}

func (t token) key() sensor.Key { return sensor.Key{PID: t.pid, Start: uint64(t.version)} }

func (t token) creds() sensor.Creds {
	return sensor.Creds{EUID: t.euid, EGID: t.egid, RUID: t.ruid, RGID: t.rgid}
}

func (p *process) login() sensor.Session {
	return sensor.Session{
		AUID: p.token.auid, HasAUID: p.token.auid != sensor.NoID,
		ID: p.token.asid, Leader: p.session, TTY: p.tty,
	}
}

// message maps one message, or what could be read of one when err is set.
func (m *mapper) message(msg *message, err error) error {
	if err != nil && msg.global == nil && msg.seq == nil {
		m.seq.unreadable()
		return nil
	}
	lost, rebooted := m.seq.next(msg)
	if err := m.lost(lost); err != nil {
		return err
	}
	if rebooted {
		if err := m.forget(msg.time); err != nil {
			return err
		}
	}
	switch {
	case err != nil:
		return m.lost(&sensor.Lost{
			Time: m.seq.time, Source: lostLine, Count: 1, Since: m.seq.time, Until: m.seq.time,
		})
	case !msg.ours():
		return nil
	case msg.kind == "exec":
		return m.exec(msg)
	case msg.kind == "fork":
		return m.fork(msg)
	}
	return m.exit(msg)
}

// end reports what is left to report when the stream ends.
func (m *mapper) end() error { return m.lost(m.seq.end()) }

func (m *mapper) lost(l *sensor.Lost) error {
	if l == nil {
		return nil
	}
	m.losses++
	return m.emit(l)
}

// forget reports all processes as gone.
func (m *mapper) forget(at event.Time) error {
	for _, pid := range sortedPIDs(m.live) {
		if err := m.gone(m.live[pid].key, at); err != nil {
			return err
		}
	}
	return nil
}

func (m *mapper) gone(k sensor.Key, at event.Time) error {
	delete(m.live, k.PID)
	return m.emit(&sensor.Exit{Time: at, Key: k})
}

func (m *mapper) remember(k sensor.Key, start, seen event.Time) {
	m.live[k.PID] = &living{key: k, start: start, seen: seen, losses: m.losses}
}

// know makes sure that the actor of a message is reported, under its identity.
func (m *mapper) know(p *process, at event.Time) error {
	k := p.token.key()
	if k.PID == 0 {
		return nil // the kernel
	}
	var was sensor.Key
	if l := m.live[k.PID]; l != nil {
		if l.key == k {
			l.seen, l.losses = at, m.losses
			return nil
		}
		if l.start != 0 && l.start == p.start {
			was = l.key
		} else if err := m.gone(l.key, at); err != nil { // it must be: its pid has another process
			return err
		}
	}
	found := &sensor.Process{
		Time: at, Key: k, Was: was, Start: p.start,
		Creds: p.token.creds(), Session: p.login(),
	}
	found.Parent, found.ForkPID = m.parent(p)
	if p.executable != nil {
		found.Image = m.file(p.executable, macho.Arch{}, p.cdhash, 0)
		found.Image.Signature = p.signature()
	}
	m.remember(k, p.start, at)
	return m.emit(found)
}

// parent returns who forked p, as far as a message tells that is not about the
// fork itself: the pid, and the identity if that is certain. The parent token is
// the parent at the time of the message, the original ppid the pid of the forker.
func (m *mapper) parent(p *process) (sensor.Key, uint32) {
	pid := uint32(0)
	switch {
	case p.originalPPID != nil:
		pid = *p.originalPPID
	case p.parent != nil:
		pid = p.parent.pid
	}
	if pid == 0 {
		return sensor.Key{}, 0 // the kernel, or not known
	}
	// A process that had this pid before p was forked, and still had it
	// afterwards, forked it: whatever else had the pid came later.
	if l := m.live[pid]; l != nil && l.start != 0 && p.start != 0 && l.start < p.start {
		if l.seen >= p.start || l.losses == m.losses {
			return l.key, pid
		}
	}
	if p.parent != nil && p.parent.pid == pid {
		return p.parent.key(), pid
	}
	return sensor.Key{}, pid
}

func (m *mapper) exec(msg *message) error {
	p, e := msg.process, msg.exec
	k, next := p.token.key(), e.target.token.key()
	if k.PID != next.PID {
		// Two processes cannot be before and after one exec.
		return m.lost(&sensor.Lost{
			Time: msg.time, Source: lostLine, Count: 1, Since: msg.time, Until: msg.time,
		})
	}
	if err := m.know(p, msg.time); err != nil {
		return err
	}
	before := p.token.creds()
	parent, _ := m.parent(p)
	x := &sensor.Exec{
		Time: msg.time, Key: k, Parent: parent,
		Argv: e.args, Env: e.env,
		Before: &before, After: e.target.token.creds(),
		Session: p.login(),
	}
	if next != k {
		x.Next = next
	}
	x.ArgvReason = whole(e.args, e.hasArgs)
	x.EnvReason = whole(e.env, e.hasEnv)
	switch {
	case e.cwd == nil:
		x.CwdReason = event.ReasonNotRecorded
	case e.cwd.truncated:
		x.CwdReason = event.ReasonTruncated
	default:
		x.Cwd = e.cwd.path
		if replaced(x.Cwd) {
			x.CwdReason = event.ReasonReplaced
		}
	}
	x.Image = m.file(e.target.executable, e.arch, e.target.cdhash, msg.time)
	x.Image.Signature = e.target.signature()
	if e.script != nil {
		// An interpreter that is a script itself is refused by this kernel
		// (xnu, kern_exec.c), so the chain has no more than these two.
		x.Interpreted = true
		x.Interpreters = []*sensor.File{m.file(e.script, macho.Arch{}, macho.CDHash{}, msg.time)}
	} else {
		// For a script it is the interpreter, which nobody passed.
		x.Filename = e.dyldPath
	}
	m.remember(next, p.start, msg.time)
	return m.emit(x)
}

// whole says why a list of strings is not what the kernel had.
func whole(list []string, there bool) event.Reason {
	switch {
	case !there:
		return event.ReasonNotRecorded
	case anyReplaced(list):
		return event.ReasonReplaced
	}
	return ""
}

func (m *mapper) fork(msg *message) error {
	if err := m.know(msg.process, msg.time); err != nil {
		return err
	}
	c := msg.child
	k := c.token.key()
	if l := m.live[k.PID]; l != nil && k.PID != msg.process.token.pid {
		if err := m.gone(l.key, msg.time); err != nil { // its exit was lost
			return err
		}
	}
	born := c.start
	if born == 0 {
		born = msg.time
	}
	m.remember(k, c.start, msg.time)
	return m.emit(&sensor.Fork{Time: born, Parent: msg.process.token.key(), Child: k})
}

func (m *mapper) exit(msg *message) error {
	k := msg.process.token.key()
	if l := m.live[k.PID]; l != nil && l.key != k {
		// Whoever was known under this pid is gone as well: the same process
		// before an exec that was lost, or one before it.
		if err := m.gone(l.key, msg.time); err != nil {
			return err
		}
	}
	return m.gone(k, msg.time)
}

func sortedPIDs(live map[uint32]*living) []uint32 {
	return slices.Sorted(maps.Keys(live))
}
