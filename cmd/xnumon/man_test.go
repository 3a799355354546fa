package main

import (
	"bytes"
	"strings"
	"testing"
)

// Every command and flag that a person is told of is in the manual page, and no
// line of it is taken for a request by the formatter that is not one.
func TestManualPage(t *testing.T) {
	root := newRoot()
	var out bytes.Buffer
	if err := writeMan(&out, root); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, c := range shown(root) {
		if !strings.Contains(page, "\n.SS "+roff(c.Name())+"\n") {
			t.Errorf("%s has no section", c.Name())
		}
	}
	requests := map[string]bool{".TH": true, ".SH": true, ".SS": true, ".TP": true, ".PP": true, ".B": true, ".br": true, ".nf": true, ".fi": true}
	for _, l := range strings.Split(page, "\n") {
		word, _, _ := strings.Cut(l, " ")
		if strings.HasPrefix(l, ".") && !requests[word] || strings.HasPrefix(l, "'") {
			t.Errorf("request %q", l)
		}
	}
	if strings.Contains(page, "help for") {
		t.Error("the page lists --help")
	}
}

func TestRoff(t *testing.T) {
	for s, want := range map[string]string{
		"--gate":  `\-\-gate`,
		".hidden": `\&.hidden`,
		`a\b`:     `a\eb`,
		"'quoted": `\(aqquoted`,
	} {
		if got := roff(s); got != want {
			t.Errorf("%q: %q, not %q", s, got, want)
		}
	}
}
