//go:build linux

package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"xnumon/conformance/fact"
)

// demanded is a report of monitors that are good, bad, and not there.
func demanded() *Report {
	return &Report{Columns: []Column{
		{Monitor: "good", Outcomes: []Outcome{{Case: "one", Findings: []fact.Finding{{ID: "a", Fact: "record"}}}, {Case: "two", Skip: "no such thing"}}},
		{Monitor: "bad", Outcomes: []Outcome{{Case: "one", Findings: []fact.Finding{
			{ID: "a", Fact: "cwd", Verdict: fact.Wrong, Got: []string{"/"}, Want: []string{"/tmp"}},
			{ID: "a", Fact: "argv", Verdict: fact.Missing, Note: "lost"}}}}},
		{Monitor: "gone", Unavailable: "not installed"},
	}}
}

func TestDemand(t *testing.T) {
	const wrong, missing = "bad: case one: a cwd wrong", "bad: case one: a argv missing (lost)"
	for name, c := range map[string]struct {
		demand Demand
		errors []string // parts of them; none when there is to be no error
		not    string   // and what they may not have
	}{
		"nothing":     {demand: Demand{}},
		"good":        {demand: Demand{Truthful: "good", Complete: "good"}},
		"not run":     {demand: Demand{Complete: "gone"}, errors: []string{"gone was not run: not installed"}},
		"truthful":    {demand: Demand{Truthful: "bad"}, errors: []string{wrong}, not: missing},
		"complete":    {demand: Demand{Complete: "bad"}, errors: []string{wrong, missing}},
		"other words": {demand: Demand{Complete: "bad", Excuses: "not held,gone"}, errors: []string{wrong, missing}},
		"no hiding":   {demand: Demand{Complete: "bad", Excuses: "lost"}, errors: []string{wrong, "1 of 2 facts are missing"}, not: missing},
	} {
		excused, err := c.demand.Judge(demanded())
		if (err == nil) != (c.errors == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range c.errors {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v has no %q", name, err, part)
			}
		}
		if c.not != "" && strings.Contains(err.Error(), c.not) {
			t.Errorf("%s: %v", name, err)
		}
		if len(excused) > 0 && name != "no hiding" {
			t.Errorf("%s: excused %q", name, excused)
		}
	}
}

// many is a column with enough that is right, and these findings.
func many(findings ...fact.Finding) *Report {
	for i := range 1000 {
		findings = append(findings, fact.Finding{ID: "right-" + strconv.Itoa(i), Fact: fact.Exists})
	}
	return &Report{Columns: []Column{{Monitor: "m", Outcomes: []Outcome{{Case: "one", Findings: findings}}}}}
}

func TestExcuse(t *testing.T) {
	lacks := func(id, name, note string) fact.Finding {
		return fact.Finding{ID: id, Fact: name, Verdict: fact.Missing, Note: note}
	}
	reason, silent := lacks("a", "script.path", "not held"), lacks("a", "script.sha256", "")
	for name, c := range map[string]struct {
		report  *Report
		excused []string
		ok      bool
	}{
		"the reason counts":             {many(reason), []string{"m: case one: a script.path missing (not held)"}, true},
		"and for the same file":         {many(reason, silent), []string{"m: case one: a script.path missing (not held)", "m: case one: a script.sha256 missing"}, true},
		"not for another file":          {many(reason, lacks("a", "image.sha256", "")), []string{"m: case one: a script.path missing (not held)"}, false},
		"not in another record":         {many(reason, lacks("b", "script.sha256", "")), []string{"m: case one: a script.path missing (not held)"}, false},
		"no reason":                     {many(silent), nil, false},
		"another reason":                {many(lacks("a", "script.sha256", "unverifiable")), nil, false},
		"another reason beside one":     {many(reason, lacks("a", "script.sha256", "unverifiable")), []string{"m: case one: a script.path missing (not held)"}, false},
		"a record that is missing":      {many(lacks("a", fact.Exists, "")), nil, false},
		"what is wrong is not excused":  {many(fact.Finding{ID: "a", Fact: "script.path", Verdict: fact.Wrong, Note: "not held"}), nil, false},
		"what is right needs no excuse": {many(), nil, true},
		"and the file that was named":   {many(reason, lacks("a", "named.file", "")), []string{"m: case one: a script.path missing (not held)", "m: case one: a named.file missing"}, true},
		"and the chain it begins":       {many(reason, lacks("a", "interpreters", "")), []string{"m: case one: a script.path missing (not held)", "m: case one: a interpreters missing"}, true},
		"another fact":                  {many(reason, lacks("a", "cwd", "")), []string{"m: case one: a script.path missing (not held)"}, false},
	} {
		excused, err := Demand{Complete: "m", Excuses: "gone,not held"}.Judge(c.report)
		if (err == nil) != c.ok || !slices.Equal(excused, c.excused) {
			t.Errorf("%s: excused %q, %v", name, excused, err)
		}
	}
	var all []fact.Finding
	for range 20 {
		all = append(all, reason)
	}
	if _, err := (Demand{Complete: "m", Excuses: "not held"}).Judge(many(all...)); err == nil || !strings.Contains(err.Error(), "20 of 1020 facts") {
		t.Errorf("of 1020 facts 20 are excused: %v", err)
	}
}
