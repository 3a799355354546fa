package main

import (
	"context"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"xnumon/event"
	"xnumon/internal/config"
	"xnumon/internal/encode"
	"xnumon/internal/sensor"
)

// self is what the monitor says about itself, in records and to who asks. Its
// methods may be called from any goroutine.
type self struct {
	live  *live
	level string
	since event.Time
	pid   uint32

	mu      sync.Mutex
	config  *config.Config // in force
	changed chan struct{}  // the interval may be another
}

func newSelf(l *live, level string, c *config.Config) *self {
	return &self{
		live: l, level: level, config: c, since: now(), pid: uint32(os.Getpid()), changed: make(chan struct{}, 1),
	}
}

func now() event.Time { return event.Time(time.Now().UnixNano()) }

// inForce returns the configuration, which is not changed any more.
func (s *self) inForce() *config.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

// started records the start.
func (s *self) started() { s.record(s.ops(event.OpStart)) }

// reloaded takes over a configuration and records what is other in it.
func (s *self) reloaded(c *config.Config, changes []config.Change) {
	s.mu.Lock()
	s.config = c
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
	r := s.ops(event.OpReload)
	for _, change := range changes {
		r.Changed = append(r.Changed, event.Setting{Key: change.Key, Value: change.New})
	}
	s.record(r)
}

// notReloaded records that a new configuration was not taken over.
func (s *self) notReloaded(why error) {
	r := s.ops(event.OpReload)
	r.Error = why.Error()
	s.record(r)
}

// stopped writes the last record, behind those of the monitor, which has ended.
func (s *self) stopped(o *liveOptions, why error) {
	e, err := o.encoder(os.Stdout, thisMachine())
	if err != nil || !s.inForce().Events.Has(config.EventOps) {
		return // that format was good until now
	}
	r := s.ops(event.OpStop)
	if why != nil {
		r.Error = why.Error()
	}
	s.live.out.Write(e.AppendOps(nil, r))
}

func (s *self) record(r *event.Ops) {
	if s.inForce().Events.Has(config.EventOps) {
		s.live.monitor.Record(func(dst []byte, e encode.Encoder) []byte { return e.AppendOps(dst, r) })
	}
}

func (s *self) ops(op event.Op) *event.Ops {
	c := s.inForce()
	r := &event.Ops{Time: now(), Op: op, Pid: s.pid, Build: buildOf(), System: thisSystem(), ConfigID: c.ID}
	r.Config = c.Settings()
	return r
}

// report records the statistics every interval until ctx is done, and once more then.
func (s *self) report(ctx context.Context) {
	timer := time.NewTimer(s.inForce().StatsInterval)
	defer timer.Stop()
	for {
		select {
		case <-s.changed:
			timer.Reset(s.inForce().StatsInterval)
			continue
		case <-timer.C:
			timer.Reset(s.inForce().StatsInterval)
		case <-ctx.Done():
			s.recordStats()
			return
		}
		s.recordStats()
	}
}

func (s *self) recordStats() {
	if s.inForce().Events.Has(config.EventStats) {
		r := s.stats()
		s.live.monitor.Record(func(dst []byte, e encode.Encoder) []byte { return e.AppendStats(dst, r) })
	}
}

// stats asks everybody.
func (s *self) stats() *event.Stats {
	l := s.live
	r := &event.Stats{Time: now(), Since: s.since}
	r.Memory, r.CPU = usage()
	if s.level != sensor.LevelNone.String() {
		r.Gate = &event.GateStats{Level: s.level}
	}
	k, a := l.sensor.Stats(), l.acquirer.Stats()
	r.Queues = append(r.Queues, event.QueueStats{Name: "ring", Depth: uint64(k.RingBytes), Limit: uint64(k.RingSize)})
	if g := r.Gate; g != nil {
		g.Errors, g.StoodIn = k.GateErrors, k.StoodIn
		r.Queues = append(r.Queues, event.QueueStats{Name: "gate", Depth: uint64(k.Waiting)})
	}
	r.Queues = append(r.Queues, event.QueueStats{Name: "small", Depth: a.Small}, event.QueueStats{Name: "large", Depth: a.Large})
	r.Acquisition = event.AcquisitionStats{
		Lookups: a.Lookups, Hashed: a.Hashed, HashedBytes: a.HashedBytes,
		Cached: a.Cached, Hits: a.Hits, Misses: a.Misses, Evicted: a.Evicted, Invalidated: k.Unmarked,
	}
	l.monitor.AddStats(r)
	r.Queues[0].Dropped = r.Observed.Lost
	l.out.addStats(r)
	return r
}

// addStats adds each place where records go, and the queue in front of it.
func (o *outputs) addStats(r *event.Stats) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	for _, one := range o.all {
		s := one.sink.Stats()
		out := event.OutputStats{
			Name: one.to.String(), Records: s.Records, Bytes: s.Bytes, Dropped: s.Dropped, Errors: s.Retries,
			Spooled: s.Spooled, SpoolBytes: uint64(max(s.OnDisk, 0)), Refused: s.Refused, Damaged: s.Damaged,
		}
		if s.LastError != nil {
			out.Error = s.LastError.Error()
		}
		r.Outputs = append(r.Outputs, out)
		r.Queues = append(r.Queues, event.QueueStats{Name: "output", Depth: uint64(max(s.Queued, 0)), Limit: uint64(max(s.Limit, 0)), Dropped: s.Dropped})
	}
}

// usage returns the resident memory of this process and the time it has run.
func usage() (bytes uint64, cpu int64) {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &ru) == nil {
		cpu = ru.Utime.Nano() + ru.Stime.Nano()
	}
	if raw, err := os.ReadFile("/proc/self/statm"); err == nil {
		bytes = residentPages(raw) * uint64(os.Getpagesize())
	}
	return bytes, cpu
}

// residentPages is the second number of /proc/PID/statm (proc(5)).
func residentPages(statm []byte) (n uint64) {
	second := false
	for _, c := range statm {
		switch {
		case c == ' ' && second:
			return n
		case c == ' ':
			second = true
		case second && c >= '0' && c <= '9':
			n = 10*n + uint64(c-'0')
		}
	}
	return n
}

func thisSystem() event.System {
	m := thisMachine()
	s := event.System{Hostname: m.Name, OS: m.OS, Arch: m.Arch}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		s.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	var up unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) == nil {
		s.BootTime = now() - event.Time(up.Nano())
	}
	return s
}

// buildOf is what version says, in parts.
func buildOf() (b event.Build) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Go, b.Version = info.GoVersion, info.Main.Version
	if packageVersion != "" {
		b.Version = packageVersion
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}
