package encode

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"xnumon/event"
)

// ecsField is a field as the schema defines it.
type ecsField struct {
	kind            string
	required, array bool
	allowed         []string
	pattern         *regexp.Regexp
}

// readECS reads the schema. The second map says which types go with a category.
func readECS(t *testing.T) (map[string]ecsField, map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("testdata/ecs-9.4.0.tsv")
	if err != nil {
		t.Fatal(err)
	}
	fields, types := map[string]ecsField{}, map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		col := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(col) != 4 {
			t.Fatalf("%d columns in %q", len(col), line)
		}
		if category, ok := strings.CutPrefix(col[0], "event.category="); ok {
			types[category] = strings.Split(col[3], "|")
			continue
		}
		f := ecsField{kind: col[1], required: strings.Contains(col[2], "required"), array: strings.Contains(col[2], "array")}
		switch {
		case strings.HasPrefix(col[3], "/"):
			f.pattern = regexp.MustCompile(strings.Trim(col[3], "/"))
		case col[3] != "-":
			f.allowed = strings.Split(col[3], "|")
		}
		fields[col[0]] = f
	}
	return fields, types
}

// checkECS holds a record against the schema.
func checkECS(t fataler, fields map[string]ecsField, types map[string][]string, line []byte) {
	t.Helper()
	rec := decode(t, line)
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for k, v := range m {
			name := prefix + k
			if name == "xnumon" {
				continue // a custom field: a proper name, which the schema leaves to others
			}
			f, known := fields[name]
			object, isObject := v.(map[string]any)
			switch {
			case isObject && (!known || f.kind == "object"):
				if len(object) == 0 {
					t.Fatalf("%s is empty: %s", name, line)
				}
				walk(name+".", object)
			case !known:
				t.Fatalf("the schema has no %s: %s", name, line)
			default:
				checkECSField(t, name, f, v)
			}
		}
	}
	walk("", rec)
	for name, f := range fields {
		if f.required && rec[name] == nil && get(rec, name) == nil {
			t.Fatalf("%s is required: %s", name, line)
		}
	}
	for _, c := range list(get(rec, "event.category")) {
		for _, k := range list(get(rec, "event.type")) {
			if !slices.Contains(types[c.(string)], k.(string)) {
				t.Fatalf("the schema expects no type %s in category %s: %s", k, c, line)
			}
		}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func checkECSField(t fataler, name string, f ecsField, v any) {
	t.Helper()
	values := []any{v}
	if l, isList := v.([]any); isList != f.array {
		t.Fatalf("%s: a list: %v, in the schema: %v", name, isList, f.array)
	} else if isList {
		values = l
	}
	for _, v := range values {
		s, isString := v.(string)
		ok := isString
		switch f.kind {
		case "keyword", "wildcard", "match_only_text":
		case "date":
			_, err := time.Parse(time.RFC3339Nano, s)
			ok = ok && err == nil
		case "long":
			n, isNumber := v.(json.Number)
			_, err := strconv.ParseInt(n.String(), 10, 64)
			ok = isNumber && err == nil
		case "boolean":
			_, ok = v.(bool)
		default:
			t.Fatalf("%s is of type %s, which the test does not know", name, f.kind)
		}
		if !ok {
			t.Fatalf("%s is %#v, not of type %s", name, v, f.kind)
		}
		if f.allowed != nil && !slices.Contains(f.allowed, s) || f.pattern != nil && !f.pattern.MatchString(s) {
			t.Fatalf("%s must not be %q", name, s)
		}
	}
}

func TestECSFollowsTheSchema(t *testing.T) {
	fields, types := readECS(t)
	if _, ok := fields["xnumon"]; ok || len(fields) < 200 || len(types["process"]) == 0 {
		t.Fatalf("%d fields, %v", len(fields), types)
	}
	check := func(t fataler, s sample, o Options) {
		t.Helper()
		e, err := New("ecs", o)
		if err != nil {
			t.Fatalf("%v", err)
		}
		line := appendSample(e, nil, s)
		checkECS(t, fields, types, line)
		if v := get(decode(t, line), "ecs.version"); v != ECSVersion || !strings.Contains("ecs-9.4.0", ECSVersion) {
			t.Fatalf("version %v, checked against another", v)
		}
	}
	for _, s := range samples() {
		check(t, s, Options{})
	}
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Host: someHost().Draw(t, "host"), Version: kernelString().Draw(t, "version")}
		check(t, sample{exec: someExec().Draw(t, "exec")}, o)
		check(t, sample{loss: someLoss().Draw(t, "loss")}, o)
	})
}

