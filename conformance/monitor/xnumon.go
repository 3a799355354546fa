//go:build linux

package monitor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Xnumon is xnumon with its gate at one level.
type Xnumon struct {
	// Path is the program, Level the value of --gate.
	Path, Level string
	// Timeout is the value of --gate-timeout; zero leaves it out.
	Timeout time.Duration
}

var _ Monitor = (*Xnumon)(nil)

// Name is xnumon and the level.
func (x *Xnumon) Name() string { return "xnumon " + x.Level }

var xnumonFacts = []string{
	"time", "argv", "env", "cwd", "filename",
	"image.path", "image.sha256", "image.deleted", "image.memfd", "image.file", "image.mode", "image.uid", "image.gid",
	"image.user", "image.group", "image.size", "image.mtime", "image.ctime",
	"script.path", "script.sha256", "script.memfd", "script.deleted", "interpreters", "interpreters.sha256",
	"named.file", "named.mode", "named.uid", "named.gid", "named.user", "named.group",
	"forker", "subject.image.path", "subject.image.sha256", "subject.script.path", "subject.script.sha256",
	"ancestors", "ancestors.script",
	"before.ruid", "before.euid", "before.rgid", "before.egid", "before.ruser", "before.euser", "before.rgroup", "before.egroup",
	"after.ruid", "after.euid", "after.rgid", "after.egid", "after.ruser", "after.euser", "after.rgroup", "after.egroup", "after.caps",
	"auid", "auser", "session", "tty", "pid.inner", "container.id", "cgroup",
}

// Says tells whether there is a field for the fact.
func (x *Xnumon) Says(name string) bool {
	return covers(name, xnumonFacts) || strings.HasPrefix(name, "env.")
}

// Version asks the program.
func (x *Xnumon) Version(ctx context.Context) (string, error) {
	if _, err := os.Stat(x.Path); err != nil {
		return "", fmt.Errorf("xnumon: %w", err)
	}
	text, err := output(ctx, x.Path, "version")
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(text, "\n")
	return line, nil
}

// Start starts xnumon; it says on standard error when it sees every exec.
func (x *Xnumon) Start(ctx context.Context, dir string, limit time.Duration) (*Run, error) {
	log := filepath.Join(dir, "xnumon.json")
	args := []string{"run", "--gate", x.Level, "--env", "full", "--output", log, "--format", "json"}
	if x.Timeout > 0 {
		args = append(args, "--gate-timeout", x.Timeout.String())
	}
	r := launch(limit, x.Path, args...)
	if err := r.start(); err != nil {
		return nil, err
	}
	go r.tail(log, xnumonDecoder{})
	if err := r.ready(ctx, func() bool { return strings.Contains(r.notes.String(), "xnumon: monitoring") }); err != nil {
		_ = r.Stop()
		return nil, err
	}
	return r, nil
}
