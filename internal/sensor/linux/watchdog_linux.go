package linux

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Watchdog is a process of its own that answers for a gating monitor which
// has stopped answering: stopped by a signal or a debugger, starved or stuck.
// It holds nothing that would keep execs waiting when the monitor dies: it takes a
// copy of the group's descriptor only while it needs one.
type Watchdog struct {
	vitals *vitals
	cmd    *exec.Cmd
	life   *os.File // its end of a pipe closes when the monitor dies
	gone   chan struct{}
}

// WatchdogArg is the argument with which the program must call RunWatchdog.
const WatchdogArg = "gate-watchdog"

// StartWatchdog starts the watchdog as another process of this program. It must
// run before anything is gated, since a gating monitor must not fork.
func StartWatchdog() (*Watchdog, error) {
	v, mem, err := newVitals()
	if err != nil {
		return nil, err
	}
	defer mem.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("create the watchdog's pipe: %w", err)
	}
	defer r.Close()
	cmd := exec.Command("/proc/self/exe", WatchdogArg)
	cmd.Args[0] = "xnumon"
	cmd.Env = []string{"GOMAXPROCS=2", "GOGC=20"}
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{mem, r}
	// A session of its own: what stops the monitor's process group must not stop it.
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	wd := &Watchdog{vitals: v, cmd: cmd, life: w, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended does not matter
		close(wd.gone)
	}()
	return wd, nil
}

// Close ends the watchdog and waits for it.
func (w *Watchdog) Close() error {
	err := w.life.Close()
	<-w.gone
	return err
}

// RunWatchdog is the whole life of the watchdog process.
func RunWatchdog() error {
	mem, life := os.NewFile(3, "vitals"), os.NewFile(4, "life")
	v, err := mapVitals(mem)
	if err != nil {
		return err
	}
	pidfd, err := unix.PidfdOpen(os.Getppid(), 0)
	if err != nil {
		return fmt.Errorf("watchdog: open the monitor's process: %w", err)
	}
	// Under memory pressure is when it is needed. Without the privilege it may come late.
	StayInMemory()
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, urgentPriority)
	debug.SetMemoryLimit(16 << 20)

	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, life) // returns when the monitor is gone
		close(ended)
	}()
	for {
		pause := 100 * time.Millisecond
		if t := time.Duration(v.timeout.Load()); t > 0 {
			pause = min(pause, max(t/8, time.Millisecond))
		}
		select {
		case <-ended:
			return nil
		case <-time.After(pause):
		}
		if v.group.Load() == 0 || v.silent() < time.Duration(v.timeout.Load())/2 {
			continue
		}
		if err := standIn(v, pidfd, ended); err != nil {
			// It cannot be helped but by ending it, which releases everything.
			fmt.Fprintf(os.Stderr, "xnumon: watchdog: the gate does not answer and cannot be relieved (%v): the monitor is ended so that execs go on\n", err)
			return unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
		}
	}
}

// standIn answers in the monitor's place until it gives a sign of life or ends.
func standIn(v *vitals, pidfd int, ended <-chan struct{}) error {
	group, err := unix.PidfdGetfd(pidfd, int(v.group.Load()), 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("copy the group's descriptor: %w", err)
	}
	defer unix.Close(group)
	v.takes.Add(1)
	defer v.takes.Add(1)
	asked := v.beat.Load()
	buf := make([]byte, 64*metadataSize)
	poll := []unix.PollFd{{Fd: int32(group), Events: unix.POLLIN}}
	for v.beat.Load() == asked {
		select {
		case <-ended:
			return nil
		default:
		}
		for i := range v.held {
			if fd := v.held[i].Load(); fd > 0 && allow(group, int32(fd-1)) == nil {
				v.allowed.Add(1)
			}
		}
		poll[0].Revents = 0
		if _, err := unix.Poll(poll, 5); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for events: %w", err)
		}
		if poll[0].Revents == 0 {
			continue
		}
		n, err := unix.Read(group, buf)
		if err != nil {
			continue // the monitor was faster, or is back
		}
		eachEvent(buf[:n], func(m *unix.FanotifyEventMetadata) {
			if m.Mask&unix.FAN_OPEN_EXEC_PERM != 0 && allow(group, m.Fd) == nil {
				v.allowed.Add(1)
			}
			if m.Fd >= 0 {
				unix.Close(int(m.Fd))
			}
		})
	}
	return nil
}

// allow answers one event.
func allow(group int, fd int32) error {
	r := unix.FanotifyResponse{Fd: fd, Response: unix.FAN_ALLOW}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&r)), int(unsafe.Sizeof(r)))
	for {
		if _, err := unix.Write(group, raw); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