// TestECSSchemaFindsMistakes: a check that lets everything pass proves nothing.
func TestECSSchemaFindsMistakes(t *testing.T) {
	fields, types := readECS(t)
	const good = `{"@timestamp":"2026-11-22T21:49:01Z","ecs":{"version":"9.4.0"},"process":{"pid":1,"args":["a"]},"event":{"kind":"event","category":["process"],"type":["start"]}}`
	checkECS(t, fields, types, []byte(good+"\n"))
	for _, c := range [][2]string{
		{`"@timestamp":"2026-11-22T21:49:01Z",`, ``}, {`"version":"9.4.0"`, ``}, {`"2026-11-22T21:49:01Z"`, `"today"`}, {`"pid":1`, `"pid":"1"`},
		{`"pid":1`, `"pid":9223372036854775808`}, {`"pid":1`, `"pidd":1`}, {`"pid":1`, `"pid":[1]`}, {`["a"]`, `"a"`}, {`["a"]`, `[1]`}, {`"kind":"event"`, `"kind":"exec"`},
		{`["start"]`, `["error"]`}, {`["start"]`, `"start"`}, {`"process":{`, `"proc":{`}, {`"event":{`, `"other":1,"event":{`},
	} {
		line := strings.Replace(good, c[0], c[1], 1)
		if line == good {
			t.Fatalf("no %s", c[0])
		}
		if !fails(func(t fataler) { checkECS(t, fields, types, []byte(line+"\n")) }) {
			t.Errorf("passed: %s", line)
		}
	}
}

// fails reports whether a check fails.
func fails(check func(fataler)) (failed bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(failure); !ok {
				panic(r)
			}
			failed = true
		}
	}()
	check(expectation{})
	return false
}

type failure struct{}

type expectation struct{}

func (expectation) Helper()               {}
func (expectation) Fatalf(string, ...any) { panic(failure{}) }

// TestECSParent: what the forker ran is in the record only if that is certain.
func TestECSParent(t *testing.T) {
	image := func(path string, pid uint32, time event.Time) *event.Image {
		return &event.Image{Path: path, ExecPid: pid, ExecTime: time}
	}
	for _, c := range []struct {
		what   string
		want   string
		images []*event.Image
	}{
		{"inherited", "/a", []*event.Image{image("/a", 7, 10)}},
		{"own exec first", "/a", []*event.Image{image("/b", 9, 30), image("/a", 7, 10)}},
		{"own execs", "/a", []*event.Image{image("/c", 9, 40), image("/b", 9, 30), image("/a", 7, 10)}},
		{"unknown who", "", []*event.Image{image("/a", 0, 0)}},
		{"unknown who, further back", "", []*event.Image{image("/b", 9, 30), image("/a", 0, 0)}},
		{"same pid before the fork", "", []*event.Image{image("/a", 9, 10)}},
		{"omitted", "", []*event.Image{image("/b", 9, 30)}},
		{"lost", "", []*event.Image{image("/b", 9, 30), nil}},
		{"none", "", []*event.Image{nil}},
	} {
		s := event.Subject{Pid: 9, ForkTime: 20, ForkPid: 7, Image: c.images[0], Ancestors: c.images[1:]}
		var e ECS
		rec := decode(t, e.AppendExec(nil, &event.ImageExec{Subject: s}))
		if got, _ := get(rec, "process.parent.executable").(string); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
		if got := get(rec, "process.parent.pid"); got != json.Number("7") {
			t.Errorf("%s: pid %v", c.what, got)
		}
	}
}

func TestECSDescribesTheProcessAfterTheExec(t *testing.T) {
	root, u := user("root", 0), user("u", 1000)
	exec := &event.ImageExec{Argv: []string{"sudo", "-i"}, Subject: event.Subject{Pid: 1, Creds: u}, Creds: &root}
	for what, c := range map[string]struct{ ecs, ocsf, want string }{
		"caller":  {"user.name", "actor.user.name", "u"},
		"after":   {"process.user.name", "process.user.name", "root"},
		"id":      {"process.user.id", "process.user.uid", "0"},
		"command": {"process.command_line", "process.cmd_line", "sudo -i"},
	} {
		if got := get(decode(t, (&ECS{}).AppendExec(nil, exec)), c.ecs); got != c.want {
			t.Errorf("ecs: %s: %v", what, got)
		}
		if got := get(decode(t, (&OCSF{}).AppendExec(nil, exec)), c.ocsf); got != c.want {
			t.Errorf("ocsf: %s: %v", what, got)
		}
	}
	// A part of the arguments is not the command line, and credentials that the
	// exec may have changed are not those after it.
	exec.Creds, exec.Missing = nil, []event.Absence{{Field: "argv", Reason: event.ReasonTruncated}, {Field: "creds", Reason: event.ReasonUnseen}}
	for _, path := range []string{"process.command_line", "process.args_count", "process.cmd_line", "process.user"} {
		if got := get(decode(t, (&ECS{}).AppendExec(nil, exec)), path); got != nil {
			t.Errorf("ecs: %s is %v", path, got)
		}
		if got := get(decode(t, (&OCSF{}).AppendExec(nil, exec)), path); got != nil {
			t.Errorf("ocsf: %s is %v", path, got)
		}
	}
}
