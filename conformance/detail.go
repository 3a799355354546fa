//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"

	"xnumon/conformance/fact"
)

// detailLimit is how many findings of one case under one monitor are told one by
// one.
const detailLimit = 6

// details are what was not right in a case, a line a finding.
func (c *Column) details(name string) []string {
	o := c.outcome(name)
	if o == nil {
		return nil
	}
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if o.Skip != "" {
		add("not on this machine: %s", cell(o.Skip))
	}
	if o.Fail != "" {
		add("the case did not work: %s", cell(o.Fail))
	}
	for _, n := range o.Notes {
		add("%s", cell(n))
	}
	told, more := 0, 0
	for _, wanted := range []fact.Verdict{fact.Wrong, fact.Missing} {
		for _, f := range o.Findings {
			// A record that is missing says it all.
			if f.Verdict != wanted || f.Note == "no record" {
				continue
			}
			if told == detailLimit {
				more++
				continue
			}
			told++
			add("%s", tell(&f))
		}
	}
	if more > 0 {
		add("and %d more", more)
	}
	return lines
}

// tell is one finding, for a reader.
func tell(f *fact.Finding) string {
	s := fmt.Sprintf("%s %s %s", f.ID, f.Fact, f.Verdict)
	if f.Note != "" {
		s += " (" + cell(f.Note) + ")"
	}
	if f.Verdict == fact.Wrong && f.Fact != fact.Exists {
		s += fmt.Sprintf(": %s, not %s", values(f.Got), values(f.Want))
	}
	return s
}

// monitors are the names of those that were run on some kernel, in order, and the
// kernels on which each was, as indices of reports.
func monitors(reports []Report) (names []string, on map[string][]int) {
	on = make(map[string][]int)
	for i := range reports {
		for j := range reports[i].Columns {
			c := &reports[i].Columns[j]
			if c.Unavailable != "" {
				continue
			}
			if on[c.Monitor] == nil {
				names = append(names, c.Monitor)
			}
			on[c.Monitor] = append(on[c.Monitor], i)
		}
	}
	return names, on
}

func (r *Report) column(monitor string) *Column {
	for i := range r.Columns {
		if r.Columns[i].Monitor == monitor {
			return &r.Columns[i]
		}
	}
	return nil
}

// notRight lists what the monitors had not right in a case. A line that is true of
// every kernel on which the monitor was run names none.
func notRight(b *strings.Builder, reports []Report, name string) {
	first := true
	list, on := monitors(reports)
	for _, monitor := range list {
		var lines []string
		where := make(map[string][]string)
		for _, i := range on[monitor] {
			for _, line := range reports[i].column(monitor).details(name) {
				if where[line] == nil {
					lines = append(lines, line)
				}
				if k := reports[i].Kernel; !slices.Contains(where[line], k) {
					where[line] = append(where[line], k)
				}
			}
		}
		for _, line := range lines {
			if first {
				b.WriteString("\n")
				first = false
			}
			who := monitor
			if len(where[line]) < len(on[monitor]) {
				who += " on " + strings.Join(where[line], " and ")
			}
			fmt.Fprintf(b, "- %s: %s\n", who, line)
		}
	}
}

// differences is the table of what monitors that were run on several kernels do not say
// alike on all of them.
func differences(b *strings.Builder, reports []Report) {
	list, on := monitors(reports)
	several := slices.ContainsFunc(list, func(m string) bool { return len(on[m]) > 1 })
	if !several {
		return
	}
	var rows strings.Builder
	for _, k := range allCases(reports) {
		for _, monitor := range list {
			cells := make([]string, len(reports))
			for i := range reports {
				cells[i] = "–"
				if c := reports[i].column(monitor); c != nil {
					cells[i] = c.cell(k.Name)
				}
			}
			same := true
			for _, i := range on[monitor] {
				same = same && cells[i] == cells[on[monitor][0]]
			}
			if same {
				continue
			}
			fmt.Fprintf(&rows, "| [%s](#%s) | %s | %s |\n", k.Name, k.Name, monitor, strings.Join(cells, " | "))
		}
	}
	b.WriteString("\n## What differs by kernel\n\n")
	if rows.Len() == 0 {
		b.WriteString("Nothing.\n")
		return
	}
	b.WriteString("| case | monitor |")
	for i := range reports {
		fmt.Fprintf(b, " %s |", reports[i].Kernel)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(reports)) + "\n" + rows.String())
}
