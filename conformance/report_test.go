//go:build linux

package main

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xnumon/conformance/fact"
)

func TestSummaries(t *testing.T) {
	entries, err := fs.ReadDir(sources, "cases")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		text, err := fs.ReadFile(sources, "cases/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		n++
		if _, err := summary(string(text)); err != nil {
			t.Errorf("%s: %v", e.Name(), err)
		}
		for _, part := range []string{"Logged must be:", "Goes wrong where"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s: the comment on top has no %q", e.Name(), part)
			}
		}
	}
	if n < 40 {
		t.Errorf("%d cases", n)
	}
}

func TestReport(t *testing.T) {
	r := Report{
		Kernel: "Linux",
		Cases:  []Case{{Name: "one", Summary: "First."}, {Name: "two", Summary: "Second."}},
		Columns: []Column{
			{Monitor: "good", Version: "1", Outcomes: []Outcome{
				{Case: "one", Findings: []fact.Finding{{ID: "a", Fact: "record"}, {ID: "a", Fact: "x", Verdict: fact.Silent}}},
				{Case: "two", Skip: "no such thing"}}},
			{Monitor: "bad", Version: "2", Outcomes: []Outcome{
				{Case: "one", Findings: []fact.Finding{
					{ID: "a", Fact: "cwd", Verdict: fact.Wrong, Got: []string{"/`|\n"}, Want: []string{"/tmp"}},
					{ID: "a", Fact: "argv", Verdict: fact.Missing, Note: "lost"}}},
				{Case: "two", Fail: "broke"}}},
			{Monitor: "gone", Unavailable: "not installed"},
		},
	}
	page := Page([]Report{r})
	for _, want := range []string{
		"| Linux | good | 1 | 1 | 0 | 0 | 1 | 1 of 1 | 0 |",
		"| Linux | bad | 2 | 0 | 1 | 1 | 0 | 0 of 1 | 1 |",
		"| Linux | gone | not run: not installed |",
		"| [one](#one) | 1 | 0, 1 missing, **1 wrong** | – |",
		"| [two](#two) | not on this machine | case failed | – |",
		"- bad: a cwd wrong: `\"/'|\\n\"`, not `\"/tmp\"`",
		"- bad: a argv missing (lost)",
		"- good: not on this machine: no such thing",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	file := filepath.Join(t.TempDir(), "report.json")
	if err := r.Save(file); err != nil {
		t.Fatal(err)
	}
	read, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if again := Page([]Report{read}); again != page {
		t.Errorf("after a round trip:\n%s", again)
	}
	for _, kernel := range []string{"What differs", "bad on Linux"} {
		if strings.Contains(page, kernel) {
			t.Errorf("the page about one says %q", kernel)
		}
	}
	other := r
	other.Kernel = "Other"
	two := Page([]Report{r, other})
	for _, want := range []string{"## Other", "- bad: a argv missing (lost)", "## What differs by kernel\n\nNothing."} {
		if !strings.Contains(two, want) {
			t.Errorf("the page about two has no %q:\n%s", want, two)
		}
	}
	other.Columns = slices.Clone(r.Columns)[1:]
	other.Columns[0].Outcomes = slices.Clone(other.Columns[0].Outcomes)
	other.Columns[0].Outcomes[0].Findings = other.Columns[0].Outcomes[0].Findings[1:]
	two = Page([]Report{r, other})
	for _, want := range []string{
		"- bad: a argv missing (lost)",
		"- bad on Linux: a cwd wrong",
		"| case | monitor | Linux | Other |\n|---|---|---|---|\n| [one](#one) | bad | 0, 1 missing, **1 wrong** | 0, 1 missing |\n\n",
	} {
		if !strings.Contains(two, want) {
			t.Errorf("the page about two that differ has no %q:\n%s", want, two)
		}
	}
}
