//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"xnumon/conformance/fact"
)

// Demand is what monitors are asked to be.
type Demand struct {
	// Truthful are patterns of the monitors that may say nothing wrong, Complete of
	// those that may leave nothing out either. Both are separated by commas.
	Truthful, Complete string
	// Excuses are reasons, separated by commas, for which one that should be complete
	// may leave out what a record had to say: reasons that a machine gives rise to which is slow.
	Excuses string
}

// mostExcused is how many facts in a hundred may be missing for an excuse. A gate that
// does not hold at all lacks five, so an excuse does not hide it.
const mostExcused = 1

// Judge says what was excused, a line each, and is an error if a monitor is not what
// it is asked to be.
func (d Demand) Judge(r *Report) (excused []string, err error) {
	for i := range r.Columns {
		c := &r.Columns[i]
		all := matches(d.Complete, c.Monitor)
		if !all && !matches(d.Truthful, c.Monitor) {
			continue
		}
		lines, failed := d.column(c, all)
		excused = append(excused, lines...)
		err = errors.Join(err, failed)
	}
	return excused, err
}

// column judges one monitor, of which all is demanded or only that nothing is wrong.
func (d Demand) column(c *Column, all bool) (excused []string, err error) {
	fail := func(format string, args ...any) {
		err = errors.Join(err, fmt.Errorf(c.Monitor+format, args...))
	}
	t, _, _, _ := c.sum()
	if c.Unavailable != "" {
		fail(" was not run: %s", c.Unavailable)
	}
	for _, o := range c.Outcomes {
		if o.Fail != "" {
			fail(": case %s: %s", o.Case, o.Fail)
		}
		for _, f := range o.Findings {
			switch {
			case f.Verdict == fact.Missing && all && d.excuses(o.Findings, f):
				excused = append(excused, fmt.Sprintf("%s: case %s: %s", c.Monitor, o.Case, tell(&f)))
			// A record that is missing says it all.
			case f.Verdict == fact.Wrong, f.Verdict == fact.Missing && all && f.Note != "no record":
				fail(": case %s: %s", o.Case, tell(&f))
			}
		}
	}
	if said := t[fact.Right] + t[fact.Missing] + t[fact.Wrong]; len(excused)*100 > said*mostExcused {
		fail(": %d of %d facts are missing for reasons that excuse %d in 100", len(excused), said, mostExcused)
	}
	if err != nil && all {
		return excused, errors.Join(fmt.Errorf("%s: %d wrong, %d missing, %d of them excused", c.Monitor, t[fact.Wrong], t[fact.Missing], len(excused)), err)
	}
	return excused, err
}

// excuses tells whether the record gives a reason that counts. Where it gives it for a
// file, it need not give it for each fact about the file.
func (d Demand) excuses(findings []fact.Finding, f fact.Finding) bool {
	if d.Excuses == "" {
		return false
	}
	counts := func(reason string) bool { return slices.Contains(strings.Split(d.Excuses, ","), reason) }
	if f.Note != "" {
		return counts(f.Note)
	}
	what, _, _ := strings.Cut(f.Fact, ".")
	return slices.ContainsFunc(findings, func(other fact.Finding) bool {
		of, _, _ := strings.Cut(other.Fact, ".")
		return other.ID == f.ID && other.Verdict == fact.Missing && counts(other.Note) &&
			(of == what || of == "script" && (what == "named" || what == "filename" || what == "interpreters"))
	})
}
