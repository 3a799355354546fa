package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"xnumon/internal/sensor"
)

// tick is how often a sensor with nothing to do looks after its counters.
const tick = 500 * time.Millisecond

// expiry is how long a held exec of which nothing more was heard is remembered
// before it is looked whether its thread is still there.
const expiry = time.Minute

func threadEnded(tid uint32) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", tid))
	return errors.Is(err, os.ErrNotExist)
}

// Options say what a Sensor observes.
type Options struct {
	Env      bool // send environments
	Snapshot bool // observe the processes that run already
	// Detail makes the observations of running processes carry argv,
	// environment and working directory.
	Detail bool

	Gate sensor.Level
	// GatePaths limits the gate to the file systems that hold these paths. None means all.
	GatePaths []string
	// GateTimeout is the longest an exec is held. At least 10 ms; zero means 2 s.
	GateTimeout time.Duration
	// Watchdog answers when this process does not. Nil means that a gate has
	// none, which only a test on a mount of its own can afford.
	Watchdog *Watchdog
	// Acquirer is told of held files. Required when Gate is not LevelNone.
	Acquirer sensor.Acquirer
	// Warn is told, in one line, what the sensor cannot do as asked but goes on without. May be nil.
	Warn func(string)
}

// Sensor watches the Linux kernel it runs on.
type Sensor struct {
	opts    Options
	objs    monitorObjects
	links   []link.Link
	ring    *ring
	clock   clock
	refs    atomic.Uint64
	ident   *identifier
	gate    *gate
	told    *notices // instead of the gate, at LevelNone
	loss    lossCounters
	scripts scripts
	root    root // the monitor's own
	token   atomic.Uint64

	turned    atomic.Int64 // see Stats
	ringBytes atomic.Int64
	ringSize  int

	closeOnce sync.Once
	closeErr  error
}

var _ sensor.Sensor = (*Sensor)(nil)

// Open loads and attaches: from its return on, nothing that happens is missed,
// provided Run follows before the ring is full. The caller closes the Sensor.
func Open(opts Options) (_ *Sensor, err error) {
	if opts.GateTimeout == 0 {
		opts.GateTimeout = 2 * time.Second
	}
	if opts.Warn == nil {
		opts.Warn = func(string) {}
	}
	if opts.Gate != sensor.LevelNone && opts.Acquirer == nil {
		return nil, errors.New("a gate needs an acquirer")
	}
	s := &Sensor{opts: opts}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.clock.sync()
	spec, err := loadMonitor()
	if err != nil {
		return nil, fmt.Errorf("read the embedded BPF object: %w", err)
	}
	if err := setConstants(spec, &opts); err != nil {
		return nil, err
	}
	if err := spec.LoadAndAssign(&s.objs, nil); err != nil {
		return nil, fmt.Errorf("load the BPF programs: %w", err)
	}
	if s.ident, err = newIdentifier(&s.objs); err != nil {
		return nil, err
	}
	if s.ring, err = newRing(s.objs.Events); err != nil {
		return nil, err
	}
	s.ringSize = s.ring.reader.BufferSize()
	if err := s.attach(); err != nil {
		return nil, err
	}
	return s, nil
}

// setConstants fills in what differs by architecture and run.
func setConstants(spec *ebpf.CollectionSpec, opts *Options) error {
	flag := func(set bool) uint32 {
		if set {
			return 1
		}
		return 0
	}
	numbers := map[string]uint32{
		"nr_execve":              unix.SYS_EXECVE,
		"nr_execveat":            unix.SYS_EXECVEAT,
		"nr_compat_execve":       compatExecve,
		"nr_compat_execveat":     compatExecveat,
		"nr_x32_execve":          x32Execve,
		"nr_x32_execveat":        x32Execveat,
		"nr_x32_ioctl":           x32Ioctl,
		"nr_memfd_create":        unix.SYS_MEMFD_CREATE,
		"nr_compat_memfd_create": compatMemfdCreate,
		"nr_ioctl":               unix.SYS_IOCTL,
		"nr_compat_ioctl":        compatIoctl,
		"nr_fsconfig":            unix.SYS_FSCONFIG,
		"nr_compat_mount":        compatMount,
	}
	mounts := [4]uint32{unix.SYS_MOUNT, unix.SYS_FSMOUNT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE}
	values := map[string]any{
		"self_tgid": uint32(os.Getpid()),
		"want_env":  flag(opts.Env),
		"nr_mounts": mounts,
	}
	watched := [16]uint64{}
	for _, nr := range mounts {
		watched[nr/64] |= 1 << (nr % 64)
	}
	for name, nr := range numbers {
		watched[nr/64] |= 1 << (nr % 64)
		values[name] = nr
	}
	values["nr_watched"] = watched
	for name, value := range values {
		v, ok := spec.Variables[name]
		if !ok {
			return fmt.Errorf("the embedded BPF object has no %s", name)
		}
		if err := v.Set(value); err != nil {
			return fmt.Errorf("set %s in the BPF object: %w", name, err)
		}
	}
	return nil
}

