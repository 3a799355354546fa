//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// rest is how long a monitor is left alone before its memory is looked at.
const rest = time.Second

// storming says how long a storm is.
type storming struct {
	least time.Duration
	execs int // at least; zero if time alone counts
	most  time.Duration
}

// storm executes a program as often as the machine can under a monitor. It returns
// when all that was executed is recorded, or nothing more comes.
func (l *lab) storm(ctx context.Context, c contender, s storming) (out Storm, err error) {
	out.Monitor = c.name
	run, stop, err := l.start(ctx, c, s.most+3*grace)
	if err != nil {
		return out, err
	}
	defer func() { err = stop(err) }()
	watch := &watch{run: run}
	if run != nil {
		time.Sleep(rest)
		out.Before = resident(run.pid)
		log := filepath.Join(l.logs, dirOf(c), c.log)
		watch.log = follow(log, func(line []byte) bool { return c.tell(line, l.programs.tiny) })
		defer func() {
			if ended := watch.log.end(); err == nil {
				err = ended
			}
			out.Losses = watch.log.losses
			out.Recorded = watch.log.count.Load()
		}()
	}
	if c.ring {
		r, err := watchRing()
		if err != nil {
			return out, err
		}
		defer func() { out.Ring, out.RingSize = r.end(), r.size }()
	}
	begun := time.Now()
	if out.Execs, err = l.rage(ctx, s, watch); err != nil {
		return out, err
	}
	out.Seconds = time.Since(begun).Seconds()
	if run == nil {
		return out, nil
	}
	out.Caught = watch.catchUp(out.Execs)
	out.Behind = watch.behind
	time.Sleep(rest)
	out.After = resident(run.pid)
	out.Greatest = max(watch.greatest, out.Before.All, out.After.All)
	return out, nil
}

// watch is what is looked at during a storm.
type watch struct {
	run      *running
	log      *follower
	behind   uint64
	greatest int64
}

// rage runs the storm and returns how many execs there were.
func (l *lab) rage(ctx context.Context, s storming, w *watch) (uint64, error) {
	cmd := exec.CommandContext(ctx, l.programs.storm, strconv.Itoa(2*runtime.NumCPU()),
		fmt.Sprintf("%g", s.least.Seconds()), strconv.Itoa(s.execs), fmt.Sprintf("%g", s.most.Seconds()), l.programs.tiny)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the storm: %w", err)
	}
	execs := uint64(0)
	lines := bufio.NewScanner(stdout)
	for n := 0; lines.Scan(); n++ {
		if v, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
			execs = v
		}
		if w.run == nil {
			continue
		}
		if recorded := w.log.count.Load(); recorded < execs {
			w.behind = max(w.behind, execs-recorded)
		}
		if n%10 == 0 {
			w.greatest = max(w.greatest, resident(w.run.pid).All)
		}
	}
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("the storm: %w", err)
	}
	return execs, nil
}

// catchUp waits for the records of all execs, as long as records come, and returns
// after how many seconds the last came.
func (w *watch) catchUp(execs uint64) float64 {
	begun := time.Now()
	last, at := w.log.count.Load(), begun
	for last < execs && time.Since(at) < 3*time.Second && time.Since(begun) < 2*grace {
		time.Sleep(10 * time.Millisecond)
		if now := w.log.count.Load(); now != last {
			last, at = now, time.Now()
		}
	}
	return at.Sub(begun).Seconds()
}

// memory measures the resident size of a monitor that is idle, and with so many
// processes alive, each of which it has seen executing a program.
func (l *lab) memory(ctx context.Context, c contender, live int) (out Memory, err error) {
	out.Live = live
	run, stop, err := l.start(ctx, c, 3*grace)
	if err != nil {
		return out, err
	}
	defer func() { err = stop(err) }()
	time.Sleep(2 * rest)
	out.Idle = resident(run.pid)
	log := follow(filepath.Join(l.logs, dirOf(c), c.log), func(line []byte) bool { return c.tell(line, l.programs.wait) })
	defer func() {
		if ended := log.end(); err == nil {
			err = ended
		}
	}()
	cmd := exec.CommandContext(ctx, l.programs.crowd, strconv.Itoa(live), l.programs.wait)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return out, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return out, err
	}
	if err := cmd.Start(); err != nil {
		return out, fmt.Errorf("start the crowd: %w", err)
	}
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	(&watch{log: log}).catchUp(uint64(live))
	time.Sleep(2 * rest)
	out.Crowd = resident(run.pid)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		return out, fmt.Errorf("the crowd: %w", err)
	}
	if n := log.count.Load(); n != uint64(live) {
		return out, fmt.Errorf("%d of %d processes were recorded", n, live)
	}
	return out, nil
}
