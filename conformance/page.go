//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"xnumon/conformance/fact"
)

const preface = `# Conformance

What exec monitors say about programs that are hard to log truthfully. This page is
written by ` + "`make conformance`" + ` and holds what was measured; see
[conformance/README.md](../conformance/README.md) for what is compared and how.

Each case says, fact by fact, what a truthful record holds. A fact is **right** when the
log says what was the case, **missing** when the log has a field for it and here leaves
it out, **wrong** when the log says something that was not the case, or tells of an exec
that did not happen. A fact for which a monitor has no field at all is *not said* and
held against nobody.

`

// Page is the page about one kernel or several.
func Page(reports []Report) string {
	var b strings.Builder
	b.WriteString(preface)
	b.WriteString("| kernel | monitor | version | right | missing | wrong | not said | cases right | cases with something wrong |\n")
	b.WriteString("|---|---|---|--:|--:|--:|--:|--:|--:|\n")
	for i := range reports {
		r := &reports[i]
		for j := range r.Columns {
			c := &r.Columns[j]
			if c.Unavailable != "" {
				fmt.Fprintf(&b, "| %s | %s | not run: %s | | | | | | |\n", r.Kernel, c.Monitor, cell(c.Unavailable))
				continue
			}
			t, right, wrong, judged := c.sum()
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %d | %d | %d | %d of %d | %d |\n", r.Kernel, c.Monitor, cell(c.Version),
				t[fact.Right], t[fact.Missing], t[fact.Wrong], t[fact.Silent], right, judged, wrong)
		}
	}
	b.WriteString("\nIn the tables below stands how many facts are right, and how many of those that the monitor can\nsay are not. A dash: the monitor was not run.\n")
	for i := range reports {
		reports[i].table(&b)
	}
	differences(&b, reports)
	b.WriteString("\n## What was not right\n")
	for _, k := range allCases(reports) {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", k.Name, k.Summary)
		notRight(&b, reports, k.Name)
	}
	return b.String()
}

// allCases are the cases of all reports, in order.
func allCases(reports []Report) []Case {
	var all []Case
	known := make(map[string]bool)
	for _, r := range reports {
		for _, c := range r.Cases {
			if !known[c.Name] {
				known[c.Name] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// table is one kernel's cases by monitors.
func (r *Report) table(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\nMeasured on %s.\n\n| case |", r.Kernel, r.Measured.Format(time.DateOnly))
	for _, c := range r.Columns {
		fmt.Fprintf(b, " %s |", c.Monitor)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(r.Columns)) + "\n")
	for _, k := range r.Cases {
		fmt.Fprintf(b, "| [%s](#%s) |", k.Name, k.Name)
		for i := range r.Columns {
			fmt.Fprintf(b, " %s |", r.Columns[i].cell(k.Name))
		}
		b.WriteString("\n")
	}
}

func (c *Column) outcome(name string) *Outcome {
	for i := range c.Outcomes {
		if c.Outcomes[i].Case == name {
			return &c.Outcomes[i]
		}
	}
	return nil
}

// cell is a case's place in the table.
func (c *Column) cell(name string) string {
	o := c.outcome(name)
	switch {
	case o == nil:
		return "–"
	case o.Skip != "":
		return "not on this machine"
	case o.Fail != "":
		return "case failed"
	}
	var t tally
	t.add(o.Findings)
	s := fmt.Sprintf("%d", t[fact.Right])
	if t[fact.Missing] > 0 {
		s += fmt.Sprintf(", %d missing", t[fact.Missing])
	}
	if t[fact.Wrong] > 0 {
		s += fmt.Sprintf(", **%d wrong**", t[fact.Wrong])
	}
	return s
}

// values writes a fact's values for a reader, shortened.
func values(list []string) string {
	const limit = 160
	if list == nil {
		return "nothing"
	}
	quoted := make([]string, 0, len(list))
	for _, v := range list {
		if len(v) > limit {
			v = v[:limit]
		}
		if quoted = append(quoted, fmt.Sprintf("%q", v)); len(quoted) > 40 {
			break
		}
	}
	s := strings.Join(quoted, " ")
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	s = scratchNames.ReplaceAllString(s, "/scratch")
	s = tokens.ReplaceAllString(s, "token.")
	return "`" + strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "`", "'") + "`"
}

// Names that are others in every run would make every page another.
var (
	scratchNames = regexp.MustCompile(`/[^" ]*/cx-[0-9]+/c[0-9]+`)
	tokens       = regexp.MustCompile(`\bx[0-9a-f]{10}\.`)
)

// cell makes a text fit a line of a table.
func cell(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	s = strings.ToValidUTF8(s, "?")
	return strings.NewReplacer("\n", " ", "|", "\\|").Replace(s)
}
