package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"xnumon/internal/suppress"
)

var update = flag.Bool("update", false, "write the default file and the table in the documentation")

const (
	defaultFile   = "../../packaging/config.yaml"
	documentation = "../../docs/configuration.md"
)

func TestValues(t *testing.T) {
	c, remarks := decode(t, `
config_id: fleet 2026-11-22
log_format: ecs
log_destination: ["-", /var/log/x]
log_mode: multiline
events: image-exec, 1
stats_interval: 5m
gate: open
hashes: [md5, sha256]
envlevel: full
resolve_users_groups: false
omit_ctime: true
ancestors: 0
suppress_image_exec_at_start: false
suppress_image_exec_by_path:
  - /usr/bin/id
  - "/a b/*"   # two words
suppress_image_exec_by_ancestor_path:
# - /opt/**
rlimit_nofile: 4096
debug: true
`)
	if len(remarks) > 0 {
		t.Fatal(remarks)
	}
	want := Default()
	want.ID, want.LogFormat, want.LogMode = "fleet 2026-11-22", "ecs", "multiline"
	want.LogDestination = []string{"-", "/var/log/x"}
	want.Events, want.StatsInterval = 1<<EventStats|1<<EventImageExec, 5*time.Minute
	want.Gate, want.Hashes, want.EnvLevel = "open", []string{"sha256", "md5"}, "full"
	want.ResolveUsersGroups, want.OmitCTime, want.Ancestors = false, true, 0
	want.SuppressAtStart = false
	want.Suppress = suppress.Rules{Paths: []string{"/usr/bin/id", "/a b/*"}}
	want.RlimitNofile, want.Debug = 4096, true
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant\n%+v", c, want)
	}
}

func TestEmptyFiles(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "{}", "~", "\ufeff", "\r\n"} {
		c, remarks := decode(t, text)
		if len(remarks) > 0 || !reflect.DeepEqual(c, Default()) {
			t.Errorf("%q: %v", text, remarks)
		}
	}
}

// uncommented activates the keys that the default file has as comments.
func uncommented(file []byte) []byte {
	return regexp.MustCompile(`(?m)^#([a-z_]+:)`).ReplaceAll(file, []byte("$1"))
}