// attach connects the programs. Forks, execs and exits last, so that an exec
// call is known when its exec is seen.
func (s *Sensor) attach() error {
	for _, p := range []*ebpf.Program{s.objs.OnSysEnter, s.objs.OnSysExit, s.objs.OnExit, s.objs.OnFork, s.objs.OnExec} {
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return fmt.Errorf("attach %s: %w", p.String(), err)
		}
		s.links = append(s.links, l)
	}
	return nil
}

// StartGate begins to hold execs. What is held is handed to the Acquirer from
// goroutines of the sensor until Close. At LevelNone it begins to have the kernel tell which
// files are opened for execs, without holding them.
func (s *Sensor) StartGate() error {
	if s.gate != nil || s.told != nil {
		return nil
	}
	if s.opts.Gate == sensor.LevelNone {
		n, err := newNotices(s)
		if err != nil {
			// Everything else is as it should be.
			s.opts.Warn(fmt.Sprintf("scripts are not seen: %v", err))
			return nil
		}
		s.told = n
		return nil
	}
	g, err := newGate(s)
	if err != nil {
		return err
	}
	s.gate = g
	return g.start()
}

// Run implements sensor.Sensor.
func (s *Sensor) Run(ctx context.Context, observe func(sensor.Observation) error) error {
	t := &stream{s: s, observe: observe, chunks: map[sensor.Key]*[2]chunked{}, known: knownImages{told: s.objs.KnownImages}}
	snapshot := make(chan error, 1)
	if s.opts.Snapshot {
		go func() { snapshot <- s.iterate() }()
	} else {
		snapshot <- nil
	}
	var rec ringbuf.Record
	var last time.Time
	var until uint64 // once ctx is done, the token to read up to
	for {
		err := t.next(&rec)
		switch {
		case ended(err):
			return <-snapshot
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			return fmt.Errorf("read the ring of events: %w", err)
		}
		if now := time.Now(); now.Sub(last) >= tick {
			last = now
			s.turn()
			s.clock.sync()
			if s.gate != nil {
				s.gate.pending.expire(expiry, threadEnded)
			}
			if s.told != nil {
				s.told.drain(nil)
			}
			if err := s.reportLoss(observe); err != nil {
				return err
			}
			// There is no pause as long as the ring is never empty.
			if err := observe(sensor.Pause{}); err != nil {
				return err
			}
		}
		if ctx.Err() == nil {
			continue
		}
		if until == 0 {
			if err := <-snapshot; err != nil {
				return err
			}
			snapshot <- nil
			if until, err = s.mark(); err != nil {
				return err
			}
		}
		if until != 0 && t.synced >= until {
			return s.reportLoss(observe)
		}
	}
}

// mark puts a token behind all that has happened so far, which Run has to meet after its
// context is done. It is zero when the ring is full: its reader makes room.
func (s *Sensor) mark() (uint64, error) {
	token := s.token.Add(1)
	ret, err := s.objs.SyncEvents.Run(&ebpf.RunOptions{Context: token})
	if err != nil {
		return 0, fmt.Errorf("mark the end in the ring of events: %w", err)
	}
	if ret != 0 {
		return 0, nil
	}
	return token, nil
}

// Close implements sensor.Sensor. Held execs are released.
func (s *Sensor) Close() error {
	s.closeOnce.Do(func() {
		var errs []error
		if s.gate != nil {
			errs = append(errs, s.gate.close())
		}
		if s.told != nil {
			errs = append(errs, s.told.close())
		}
		for _, l := range s.links {
			errs = append(errs, l.Close())
		}
		if s.ring != nil {
			errs = append(errs, s.ring.close())
		}
		errs = append(errs, s.objs.Close())
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}
