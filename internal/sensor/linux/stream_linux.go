package linux

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// stream decodes the ring of events. It belongs to the goroutine in Run.
type stream struct {
	s       *Sensor
	observe func(sensor.Observation) error
	chunks  map[sensor.Key]*[2]chunked
	synced  uint64 // the newest token met
	known   knownImages
}

// chunked is a long argv or environment on its way.
type chunked struct {
	data   []byte
	broken bool
}

// next reads one record and handles it. It returns os.ErrDeadlineExceeded when
// it had to wait, ringbuf.ErrClosed or os.ErrClosed at the end.
func (t *stream) next(rec *ringbuf.Record) error {
	err := t.s.ring.read(rec)
	switch {
	case err == nil:
		return t.handle(rec.RawSample)
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	if err := t.observe(sensor.Pause{}); err != nil {
		return err
	}
	return t.s.ring.wait()
}

func (t *stream) handle(raw []byte) error {
	var h monitorHeader
	if _, err := read(raw, &h); err != nil {
		return err
	}
	switch monitorRecordType(h.Type) {
	case monitorRecordTypeREC_FORK:
		var r monitorForkRecord
		if _, err := read(raw, &r); err != nil {
			return err
		}
		return t.observe(&sensor.Fork{
			Time: t.s.clock.wall(r.H.Time), Parent: key(r.Parent), Child: key(r.Child), ExecID: r.ExecId,
		})
	case monitorRecordTypeREC_EXIT:
		var r monitorExitRecord
		if _, err := read(raw, &r); err != nil {
			return err
		}
		if t.s.gate != nil {
			t.s.gate.pending.threadEnded(r.Tid, r.H.Time)
		}
		if t.s.told != nil {
			t.s.told.threadEnded(r.Tid)
		}
		if r.Group == 0 {
			return nil
		}
		delete(t.chunks, key(r.Key))
		delete(t.s.scripts.ahead, key(r.Key))
		return t.observe(&sensor.Exit{Time: t.s.clock.wall(r.H.Time), Key: key(r.Key)})
	case monitorRecordTypeREC_CHUNK:
		var r monitorChunkRecord
		data, err := read(raw, &r)
		if err != nil {
			return err
		}
		return t.chunk(&r, data)
	case monitorRecordTypeREC_EXEC:
		var r monitorExecRecord
		data, err := read(raw, &r)
		if err != nil {
			return err
		}
		return t.exec(&r, data)
	case monitorRecordTypeREC_SCRIPT:
		var r monitorExecRecord
		data, err := read(raw, &r)
		if err != nil {
			return err
		}
		p, err := parts(&r, data)
		if err != nil {
			return err
		}
		t.s.scripts.add(&r, p[monitorPartPART_PATH])
		return nil
	case monitorRecordTypeREC_TASK:
		var r monitorExecRecord
		data, err := read(raw, &r)
		if err != nil {
			return err
		}
		return t.task(&r, data)
	case monitorRecordTypeREC_SYNC:
		var r monitorExitRecord
		if _, err := read(raw, &r); err != nil {
			return err
		}
		t.synced = r.Key.Start
		return nil
	}
	return fmt.Errorf("record of unknown type %d", h.Type)
}

// chunk keeps a part of a long argv or environment until its exec record comes.
func (t *stream) chunk(r *monitorChunkRecord, data []byte) error {
	i := int(r.Part) - int(monitorPartPART_ARGS)
	if i < 0 || i > 1 || int(r.Len) > len(data) {
		return fmt.Errorf("chunk of part %d with %d bytes: %w", r.Part, r.Len, errShort)
	}
	pair := t.chunks[key(r.Key)]
	if pair == nil {
		pair = new([2]chunked)
		t.chunks[key(r.Key)] = pair
	}
	c := &pair[i]
	if r.Offset == 0 {
		*c = chunked{}
	}
	if uint64(len(c.data)) != r.Offset {
		c.broken = true
		return nil
	}
	c.data = append(c.data, data[:r.Len]...)
	return nil
}

// memory returns the list of strings of one part and why it is not whole.
func (t *stream) memory(r *monitorExecRecord, part monitorPart, inline []byte, total uint64, count uint32) ([]string, event.Reason) {
	if why := reason(r.Status[part]); why != "" {
		return nil, why
	}
	if monitorPartStatus(r.Status[part]) == monitorPartStatusPART_CHUNKED {
		pair := t.chunks[key(r.Key)]
		if pair == nil {
			return nil, event.ReasonLost
		}
		c := &pair[part-monitorPartPART_ARGS]
		if c.broken || uint64(len(c.data)) != total {
			return nil, event.ReasonLost
		}
		inline = c.data
	}
	if uint64(len(inline)) != total {
		return nil, event.ReasonLost
	}
	list := stringList(inline)
	if len(list) != int(count) {
		return list, event.ReasonRaced
	}
	return list, ""
}

func (t *stream) exec(r *monitorExecRecord, data []byte) error {
	p, err := parts(r, data)
	if err != nil {
		return err
	}
	flags := monitorExecFlags(r.Flags)
	e := &sensor.Exec{
		Time:        t.s.clock.wall(r.H.Time),
		Key:         key(r.Key),
		Parent:      parent(r.Parent),
		ExecID:      r.ExecId,
		Cwd:         directory(p[monitorPartPART_CWD], r.Status[monitorPartPART_CWD]),
		CwdReason:   reason(r.Status[monitorPartPART_CWD]),
		Filename:    cString(p[monitorPartPART_FILENAME]),
		Interpreted: flags&monitorExecFlagsEXEC_INTERPRETED != 0,
		After:       creds(r.After),
		Session:     session(&r.Session),
		Container:   container(&r.Ns, p[monitorPartPART_CGROUP], r.Status[monitorPartPART_CGROUP]),
	}
	if r.Tid != r.Key.Pid {
		e.TID = r.Tid
	}
	if flags&monitorExecFlagsEXEC_BEFORE != 0 {
		before := creds(r.Before)
		e.Before = &before
	} else if r.Image.Mode&(unix.S_ISUID|unix.S_ISGID) == 0 {
		// The call was made inside the kernel. Only these bits let an exec change ids.
		before := e.After
		e.Before = &before
	}
	e.Argv, e.ArgvReason = t.memory(r, monitorPartPART_ARGS, p[monitorPartPART_ARGS], r.ArgsTotal, r.Argc)
	if t.s.opts.Env {
		e.Env, e.EnvReason = t.memory(r, monitorPartPART_ENV, p[monitorPartPART_ENV], r.EnvTotal, r.Envc)
	}
	delete(t.chunks, e.Key)
	e.Image = t.s.newFile(&r.Image, p[monitorPartPART_PATH], r.Status[monitorPartPART_PATH])
	l := t.s.scripts.take(r)
	t.s.activated(e, r, l)
	if a := t.s.opts.Acquirer; a != nil {
		t.known.note(&r.Image, belowOf(r), a)
		if len(l.files) > 0 { // of the others nobody asks
			t.known.note(&l.files[0].id, &l.files[0].below, a)
		}
	}
	return t.observe(e)
}

// ended says whether err is one that Run ends with, and not an unusable record.
func ended(err error) bool {
	return errors.Is(err, ringbuf.ErrClosed) || errors.Is(err, os.ErrClosed)
}
