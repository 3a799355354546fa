//go:build unix

package status

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"xnumon/event"
)

func sample() *event.Stats {
	return &event.Stats{
		Time: 2e9, Since: 1e9, Processes: 7,
		Observed:    event.ObservedStats{Execs: 5},
		Acquisition: event.AcquisitionStats{Missing: []event.ReasonCount{{Reason: event.ReasonNotHeld, Count: 3}}},
		Gate:        &event.GateStats{Level: "hash", Held: 4, P99: 1500},
		Queues:      []event.QueueStats{{Name: "ring", Limit: 10}, {Name: "output"}, {Name: "output"}},
		Outputs:     []event.OutputStats{{Name: "a\"\n\xff"}, {Name: "a\"\n\xff", Error: "no\nspace"}},
	}
}

func listen(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	// What a dead monitor leaves.
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	s, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, sample) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
	})
	return path
}

func TestServer(t *testing.T) {
	path := listen(t)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := Listen(path); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one: %v", err)
	}
	if os.Geteuid() != 0 {
		return // only root is answered
	}
	var text, raw, metrics bytes.Buffer
	for question, w := range map[string]io.Writer{"text": &text, "json": &raw, "metrics": &metrics, "nonsense": io.Discard} {
		if err := Ask(path, question, w); err != nil {
			t.Errorf("%s: %v", question, err)
		}
	}
	if !strings.Contains(text.String(), "p99 1.5µs") || !strings.Contains(text.String(), "7 processes") {
		t.Errorf("text: %s", &text)
	}
	var record struct {
		Stats struct{ Processes int }
	}
	if err := json.Unmarshal(raw.Bytes(), &record); err != nil || record.Stats.Processes != 7 {
		t.Errorf("json: %s (%v)", &raw, err)
	}
	checkMetrics(t, metrics.Bytes())
	if err := Ask(path, strings.Repeat("x", 1000), io.Discard); err == nil {
		t.Error("a question without end is answered")
	}
	if err := Ask(path+"-not-there", "text", io.Discard); err == nil || !strings.Contains(err.Error(), "does it run?") {
		t.Error(err)
	}
}

func TestServerKeepsOthersFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("listens in the place of a file")
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "mine" {
		t.Error("the file is gone")
	}
}

func TestServeMetrics(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- ServeMetrics(ctx, l, sample) }()
	r, err := http.Get("http://" + l.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatal(r.Status, err)
	}
	checkMetrics(t, raw)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

var sampleLine = regexp.MustCompile(`^(xnumon_[a-z0-9_]+)(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})? [0-9.e+-]+$`)

// checkMetrics holds an exposition against the format's rules: a type before the
// samples of a name, all of them together, none twice.
func checkMetrics(t interface{ Errorf(string, ...any) }, raw []byte) {
	typed, seen, last := map[string]bool{}, map[string]bool{}, ""
	for _, line := range strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			if typed[name] || kind != "gauge" && kind != "counter" || kind == "counter" != strings.HasSuffix(name, "_total") {
				t.Errorf("%q", line)
			}
			typed[name], last = true, name
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil || m[1] != last || seen[m[1]+m[2]] {
			t.Errorf("%q", line)
			continue
		}
		seen[m[1]+m[2]] = true
	}
	if len(seen) < 20 {
		t.Errorf("%d samples", len(seen))
	}
}

func TestMetricsOfAnyName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sample()
		for i := range s.Outputs {
			s.Outputs[i].Name = string(rapid.SliceOf(rapid.Byte()).Draw(t, "name"))
		}
		checkMetrics(t, AppendMetrics(nil, s))
	})
}
