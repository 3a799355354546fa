//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"xnumon/conformance/monitor"
)

// contender is one monitor in one configuration, or none.
type contender struct {
	name string
	// version asks for the version; its error says why the monitor cannot be run
	// here. Nil for the bare machine.
	version func(context.Context) (string, error)
	// start starts it, with dir for its files, and returns when it sees every
	// exec. It is killed when it lives longer than limit.
	start func(ctx context.Context, dir string, limit time.Duration) (*running, error)
	// log is the file in dir that it writes to, and tells whether a line of it
	// is the record of an exec of the program at path.
	log  string
	tell func(line []byte, path string) bool
	// audits says that the kernel's audit is what it goes by.
	audits bool
	// cold says that a file which it has not seen before costs more than others.
	cold bool
	// ring says that it has a ring buffer of the name ringName.
	ring bool
}

// running is a monitor that runs.
type running struct {
	pid  int // the process that the monitor's are below
	stop func() error
}

// The line-up. Pages and flags use these names.
const (
	bare       = "bare"
	xnumonNone = "xnumon none"
	xnumonOpen = "xnumon open"
	xnumonHash = "xnumon hash"
	auditd     = "auditd"
	laurel     = "auditd with laurel"
	execsnoop  = "execsnoop.bt"
)

// lineup is the bare machine and then all monitors that are known.
func lineup(xnumon string) []contender {
	out := []contender{{name: bare}}
	for _, level := range []string{"none", "open", "hash"} {
		x := &monitor.Xnumon{Path: xnumon, Level: level}
		out = append(out, contender{
			name: "xnumon " + level, version: x.Version, log: "xnumon.json", ring: true, cold: level == "hash",
			start: func(ctx context.Context, dir string, limit time.Duration) (*running, error) {
				return startXnumon(ctx, xnumon, level, dir, limit)
			},
			tell: func(line []byte, path string) bool {
				return bytes.Contains(line, []byte(`"eventcode":2,`)) && bytes.Contains(line, []byte(`,"image":{"path":"`+path+`"`))
			},
		})
	}
	others := []struct {
		contender
		m monitor.Monitor
	}{
		{contender{name: auditd, log: "audit.log", audits: true, tell: func(line []byte, path string) bool {
			return bytes.HasPrefix(line, []byte("type=SYSCALL ")) && bytes.Contains(line, []byte(` exe="`+path+`"`))
		}}, &monitor.Auditd{Unread: true}},
		{contender{name: laurel, log: "laurel/audit.log", audits: true, tell: func(line []byte, path string) bool {
			return bytes.Contains(line, []byte(`"exe":"`+path+`"`))
		}}, &monitor.Auditd{Laurel: true, Unread: true}},
		{contender{name: execsnoop, log: "execsnoop.txt", tell: func(line []byte, path string) bool {
			return bytes.HasSuffix(bytes.TrimSpace(line), []byte(" "+path))
		}}, &monitor.Execsnoop{Unread: true}},
	}
	for _, o := range others {
		c := o.contender
		c.version = o.m.Version
		c.start = func(ctx context.Context, dir string, limit time.Duration) (*running, error) {
			r, err := o.m.Start(ctx, dir, limit)
			if err != nil {
				return nil, err
			}
			return &running{pid: r.Pid(), stop: r.Stop}, nil
		}
		out = append(out, c)
	}
	return out
}

// grace is how long a monitor may take to start or to stop.
const grace = time.Minute

// startXnumon runs it as a person would, with the defaults of everything but the
// level.
func startXnumon(ctx context.Context, path, level, dir string, limit time.Duration) (*running, error) {
	cmd := exec.Command("timeout", "-s", "KILL", fmt.Sprintf("%d", int(limit.Seconds())),
		path, "run", "--gate", level, "--format", "json", "--output", filepath.Join(dir, "xnumon.json"))
	said := &said{heard: make(chan struct{})}
	cmd.Stderr = said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start xnumon: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	kill := func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	select {
	case <-said.heard:
	case err := <-ended:
		return nil, fmt.Errorf("xnumon ended: %w: %s", err, said)
	case <-time.After(grace):
		kill()
		return nil, fmt.Errorf("xnumon does not get ready: %s", said)
	case <-ctx.Done():
		kill()
		return nil, ctx.Err()
	}
	return &running{pid: cmd.Process.Pid, stop: func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop xnumon: %w", err)
		}
		select {
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("xnumon ended: %w: %s", err, said)
			}
			return nil
		case <-time.After(grace):
			kill()
			return fmt.Errorf("xnumon did not stop when it was asked to: %s", said)
		}
	}}, nil
}

// said is what xnumon writes to standard error, and whether it has said that it sees
// every exec.
type said struct {
	mu    sync.Mutex
	text  strings.Builder
	heard chan struct{}
	once  sync.Once
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if strings.Contains(s.text.String(), "xnumon: monitoring") {
		s.once.Do(func() { close(s.heard) })
	}
	return len(p), nil
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(s.text.String())
}
