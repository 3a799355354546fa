//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strings"

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
	b.WriteString("\n## What was not right\n")
	for _, k := range allCases(reports) {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", k.Name, k.Summary)
		first := true
		for i := range reports {
			for j := range reports[i].Columns {
				c := &reports[i].Columns[j]
				who := c.Monitor
				if len(reports) > 1 {
					who += " on " + reports[i].Kernel
				}
				if text := c.details(k.Name, who); text != "" {
					if first {
						b.WriteString("\n")
						first = false
					}
					b.WriteString(text)
				}
			}
		}
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
	fmt.Fprintf(b, "\n## %s\n\n| case |", r.Kernel)
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

// detailLimit is how many findings of one case under one monitor are told one by
// one.
const detailLimit = 6

// details lists what was not right, a line a finding.
func (c *Column) details(name, who string) string {
	o := c.outcome(name)
	if o == nil {
		return ""
	}
	var b strings.Builder
	if o.Skip != "" {
		fmt.Fprintf(&b, "- %s: not on this machine: %s\n", who, cell(o.Skip))
	}
	if o.Fail != "" {
		fmt.Fprintf(&b, "- %s: the case did not work: %s\n", who, cell(o.Fail))
	}
	for _, n := range o.Notes {
		fmt.Fprintf(&b, "- %s: %s\n", who, cell(n))
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
			fmt.Fprintf(&b, "- %s: %s %s %s", who, f.ID, f.Fact, f.Verdict)
			if f.Note != "" {
				fmt.Fprintf(&b, " (%s)", cell(f.Note))
			}
			if f.Verdict == fact.Wrong && f.Fact != fact.Exists {
				fmt.Fprintf(&b, ": %s, not %s", values(f.Got), values(f.Want))
			}
			b.WriteString("\n")
		}
	}
	if more > 0 {
		fmt.Fprintf(&b, "- %s: and %d more\n", who, more)
	}
	return b.String()
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
