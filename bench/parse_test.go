//go:build linux

package main

import (
	"slices"
	"testing"
	"time"
)

func TestTicks(t *testing.T) {
	at := time.Unix(1000, 0)
	a, err := parseTicks("cpu  100 0 50 1000 20 0 5 7 0 0\ncpu0 1 2 3\n", at)
	if err != nil {
		t.Fatal(err)
	}
	if want := (ticks{at, 10200 * time.Millisecond, 70 * time.Millisecond}); a != want {
		t.Errorf("%+v, want %+v", a, want)
	}
	b := ticks{at.Add(time.Second), a.idle, a.lost}
	if got, want := b.share(a), 1.0; got != want {
		t.Errorf("without idle time %v is busy, want %v", got, want)
	}
	for _, bad := range []string{"", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8 9", "cpu 1 2 3 x 5 6 7 8 9"} {
		if _, err := parseTicks(bad, at); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestParseSpawns(t *testing.T) {
	got, err := parseSpawns([]byte("0 10\n1 20\n0 30\n1 40\n"), 2)
	if err != nil || !slices.Equal(got[0], []float64{10, 30}) || !slices.Equal(got[1], []float64{20, 40}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "0 1\n", "0 1\n2 1\n", "0 1\n1 x\n", "-1 5\n"} {
		if _, err := parseSpawns([]byte(bad), 2); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestParseGoBench(t *testing.T) {
	got := parseGoBench([]byte(`goos: linux
pkg: xnumon/internal/monitor
BenchmarkPipeline 	  20000	      4779 ns/op	         1.072 allocs/event	    209247 events/s
BenchmarkPipeline 	  20000	      4000 ns/op	         1.000 allocs/event	    250000 events/s
BenchmarkAcquire/file         	       5	 519029354 ns/op	 517.19 MB/s
PASS
`))
	if len(got) != 2 || got[0].Name != "Pipeline" || got[0].Package != "xnumon/internal/monitor" {
		t.Fatalf("%+v", got)
	}
	if v := got[0].Values["events/s"]; !slices.Equal(v, []float64{209247, 250000}) {
		t.Errorf("events/s: %v", v)
	}
	if v := got[1].Values["MB/s"]; !slices.Equal(v, []float64{517.19}) {
		t.Errorf("MB/s: %v", v)
	}
}

func TestParseSpeed(t *testing.T) {
	v, err := parseSpeed("+H:262144\n+F:25:sha256:1839464448.00\n")
	if err != nil || v != 1839464448 {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := parseSpeed("+H:262144\n"); err == nil {
		t.Error("a rate was found in none")
	}
}

func TestKilobytes(t *testing.T) {
	status := "Name:\tx\nVmRSS:\t   34192 kB\nRssAnon:\t 9824 kB\n"
	for field, want := range map[string]int64{"VmRSS:": 34192 << 10, "RssAnon:": 9824 << 10, "RssFile:": 0} {
		if got := kilobytes(status, field); got != want {
			t.Errorf("%s %d, want %d", field, got, want)
		}
	}
}

// Each monitor's records are told from those about its children and parents.
func TestTell(t *testing.T) {
	const path = "/var/tmp/bench-1/tiny"
	lines := map[string][2]string{
		xnumonHash: {
			`{"version":8,"time":"…","eventcode":2,"argv":["x"],"cwd":"/","image":{"path":"/var/tmp/bench-1/tiny","mode":"100755"}}`,
			`{"version":8,"time":"…","eventcode":2,"argv":["x"],"image":{"path":"/bin/ls"},"subject":{"image":{"path":"/var/tmp/bench-1/tiny"}}}`,
		},
		auditd: {
			`type=SYSCALL msg=audit(1.1:2): arch=c000003e syscall=59 success=yes comm="tiny" exe="/var/tmp/bench-1/tiny" key="k"`,
			`type=EXECVE msg=audit(1.1:2): argc=1 a0="/var/tmp/bench-1/tiny"`,
		},
		laurel: {
			`{"ID":"1.1:2","SYSCALL":{"success":"yes","exe":"/var/tmp/bench-1/tiny","PPID":{"exe":"/var/tmp/bench-1/storm"}}}`,
			`{"ID":"1.1:2","SYSCALL":{"success":"yes","exe":"/bin/ls"}}`,
		},
		execsnoop: {"1234       567      /var/tmp/bench-1/tiny", "1234       567      /var/tmp/bench-1/tiny2"},
	}
	for _, c := range lineup("xnumon") {
		l, ok := lines[c.name]
		if !ok {
			continue
		}
		if !c.tell([]byte(l[0]), path) || c.tell([]byte(l[1]), path) {
			t.Errorf("%s: records are not told apart", c.name)
		}
	}
}
