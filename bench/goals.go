//go:build linux

package main

import (
	"fmt"
	"strings"
)

// goal is something to reach, and whether it was.
type goal struct {
	what    string
	got     string
	reached bool
}

// What is to be reached, as ratios within the same run where that is possible.
const (
	mostAdded     = 1.05       // of the median spawn of a dynamic program
	mostCPU       = 0.5        // of what auditd with laurel adds in processor time
	leastEvents   = 300_000    // a second, on one core
	mostAllocs    = 3          // an event
	mostResident  = 40 << 20   // bytes
	leastHashing  = 0.9        // of the faster reference
	dynamicKind   = 1          // index into kinds
	pipelineBench = "Pipeline" // the Go benchmark
)

// goalsOf are those that the results can tell of.
func goalsOf(r *Results) (out []goal) {
	add := func(reached bool, what, format string, args ...any) {
		out = append(out, goal{what, fmt.Sprintf(format, args...), reached})
	}
	if l := r.Latency; l != nil {
		c := l.change(xnumonHash, warmOf(dynamicKind))
		if c.ratio.N > 0 {
			add(c.ratio.Median <= mostAdded, "a warm exec of a dynamic program at `hash` takes at most 5 % longer", "%s", percent(c.ratio))
		}
		if d, _ := l.against(xnumonHash, auditd, warmOf(dynamicKind)); d.N > 0 {
			add(d.Median < 0, "and adds less than auditd does", "%s against auditd's", micro(d))
		}
		if _, q := l.against(xnumonHash, laurel, cpuOf); q.N > 0 {
			add(q.Median <= mostCPU, "adds at most half the processor time of auditd with laurel", "%s of it", times(q))
		}
	}
	for _, name := range []string{xnumonNone, xnumonOpen, xnumonHash} {
		if s, ok := r.storm(name); ok {
			add(s.Lost() == 0 && len(s.Losses) == 0, "loses nothing in a storm at `"+strings.TrimPrefix(name, "xnumon ")+"`",
				"%d of %s lost", s.Lost(), count(float64(s.Execs)))
		}
	}
	if g, ok := r.result(pipelineBench); ok {
		if v := g.Values["events/s"]; len(v) > 0 {
			add(median(v) >= leastEvents, "300,000 events a second on one core in the pipeline", "%s", count(median(v)))
		}
		if v := g.Values["allocs/event"]; len(v) > 0 {
			add(median(v) <= mostAllocs, "at most 3 allocations an event", "%.2f", median(v))
		}
	}
	if m := r.Memory; m != nil {
		add(m.Crowd.All < mostResident, fmt.Sprintf("under 40 MiB resident with %s processes", count(float64(m.Live))), "%s", mebi(m.Crowd.All))
	}
	if h := r.Hashing; h != nil {
		if q := h.ratio(); q.N > 0 {
			add(q.Median >= leastHashing, "hashes within 10 % of the faster of sha256sum and OpenSSL", "%s of it", times(q))
		}
	}
	return out
}

// ratio is that of our rate to the faster reference's, round by round.
func (h *Hashing) ratio() Estimate {
	var out []float64
	for i, ours := range h.Xnumon {
		best := 0.0
		for _, theirs := range [][]float64{h.Speed, h.File} {
			if i < len(theirs) {
				best = max(best, theirs[i])
			}
		}
		if best > 0 {
			out = append(out, ours/best)
		}
	}
	return estimate(out)
}

// goals is a summary for a terminal.
func goals(r *Results) string {
	var b strings.Builder
	for _, g := range goalsOf(r) {
		verdict := "reached    "
		if !g.reached {
			verdict = "NOT REACHED"
		}
		fmt.Fprintf(&b, "%s  %s: %s\n", verdict, strings.ReplaceAll(g.what, "`", ""), g.got)
	}
	return b.String()
}
