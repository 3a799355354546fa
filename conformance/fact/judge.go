package fact

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Judge compares what was expected with what was logged.
//
// window are the records logged while the case ran, late those logged after it
// until the monitor was stopped, both in the order of the log. says tells
// whether the monitor has a field for a fact.
//
// An expectation is joined to the record with its pid whose values contain its
// token. Where a monitor has garbled the token, the order decides: if, for one
// pid, as many records as expectations are left over, they are joined in order.
// Every other record of an expected pid is wrong: it reports an exec twice, or
// one that did not happen.
func Judge(expected []Expectation, window, late []Record, says func(string) bool) []Finding {
	j := join(expected, window, late)
	var out []Finding
	for i := range expected {
		e := &expected[i]
		at := j.record[i]
		switch {
		case e.Never && at == nil:
			out = append(out, Finding{ID: e.ID, Fact: Exists, Verdict: Right})
		case e.Never:
			out = append(out, Finding{ID: e.ID, Fact: Exists, Verdict: Wrong,
				Note: "there was no such exec", Raw: at.Raw})
		case at == nil:
			out = append(out, Finding{ID: e.ID, Fact: Exists, Verdict: Missing})
			for _, c := range e.Claims {
				v := Missing
				if !says(c.Fact) {
					v = Silent
				}
				out = append(out, Finding{ID: e.ID, Fact: c.Fact, Verdict: v, Want: c.Values, Note: "no record"})
			}
		default:
			out = append(out, Finding{ID: e.ID, Fact: Exists, Verdict: Right})
			for _, c := range e.Claims {
				out = append(out, c.judge(e.ID, at, says))
			}
		}
	}
	for _, r := range j.extra {
		note := "an exec that did not happen"
		for i := range expected {
			if e := &expected[i]; !e.Never && e.Pid == r.Pid && e.Token != "" && r.Mentions(e.Token) {
				note = "a second record of " + e.ID
				break
			}
		}
		out = append(out, Finding{ID: fmt.Sprintf("pid %d", r.Pid), Fact: Exists, Verdict: Wrong, Note: note, Raw: r.Raw})
	}
	return out
}

type joined struct {
	record []*Record // by index of the expectation; nil where none was found
	extra  []*Record
}

func join(expected []Expectation, window, late []Record) joined {
	j := joined{record: make([]*Record, len(expected))}
	byPid := make(map[uint32][]int)
	var pids []uint32
	for i, e := range expected {
		if byPid[e.Pid] == nil {
			pids = append(pids, e.Pid)
		}
		byPid[e.Pid] = append(byPid[e.Pid], i)
	}
	records := make(map[uint32][]*Record)
	inWindow := make(map[*Record]bool)
	gather := func(list []Record, counts bool) {
		for i := range list {
			r := &list[i]
			if byPid[r.Pid] != nil {
				records[r.Pid] = append(records[r.Pid], r)
				inWindow[r] = counts
			}
		}
	}
	gather(window, true)
	gather(late, false)

	for _, pid := range pids {
		left := records[pid]
		var open []int
		// Expectations of a record come first: a record is only held against a
		// "never" when nothing else explains it.
		for _, never := range []bool{false, true} {
			for _, i := range byPid[pid] {
				e := &expected[i]
				if e.Never != never {
					continue
				}
				at := -1
				if e.Token != "" {
					at = slices.IndexFunc(left, func(r *Record) bool { return r.Mentions(e.Token) })
				}
				if at < 0 {
					if !never {
						open = append(open, i)
					}
					continue
				}
				j.record[i] = left[at]
				left = slices.Delete(slices.Clone(left), at, at+1)
			}
		}
		// A record of a later time without any token may be another process with
		// the same number.
		left = slices.DeleteFunc(slices.Clone(left), func(r *Record) bool { return !inWindow[r] })
		if len(left) == len(open) {
			for k, i := range open {
				j.record[i] = left[k]
			}
			continue
		}
		if len(open) == 0 {
			for _, i := range byPid[pid] {
				if expected[i].Never && j.record[i] == nil && len(left) > 0 {
					j.record[i], left = left[0], left[1:]
				}
			}
		}
		j.extra = append(j.extra, left...)
	}
	return j
}

func (c Claim) judge(id string, r *Record, says func(string) bool) Finding {
	f := Finding{ID: id, Fact: c.Fact, Want: c.Values}
	got, has := r.Facts[c.Fact]
	reason, stated := r.Absent[c.Fact]
	f.Got, f.Note = got, reason
	switch {
	case !says(c.Fact):
		f.Verdict = Silent
	case c.Kind == Lacks && has:
		f.Verdict = Wrong
	case c.Kind == Lacks && stated:
		f.Verdict = Missing
	case c.Kind == Lacks:
		f.Verdict = Right
	case !has && c.Kind == May && stated:
		f.Verdict = Right
	case !has:
		f.Verdict = Missing
	default:
		f.Verdict = c.compare(got)
	}
	if f.Verdict != Right && f.Verdict != Silent {
		f.Raw = r.Raw
	}
	if f.Verdict == Wrong && c.Fact != Time {
		if n := same(got, c.Values); n > 2 {
			f.Note = fmt.Sprintf("the first %d of %d and %d values are the same", n, len(got), len(c.Values))
		}
	}
	return f
}

func (c Claim) compare(got []string) Verdict {
	switch c.Fact {
	case Time:
		from, to, err := window(c.Values)
		if err != nil || len(got) != 1 {
			return Wrong
		}
		t, err := strconv.ParseInt(got[0], 10, 64)
		if err != nil || t < from-TimeSlack || t > to+TimeSlack {
			return Wrong
		}
		return Right
	case Ancestors, AncestorScripts:
		n := min(len(got), len(c.Values))
		v := compareLists(got[:n], c.Values[:n])
		if v == Right && n < len(c.Values) {
			v = Missing
		}
		return v
	}
	return compareLists(got, c.Values)
}

// same counts the values that two lists begin with.
func same(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// compareLists tells lists that differ from lists that do not say everything.
func compareLists(got, want []string) Verdict {
	if len(got) != len(want) {
		return Wrong
	}
	v := Right
	for i, g := range got {
		switch g {
		case want[i]:
		case Unknown:
			v = Missing
		default:
			return Wrong
		}
	}
	return v
}

// Covers is the says function of a monitor that has fields for the named facts.
// A name that ends in a dot stands for every fact that begins with it.
func Covers(names ...string) func(string) bool {
	return func(fact string) bool {
		for _, n := range names {
			if n == fact || strings.HasSuffix(n, ".") && strings.HasPrefix(fact, n) {
				return true
			}
		}
		return false
	}
}
