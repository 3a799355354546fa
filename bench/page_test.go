//go:build linux

package main

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sample is a run in which xnumon adds 20 µs, auditd 60 and laurel 80 to a spawn of
// 1 ms, whatever the machine as a whole does from round to round.
func sample() *Results {
	l := &Latency{Kinds: kinds, Sizes: []int64{800_000, 16_000, 12}, Times: 200, Copies: 100, Rounds: 10}
	for round := range l.Rounds {
		drift := 1 + float64(round%4)/10
		visit := func(name string, added, cpu float64) {
			v := Visit{Monitor: name, Round: round, CPU: (0.5 + cpu) * drift, Resident: 30 << 20}
			for range kinds {
				v.Warm = append(v.Warm, 1e6*drift+added)
			}
			if name == xnumonHash || name == bare {
				v.Cold, v.ColdCPU = v.Warm, v.CPU
			}
			l.Visits = append(l.Visits, v)
		}
		visit(bare, 0, 0)
		for _, m := range []struct {
			name       string
			added, cpu float64
		}{{xnumonHash, 20e3, 0.1}, {auditd, 60e3, 0.2}, {laurel, 80e3, 0.4}} {
			visit(m.name, m.added, m.cpu)
			visit(bare, 0, 0)
		}
	}
	return &Results{
		Machine:  Machine{CPU: "a processor", CPUs: 2, Kernel: "Linux 6.12", Date: "2026-01-01"},
		Monitors: []Monitor{{Name: xnumonHash, Version: "xnumon 1"}, {Name: execsnoop, Unavailable: "it is not installed"}},
		Latency:  l,
		Storms: []Storm{
			{Monitor: bare, Seconds: 10, Execs: 80_000},
			{Monitor: xnumonHash, Seconds: 120, Execs: 1_000_000, Recorded: 1_000_000, Behind: 321, Ring: 1 << 20, RingSize: 8 << 20},
			{Monitor: xnumonOpen, Seconds: 120, Execs: 900_000, Recorded: 899_990},
		},
		Memory:   &Memory{Live: 10_000, Idle: Resident{Main: 20 << 20, All: 25 << 20, Heap: 9 << 20}, Crowd: Resident{Main: 30 << 20, All: 35 << 20}},
		Pipeline: []GoResult{{Name: "Pipeline", Values: map[string][]float64{"events/s": {400e3, 410e3}, "ns/op": {2500}, "allocs/event": {1.06}}}},
		Hashing:  &Hashing{Size: 256 << 20, OpenSSL: "OpenSSL 3", Xnumon: []float64{1.8e9}, Speed: []float64{1.9e9}, File: []float64{0.4e9}},
	}
}

func TestPairsTakeOutTheDrift(t *testing.T) {
	l := sample().Latency
	if c := l.change(xnumonHash, warmOf(dynamicKind)); c.ratio.N != l.Rounds || c.added.Low != 20e3 || c.added.High != 20e3 {
		t.Errorf("added %+v, ratio %+v", c.added, c.ratio)
	}
	if c := l.change(bare, warmOf(0)); c.ratio.N != 2*l.Rounds || c.ratio.Low != 1 || c.ratio.High != 1 || !c.added.Around(0) {
		t.Errorf("bare against itself: %+v", c)
	}
	d, q := l.against(xnumonHash, auditd, warmOf(dynamicKind))
	if d.Median != -40e3 || q.N != l.Rounds || q.Median < 0.33 || q.Median > 0.34 {
		t.Errorf("against auditd: difference %+v, ratio %+v", d, q)
	}
	if c := l.change(execsnoop, warmOf(0)); c.ratio.N != 0 {
		t.Errorf("what was not measured: %+v", c)
	}
}

func TestGoals(t *testing.T) {
	var not []string
	all := goalsOf(sample())
	for _, g := range all {
		if !g.reached {
			not = append(not, g.what)
		}
	}
	if len(all) != 9 || len(not) != 1 || !strings.Contains(not[0], "`open`") {
		t.Errorf("%d goals; not reached: %q", len(all), not)
	}
	if text := goals(sample()); !strings.Contains(text, "NOT REACHED  loses nothing in a storm at open: 10 of 900,000 lost\n") {
		t.Error(text)
	}
}

func TestPage(t *testing.T) {
	text := page(sample())
	for _, want := range []string{
		"Linux 6.12", "* execsnoop.bt: not measured, it is not installed", "| auditd | +60 µs (+60 … +60) |",
		"| bare, with itself | +0 µs (+0 … +0), noise |", "adds at `hash` is 0.25", "1,000,000", "12.5 %", "35.0 MiB", "1.80 GB/s",
		"410,000",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "%!", "\n\n\n"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page says %q", bad)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	if text := page(new(Results)); strings.Contains(text, "%!") || strings.Contains(text, "##") && strings.TrimSpace(notes) == "" {
		t.Error(text)
	}
}

func TestResultsAreKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.json")
	want := sample()
	if err := want.save(name); err != nil {
		t.Fatal(err)
	}
	got, err := load(name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
}

func TestCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -4321: "-4,321", 12.6: "13"} {
		if got := count(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
}
