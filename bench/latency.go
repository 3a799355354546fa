//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// settled is how long a monitor is given to be done with what it has seen, after
// the last spawn and before the processor time is read.
const settled = 300 * time.Millisecond

// patience is how long the last records may take.
const patience = 5 * time.Second

// lab is where everything is measured.
type lab struct {
	programs *programs
	logs     string // folder for the monitors' logs, in memory
	lineup   []contender
	times    int // spawns of each kind in a visit
	say      func(format string, args ...any)
}

// warming is how often each program is run before a measurement: the first run is
// hashed, the second is known, and with the third nobody needs to be asked any more.
const warming = 10

// latency goes round the line-up, the bare machine before and after each monitor,
// for the given time or number of rounds.
func (l *lab) latency(ctx context.Context, limit time.Duration, rounds int) (*Latency, error) {
	out := &Latency{Kinds: kinds, Sizes: l.programs.sizes[:], Times: l.times, Copies: l.programs.copies}
	before, err := readTicks()
	if err != nil {
		return nil, err
	}
	time.Sleep(6 * settled)
	after, err := readTicks()
	if err != nil {
		return nil, err
	}
	out.Idle = after.share(before)
	begun, longest := time.Now(), time.Duration(0)
	for r := 0; ; r++ {
		if rounds > 0 && r >= rounds || rounds == 0 && r > 0 && time.Since(begun)+longest > limit {
			break
		}
		started := time.Now()
		visits, err := l.round(ctx, r)
		if err != nil {
			return nil, err
		}
		out.Visits = append(out.Visits, visits...)
		out.Rounds = r + 1
		longest = max(longest, time.Since(started))
		l.say("round %d of latency and processor time: %.0f s", r+1, time.Since(started).Seconds())
	}
	return out, nil
}

// round visits each monitor once, beginning with another each time, and the bare
// machine in between.
func (l *lab) round(ctx context.Context, r int) ([]Visit, error) {
	none, monitors := l.lineup[0], l.lineup[1:]
	order := []contender{none}
	for i := range monitors {
		order = append(order, monitors[(i+r)%len(monitors)], none)
	}
	visits := make([]Visit, len(order))
	for i, c := range order {
		// What is cold makes a difference to one of them, and is compared with its
		// neighbours.
		cold := c.cold || i > 0 && order[i-1].cold || i+1 < len(order) && order[i+1].cold
		v, err := l.visit(ctx, c, cold)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		v.Round = r
		visits[i] = v
	}
	return visits, nil
}

// visit measures one monitor.
func (l *lab) visit(ctx context.Context, c contender, cold bool) (v Visit, err error) {
	v.Monitor = c.name
	run, stop, err := l.start(ctx, c, time.Minute)
	if err != nil {
		return v, err
	}
	defer func() { err = stop(err) }()
	if _, err := output(l.spawner(ctx, warming, l.programs.warm())); err != nil {
		return v, err
	}
	if v.Warm, v.CPU, err = l.spawn(ctx, l.times, l.programs.warm()); err != nil {
		return v, err
	}
	if run != nil {
		v.Resident = resident(run.pid).All
	}
	if cold {
		if v.Cold, v.ColdCPU, err = l.spawn(ctx, l.programs.copies, l.programs.cold()); err != nil {
			return v, err
		}
	}
	return v, l.check(c)
}

// check makes sure that the monitor has done its work: what does nothing costs
// nothing.
func (l *lab) check(c contender) error {
	if c.start == nil {
		return nil
	}
	name, path, want := filepath.Join(l.logs, dirOf(c), c.log), l.programs.exits[dynamicKind], warming+l.times
	found := 0
	for deadline := time.Now().Add(patience); ; time.Sleep(settled / 10) {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		found = 0
		for line := range bytes.Lines(text) {
			if !c.tell(bytes.TrimSuffix(line, []byte("\n")), path) {
				continue
			}
			found++
			if c.name == xnumonHash && bytes.Contains(line, []byte(`"outcome":"missed"`)) {
				return fmt.Errorf("an exec was not held: %s", line)
			}
		}
		if found == want {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d records of %d execs of %s", found, want, path)
		}
	}
}

// start starts a monitor, nil for none, with an empty folder for its logs. What it
// returns with it stops it, removes the folder, and adds its own error to the one it is given.
func (l *lab) start(ctx context.Context, c contender, limit time.Duration) (*running, func(error) error, error) {
	if c.start == nil {
		return nil, func(err error) error { return err }, nil
	}
	dir := filepath.Join(l.logs, dirOf(c))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("logs: %w", err)
	}
	if c.audits {
		if err := bareAudit(ctx, false); err != nil {
			return nil, nil, err
		}
	}
	run, err := c.start(ctx, dir, limit)
	stop := func(err error) error {
		if run != nil {
			if stopped := run.stop(); err == nil {
				err = stopped
			}
		}
		if c.audits {
			if set := bareAudit(context.WithoutCancel(ctx), true); err == nil {
				err = set
			}
		}
		os.RemoveAll(dir)
		return err
	}
	if err != nil {
		return nil, nil, stop(err)
	}
	return run, stop, nil
}

// dirOf is the folder of a monitor's logs.
func dirOf(c contender) string { return strings.ReplaceAll(c.name, " ", "-") }

// spawn runs each program so many times and returns the median time of each, and the
// processor time of the machine for 1,000 execs.
func (l *lab) spawn(ctx context.Context, times int, programs []string) ([]float64, float64, error) {
	before, err := readTicks()
	if err != nil {
		return nil, 0, err
	}
	text, err := output(l.spawner(ctx, times, programs))
	if err != nil {
		return nil, 0, err
	}
	time.Sleep(settled)
	after, err := readTicks()
	if err != nil {
		return nil, 0, err
	}
	took, err := parseSpawns(text, len(programs))
	if err != nil {
		return nil, 0, err
	}
	medians := make([]float64, len(programs))
	for i := range took {
		medians[i] = median(took[i])
	}
	execs := float64(times * len(programs))
	return medians, after.busy(before).Seconds() / execs * 1000, nil
}

func (l *lab) spawner(ctx context.Context, times int, programs []string) *exec.Cmd {
	args := append([]string{strconv.Itoa(lastCPU()), strconv.Itoa(times)}, programs...)
	return exec.CommandContext(ctx, l.programs.spawn, args...)
}

// parseSpawns reads what spawn prints: nanoseconds by program.
func parseSpawns(text []byte, programs int) ([][]float64, error) {
	took := make([][]float64, programs)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var i int
		var ns float64
		if _, err := fmt.Sscan(lines.Text(), &i, &ns); err != nil || i < 0 || i >= programs {
			return nil, fmt.Errorf("spawn printed %q", lines.Text())
		}
		took[i] = append(took[i], ns)
	}
	for i := range took {
		if len(took[i]) == 0 {
			return nil, fmt.Errorf("spawn printed nothing of program %d", i)
		}
	}
	return took, nil
}

// output runs a program and returns what it writes to standard output.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}
