//go:build linux

// Package monitor holds the adapters: one for each monitor, which starts it, and
// maps what it writes to facts. An adapter adds nothing to what its monitor says
// and leaves nothing out.
package monitor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"xnumon/conformance/fact"
)

// Monitor is one monitor in one configuration.
type Monitor interface {
	// Name stands in the table and on the command line.
	Name() string
	// Version asks the monitor for its version. An error says why the monitor
	// cannot be run on this machine.
	Version(ctx context.Context) (string, error)
	// Start starts the monitor, with dir for its files, and returns when it sees
	// every exec of the machine. limit is how long it may live: a monitor that
	// holds execs must not outlive a runner that hangs on one.
	Start(ctx context.Context, dir string, limit time.Duration) (*Run, error)
	// Says tells whether the monitor has a field for the fact.
	Says(fact string) bool
}

// All are the monitors that are known, in the order of the table. xnumon is the
// path of that program.
func All(xnumon string) []Monitor {
	return []Monitor{
		&Xnumon{Path: xnumon, Level: "none"},
		&Xnumon{Path: xnumon, Level: "open"},
		&Xnumon{Path: xnumon, Level: "hash"},
		&Auditd{},
		&Auditd{Laurel: true},
		&Execsnoop{},
	}
}

// Decoder turns a monitor's output into records.
type Decoder interface {
	// Line takes one line, without its newline, and returns the records that are
	// complete with it.
	Line(line []byte) []fact.Record
	// Flush returns what is left when no line will follow.
	Flush() []fact.Record
}

// Run is a monitor that runs. Its methods may be called by one goroutine.
type Run struct {
	cmd    *exec.Cmd
	exited chan struct{}
	stop   func() error
	notes  *notes
	// tailed is closed when the goroutine that reads the output has ended.
	tailed  chan struct{}
	closing chan struct{}

	mu      sync.Mutex
	records []fact.Record
	err     error
}

// Records are those delivered so far, in the order of the log. The caller must
// not change them.
func (r *Run) Records() []fact.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records[:len(r.records):len(r.records)]
}

// Alive says whether the monitor is still running.
func (r *Run) Alive() bool {
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

// Pid is the process that the monitor's are below: of its own it does nothing.
func (r *Run) Pid() int { return r.cmd.Process.Pid }

// Kill ends the monitor without asking it.
func (r *Run) Kill() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	<-r.exited
}

// Await waits until the log holds, behind the first of its records, one with this pid
// and token. An empty token stands in every record.
func (r *Run) Await(ctx context.Context, first int, pid uint32, token string) error {
	seen := first
	for {
		records := r.Records()
		for ; seen < len(records); seen++ {
			if rec := &records[seen]; rec.Pid == pid && (token == "" || rec.Mentions(token)) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the exec that ends the case was not logged: %w", ctx.Err())
		case <-r.exited:
			return fmt.Errorf("the monitor ended: %s", r.notes)
		case <-time.After(poll):
		}
	}
}

// Stop stops the monitor, waits until it has ended, and reads its output to the
// end.
func (r *Run) Stop() error {
	err := r.stop()
	close(r.closing)
	<-r.tailed
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(err, r.err)
}

const poll = 10 * time.Millisecond

// grace is how long a monitor may take to start or to stop.
const grace = time.Minute

// launch starts a monitor's program. Should it hold every exec of the machine,
// timeout, which is there before it, ends it.
func launch(limit time.Duration, name string, args ...string) *Run {
	args = append([]string{"-s", "KILL", fmt.Sprintf("%d", int(limit.Seconds())), name}, args...)
	r := &Run{
		cmd:     exec.Command("timeout", args...),
		exited:  make(chan struct{}),
		notes:   new(notes),
		tailed:  make(chan struct{}),
		closing: make(chan struct{}),
	}
	r.cmd.Env = append(os.Environ(), "LC_ALL=C")
	r.cmd.Stderr = r.notes
	r.stop = r.terminate
	// A group of its own, to be killed as one; the terminal's interrupt is the
	// runner's business.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return r
}

func (r *Run) start() error {
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", r.cmd.Args[4], err)
	}
	go func() {
		// How it ended does not matter: a monitor that is asked to end by a signal
		// may say so by its status.
		_ = r.cmd.Wait()
		close(r.exited)
	}()
	return nil
}

// terminate asks the monitor to end, and makes it end after a while.
func (r *Run) terminate() error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop: %w", err)
	}
	select {
	case <-r.exited:
		return nil
	case <-time.After(grace):
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-r.exited
		return fmt.Errorf("the monitor did not stop when it was asked to")
	}
}

// ready waits until the monitor says so, by the given test.
func (r *Run) ready(ctx context.Context, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	for !is() {
		select {
		case <-r.exited:
			return fmt.Errorf("the monitor ended: %s", r.notes)
		case <-ctx.Done():
			r.Kill()
			return fmt.Errorf("the monitor did not get ready: %s", r.notes)
		case <-time.After(poll):
		}
	}
	return nil
}

// tail reads a file that grows until the run is over, from its beginning. It does
// not if there is no decoder.
func (r *Run) tail(path string, d Decoder) {
	defer close(r.tailed)
	if d == nil {
		return
	}
	var f *os.File
	var rest []byte
	buf := make([]byte, 1<<20)
	for last := false; ; {
		if f == nil {
			// The monitor may not have made it yet.
			if opened, err := os.Open(path); err == nil {
				f = opened
				defer f.Close()
			} else if last {
				r.fail(err)
				return
			}
		}
		n, err := 0, error(io.EOF)
		if f != nil {
			n, err = f.Read(buf)
		}
		if n > 0 {
			rest = r.feed(append(rest, buf[:n]...), d)
			continue
		}
		if err != nil && err != io.EOF {
			r.fail(err)
			return
		}
		if last {
			if len(rest) > 0 {
				r.add(d.Line(rest))
			}
			r.add(d.Flush())
			return
		}
		select {
		case <-r.closing:
			// One more round: what was written before it ended.
			last = true
		case <-time.After(poll):
		}
	}
}

// feed gives the whole lines of text to the decoder and returns the rest.
func (r *Run) feed(text []byte, d Decoder) []byte {
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return text
		}
		r.add(d.Line(text[:end]))
		text = text[end+1:]
	}
}

func (r *Run) add(records []fact.Record) {
	r.mu.Lock()
	r.records = append(r.records, records...)
	r.mu.Unlock()
}

func (r *Run) fail(err error) {
	r.mu.Lock()
	r.err = errors.Join(r.err, fmt.Errorf("read the log: %w", err))
	r.mu.Unlock()
}

// notes keeps the beginning of what a monitor writes to standard error.
type notes struct {
	mu   sync.Mutex
	text []byte
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = append(n.text, p[:min(len(p), 1<<16-len(n.text))]...)
	return len(p), nil
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.TrimSpace(string(n.text))
}

// output runs a program and returns what it prints.
func output(ctx context.Context, name string, args ...string) (string, error) {
	if _, err := exec.LookPath(name); err != nil {
		return "", fmt.Errorf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	text, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(append([]string{name}, args...), " "), err, bytes.TrimSpace(text))
	}
	return strings.TrimSpace(string(text)), nil
}

// rawLimit is how much of a record is kept for a reader.
const rawLimit = 1500

// shorten keeps the beginning of a record.
func shorten(s string) string {
	if len(s) <= rawLimit {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:rawLimit], len(s))
}
