package macos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// Errors of a live sensor.
var (
	// ErrEntitlement: holding execs needs what only Apple grants.
	ErrEntitlement = errors.New("holding an exec needs the Endpoint Security entitlement " +
		"(com.apple.developer.endpoint-security.client), which Apple grants to signed system extensions; " +
		"use gate level none")
	// ErrSilent: eslogger runs, or ran, and did not tell of an exec that happened.
	ErrSilent = errors.New("eslogger does not report execs: grant Full Disk Access, in System Settings " +
		"under Privacy & Security, to the program that xnumon was started from (the terminal; " +
		"xnumon itself if launchd starts it), or by an MDM profile")
)

// LiveOptions say how this machine is watched.
type LiveOptions struct {
	// Level must be sensor.LevelNone.
	Level sensor.Level
	// Log is told about lines that could not be read and about each time
	// eslogger is started. Nil discards.
	Log *slog.Logger
}

// heldBack bounds, in bytes, what arrives between the subscription and the end
// of the look at the process table.
const heldBack = 64 << 20

// live supervises eslogger. What is peculiar to macOS comes in through its
// fields, so that it runs, and is tested, on any system.
type live struct {
	log *slog.Logger
	// command returns a new eslogger that writes to its standard output.
	command func() *exec.Cmd
	// probe executes a known program to its end and returns its pid.
	probe func(context.Context) (uint32, error)
	// look looks at the process table.
	look func() ([]running, error)
	now  func() time.Time

	patience time.Duration // for the event of a probe
	again    time.Duration // between two probes
	// backoff is the pause before eslogger is started again: it doubles up to
	// maxBackoff, and starts anew after a stream that lasted that long.
	backoff, maxBackoff time.Duration

	mu    sync.Mutex
	end   context.CancelFunc // of Run
	over  bool
	stats Stats
}

var _ sensor.Sensor = (*live)(nil)

// observeError is an error of the receiver, which ends the sensor, as opposed
// to one of eslogger, which does not.
type observeError struct{ error }

func (e observeError) Unwrap() error { return e.error }

// Run implements sensor.Sensor. It returns an error if eslogger cannot be
// started or tells nothing; once it has worked, it is started again whenever
// it ends, and what happened meanwhile is reported as lost.
func (l *live) Run(ctx context.Context, observe func(sensor.Observation) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.mu.Lock()
	l.end = cancel
	over := l.over
	l.mu.Unlock()
	if over {
		return nil
	}

	s := &stream{stats: l.setStats, warn: func(line uint64, err error) {
		l.log.Warn("line of eslogger not understood", "line", line, "err", err)
	}}
	s.mapper = newMapper(false, func(o sensor.Observation) error {
		if err := observe(o); err != nil {
			return observeError{err}
		}
		return nil
	})
	pause := l.backoff
	for worked := false; ; {
		began := l.now()
		ready, err := l.session(ctx, s)
		worked = worked || ready
		if oe := (observeError{}); errors.As(err, &oe) {
			return oe.error
		}
		if ctx.Err() != nil {
			return unwrapObserve(s.mapper.end())
		}
		if !worked {
			return err
		}
		if ready && l.now().Sub(began) >= l.maxBackoff {
			pause = l.backoff
		}
		l.log.Error("eslogger ended, starting it again", "err", err, "in", pause)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return unwrapObserve(s.mapper.end())
		case <-timer.C:
		}
		pause = min(2*pause, l.maxBackoff)
	}
}

func unwrapObserve(err error) error {
	if oe := (observeError{}); errors.As(err, &oe) {
		return oe.error
	}
	return err
}

// Close implements sensor.Sensor.
func (l *live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.end != nil {
		l.end()
	}
	return nil
}

// Stats returns the counts so far.
func (l *live) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

func (l *live) setStats(s Stats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats = s
}

// session runs one eslogger to its end. ready says that it was seen working.
func (l *live) session(ctx context.Context, s *stream) (ready bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()

	c, err := l.startClient(ctx, &group)
	if err != nil {
		return false, err
	}
	first, err := l.subscribe(ctx, c, s)
	if err != nil {
		return false, err
	}
	for _, d := range first {
		if err := s.mapper.message(d.msg, d.err); err != nil {
			return true, err
		}
	}
	for in := range c.lines { // until ctx is done or eslogger has ended
		err := s.line(in.line, in.err)
		c.room.Release(in.size)
		if err != nil {
			return true, err
		}
	}
	return true, c.cause()
}

// held is what arrives before it may be mapped.
type held struct {
	msgs []decoded
	size int64
}

func (h *held) take(c *client, s *stream, in input) {
	msg, err := s.decode(in.line, in.err)
	h.msgs = append(h.msgs, decoded{msg, err})
	h.size += in.size
	c.room.Release(in.size)
}

// subscribe waits until the stream tells of a probe, looks at the process table,
// and waits for another probe: all messages from before the look are there then. It
// reports the processes found and returns the messages yet to be mapped.
func (l *live) subscribe(ctx context.Context, c *client, s *stream) ([]decoded, error) {
	h := &held{}
	if err := l.awaitProbe(ctx, c, s, h); err != nil {
		return nil, err
	}
	if s.mapper.seq.time != 0 {
		// Not the first stream: what was in between, nobody saw.
		if err := s.mapper.lost(s.mapper.seq.restart(event.Time(l.now().UnixNano()))); err != nil {
			return nil, err
		}
	}
	found, err := l.look()
	at := event.Time(l.now().UnixNano())
	if err != nil {
		// Without it, processes are reported when a message describes them.
		l.log.Error("no look at the process table", "err", err)
		return h.msgs, nil
	}
	if err := l.awaitProbe(ctx, c, s, h); err != nil {
		return nil, err
	}
	return h.msgs, s.mapper.merge(found, at, h.msgs)
}

// awaitProbe executes probes until the stream tells of one. What else it tells
// goes to h.
func (l *live) awaitProbe(ctx context.Context, c *client, s *stream, h *held) error {
	probes, stop := context.WithCancel(ctx)
	pids, failed := make(chan uint32), make(chan error, 1)
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() {
		if err := l.probes(probes, pids); err != nil && probes.Err() == nil {
			failed <- fmt.Errorf("self-test of eslogger: %w", err)
		}
	})

	deadline := time.NewTimer(l.patience)
	defer deadline.Stop()
	// The event can be here before its pid is.
	probed, executed := map[uint32]bool{}, map[uint32]bool{}
	for next := len(h.msgs); ; {
		for ; next < len(h.msgs); next++ {
			if d := h.msgs[next]; d.err == nil && d.msg.exec != nil {
				pid := d.msg.exec.target.token.pid
				executed[pid] = true
				if probed[pid] {
					return nil
				}
			}
		}
		if h.size > heldBack {
			return fmt.Errorf("self-test of eslogger: its exec is not among the first %d bytes", h.size)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			return err
		case pid := <-pids:
			probed[pid] = true
			if executed[pid] {
				return nil
			}
		case in, ok := <-c.lines:
			if !ok {
				return fmt.Errorf("%w (%w)", ErrSilent, c.cause())
			}
			h.take(c, s, in)
		case <-deadline.C:
			return ErrSilent
		}
	}
}

// probes executes one probe after the other and sends their pids.
func (l *live) probes(ctx context.Context, pids chan<- uint32) error {
	ticker := time.NewTicker(l.again)
	defer ticker.Stop()
	for {
		pid, err := l.probe(ctx)
		if err != nil {
			return err
		}
		select {
		case pids <- pid:
		case <-ctx.Done():
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
