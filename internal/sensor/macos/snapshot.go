package macos

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// running is a process found by a look at the process table.
type running struct {
	pid, ppid uint32
	start     event.Time // in whole microseconds, as in messages
	path      string     // of the image; empty if it could not be told
	argv, env []string
	creds     sensor.Creds
}

// decoded is a line that was read but not mapped yet.
type decoded struct {
	msg *message
	err error
}

type birth struct {
	pid   uint32
	start event.Time
}

// merge brings a look at the process table, taken at the given time, together
// with the messages that arrived since the subscription: msgs, which holds all
// of those up to the look and are mapped right afterwards. So each process is
// reported once, before the first message that involves it: not at all if one
// of the messages is its fork; as its first message describes it if there is one,
// since the look may have seen it after an exec that is yet to come in
// the stream; and else as the look saw it, under a provisional identity.
//
// Processes known from an earlier stream that are neither there nor in the
// messages are gone.
func (m *mapper) merge(found []running, at event.Time, msgs []decoded) error {
	forked := map[birth]bool{}
	acting := map[birth]*process{}
	for _, d := range msgs {
		if d.err != nil || !d.msg.ours() {
			continue
		}
		p := d.msg.process
		b := birth{p.token.pid, p.start}
		if !forked[b] && acting[b] == nil {
			acting[b] = p
		}
		if c := d.msg.child; c != nil {
			forked[birth{c.token.pid, c.start}] = true
		}
	}

	there := map[birth]bool{}
	for _, f := range found {
		there[birth{f.pid, f.start}] = true
	}
	for _, pid := range sortedPIDs(m.live) {
		l := m.live[pid]
		if b := (birth{pid, l.start}); !there[b] && acting[b] == nil {
			if err := m.gone(l.key, at); err != nil {
				return err
			}
		}
	}

	// Parents first, as far as the table still tells.
	slices.SortFunc(found, func(a, b running) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.pid, b.pid))
	})
	for _, f := range found {
		b := birth{f.pid, f.start}
		if f.pid == 0 || forked[b] || m.live[f.pid] != nil {
			continue
		}
		if p := acting[b]; p != nil {
			if err := m.know(p, at); err != nil {
				return err
			}
			continue
		}
		k := sensor.Key{PID: f.pid, Start: provisional | uint64(f.start/1000)}
		found := &sensor.Process{
			Time: at, Key: k, Parent: m.parentFound(f), Start: f.start,
			Argv: f.argv, Env: f.env, Creds: f.creds,
			Session: sensor.Session{AUID: sensor.NoID, ID: sensor.NoID},
		}
		if f.path != "" {
			m.refs++
			found.Image = &sensor.File{Ref: m.refs, Path: f.path}
			if replaced(f.path) {
				found.Image.PathReason = event.ReasonReplaced
			}
			// Only the path is known: what is there now need not be what runs.
			found.Image.Resolve(sensor.Digest{Reason: event.ReasonRunning})
		}
		m.remember(k, f.start, at)
		if err := m.emit(found); err != nil {
			return err
		}
	}
	return nil
}

func (m *mapper) parentFound(f running) sensor.Key {
	if f.ppid == 0 {
		return sensor.Key{}
	}
	if l := m.live[f.ppid]; l != nil && l.start != 0 && l.start <= f.start {
		return l.key
	}
	return sensor.Key{}
}

var errProcArgs = errors.New("unexpected form of kern.procargs2")

// parseProcArgs takes apart what sysctl kern.procargs2 gives (xnu,
// kern_sysctl.c): argc, the path as it was passed, zeroes up to a boundary, the
// arguments, the environment, and behind an empty string what the kernel tells dyld.
// It is memory of the process, which can write there what it likes.
func parseProcArgs(b []byte) (argv, env []string, err error) {
	if len(b) < 4 {
		return nil, nil, errProcArgs
	}
	argc := binary.NativeEndian.Uint32(b)
	_, b, ok := bytes.Cut(b[4:], []byte{0})
	if !ok {
		return nil, nil, errProcArgs
	}
	// An empty first argument cannot be told from the padding.
	b = bytes.TrimLeft(b, "\x00")
	next := func() (string, bool) {
		s, rest, ok := bytes.Cut(b, []byte{0})
		if ok {
			b = rest
		}
		return string(s), ok
	}
	for range argc {
		s, ok := next()
		if !ok {
			return nil, nil, errProcArgs
		}
		argv = append(argv, s)
	}
	for {
		s, ok := next()
		if !ok || s == "" {
			return argv, env, nil
		}
		env = append(env, s)
	}
}
