//go:build linux

package monitor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"xnumon/conformance/fact"
)

// Execsnoop is the execsnoop.bt script that comes with bpftrace.
type Execsnoop struct {
	// Unread leaves the output to others: the run has no records.
	Unread bool
}

var _ Monitor = (*Execsnoop)(nil)

// Name is execsnoop.bt.
func (*Execsnoop) Name() string { return "execsnoop.bt" }

// Says tells whether there is a field for the fact. A line holds a moment counted
// from the script's start, a process id and the arguments of the call joined by
// spaces.
func (*Execsnoop) Says(name string) bool { return name == "argv.passed" }

// places are where packages of bpftrace put the script.
var places = []string{
	"/usr/sbin/execsnoop.bt", "/usr/share/bpftrace/tools/execsnoop.bt", "/usr/local/share/bpftrace/tools/execsnoop.bt",
}

func (*Execsnoop) script() (string, error) {
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("execsnoop.bt is not installed")
}

// Version is that of bpftrace.
func (e *Execsnoop) Version(ctx context.Context) (string, error) {
	if _, err := e.script(); err != nil {
		return "", err
	}
	text, err := output(ctx, "bpftrace", "--version")
	if err != nil {
		return "", err
	}
	// It finds tracepoints in tracefs, which systemd mounts on first use.
	if _, err := os.Stat("/sys/kernel/tracing/events"); err != nil {
		if text, err := exec.Command("mount", "-t", "tracefs", "nodev", "/sys/kernel/tracing").CombinedOutput(); err != nil {
			return "", fmt.Errorf("mount tracefs: %w: %s", err, text)
		}
	}
	return strings.Join(strings.Fields(text), " "), nil
}

// Start starts the script; its heading is printed when all probes are attached.
func (e *Execsnoop) Start(ctx context.Context, dir string, limit time.Duration) (*Run, error) {
	script, err := e.script()
	if err != nil {
		return nil, err
	}
	log := filepath.Join(dir, "execsnoop.txt")
	out, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("execsnoop: %w", err)
	}
	defer out.Close()
	r := launch(limit, "bpftrace", "-B", "line", script)
	r.cmd.Stdout = out
	if err := r.start(); err != nil {
		return nil, err
	}
	var d Decoder = new(snoopDecoder)
	if e.Unread {
		d = nil
	}
	go r.tail(log, d)
	err = r.ready(ctx, func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "TIME(ms)")
	})
	if err != nil {
		_ = r.Stop()
		return nil, err
	}
	return r, nil
}

var snoopLine = regexp.MustCompile(`^(\d+) +(\d+) +(.*)$`)

// snoopDecoder reads lines of TIME PID ARGS. An argument may hold a newline; a
// line that is not of that form belongs to the one before.
type snoopDecoder struct {
	last *fact.Record
	args string
}

func (d *snoopDecoder) Line(line []byte) []fact.Record {
	m := snoopLine.FindSubmatch(line)
	if m == nil {
		if d.last != nil && !strings.HasPrefix(string(line), "Lost ") {
			d.args += "\n" + string(line)
		}
		return nil
	}
	out := d.Flush()
	pid, err := strconv.ParseUint(string(m[2]), 10, 32)
	if err != nil {
		return out
	}
	d.last = &fact.Record{Pid: uint32(pid)}
	d.args = string(m[3])
	return out
}

func (d *snoopDecoder) Flush() []fact.Record {
	if d.last == nil {
		return nil
	}
	r := *d.last
	d.last = nil
	// The script joins the arguments with spaces; there is no way to tell which
	// spaces were its own.
	r.Set("argv.passed", strings.Split(d.args, " ")...)
	r.Raw = shorten(fmt.Sprintf("%d %s", r.Pid, d.args))
	return []fact.Record{r}
}
