//go:build unix

package macos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"xnumon/event"
	"xnumon/internal/sensor"
)

// fakeMac is a machine with an eslogger that the test drives: a cat, fed through
// a pipe.
type fakeMac struct {
	t    *testing.T
	mu   sync.Mutex
	sim  *sim
	init *simProcess
	self *simProcess // who executes the probes
	feed *os.File    // of the running eslogger
	deaf bool        // it tells nothing
	runs int
	seen []string
	cond *sync.Cond
	look []running
	// onLook is called while the process table is looked at.
	onLook func()
}

func newFakeMac(t *testing.T) *fakeMac {
	m := &fakeMac{t: t, sim: newSim(10)}
	m.cond = sync.NewCond(&m.mu)
	m.init = m.sim.boot()
	m.self = m.sim.old(m.init, tool("/usr/local/bin/xnumon"))
	t.Cleanup(func() {
		if m.feed != nil {
			m.feed.Close()
		}
	})
	return m
}

func (m *fakeMac) live() *live {
	return &live{
		log: slog.New(slog.DiscardHandler), now: time.Now,
		command: m.command, probe: m.probe, look: m.processes,
		patience: 20 * time.Second, again: time.Millisecond,
		backoff: time.Millisecond, maxBackoff: time.Second,
	}
}

func (m *fakeMac) command() *exec.Cmd {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, w, err := os.Pipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if m.feed != nil {
		m.feed.Close()
	}
	m.feed = w
	m.runs++
	m.sim.global, m.sim.seqs = 0, map[int]uint64{} // a new client counts anew
	m.sim.out.Reset()
	cmd := exec.Command("cat")
	cmd.Stdin = r
	return cmd
}

// happens has something happen on the machine and eslogger tell of it.
func (m *fakeMac) happens(what func(*sim)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flush(what)
}

func (m *fakeMac) flush(what func(*sim)) {
	what(m.sim)
	b := bytes.Clone(m.sim.out.Bytes())
	m.sim.out.Reset()
	if !m.deaf && m.feed != nil {
		_, _ = m.feed.Write(b) // it may just be gone
	}
}

func (m *fakeMac) probe(context.Context) (uint32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var c *simProcess
	m.flush(func(s *sim) {
		c = s.fork(m.self)
		s.exec(c, system("/usr/bin/true"), simExec{})
		s.exit(c, 0)
	})
	return c.pid, nil
}

func (m *fakeMac) processes() ([]running, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.onLook != nil {
		m.onLook()
	}
	return append([]running(nil), m.look...), nil
}

func found(p *simProcess) running {
	r := running{pid: p.pid, path: p.file.path, argv: []string{p.file.path}}
	r.start = eventTime(p.start)
	if p.parent != nil {
		r.ppid = p.parent.pid
	}
	return r
}

// observe notes observations other than those of probes.
func (m *fakeMac) observe(o sensor.Observation) error {
	var b bytes.Buffer
	show(&b, o)
	line, _, _ := strings.Cut(b.String(), "\n")
	if x, ok := o.(*sensor.Exec); ok {
		line += " " + x.Image.Path
	}
	if x, ok := o.(*sensor.Process); ok && x.Image != nil {
		line += " " + x.Image.Path
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, line)
	m.cond.Broadcast()
	return nil
}

// await waits until something with this text was observed, and returns how
// often it was.
func (m *fakeMac) await(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		n := 0
		for _, line := range m.seen {
			if strings.Contains(line, text) {
				n++
			}
		}
		if n > 0 {
			return n
		}
		m.cond.Wait()
	}
}

func (m *fakeMac) run(l *live) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, m.observe) }()
	m.t.Cleanup(cancel)
	return func() error { cancel(); return <-done }
}

