package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// What is wrong with a command line is told in one line that says what to do.
func TestArguments(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"config check", "xnumon config check: FILE is missing: write xnumon config check FILE"},
		{"config check a b", `xnumon config check: "b" is one FILE too many: remove it`},
		{"replay", "FILE is missing: write xnumon replay [flags] FILE"},
		{"version now", `"now" is not expected here: remove it (xnumon version --help lists the flags)`},
		{"run loud", `xnumon run: "loud" is not expected here`},
		{"run --loud", "unknown flag: --loud (xnumon run --help lists the flags)"},
		{"status --json --metrics", "[json metrics]"},
		{"config", "say check or default"},
	} {
		root := newRoot()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(strings.Fields(c.line))
		err := root.Execute()
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", c.line, err)
		}
		if out.Len() > 0 {
			t.Errorf("%s: writes %q", c.line, out.String())
		}
	}
}

// Shells are told of the words that flags take.
func TestCompletion(t *testing.T) {
	for line, want := range map[string]string{
		"run --gate ":           "none open hash",
		"run --format ":         "json json-seq yaml ecs ocsf text",
		"replay --env ":         "none ld full",
		"run --hashes ":         "sha256 sha1 md5 none",
		"run --config ":         "yaml yml",
		"config ":               "check default",
		"version ":              "",
		"status --socket x --j": "--json",
	} {
		root := newRoot()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(io.Discard)
		args := append([]string{"__complete"}, strings.Split(line, " ")...)
		root.SetArgs(args)
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range strings.Split(out.String(), "\n") {
			if word, _, _ := strings.Cut(l, "\t"); word != "" && !strings.HasPrefix(word, ":") && !strings.HasPrefix(word, "Completion ended") {
				got = append(got, word)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q is completed by %q, not %q", line, s, want)
		}
	}
}
