//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"xnumon/conformance/fact"
)

// Report is everything that was found.
type Report struct {
	Kernel string `json:"kernel"`
	// Measured is when it was begun.
	Measured time.Time `json:"measured"`
	Cases    []Case    `json:"cases"`
	Columns  []Column  `json:"monitors"`
}

// Load reads what -json has written.
func Load(file string) (Report, error) {
	var r Report
	text, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("report: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("report: %s: %w", file, err)
	}
	return r, nil
}

// Save writes the report. The values of what was right are left out, and long
// lists are cut: the rest is for readers.
func (r *Report) Save(file string) error {
	for _, c := range r.Columns {
		for _, o := range c.Outcomes {
			for i := range o.Findings {
				f := &o.Findings[i]
				if f.Verdict == fact.Right || f.Verdict == fact.Silent {
					f.Want, f.Got = nil, nil
				}
				f.Want, f.Got = cut(f.Want), cut(f.Got)
			}
		}
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

func cut(list []string) []string {
	const values, bytes = 100, 5000
	if len(list) > values {
		list = append(list[:values:values], fmt.Sprintf("… (of %d values)", len(list)))
	}
	for i, v := range list {
		if len(v) > bytes {
			list[i] = fmt.Sprintf("%s… (%d bytes)", v[:bytes], len(v))
		}
	}
	return list
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
			if o.Skip != "" {
				fmt.Fprintf(&b, "  %s was not run: %s\n", o.Case, o.Skip)
			}
		}
	}
	return b.String()
}