func TestLive(t *testing.T) {
	m := newFakeMac(t)
	shell := m.sim.old(m.init, system("/bin/zsh"))
	quiet := m.sim.old(shell, tool("/opt/quiet"))
	busy := m.sim.old(shell, tool("/opt/busy"))
	gone := m.sim.old(shell, tool("/opt/gone"))
	var late *simProcess
	m.onLook = func() {
		if m.runs > 1 {
			return
		}
		// Between the subscription and the look: one executes, one ends, one is born.
		m.flush(func(s *sim) {
			s.exec(busy, tool("/opt/busy2"), simExec{})
			s.exit(gone, 0)
			late = s.fork(shell)
		})
		for _, p := range []*simProcess{m.init, m.self, shell, quiet, busy, late} {
			m.look = append(m.look, found(p))
		}
	}
	l := m.live()
	stop := m.run(l)
	m.await("/opt/busy2")
	m.await(fmt.Sprintf("fork %d.%d -> ", shell.pid, shell.version))
	m.happens(func(s *sim) {
		s.exec(late, tool("/opt/late"), simExec{})
		s.exec(quiet, tool("/opt/quiet2"), simExec{})
	})
	m.await("/opt/quiet2")
	was := sensor.Key{}
	for k, p := range m.sim.runs {
		if p == quiet && uint32(k.Start) != quiet.version {
			was = k
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	got := strings.Join(m.seen, "\n")
	at := func(p *simProcess) string { return fmt.Sprintf("%d?%d", p.pid, p.start.UnixMicro()) }
	for _, want := range []string{
		// Processes that no message is about are known by their start alone.
		"process " + at(m.init) + " was - parent -",
		"process " + at(quiet) + " was - parent " + fmt.Sprintf("%d.%d", shell.pid, shell.version),
		// Those that a message is about are what they were before it.
		fmt.Sprintf("process %d.", busy.pid), "/opt/busy\n", "/opt/busy2",
		fmt.Sprintf("process %d.%d was - parent %s", shell.pid, shell.version, at(m.init)),
		// Then the identity becomes known.
		fmt.Sprintf("process %d.%d was %s parent %s", was.PID, was.Start, at(quiet), fmt.Sprintf("%d.%d", shell.pid, shell.version)),
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, not := range []string{
		"lost", fmt.Sprintf("process %d.", late.pid), fmt.Sprintf("process %d?", late.pid),
		fmt.Sprintf("process %d?", busy.pid),
	} {
		if strings.Contains(got, not) {
			t.Errorf("there is a %q", not)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func eventTime(t time.Time) event.Time { return event.Time(t.UnixNano()) }

func TestLiveSilence(t *testing.T) {
	m := newFakeMac(t)
	m.deaf = true
	l := m.live()
	l.patience = 50 * time.Millisecond
	if err := l.Run(context.Background(), m.observe); !errors.Is(err, ErrSilent) || !strings.Contains(err.Error(), "Full Disk Access") {
		t.Errorf("error %v", err)
	}
	if m.runs != 1 {
		t.Errorf("started %d times", m.runs)
	}
}

func TestLiveRefused(t *testing.T) {
	m := newFakeMac(t)
	l := m.live()
	l.command = func() *exec.Cmd {
		m.command()
		return exec.Command("sh", "-c", "echo Not permitted to create an ES Client >&2; exit 1")
	}
	err := l.Run(context.Background(), m.observe)
	if !errors.Is(err, ErrSilent) || !strings.Contains(err.Error(), "Not permitted") {
		t.Errorf("error %v", err)
	}
	l = m.live()
	l.command = func() *exec.Cmd { m.command(); return exec.Command("/no/such/eslogger") }
	if err := l.Run(context.Background(), m.observe); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	l = m.live()
	broken := errors.New("no true here")
	l.probe = func(context.Context) (uint32, error) { return 0, broken }
	if err := l.Run(context.Background(), m.observe); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// TestLiveRestart: eslogger dies, and comes back after things happened.
func TestLiveRestart(t *testing.T) {
	m := newFakeMac(t)
	shell := m.sim.old(m.init, system("/bin/zsh"))
	stays := m.sim.old(shell, tool("/opt/stays"))
	ends := m.sim.old(shell, tool("/opt/ends"))
	for _, p := range []*simProcess{m.init, m.self, shell, stays, ends} {
		m.look = append(m.look, found(p))
	}
	l := m.live()
	stop := m.run(l)
	m.await("/opt/ends")
	m.happens(func(s *sim) { s.exec(stays, tool("/opt/stays2"), simExec{}) })
	m.await("/opt/stays2")

	m.mu.Lock()
	m.feed.Close() // eslogger ends
	m.feed = nil
	before := stays.version
	m.flush(func(s *sim) {
		s.exec(stays, tool("/opt/stays3"), simExec{})
		s.exit(ends, 0)
	})
	unseen := stays.version
	m.look = m.look[:4]
	m.mu.Unlock()

	m.await("eslogger restart")
	m.await(fmt.Sprintf("exit %d", ends.pid))
	m.happens(func(s *sim) { s.exec(stays, tool("/opt/stays4"), simExec{}) })
	m.await("/opt/stays4")
	if err := stop(); err != nil {
		t.Error(err)
	}
	got := strings.Join(m.seen, "\n")
	if want := fmt.Sprintf("process %d.%d was %d.%d", stays.pid, unseen, stays.pid, before); !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
	if n := strings.Count(got, "eslogger restart"); n != 1 {
		t.Errorf("%d restarts in\n%s", n, got)
	}
}

func TestLiveEnds(t *testing.T) {
	t.Run("by the receiver", func(t *testing.T) {
		m := newFakeMac(t)
		m.look = append(m.look, found(m.init))
		enough := errors.New("enough")
		if err := m.live().Run(context.Background(), func(sensor.Observation) error { return enough }); err != enough {
			t.Errorf("error %v", err)
		}
	})
	t.Run("by Close", func(t *testing.T) {
		m := newFakeMac(t)
		m.look = append(m.look, found(m.init))
		l := m.live()
		done := make(chan error)
		go func() { done <- l.Run(context.Background(), m.observe) }()
		m.await("process")
		l.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		l.Close()
		if err := l.Run(context.Background(), m.observe); err != nil {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestLiveGate(t *testing.T) {
	for _, level := range []sensor.Level{sensor.LevelOpen, sensor.LevelHash} {
		if _, err := Live(LiveOptions{Level: level}); !errors.Is(err, ErrEntitlement) {
			t.Errorf("%v: %v", level, err)
		}
	}
}
