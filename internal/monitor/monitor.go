// Package monitor wires the rooms together: observations go through lineage,
// their files are acquired, and records come out in the order of the execs.
package monitor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"xnumon/event"
	"xnumon/internal/encode"
	"xnumon/internal/lineage"
	"xnumon/internal/record"
	"xnumon/internal/sensor"
	"xnumon/internal/suppress"
)

// patience is how long after its exec a record waits for digests.
const patience = 30 * time.Second

// Sink takes encoded records.
type Sink interface {
	// Write must not block and must not keep rec. What it has to drop it counts
	// and has recorded.
	Write(rec []byte)
}

// Options say what a Monitor does.
type Options struct {
	Records record.Options
	Encoder encode.Encoder
	Sink    Sink
	// Acquire begins the acquisition of a file unless that is under way. Nil
	// when digests come with the observations.
	Acquire func(*sensor.File)
	// AtStart has a record written for each process found running.
	AtStart bool
	// Follow limits the records to what descends from one process, see Monitor.Follow.
	Follow bool
	// Suppress decides which execs get no record. May be nil.
	Suppress *suppress.Suppressor
	// Tap sees every observation, before anything else does. May be nil.
	Tap func(sensor.Observation) error
	// Sweep says whether a process is still there, to find exits that were lost. May be nil.
	Sweep func(sensor.Key) bool
}

// Monitor turns observations into records.
type Monitor struct {
	opts    Options
	table   *lineage.Table
	builder *record.Builder
	queue   *backlog
	done    sync.WaitGroup
	noExecs bool // belongs to emit, as do builder and opts.Encoder
	pauses  bool // the sensor says when
	counts  counters

	launcher sensor.Key // see Follow
	child    uint32
	parent   uint32
}

// pending is a record whose digests may not be known yet, one of a loss or of
// what somebody else says, or a change.
type pending struct {
	change  *Change
	write   func([]byte, encode.Encoder) []byte // see Record
	exec    *sensor.Exec
	lineage lineage.Execution
	process *sensor.Process
	lost    *sensor.Lost
	since   time.Time
}

// New makes a Monitor. Start it before it observes.
func New(opts Options) *Monitor {
	return &Monitor{
		opts:    opts,
		table:   lineage.New(),
		builder: record.NewBuilder(opts.Records),
		queue:   newBacklog(),
	}
}

