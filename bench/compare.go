//go:build linux

package main

// pair is one visit to a monitor beside those to the bare machine right before and
// right after it.
type pair struct {
	round         int
	at            Visit
	before, after Visit
}

// pairs are all visits to a monitor. Of the bare machine itself they are the visits
// between two others, which shows how much chance alone makes of it.
func (l *Latency) pairs(monitor string) (out []pair) {
	distance := 1
	if monitor == bare {
		distance = 2
	}
	for i, v := range l.Visits {
		if v.Monitor != monitor || i < distance || i+distance >= len(l.Visits) {
			continue
		}
		p := pair{v.Round, v, l.Visits[i-distance], l.Visits[i+distance]}
		if p.before.Monitor == bare && p.after.Monitor == bare && p.before.Round == v.Round && p.after.Round == v.Round {
			out = append(out, p)
		}
	}
	return out
}

// metric picks a number from a visit; false if it was not measured in it.
type metric func(Visit) (float64, bool)

func warmOf(kind int) metric {
	return func(v Visit) (float64, bool) {
		if kind >= len(v.Warm) {
			return 0, false
		}
		return v.Warm[kind], true
	}
}

func coldOf(kind int) metric {
	return func(v Visit) (float64, bool) {
		if kind >= len(v.Cold) {
			return 0, false
		}
		return v.Cold[kind], true
	}
}

func cpuOf(v Visit) (float64, bool)     { return v.CPU, v.CPU > 0 }
func coldCPUOf(v Visit) (float64, bool) { return v.ColdCPU, v.ColdCPU > 0 }

// base is what the bare machine has for a pair.
func (p pair) base(m metric) (float64, bool) {
	a, ok := m(p.before)
	b, too := m(p.after)
	return (a + b) / 2, ok && too && a+b > 0
}

// change is what a monitor makes of a number.
type change struct {
	value Estimate // itself
	ratio Estimate // to the bare machine's
	added Estimate // to the bare machine's
}

func (l *Latency) change(monitor string, m metric) change {
	var value, ratio, added []float64
	for _, p := range l.pairs(monitor) {
		v, ok := m(p.at)
		base, too := p.base(m)
		if ok && too {
			value = append(value, v)
			ratio = append(ratio, v/base)
			added = append(added, v-base)
		}
	}
	return change{estimate(value), estimate(ratio), estimate(added)}
}

// against compares what two monitors add, round by round: the difference, and the
// ratio where the other adds something.
func (l *Latency) against(monitor, other string, m metric) (difference, ratio Estimate) {
	added := func(name string) map[int]float64 {
		out := map[int]float64{}
		for _, p := range l.pairs(name) {
			v, ok := m(p.at)
			if base, too := p.base(m); ok && too {
				out[p.round] = v - base
			}
		}
		return out
	}
	var differences, ratios []float64
	theirs := added(other)
	for round, ours := range added(monitor) {
		that, ok := theirs[round]
		if !ok {
			continue
		}
		differences = append(differences, ours-that)
		if that > 0 {
			ratios = append(ratios, ours/that)
		}
	}
	return estimate(differences), estimate(ratios)
}

// names are the monitors that were visited, in the order of the line-up.
func (l *Latency) names() (out []string) {
	seen := map[string]bool{bare: true}
	for _, v := range l.Visits {
		seen[v.Monitor] = true
	}
	for _, c := range lineup("") {
		if c.name != bare && seen[c.name] {
			out = append(out, c.name)
		}
	}
	return out
}

// result finds a Go benchmark.
func (r *Results) result(name string) (GoResult, bool) {
	for _, g := range r.Pipeline {
		if g.Name == name {
			return g, true
		}
	}
	return GoResult{}, false
}

// storm finds the storm under a monitor.
func (r *Results) storm(monitor string) (Storm, bool) {
	for _, s := range r.Storms {
		if s.Monitor == monitor {
			return s, true
		}
	}
	return Storm{}, false
}
