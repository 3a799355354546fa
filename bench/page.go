//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// notes are written by hand: what stands in the way of what is not reached, from
// profiles, and what was changed because of them.
//
//go:embed notes.md
var notes string

// page is docs/performance.md.
func page(r *Results) string {
	var b strings.Builder
	b.WriteString(`# What it costs

Measured in one run of ` + "`make bench`" + `, which has written this page. The raw numbers of such a run are in ` + "`build/bench/`" + `.

`)
	machine(&b, r)
	if g := goalsOf(r); len(g) > 0 {
		b.WriteString("## In short\n\n")
		rows := [][]string{}
		for _, g := range g {
			rows = append(rows, []string{g.what, map[bool]string{true: "yes", false: "**no**"}[g.reached], g.got})
		}
		table(&b, []string{"xnumon", "reached", "measured"}, rows)
	}
	latencySection(&b, r)
	stormSection(&b, r)
	memorySection(&b, r)
	pipelineSection(&b, r)
	hashingSection(&b, r)
	if n := strings.TrimSpace(notes); n != "" {
		b.WriteString(n + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func machine(b *strings.Builder, r *Results) {
	m := r.Machine
	if r.Quick {
		b.WriteString("**This was a trial of the benchmark itself. The numbers mean nothing.**\n\n")
	}
	kind := "machine"
	if m.Virtual {
		kind = "virtual machine"
	}
	fmt.Fprintf(b, "A %s with %d processors (%s) and %s of memory, %s, %s, on %s; %s, %s. "+
		"Programs are on %s, logs on %s. All of it took %.0f s.\n\n",
		kind, m.CPUs, m.CPU, fmt.Sprintf("%.0f GiB", float64(m.Memory)/(1<<30)), m.Kernel, m.Distribution, m.Date, m.Go, m.Compiler,
		m.Disk, m.Logs, r.Seconds)
	var names []string
	for i, x := range r.Monitors {
		names = append(names, x.Name)
		if x.Unavailable != "" {
			fmt.Fprintf(b, "* %s: not measured, %s\n", x.Name, x.Unavailable)
			names = nil
		} else if i+1 == len(r.Monitors) || r.Monitors[i+1].Version != x.Version {
			fmt.Fprintf(b, "* %s: %s\n", strings.Join(names, ", "), x.Version)
			names = nil
		}
	}
	b.WriteByte('\n')
}

func latencySection(b *strings.Builder, r *Results) {
	l := r.Latency
	if l == nil {
		return
	}
	names := l.names()
	fmt.Fprintf(b, `## Added exec latency

From before the fork until the child was waited for, of a static program (%s bytes), a dynamic one (%s) and a shell script.
The monitors take turns with the bare machine in between, %d rounds, each beginning with another monitor, each monitor started anew. In a turn each program is spawned
%d times, one after the other, on one processor; the turn counts as its median, and is compared with the bare machine right before and right after it.
Tables have the median of the rounds and, in parentheses, its 95 %% interval (order statistics). Where that holds zero, the difference is within noise. The last
row compares the bare machine with itself in the same way.

`, count(float64(l.Sizes[0])), count(float64(l.Sizes[1])), l.Rounds, l.Times)
	head := append([]string{""}, l.Kinds...)
	var added, ratio [][]string
	row := func(title, name string, of func(int) metric) {
		a, q := []string{title}, []string{title}
		for k := range l.Kinds {
			c := l.change(name, of(k))
			a, q = append(a, micro(c.added)+noise(c)), append(q, percent(c.ratio))
		}
		added, ratio = append(added, a), append(ratio, q)
	}
	for _, name := range names {
		if name == xnumonHash {
			row(name+", warm", name, warmOf)
			row(name+", cold", name, coldOf)
			continue
		}
		row(name, name, warmOf)
	}
	row("bare, with itself", bare, warmOf)
	base := []string{"bare machine"}
	for k := range l.Kinds {
		var v []float64
		for _, x := range l.Visits {
			if x.Monitor == bare {
				v = append(v, x.Warm[k])
			}
		}
		base = append(base, fmt.Sprintf("%.0f µs", estimate(v).Median/1e3))
	}
	table(b, head, slices.Concat([][]string{base}, added))
	b.WriteString("The same, relative to the bare machine:\n\n")
	table(b, head, ratio)
	fmt.Fprintf(b, "Cold means that xnumon has not seen the file before: %d fresh copies of each program, in the page cache, each executed once, compared with the bare "+
		"machine executing the same copies.\n\n", l.Copies)
	cpuSection(b, l, names)
}

// noise marks a difference that could be none.
func noise(c change) string {
	if c.added.N > 0 && c.added.Around(0) {
		return ", noise"
	}
	return ""
}

func cpuSection(b *strings.Builder, l *Latency, names []string) {
	fmt.Fprintf(b, `## Processor time

Of the whole machine, kernel and monitor included, for 1,000 execs, from the turns above (the three programs in equal parts): the time that no processor was
idle, from /proc/stat, until %d ms after the last exec. While nothing was measured, %.1f %% of the machine was in use.

`, settled.Milliseconds(), l.Idle*100)
	var rows [][]string
	cell := func(title, name string, m metric) {
		c := l.change(name, m)
		if c.value.N > 0 {
			rows = append(rows, []string{title, fmt.Sprintf("%.2f s", c.value.Median), fmt.Sprintf("%+.2f s (%+.2f … %+.2f)", c.added.Median, c.added.Low, c.added.High), times(c.ratio)})
		}
	}
	cell("bare, with itself", bare, cpuOf)
	for _, name := range names {
		title := name
		if name == xnumonHash {
			title += ", warm"
		}
		cell(title, name, cpuOf)
		if name == xnumonHash {
			cell(name+", cold", name, coldCPUOf)
		}
	}
	table(b, []string{"", "1,000 execs", "added", "times the bare machine's"}, rows)
	if _, q := l.against(xnumonHash, laurel, cpuOf); q.N > 0 {
		fmt.Fprintf(b, "What xnumon adds at `hash` is %s of what auditd with laurel adds.\n\n", times(q))
	}
}

func stormSection(b *strings.Builder, r *Results) {
	if len(r.Storms) == 0 {
		return
	}
	fmt.Fprintf(b, `## Storm

%d processes do nothing but execute the smallest program there is. Behind is the most execs at one time that were done and whose records were not written;
ring is the most that was waiting in the buffer between kernel and xnumon. Resident is the size of all processes of a monitor; kernel memory is not in it.

`, 2*r.Machine.CPUs)
	var rows [][]string
	for _, s := range r.Storms {
		lost, ring, behind := "", "", ""
		if s.Monitor != bare {
			lost, behind = count(float64(s.Lost())), count(float64(s.Behind))
			if n := len(s.Losses); n > 0 {
				lost += fmt.Sprintf(" (told in %d lines)", n)
			}
		}
		if s.RingSize > 0 {
			ring = fmt.Sprintf("%.1f %%", float64(s.Ring)/float64(s.RingSize)*100)
		}
		rows = append(rows, []string{
			s.Monitor, fmt.Sprintf("%.0f s", s.Seconds), count(float64(s.Execs)), count(float64(s.Execs) / s.Seconds), lost, behind, ring,
			mebi(s.Before.All), mebi(s.Greatest), mebi(s.After.All),
		})
	}
	table(b, []string{"", "time", "execs", "a second", "lost", "behind", "ring", "resident before", "at most", "after"}, rows)
}

func memorySection(b *strings.Builder, r *Results) {
	m := r.Memory
	if m == nil {
		return
	}
	b.WriteString("## Memory\n\nResident size of xnumon at gate level `hash`, with its watchdog; of the monitor's own process, and of that what belongs to no file.\n\n")
	line := func(title string, x Resident) []string {
		return []string{title, mebi(x.All), mebi(x.Main), mebi(x.Heap)}
	}
	rows := [][]string{line("idle", m.Idle), line(fmt.Sprintf("with %s live processes", count(float64(m.Live))), m.Crowd)}
	if s, ok := r.storm(xnumonHash); ok {
		rows = append(rows, line(fmt.Sprintf("after %s execs", count(float64(s.Execs))), s.After))
	}
	table(b, []string{"", "together", "monitor", "anonymous"}, rows)
	if r.Latency == nil {
		return
	}
	var others []string
	for _, name := range r.Latency.names() {
		var v []float64
		for _, x := range r.Latency.Visits {
			if x.Monitor == name {
				v = append(v, float64(x.Resident))
			}
		}
		others = append(others, fmt.Sprintf("%s %s", name, mebi(int64(estimate(v).Median))))
	}
	fmt.Fprintf(b, "After a turn of the latency measurement, all processes of each: %s.\n\n", strings.Join(others, ", "))
}

func pipelineSection(b *strings.Builder, r *Results) {
	if len(r.Pipeline) == 0 {
		return
	}
	b.WriteString("## Pipeline\n\nWhat is behind the sensor, on one core, each in turn: the recorded stream of a build goes through lineage, acquisition (all digests known), records and JSON to /dev/null. " +
		"`Replay` decodes the recorded stream as well. Every fork, exec and exit is an event.\n\n")
	var rows [][]string
	for _, g := range r.Pipeline {
		e, ns, a := estimate(g.Values["events/s"]), estimate(g.Values["ns/op"]), estimate(g.Values["allocs/event"])
		rows = append(rows, []string{g.Name, fmt.Sprintf("%s (%s … %s)", count(e.Median), count(e.Low), count(e.High)), count(ns.Median), fmt.Sprintf("%.2f", a.Median)})
	}
	table(b, []string{"", "events a second", "ns an event", "allocations an event"}, rows)
	b.WriteString("    go test -run '^$' -bench . -cpu 1 -count 6 ./internal/monitor   # for benchstat\n\n")
}

func hashingSection(b *strings.Builder, r *Results) {
	h := r.Hashing
	if h == nil {
		return
	}
	fmt.Fprintf(b, "## Hashing\n\nSHA-256 of a file of %s in the page cache, on one core, in turns: lease, reading and hashing by the acquisition path; sha256sum; and `openssl speed`, which hashes "+
		"memory and reads no file.\n\n", strings.Replace(mebi(h.Size), ".0", "", 1))
	rows := [][]string{}
	for _, x := range []struct {
		name string
		v    []float64
	}{{"xnumon", h.Xnumon}, {strings.TrimSpace("sha256sum, " + h.Sum), h.File}, {"openssl speed, " + h.OpenSSL, h.Speed}} {
		if e := estimate(x.v); e.N > 0 {
			rows = append(rows, []string{x.name, giga(e.Median), giga(e.Low), giga(e.High)})
		}
	}
	table(b, []string{"", "median", "from", "to"}, rows)
}
