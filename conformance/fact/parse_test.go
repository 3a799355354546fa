package fact

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	text := "a pid 12\n" +
		"a token x.a.\n" +
		"b pid 13\n" +
		"a has argv /bin/sh - a%20b %2D %FF%0a\n" +
		"a may cwd /tmp\n" +
		"a lacks script.path\n" +
		"a has env\n" +
		"b never\n" +
		"case end\n"
	got, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := Script{
		Expectations: []Expectation{
			{ID: "a", Pid: 12, Token: "x.a.", Claims: []Claim{
				{Fact: "argv", Values: []string{"/bin/sh", "", "a b", "-", "\xff\n"}},
				{Fact: "cwd", Kind: May, Values: []string{"/tmp"}},
				{Fact: "script.path", Kind: Lacks, Values: []string{}},
				{Fact: "env", Values: []string{}},
			}},
			{ID: "b", Pid: 13, Never: true},
		},
		Ended: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestParseCase(t *testing.T) {
	got, err := Parse([]byte("case fail first%20cause\ncase fail second\ncase skip no\n"))
	if err != nil || got.Fail != "first cause" || got.Skip != "" || got.Ended {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"a pid 1",            // cut off
		"a\n",                // no verb
		"a pid\n",            // no number
		"a pid 0\n",          // no process
		"a pid 4294967296\n", // too large
		"a has x y\n",        // no pid
		"a pid 1\na has\n",
		"a pid 1\na has -\n",
		"a pid 1\na has x y\na has x z\n",
		"a pid 1\na has record\n",
		"a pid 1\na lacks x y\n",
		"a pid 1\na token -\n",
		"a pid 1\na never\na has x y\n",
		"a pid 1\na wants x\n",
		"a pid 1\na has time 1\n",
		"a pid 1\na has time 1 x\n",
		"a  pid 1\n",
		"a pid 1 \n",
		"a pid 1\na has x %\n",
		"a pid 1\na has x %4\n",
		"a pid 1\na has x %zz\n",
		"case skip\n",
		"case rests\n",
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("no error for %q", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a pid 12\na has argv - %41\na never\ncase end\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		for _, e := range s.Expectations {
			if e.Pid == 0 || e.ID == "" || strings.ContainsAny(e.ID, " \n") {
				t.Errorf("expectation %+v", e)
			}
		}
	})
}
