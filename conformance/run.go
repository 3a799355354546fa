//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"xnumon/conformance/fact"
	"xnumon/conformance/monitor"
)

// Outcome is what came of one case under one monitor.
type Outcome struct {
	Case string `json:"case"`
	// Skip is why the case cannot be run on this machine.
	Skip string `json:"skip,omitempty"`
	// Fail is why nothing can be said: the case itself did not work.
	Fail string `json:"fail,omitempty"`
	// Notes are what else happened: the monitor ended, or did not deliver.
	Notes    []string       `json:"notes,omitempty"`
	Findings []fact.Finding `json:"findings,omitempty"`
}

// Column is what came of all cases under one monitor.
type Column struct {
	Monitor string `json:"monitor"`
	Version string `json:"version,omitempty"`
	// Unavailable is why the monitor was not run.
	Unavailable string    `json:"unavailable,omitempty"`
	Outcomes    []Outcome `json:"outcomes,omitempty"`
}

// Runner runs cases under monitors.
type Runner struct {
	// Bin is the folder that build made.
	Bin string
	// Scratch is where the cases get their directories.
	Scratch string
	// CaseLimit is how long one case may take, MonitorLimit how long one monitor
	// may live, Deliver how long a record may take from the exec to the log.
	CaseLimit, MonitorLimit, Deliver time.Duration
	// Progress is told about each case.
	Progress io.Writer
}

// ran is one case that was run, to be judged when the log is complete.
type ran struct {
	script fact.Script
	run    int // index of the run of the monitor, which may have been restarted
	from   int // records of that run when the case began
}

// Run runs the cases one after another under one monitor.
func (r *Runner) Run(ctx context.Context, m monitor.Monitor, cases []Case) (Column, error) {
	col := Column{Monitor: m.Name()}
	version, err := m.Version(ctx)
	if err != nil {
		col.Unavailable = err.Error()
		return col, nil
	}
	col.Version = version
	base, err := os.MkdirTemp(r.Scratch, "cx-")
	if err != nil {
		return col, fmt.Errorf("scratch directory: %w", err)
	}
	defer os.RemoveAll(base)
	// Cases give up root, and must still get at their files.
	if err := os.Chmod(base, 0o755); err != nil {
		return col, fmt.Errorf("scratch directory: %w", err)
	}
	var runs []*monitor.Run
	var done []ran
	for i, c := range cases {
		if err := ctx.Err(); err != nil {
			break
		}
		out := Outcome{Case: c.Name}
		if len(runs) == 0 || !runs[len(runs)-1].Alive() {
			if len(runs) > 0 {
				out.Notes = append(out.Notes, "the monitor had ended and was started again")
			}
			dir := filepath.Join(base, fmt.Sprintf("m%d", len(runs)))
			if err := os.Mkdir(dir, 0o755); err != nil {
				return col, fmt.Errorf("%s: %w", m.Name(), err)
			}
			next, err := m.Start(ctx, dir, r.MonitorLimit)
			if err != nil {
				return col, fmt.Errorf("%s: %w", m.Name(), err)
			}
			runs = append(runs, next)
		}
		current := runs[len(runs)-1]
		d := ran{run: len(runs) - 1, from: len(current.Records())}
		d.script = r.execute(ctx, c, filepath.Join(base, fmt.Sprintf("c%d", i)), m, current, &out)
		done = append(done, d)
		col.Outcomes = append(col.Outcomes, out)
		fmt.Fprintf(r.Progress, "%s: %s %s\n", m.Name(), c.Name, strings.Join(append(out.Notes, out.Skip, out.Fail), " "))
	}
	var stopErr error
	logs := make([][]fact.Record, len(runs))
	for i, run := range runs {
		if err := run.Stop(); err != nil && stopErr == nil {
			stopErr = fmt.Errorf("%s: %w", m.Name(), err)
		}
		logs[i] = run.Records()
	}
	for i, d := range done {
		out := &col.Outcomes[i]
		if out.Skip != "" || out.Fail != "" {
			continue
		}
		log := logs[d.run]
		to := len(log)
		if i+1 < len(done) && done[i+1].run == d.run {
			to = done[i+1].from
		}
		out.Findings = fact.Judge(d.script.Expectations, log[d.from:to], log[to:], m.Says)
	}
	return col, stopErr
}

