package fact

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func record(pid uint32, argv ...string) Record {
	r := Record{Pid: pid}
	r.Set("argv", argv...)
	return r
}

// words writes findings as "ID FACT VERDICT", those that are right left out.
func words(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		if f.Verdict != Right {
			out = append(out, fmt.Sprintf("%s %s %s", f.ID, f.Fact, f.Verdict))
		}
	}
	return out
}

var everything = func(string) bool { return true }

func TestJudgeClaims(t *testing.T) {
	r := record(7, "x", "tok.")
	r.Set("cwd", "/tmp")
	r.Set("ancestors", "/b", "/a", "/init")
	r.Set("sums", "1", Unknown)
	r.Set("time", "1000000000")
	r.Lack("image.sha256", "writable")
	r.Lack("tty", "lost")
	claim := func(kind Kind, fact string, values ...string) Claim {
		return Claim{Fact: fact, Kind: kind, Values: values}
	}
	for _, tc := range []struct {
		claim Claim
		want  Verdict
	}{
		{claim(Has, "argv", "x", "tok."), Right},
		{claim(Has, "argv", "x"), Wrong},
		{claim(Has, "argv", "x", "other"), Wrong},
		{claim(Has, "cwd", "/tmp"), Right},
		{claim(May, "cwd", "/tmp"), Right},
		{claim(May, "cwd", "/"), Wrong},
		{claim(Lacks, "cwd"), Wrong},
		{claim(Has, "image.sha256", "00"), Missing},
		{claim(May, "image.sha256", "00"), Right},
		{claim(May, "image.path", "/x"), Missing},
		{claim(Lacks, "script.path"), Right},
		{claim(Lacks, "tty"), Missing},
		{claim(Has, "silent", "1"), Silent},
		{claim(Lacks, "silent"), Silent},
		{claim(Has, "ancestors", "/b"), Right},
		{claim(Has, "ancestors", "/b", "/a", "/init"), Right},
		{claim(Has, "ancestors", "/b", "/a", "/init", "/boot"), Missing},
		{claim(Has, "ancestors", "/a"), Wrong},
		{claim(Has, "sums", "1", "2"), Missing},
		{claim(Has, "sums", "2", "2"), Wrong},
		{claim(Has, "sums", "1"), Wrong},
		{claim(Has, "time", "999000000", "1001000000"), Right},
		{claim(Has, "time", "1010000000", "1020000000"), Right},
		{claim(Has, "time", "1030000000", "1040000000"), Wrong},
		{claim(Has, "time", "1", "2"), Wrong},
	} {
		says := func(name string) bool { return name != "silent" }
		got := Judge([]Expectation{{ID: "a", Pid: 7, Token: "tok.", Claims: []Claim{tc.claim}}}, []Record{r}, nil, says)
		if len(got) != 2 || got[1].Verdict != tc.want {
			t.Errorf("%+v: %+v, want %s", tc.claim, got, tc.want)
		}
	}
}

func TestJudgeJoins(t *testing.T) {
	a := Expectation{ID: "a", Pid: 7, Token: "t.a."}
	b := Expectation{ID: "b", Pid: 7, Token: "t.b."}
	plain := Expectation{ID: "p", Pid: 7}
	no := Expectation{ID: "n", Pid: 7, Token: "t.n.", Never: true}
	a.Claims = []Claim{{Fact: "argv", Values: []string{"t.a."}}}
	b.Claims = []Claim{{Fact: "argv", Values: []string{"t.b."}}}
	for name, tc := range map[string]struct {
		expected     []Expectation
		window, late []Record
		want         string
	}{
		"by token":           {[]Expectation{a, b}, []Record{record(7, "t.b."), record(7, "t.a.")}, nil, ""},
		"garbled, in order":  {[]Expectation{a, b}, []Record{record(7, ""), record(7, "t.b.")}, nil, "a argv wrong"},
		"none":               {[]Expectation{a}, []Record{record(8, "t.a.")}, nil, "a record missing; a argv missing"},
		"late":               {[]Expectation{a}, nil, []Record{record(7, "t.a.")}, ""},
		"later, another":     {[]Expectation{a}, nil, []Record{record(7, "t.z.")}, "a record missing; a argv missing"},
		"twice":              {[]Expectation{a}, []Record{record(7, "t.a."), record(7, "t.a.")}, nil, "pid 7 record wrong"},
		"one too many":       {[]Expectation{a}, []Record{record(7, "t.a."), record(7, "t.z.")}, nil, "pid 7 record wrong"},
		"never, and is not":  {[]Expectation{no}, nil, nil, ""},
		"never, and is":      {[]Expectation{no}, []Record{record(7, "t.n.")}, nil, "n record wrong"},
		"never, garbled":     {[]Expectation{no}, []Record{record(7, "")}, nil, "n record wrong"},
		"never, then one":    {[]Expectation{a, no}, []Record{record(7, "t.n."), record(7, "t.a.")}, nil, "n record wrong"},
		"never, garbled one": {[]Expectation{a, no}, []Record{record(7, ""), record(7, "t.a.")}, nil, "n record wrong"},
		"without a token":    {[]Expectation{a, plain}, []Record{record(7, "t.a."), record(7, "t.a.")}, nil, ""},
	} {
		got := strings.Join(words(Judge(tc.expected, tc.window, tc.late, everything)), "; ")
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// A log that holds exactly what is expected is right, in whatever order, and any
// record more is wrong.
func TestJudgeTruthfulLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "execs")
		var expected []Expectation
		var log []Record
		for i := range n {
			pid := uint32(rapid.IntRange(1, 4).Draw(t, "pid"))
			token := fmt.Sprintf("t.%d.", i)
			expected = append(expected, Expectation{ID: fmt.Sprint(i), Pid: pid, Token: token,
				Claims: []Claim{{Fact: "argv", Values: []string{token}}}})
			log = append(log, record(pid, token))
		}
		log = rapid.Permutation(log).Draw(t, "log")
		split := rapid.IntRange(0, n).Draw(t, "late")
		if got := words(Judge(expected, log[:split], log[split:], everything)); got != nil {
			t.Fatalf("truthful: %v", got)
		}
		again := rapid.SampledFrom(log).Draw(t, "again")
		if got := words(Judge(expected, append(slices.Clone(log), again), nil, everything)); len(got) != 1 {
			t.Fatalf("one twice: %v", got)
		}
		lost := rapid.IntRange(0, n-1).Draw(t, "lost")
		if got := words(Judge(expected, slices.Delete(slices.Clone(log), lost, lost+1), nil, everything)); len(got) != 2 {
			t.Fatalf("one lost: %v", got)
		}
	})
}

func TestCovers(t *testing.T) {
	says := Covers("argv", "env.")
	for name, want := range map[string]bool{"argv": true, "env.X": true, "env": false, "argv.passed": false} {
		if says(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