// The default file says of every key what the program takes for its default.
func TestDefaultFile(t *testing.T) {
	if *update {
		if err := os.WriteFile(defaultFile, Commented(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(defaultFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, Commented()) {
		t.Errorf("%s is not what the program prints: run go test ./internal/config -update", defaultFile)
	}
	c, warnings, err := new(Decoder).Decode(defaultFile, file)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("%+v\nwant\n%+v", c, Default())
	}
	all := uncommented(file)
	if c, _, err = new(Decoder).Decode(defaultFile, all); err != nil || !reflect.DeepEqual(c, Default()) {
		t.Errorf("uncommented: %+v, %v", c, err)
	}
	for _, k := range keys {
		line := regexp.MustCompile(`(?m)^` + k.name + `: (.*)$`).FindSubmatch(all)
		if line == nil || string(line[1]) != k.value(Default()).String() {
			t.Errorf("%s: %s", k.name, line)
		}
		if k.about == "" || k.values == "" {
			t.Errorf("%s is not explained", k.name)
		}
		if k.example != "" {
			text := k.name + ":\n  - " + k.example + "\n"
			if c, _, err := new(Decoder).Decode("example", []byte(text)); err != nil || len(Default().Changes(c)) != 1 {
				t.Errorf("the example of %s: %v", k.name, err)
			}
		}
	}
	for line := range strings.Lines(string(file)) {
		if len(line) > 101 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
}

// Every key is in the documentation, in the table and in words.
func TestDocumentation(t *testing.T) {
	file, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- keys -->\n", "<!-- end of keys -->\n"
	before, rest, ok := strings.Cut(string(file), begin)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the marks of the table are missing")
	}
	if table != Table() {
		if *update {
			if err := os.WriteFile(documentation, []byte(before+begin+Table()+end+after), 0o644); err != nil {
				t.Fatal(err)
			}
		} else {
			t.Errorf("the table in %s is out of date: run go test ./internal/config -update", documentation)
		}
	}
	for _, k := range keys {
		if !strings.Contains(before+after, "`"+k.name+"`") {
			t.Errorf("%s is not explained in %s", k.name, documentation)
		}
	}
}

func TestKeys(t *testing.T) {
	want := strings.Fields(`config_id log_format log_destination log_mode events stats_interval gate hashes codesign envlevel
		resolve_users_groups omit_mode omit_size omit_mtime omit_ctime omit_btime omit_sid omit_groups omit_system_hashes ancestors
		suppress_image_exec_at_start suppress_image_exec_by_ident suppress_image_exec_by_path
		suppress_image_exec_by_ancestor_ident suppress_image_exec_by_ancestor_path
		suppress_process_access_by_subject_ident suppress_process_access_by_subject_path
		suppress_socket_op_localhost suppress_socket_op_by_subject_ident suppress_socket_op_by_subject_path
		rlimit_nofile debug`)
	got := names()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
	for _, old := range []string{"kextlevel", "omit_apple_hashes"} {
		if find(old) == nil {
			t.Errorf("%s is not understood", old)
		}
	}
	// Each field belongs to one key.
	fields := make(map[string]string)
	for _, k := range keys {
		p := fmt.Sprint(reflect.ValueOf(k.value(shared)).Field(0).Pointer())
		if other := fields[p]; other != "" {
			t.Errorf("%s and %s are the same field", k.name, other)
		}
		fields[p] = k.name
	}
}

var shared = Default()

func TestChanges(t *testing.T) {
	old, now := Default(), Default()
	now.Gate, now.Ancestors = "open", 3
	now.Suppress.Paths = []string{"/a", "/b c"}
	got := fmt.Sprint(old.Changes(now))
	if want := `[{gate hash open false} {ancestors unlimited 3 true} {suppress_image_exec_by_path [] [/a, "/b c"] true}]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	now.Keep(old)
	if now.Gate != "hash" || now.Ancestors != 3 {
		t.Errorf("kept %+v", now)
	}
	if len(old.Changes(old.Clone())) > 0 || !reflect.DeepEqual(now, now.Clone()) {
		t.Error("a copy is not the same")
	}
}

// random draws any configuration that a file can say.
func random(t *rapid.T) *Config {
	c := Default()
	word := func(among ...string) string { return rapid.SampledFrom(among).Draw(t, "word") }
	yes := func(fields ...*bool) {
		for _, f := range fields {
			*f = rapid.Bool().Draw(t, "bool")
		}
	}
	paths := func(to ...*[]string) {
		for _, p := range to {
			name := rapid.StringMatching(`/[a-zé*?\\# :,'"&!%@{}\[\]|>-]{1,12}`)
			list := rapid.SliceOfNDistinct(name, 0, 4, rapid.ID).Draw(t, "paths")
			list = slices.DeleteFunc(list, func(s string) bool { _, err := suppress.ParsePath(s); return err != nil })
			if *p = list; len(list) == 0 {
				*p = nil
			}
		}
	}
	c.ID = rapid.StringMatching(`[ -~é€]{1,20}`).Draw(t, "id")
	c.LogFormat, c.LogMode = word(Formats()...), word("oneline", "multiline")
	c.LogDestination = [][]string{{"-"}, {"/a b"}, {"-", "/true"}, {"kafka+tls://a,[::1]:9/t?ca=/x%20y&queue=1M"}}[rapid.IntRange(0, 3).Draw(t, "destination")]
	c.Events = Events(rapid.UintRange(1, 1<<events-1).Draw(t, "events"))
	c.StatsInterval = time.Duration(rapid.Int64Range(1, 600000).Draw(t, "interval")) * time.Second
	c.Gate, c.EnvLevel = word("none", "open", "hash"), word("none", "ld", "full")
	c.Hashes = [][]string{nil, {"md5"}, {"sha256", "sha1", "md5"}}[rapid.IntRange(0, 2).Draw(t, "hashes")]
	c.Ancestors = rapid.IntRange(-1, 99).Draw(t, "ancestors")
	c.RlimitNofile = rapid.Uint64Range(256, 1<<20).Draw(t, "files")
	yes(&c.Codesign, &c.ResolveUsersGroups, &c.OmitMode, &c.OmitSize, &c.OmitMTime, &c.OmitCTime, &c.OmitBTime, &c.OmitSID,
		&c.OmitGroups, &c.OmitSystemHashes, &c.SuppressAtStart, &c.SuppressLocalhost, &c.Debug)
	paths(&c.Suppress.Paths, &c.Suppress.AncestorPaths, &c.SuppressProcessAccess.Paths, &c.SuppressSocketOp.Paths)
	if rapid.Bool().Draw(t, "idents") {
		c.Suppress.Idents = []string{"com.apple.ls", "a@ABCDE12345"}
	}
	return c
}

// What the program writes of a configuration reads back as the same.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := random(t)
		text := strings.Join(c.Lines(), "\n")
		got, _, err := new(Decoder).Decode("f", []byte(text))
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%+v from\n%s\n%v", got, text, err)
		}
	})
}