// Run takes the observations of s until ctx is done or its stream ends, and
// returns when the records of all of them are in the sink.
func (m *Monitor) Run(ctx context.Context, s sensor.Sensor) error {
	m.done.Go(m.emit)
	err := s.Run(ctx, m.observe)
	m.queue.end()
	m.done.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Follow limits the records to what the process executes that parent forks and
// that has the given pid, after its first exec, and to what descends from it.
// Call it before Run.
func (m *Monitor) Follow(parent, child uint32) { m.parent, m.child = parent, child }

// observe handles one observation.
func (m *Monitor) observe(o sensor.Observation) error {
	if _, ok := o.(sensor.Pause); ok {
		m.pauses = true
		m.queue.tell()
		return nil
	}
	if err := m.handle(o); err != nil {
		return err
	}
	m.observed(o)
	if !m.pauses {
		m.queue.tell()
	}
	return nil
}

func (m *Monitor) handle(o sensor.Observation) error {
	if m.opts.Tap != nil {
		if err := m.opts.Tap(o); err != nil {
			return err
		}
	}
	switch o := o.(type) {
	case *sensor.Fork:
		if m.opts.Follow && m.launcher.IsZero() && o.Child.PID == m.child && o.Parent.PID == m.parent {
			m.launcher = o.Child
		}
		m.table.Fork(o)
	case *sensor.Exec:
		m.exec(o)
	case *sensor.Exit:
		m.table.Exit(o)
	case *sensor.Process:
		m.process(o)
	case *sensor.Lost:
		m.table.Lost(o)
		if o.Lineage && m.opts.Sweep != nil {
			m.table.Sweep(m.opts.Sweep)
		}
		m.queue.put(pending{lost: o, since: time.Now()})
	case *sensor.Digest:
		// It resolves its file, which happens in the sensor.
	default:
		return fmt.Errorf("observation of unknown type %T", o)
	}
	return nil
}

func (m *Monitor) exec(e *sensor.Exec) {
	if m.opts.Acquire != nil {
		m.opts.Acquire(e.Image)
		for _, f := range e.Interpreters {
			m.opts.Acquire(f)
		}
	}
	x := m.table.Exec(e)
	suppressed := m.opts.Suppress != nil && m.opts.Suppress.Exec(e, &x)
	if m.opts.Follow && !x.Followed {
		if e.Key == m.launcher {
			m.table.Follow(e.Key) // from its next exec on
		}
		return
	}
	if suppressed {
		return
	}
	m.queue.put(pending{exec: e, lineage: x, since: time.Now()})
}

func (m *Monitor) process(p *sensor.Process) {
	if m.opts.Acquire != nil && p.Image != nil {
		m.opts.Acquire(p.Image)
	}
	m.table.Process(p)
	if m.opts.Suppress != nil {
		m.opts.Suppress.Note(p.Image)
	}
	if !m.opts.AtStart || p.KernelThread || !p.Was.IsZero() { // one that was known by another identity has its record
		return
	}
	if x, ok := m.table.Running(p); ok && (m.opts.Suppress == nil || !m.opts.Suppress.Process(p)) {
		m.queue.put(pending{process: p, lineage: x, since: time.Now()})
	}
}

// emit writes records in the order of the observations.
func (m *Monitor) emit() {
	var buf []byte
	var files []*sensor.File
	for taken := m.queue.take(nil); taken != nil; taken = m.queue.take(taken) {
		for i := range taken {
			buf, files = m.write(buf[:0], files[:0], &taken[i])
			if len(buf) > 0 {
				m.opts.Sink.Write(buf)
			}
			m.queue.written()
		}
	}
}

// write makes the record of p in buf, if there is to be one, after waiting for the digests it
// is to have. files is room to note them in.
func (m *Monitor) write(buf []byte, files []*sensor.File, p *pending) ([]byte, []*sensor.File) {
	switch {
	case p.change != nil:
		m.adopt(p.change)
	case p.write != nil:
		buf = p.write(buf, m.opts.Encoder)
	case p.lost != nil:
		buf = m.opts.Encoder.AppendLoss(buf, &event.Loss{
			Time: p.lost.Time, Source: p.lost.Source, Count: p.lost.Count,
			Since: p.lost.Since, Until: p.lost.Until,
		})
	case m.noExecs:
	case p.process != nil:
		files = m.builder.AppendProcessFiles(files, p.process, &p.lineage)
		wait(files, p.since)
		m.counts.absent(p.process.Image)
		buf = m.opts.Encoder.AppendExec(buf, m.builder.Process(p.process, &p.lineage))
	default:
		files = m.builder.AppendFiles(files, p.exec, &p.lineage)
		wait(files, p.since)
		m.counts.absent(p.exec.Image)
		m.counts.absent(p.exec.Interpreters...)
		buf = m.opts.Encoder.AppendExec(buf, m.builder.Exec(p.exec, &p.lineage))
	}
	return buf, files
}

// wait waits for the digests of files, which are given up when they take too long.
func wait(files []*sensor.File, since time.Time) {
	var timer *time.Timer
	for _, f := range files {
		if f.Digest() != nil {
			continue
		}
		if timer == nil {
			timer = time.NewTimer(time.Until(since.Add(patience)))
			defer timer.Stop()
		}
		select {
		case <-f.Done():
		case <-timer.C:
			timer.Reset(0)
			f.Resolve(sensor.Digest{Reason: event.ReasonTimeout})
		}
	}
}
