//go:build linux && !nolive

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// server takes syslog messages over TCP, as slowly as it is told to.
type server struct {
	listener net.Listener
	reads    chan struct{} // closed when it begins to read

	mu       sync.Mutex
	messages []string
}

func newServer(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{listener: l, reads: make(chan struct{})}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	t.Cleanup(func() { l.Close() })
	return s
}

// serve reads messages with their length in front, and drops the connection
// where something else comes.
func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	<-s.reads
	in := bufio.NewReader(conn)
	for {
		length, err := in.ReadString(' ')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
		if err != nil {
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		_, text, _ := strings.Cut(string(b), "] ")
		s.mu.Lock()
		s.messages = append(s.messages, text)
		s.mu.Unlock()
	}
}

// seen are the last arguments of the execs of a program that were reported.
func (s *server) seen(t *testing.T, program string) map[string]int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]int)
	for _, m := range s.messages {
		var r map[string]any
		if err := json.Unmarshal([]byte(m), &r); err != nil {
			t.Fatalf("%q: %v", m, err)
		}
		if argv, ok := r["argv"].([]any); ok && at(r, "image", "path") == program {
			all[fmt.Sprint(argv[len(argv)-1])]++
		}
	}
	return all
}

// TestLiveStuckReader: a server that takes connections and reads nothing delays
// no exec, and has all records when it reads.
func TestLiveStuckReader(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	program := filepath.Join(dir, "true")
	s := newServer(t)
	socket := filepath.Join(t.TempDir(), "socket")
	// More than sockets hold, and more than the queue.
	padding := strings.Repeat("x", 100<<10)
	to := fmt.Sprintf("syslog+tcp://%s?queue=1M&spool=%s", s.listener.Addr(), filepath.Join(t.TempDir(), "spool"))
	hold := patience() * deadline // an exec that waits for the reader takes that long
	m := gated(t, nil, dir, "--config", "", "--status-socket", socket, "--output", to, "--gate-timeout", hold.String())
	const execs = 200
	longest := time.Duration(0)
	for i := range execs {
		longest = max(longest, timed(t, program, padding, itoa(i)))
	}
	if longest > hold {
		t.Errorf("an exec took %v", longest)
	}
	status := ""
	output := func() map[string]any {
		_, status, _ = finish(t, nil, "status", "--socket", socket, "--json")
		return at(decodeLines(t, []byte(status))[0], "stats", "outputs").([]any)[0].(map[string]any)
	}
	defer func() {
		if t.Failed() {
			t.Logf("%s%s", status, m.said())
		}
	}()
	eventually(t, "records wait in the spool", func() bool {
		n, _ := output()["spooled"].(float64)
		return n >= execs
	})
	close(s.reads)
	eventually(t, "the server has all records", func() bool { return len(s.seen(t, program)) == execs })
	if o := output(); o["dropped"] != 0.0 {
		t.Errorf("%v", o)
	}
	m.stop()
	t.Logf("the longest exec took %v", longest)
}

// TestLiveDestinationsReload: destinations come, change and go while programs
// run, and whoever is one throughout has every record.
func TestLiveDestinationsReload(t *testing.T) {
	dir := mount(t, "tmpfs", "", "/bin/true")
	program := filepath.Join(dir, "true")
	s := newServer(t)
	close(s.reads)
	folder := t.TempDir()
	log := filepath.Join(folder, "log")
	server := fmt.Sprintf("syslog+tcp://%s?spool=%s", s.listener.Addr(), filepath.Join(folder, "spool"))
	file := filepath.Join(folder, "config.yaml")
	use := func(destinations ...string) {
		t.Helper()
		text := fmt.Sprintf("log_format: json\ngate: hash\nlog_destination: [%q", destinations[0])
		for _, d := range destinations[1:] {
			text += fmt.Sprintf(", %q", d)
		}
		if err := os.WriteFile(file+".new", []byte(text+"]\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	use(server)
	m := start(t, nil, "run", "--config", file, "--gate-path", dir, "--gate-timeout", deadline.String(), "--status-socket", "")
	n := 0
	for round, destinations := range [][]string{
		{server, log}, {server + "&queue=1M&facility=local3", log}, {log, server + "&queue=2M"}, {server},
	} {
		use(destinations...)
		if err := m.cmd.Process.Signal(unix.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the configuration is read again", func() bool {
			timed(t, program, itoa(n))
			n++
			return strings.Count(m.said(), "changed log_destination") == round+1
		})
	}
	use(server, "otlp+tls://localhost?ca=/nowhere")
	eventually(t, "what is wrong is said", func() bool { return strings.Contains(m.said(), "/nowhere: no such file") })
	timed(t, program, itoa(n))
	n++
	m.stop()
	if seen := s.seen(t, program); len(seen) != n {
		t.Errorf("%d of %d execs", len(seen), n)
	}
	if len(records(t, log)) == 0 {
		t.Error("nothing in the file")
	}
	if s := m.said(); strings.Contains(s, "not sent") || strings.Contains(s, "not written") {
		t.Error(s)
	}
}
