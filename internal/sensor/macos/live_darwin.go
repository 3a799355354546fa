package macos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"

	"xnumon/internal/sensor"
)

const (
	eslogger = "/usr/bin/eslogger"
	// probed is on every macOS, on the sealed system volume.
	probed = "/usr/bin/true"
)

// Live returns a sensor for this machine. Nothing is started before Run.
func Live(opts LiveOptions) (sensor.Sensor, error) {
	if opts.Level != sensor.LevelNone {
		return nil, fmt.Errorf("gate level %s: %w", opts.Level, ErrEntitlement)
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("eslogger needs root: start xnumon with sudo, or by launchd as a daemon")
	}
	if _, err := os.Stat(eslogger); err != nil {
		return nil, fmt.Errorf("macOS 13 or later is needed: %w", err)
	}
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &live{
		log:     log,
		command: command,
		probe:   probe,
		look:    processes,
		now:     time.Now,

		patience: 15 * time.Second, again: time.Second,
		backoff: time.Second, maxBackoff: time.Minute,
	}, nil
}

func command() *exec.Cmd {
	cmd := exec.Command(eslogger, "exec", "fork", "exit")
	// It leaves out what happens in its own process group (eslogger(1)), so it
	// gets one of its own.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func probe(ctx context.Context) (uint32, error) {
	cmd := exec.CommandContext(ctx, probed)
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	return uint32(cmd.Process.Pid), nil
}
