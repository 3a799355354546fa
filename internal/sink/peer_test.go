//go:build linux && !nolive

package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests of peers need daemons and not a kernel of some kind: they are live
// tests, but not for the machines that are emulated (kernels).

// process is a peer that is killed and started again.
type process struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
	said bytes.Buffer
}

func newProcess(t *testing.T, args ...string) *process {
	p := &process{t: t, args: args}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", args[0], p.said.String())
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// kill gives it no chance to write anything down.
func (p *process) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// tool builds one of the peers that are Go programs, from the module in peers:
// what they need is no part of the program.
func tool(t *testing.T, name string) string {
	t.Helper()
	tools.Do(func() {
		if tools.dir, tools.err = os.MkdirTemp("", "xnumon-peers"); tools.err != nil {
			return
		}
		build := exec.Command("go", "build", "-C", filepath.Join("..", "..", "peers"), "-o", tools.dir, "./...")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			tools.err = fmt.Errorf("build peers: %w: %s", err, out)
		}
	})
	if tools.err != nil {
		t.Fatal(tools.err)
	}
	return filepath.Join(tools.dir, name)
}

var tools struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	status := m.Run()
	if tools.dir != "" {
		os.RemoveAll(tools.dir)
	}
	os.Exit(status)
}

const recordLength = 300

// received are the whole records in what a peer has stored: one that is killed
// can leave a beginning of one, and go on behind it.
func received(stored string) string {
	var out strings.Builder
	for line := range strings.Lines(stored) {
		if i := strings.LastIndex(line, "rec "); i > 0 {
			line = line[i:]
		}
		if wholeRecord.MatchString(line) && len(line) == recordLength || strings.HasPrefix(line, "lost ") {
			out.WriteString(line)
		}
	}
	return out.String()
}

var wholeRecord = regexp.MustCompile(`^rec [0-9]+ x+\n$`)

// outage sends records to a peer that is not there yet, and is killed again and
// again, as often as there are rounds, in the middle of the stream. In the end every record must be stored.
// What stored returns is what the peer has on disk.
func outage(t *testing.T, rounds int, to string, p *process, stored func() string) {
	t.Helper()
	const each = 3000
	d, err := Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	spools := filepath.Join(t.TempDir(), "spool")
	out, err := d.Open(Setup{Loss: encodeLoss, Spool: spools, retryMost: time.Second, Warn: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%+v", out.Stats())
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		out.Close(ctx)
	})
	total := 0
	write := func() {
		for range each {
			out.Write([]byte(numbered(total, recordLength)))
			total++
		}
	}
	write() // before there is anybody
	waitFor(t, func() bool { return out.Stats().LastError != nil })
	for range rounds {
		p.start()
		before := len(stored())
		waitForPeer(t, func() bool { return len(stored()) > before })
		write()
		p.kill()
		write()
		waitFor(t, func() bool { return out.Stats().LastError != nil })
	}
	p.start()
	last := fmt.Sprintf("rec %d ", total-1)
	waitForPeer(t, func() bool { return strings.Contains(stored(), last) })
	if err := out.Close(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
	s := out.Stats()
	if s.Records != uint64(total) || s.Spooled != 0 || s.Dropped+s.Refused+s.Damaged != 0 || s.Retries < uint64(rounds) {
		t.Errorf("%+v", s)
	}
	twice, lost := account(t, received(stored()), total)
	if lost > 0 {
		t.Errorf("%d records lost", lost)
	}
	t.Logf("%d records arrived, %d of them twice; %d errors", total, twice, s.Retries)
}

// waitForPeer is waitFor for conditions that cost something to look at.
func waitForPeer(t *testing.T, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !cond(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

func readAll(path string) string {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	return string(b)
}