// Each mistake put into a file is told, at its line, whatever else there is.
func TestEveryMistakeIsTold(t *testing.T) {
	wrong := []string{"gaet: 1", "nothing: 1", "\"", "- x", "gate: x: y", "hashes: md6", "[", "key", "omit_mode: [1"}
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.Permutation(random(t).Lines()).Draw(t, "lines")[:rapid.IntRange(0, 20).Draw(t, "n")]
		mistake := rapid.SampledFrom(wrong).Draw(t, "mistake")
		if key, _, ok := strings.Cut(mistake, ":"); ok {
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, key+":") })
		}
		at := rapid.IntRange(0, len(lines)).Draw(t, "at")
		lines = slices.Insert(lines, at, mistake)
		_, _, err := new(Decoder).Decode("f", []byte(strings.Join(lines, "\n")))
		var told Mistakes
		if !errors.As(err, &told) {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(told, func(r Remark) bool { return r.Line == at+1 || r.Line == at+2 }) || len(told) > 2 {
			t.Fatalf("line %d of\n%s\n%v", at+1, strings.Join(lines, "\n"), err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, line := range Default().Lines() {
		f.Add([]byte(line + "\n")) // small ones: minimizing a large one takes a minute
	}
	f.Add([]byte("gate: *x\n- a\n? [b]\n: c\nsuppress_image_exec_by_path: [/a/**, {b}]\n"))
	f.Add([]byte("hashes: [md5, &a sha1, *a]\nevents: 0,1\n---\n%YAML 1.1\n\"x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, warnings, err := new(Decoder).Decode("f", data)
		var told Mistakes
		if err != nil && !errors.As(err, &told) {
			t.Fatalf("%T", err)
		}
		if (c == nil) != (len(told) > 0) {
			t.Fatalf("%v with %d mistakes", c, len(told))
		}
		lines := bytes.Count(data, []byte("\n")) + 2
		for _, r := range append(told, warnings...) {
			if r.Line < 1 || r.Line > lines || r.Column < 1 || r.Text == "" || strings.ContainsAny(r.String(), "\n\r\x1b") {
				t.Fatalf("%q for a file of %d lines", r.String(), lines)
			}
		}
		if c == nil {
			return
		}
		again, _, err := new(Decoder).Decode("f", []byte(strings.Join(c.Lines(), "\n")))
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%+v from %+v: %v", again, c, err)
		}
	})
}
