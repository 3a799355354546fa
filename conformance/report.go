//go:build linux

package main

import (
	"errors"
	"fmt"
	"strings"

	"xnumon/conformance/fact"
)

// Report is everything that was found.
type Report struct {
	Kernel  string   `json:"kernel"`
	Cases   []Case   `json:"cases"`
	Columns []Column `json:"monitors"`
}

// tally counts verdicts.
type tally [4]int

func (t *tally) add(findings []fact.Finding) {
	for _, f := range findings {
		t[f.Verdict]++
	}
}

// sum is the tally of a column, and how many cases are right in all that the
// monitor can say, how many have something wrong, and how many were judged.
func (c *Column) sum() (t tally, right, wrong, judged int) {
	for _, o := range c.Outcomes {
		if o.Findings == nil {
			continue
		}
		var one tally
		one.add(o.Findings)
		for i := range one {
			t[i] += one[i]
		}
		judged++
		switch {
		case one[fact.Wrong] > 0:
			wrong++
		case one[fact.Missing] == 0:
			right++
		}
	}
	return t, right, wrong, judged
}

// Summary is for a terminal.
func (r *Report) Summary() string {
	var b strings.Builder
	for i := range r.Columns {
		c := &r.Columns[i]
		if c.Unavailable != "" {
			fmt.Fprintf(&b, "%-14s not run: %s\n", c.Monitor, c.Unavailable)
			continue
		}
		t, right, wrong, judged := c.sum()
		fmt.Fprintf(&b, "%-14s %5d right %5d missing %5d wrong %5d not said; of %d cases %d right, %d with something wrong\n",
			c.Monitor, t[fact.Right], t[fact.Missing], t[fact.Wrong], t[fact.Silent], judged, right, wrong)
		for _, o := range c.Outcomes {
			if o.Fail != "" {
				fmt.Fprintf(&b, "  %s did not work: %s\n", o.Case, o.Fail)
			}
		}
	}
	return b.String()
}

// Demand is an error if a monitor is not what it is asked to be.
func (r *Report) Demand(truthful, complete string) error {
	var err error
	for i := range r.Columns {
		c := &r.Columns[i]
		t, _, _, _ := c.sum()
		all := matches(complete, c.Monitor)
		if !all && !matches(truthful, c.Monitor) {
			continue
		}
		if t[fact.Wrong] > 0 || all && t[fact.Missing] > 0 {
			err = errors.Join(err, fmt.Errorf("%s: %d wrong, %d missing", c.Monitor, t[fact.Wrong], t[fact.Missing]))
		}
		if c.Unavailable != "" {
			err = errors.Join(err, fmt.Errorf("%s was not run: %s", c.Monitor, c.Unavailable))
		}
		for _, o := range c.Outcomes {
			if o.Fail != "" {
				err = errors.Join(err, fmt.Errorf("%s: case %s: %s", c.Monitor, o.Case, o.Fail))
			}
		}
	}
	return err
}

const preface = `# Conformance

What exec monitors say about programs that are hard to log truthfully. This page is
written by ` + "`make conformance`" + ` and holds what was measured; see
[conformance/README.md](../conformance/README.md) for what is compared and how.

Each case says, fact by fact, what a truthful record holds. A fact is **right** when the
log says what was the case, **missing** when the log has a field for it and here leaves
it out, **wrong** when the log says something that was not the case, or tells of an exec
that did not happen. A fact for which a monitor has no field at all is *not said* and held against nobody.

`

// Markdown is the page.
func (r *Report) Markdown() string {
	var b strings.Builder
	b.WriteString(preface)
	fmt.Fprintf(&b, "Kernel: %s\n\n", r.Kernel)
	b.WriteString("| monitor | version | right | missing | wrong | not said | cases right | cases with something wrong |\n")
	b.WriteString("|---|---|--:|--:|--:|--:|--:|--:|\n")
	for i := range r.Columns {
		c := &r.Columns[i]
		if c.Unavailable != "" {
			fmt.Fprintf(&b, "| %s | not run: %s | | | | | | |\n", c.Monitor, cell(c.Unavailable))
			continue
		}
		t, right, wrong, judged := c.sum()
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %d of %d | %d |\n", c.Monitor, cell(c.Version),
			t[fact.Right], t[fact.Missing], t[fact.Wrong], t[fact.Silent], right, judged, wrong)
	}
	b.WriteString("\n## Cases\n\nThe number of facts that are right, and of those that are not. A dash: the monitor was not run.\n\n| case |")
	for _, c := range r.Columns {
		fmt.Fprintf(&b, " %s |", c.Monitor)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(r.Columns)) + "\n")
	for _, k := range r.Cases {
		fmt.Fprintf(&b, "| [%s](#%s) |", k.Name, k.Name)
		for i := range r.Columns {
			fmt.Fprintf(&b, " %s |", r.Columns[i].cell(k.Name))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## What was not right\n")
	for _, k := range r.Cases {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", k.Name, k.Summary)
		first := true
		for i := range r.Columns {
			if text := r.Columns[i].details(k.Name); text != "" {
				if first {
					b.WriteString("\n")
					first = false
				}
				b.WriteString(text)
			}
		}
	}
	return b.String()
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
func (c *Column) details(name string) string {
	o := c.outcome(name)
	if o == nil {
		return ""
	}
	var b strings.Builder
	if o.Skip != "" {
		fmt.Fprintf(&b, "- %s: not on this machine: %s\n", c.Monitor, cell(o.Skip))
	}
	if o.Fail != "" {
		fmt.Fprintf(&b, "- %s: the case did not work: %s\n", c.Monitor, cell(o.Fail))
	}
	for _, n := range o.Notes {
		fmt.Fprintf(&b, "- %s: %s\n", c.Monitor, cell(n))
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
			fmt.Fprintf(&b, "- %s: %s %s %s", c.Monitor, f.ID, f.Fact, f.Verdict)
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
		fmt.Fprintf(&b, "- %s: and %d more\n", c.Monitor, more)
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
	return "`" + strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "`", "'") + "`"
}

// cell makes a text fit a line of a table.
func cell(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	s = strings.ToValidUTF8(s, "?")
	return strings.NewReplacer("\n", " ", "|", "\\|").Replace(s)
}