// execute runs one case in its directory, and then waits until what it did must
// have been logged.
func (r *Runner) execute(ctx context.Context, c Case, dir string, m monitor.Monitor, run *monitor.Run, out *Outcome) fact.Script {
	// Should the monitor hold the case, or the runner, for ever, it has to go.
	hang := time.AfterFunc(2*r.CaseLimit+r.Deliver, run.Kill)
	defer hang.Stop()
	first := len(run.Records())
	token := newToken()
	text, notes, err := r.play(ctx, c, dir, token)
	out.Notes = append(out.Notes, notes...)
	script, parseErr := fact.Parse(text)
	switch {
	case err != nil:
		out.Fail = err.Error()
	case parseErr != nil:
		out.Fail = "what it expects: " + parseErr.Error()
	case script.Fail != "":
		out.Fail = script.Fail
	case script.Skip != "":
		out.Skip = script.Skip
	case !script.Ended:
		out.Fail = "it did not end"
	case len(script.Expectations) == 0:
		out.Fail = "it expects nothing"
	}
	if out.Skip != "" || out.Fail != "" {
		return script
	}
	// A monitor that does not tell arguments has nothing to tell the token in.
	if !m.Says("argv") && !m.Says("argv.passed") {
		token = ""
	}
	if err := r.settle(ctx, token, first, run); err != nil {
		out.Notes = append(out.Notes, err.Error())
	}
	return script
}

func newToken() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	return "x" + hex.EncodeToString(b[:])
}

// play runs one case and returns what it wrote.
func (r *Runner) play(ctx context.Context, c Case, dir, token string) (text []byte, notes []string, err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, nil, err
	}
	expectations := dir + ".expect"
	f, err := os.OpenFile(expectations, os.O_CREATE|os.O_RDWR|os.O_APPEND|os.O_EXCL, 0o666)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	printed, err := os.Create(dir + ".out")
	if err != nil {
		return nil, nil, err
	}
	defer printed.Close()

	ctx, cancel := context.WithTimeout(ctx, r.CaseLimit)
	defer cancel()
	program := filepath.Join(r.Bin, c.File)
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = printed, printed
	cmd.ExtraFiles = make([]*os.File, expectFD-2)
	cmd.ExtraFiles[expectFD-3] = f
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"CONFORMANCE_TOKEN=" + token,
		"CONFORMANCE_CASE=" + program,
		"CONFORMANCE_BIN=" + filepath.Join(r.Bin, "bin"),
		"CONFORMANCE_LIB=" + filepath.Join(r.Bin, "lib"),
		"CONFORMANCE_EXPECT=" + expectations,
		// A case that notices for itself can still clean up.
		fmt.Sprintf("CONFORMANCE_LIMIT=%d", max(1, int(r.CaseLimit.Seconds()*2/3))),
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	runErr := cmd.Run()
	if n := sweep(token); n > 0 {
		notes = append(notes, fmt.Sprintf("it left %d processes behind", n))
	}
	if n := unmount(dir); n > 0 {
		notes = append(notes, fmt.Sprintf("it left %d mounts behind", n))
	}
	defer os.RemoveAll(dir)
	if text, err = os.ReadFile(expectations); err != nil {
		return nil, notes, err
	}
	if runErr != nil && !strings.Contains(string(text), "case fail ") {
		said, _ := os.ReadFile(dir + ".out")
		return text, notes, fmt.Errorf("%w: %s", runErr, strings.TrimSpace(string(said)))
	}
	return text, notes, nil
}

// expectFD is the descriptor on which a case finds the file for its expectations.
const expectFD = 9

// settle executes a program whose record ends the case, and waits until it has
// been logged. There are two, because a monitor that writes text in lines cannot
// know that a record is complete before the next one begins.
// It is found by the token, or, without one, by its process alone, behind the first
// records of the log.
func (r *Runner) settle(ctx context.Context, token string, first int, run *monitor.Run) error {
	ctx, cancel := context.WithTimeout(ctx, r.Deliver)
	defer cancel()
	var pid int
	for _, name := range []string{"after", "end"} {
		cmd := exec.Command(filepath.Join(r.Bin, "bin", "target"), token+"."+name+".")
		cmd.Env = []string{}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("end of the case: %w", err)
		}
		if pid == 0 {
			pid = cmd.Process.Pid
		}
	}
	if token != "" {
		token += ".after."
	}
	return run.Await(ctx, first, uint32(pid), token)
}

// sweep kills the processes that carry the token in their environment, once they
// had the time to end, and returns how many there were.
func sweep(token string) int {
	mark := "CONFORMANCE_TOKEN=" + token
	left := func() []int {
		var pids []int
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		for _, d := range dirs {
			// A zombie's is empty: it has ended.
			env, err := os.ReadFile(filepath.Join(d, "environ"))
			if err != nil || !slices.Contains(strings.Split(string(env), "\x00"), mark) {
				continue
			}
			var pid int
			if _, err := fmt.Sscanf(filepath.Base(d), "%d", &pid); err == nil {
				pids = append(pids, pid)
			}
		}
		return pids
	}
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if len(left()) == 0 {
			return 0
		}
	}
	pids := left()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(pids)
}

// unmount detaches what is mounted under dir and returns how many mounts it was.
func unmount(dir string) int {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return 0
	}
	n := 0
	lines := strings.Split(string(text), "\n")
	slices.Reverse(lines)
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) > 4 && (f[4] == dir || strings.HasPrefix(f[4], dir+"/")) {
			if syscall.Unmount(f[4], 2 /* MNT_DETACH */) == nil {
				n++
			}
		}
	}
	return n
}
