package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"xnumon/internal/sensor/linux"
)

// Statuses of shells for commands that could not be run.
const (
	statusNotExecutable = 126
	statusNotFound      = 127
	statusSignal        = 128 // plus the signal
)

// launchArg is the argument with which a process of this program waits and then
// becomes the command.
const launchArg = "trace-launch"

func newTrace() *cobra.Command {
	var o liveOptions
	cmd := &cobra.Command{
		Use:   "trace [flags] -- CMD [ARG...]",
		Short: "Run a command, record it and what descends from it, exit with its status",
		Example: `  xnumon trace -- make test
  xnumon trace --output build.json --format json -- ./configure`,
		Args: someArguments("CMD"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return trace(cmd.Context(), &o, args)
		},
	}
	o.register(cmd)
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func trace(ctx context.Context, o *liveOptions, args []string) (err error) {
	path, err := exec.LookPath(args[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		fmt.Fprintf(os.Stderr, "xnumon: trace: %v\n", err)
		if errors.Is(err, os.ErrPermission) {
			return exitStatus(statusNotExecutable)
		}
		return exitStatus(statusNotFound)
	}
	o.follow = true
	l, err := o.start("trace", os.Stderr)
	if err != nil {
		return err
	}
	defer l.close(&err)
	// The terminal sends its signals to the command as well, which decides what
	// they mean; ours are passed on to it.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP)
	defer signal.Stop(signals)

	c, err := launch(path, args)
	if err != nil {
		return err
	}
	l.monitor.Follow(uint32(os.Getpid()), uint32(c.cmd.Process.Pid))
	if err := l.hold(nil); err != nil {
		return errors.Join(err, c.abort())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()

	result := c.run(signals)
	cancel()
	if err := <-ended; err != nil {
		return err
	}
	return result
}

// launched is a process of ours that waits for the word to become the command.
// It is started before anything is gated: a gating monitor must not fork.
type launched struct {
	cmd  *exec.Cmd
	word *os.File
}

func launch(path string, args []string) (*launched, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("create the launcher's pipe: %w", err)
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe", append([]string{launchArg, path}, args...)...)
	cmd.Args[0] = "xnumon"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{r}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start the launcher: %w", err)
	}
	return &launched{cmd: cmd, word: w}, nil
}

// abort ends the launcher before it became anything.
func (l *launched) abort() error {
	err := l.word.Close()
	_ = l.cmd.Wait() // its status says only that it gave up
	return err
}

// run gives the word, passes signals on and returns the command's status as an error, nil if that is 0.
func (l *launched) run(signals <-chan os.Signal) error {
	if _, err := l.word.Write([]byte{1}); err != nil {
		return errors.Join(fmt.Errorf("tell the launcher to go: %w", err), l.abort())
	}
	l.word.Close()
	ended := make(chan error, 1)
	go func() { ended <- l.cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s == unix.SIGTERM || s == unix.SIGHUP {
				// It may have ended already, which is what was wanted.
				_ = l.cmd.Process.Signal(s)
			}
		case err := <-ended:
			var exit *exec.ExitError
			if err == nil {
				return nil
			}
			if !errors.As(err, &exit) {
				return fmt.Errorf("wait for the command: %w", err)
			}
			if status, ok := exit.Sys().(interface {
				Signaled() bool
				Signal() unix.Signal
			}); ok && status.Signaled() {
				return exitStatus(statusSignal + int(status.Signal()))
			}
			return exitStatus(exit.ExitCode())
		}
	}
}

// inner runs this program in one of its other roles and says whether there was one.
func inner(args []string) bool {
	if len(args) < 2 {
		return false
	}
	var err error
	switch {
	case args[1] == linux.WatchdogArg && len(args) == 2:
		if err = harden(keptWatching); err == nil {
			err = linux.RunWatchdog()
		}
	case args[1] == launchArg && len(args) > 3:
		err = becomeCommand(args[2], args[3:])
	default:
		return false
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "xnumon: %v\n", err)
		status := 1
		if args[1] == launchArg {
			status = statusNotExecutable
			if errors.Is(err, os.ErrNotExist) {
				status = statusNotFound
			}
		}
		os.Exit(status)
	}
	return true
}

// becomeCommand waits for the word on descriptor 3 and executes the command in place.
func becomeCommand(path string, args []string) error {
	word := os.NewFile(3, "word")
	if n, err := word.Read(make([]byte, 1)); n != 1 {
		return fmt.Errorf("trace: not told to start: %w", err)
	}
	word.Close()
	err := unix.Exec(path, args, os.Environ())
	if errors.Is(err, unix.ENOEXEC) {
		// What execvp(3) does for a file without a shebang.
		err = unix.Exec("/bin/sh", append([]string{"/bin/sh", path}, args[1:]...), os.Environ())
	}
	return fmt.Errorf("trace: %w", &os.PathError{Op: "exec", Path: path, Err: err})
}
