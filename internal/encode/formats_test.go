package encode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"xnumon/event"
)

// lines reads JSON Lines: one value to a line, each line ended.
func lines(t fataler, out []byte) []map[string]any {
	t.Helper()
	var recs []map[string]any
	for line := range bytes.Lines(out) {
		recs = append(recs, decode(t, line))
	}
	// A parser that does not care for lines must see the same values.
	d := json.NewDecoder(bytes.NewReader(out))
	n := 0
	for ; ; n++ {
		var v any
		if err := d.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("value %d: %v in %q", n, err, out)
		}
	}
	if n != len(recs) {
		t.Fatalf("%d values in %d lines: %q", n, len(recs), out)
	}
	return recs
}

// sequence reads a JSON text sequence as RFC 7464, section 2.1, says: what is
// between record separators, each possibly not JSON.
func sequence(t fataler, out []byte) []map[string]any {
	t.Helper()
	parts := bytes.Split(out, []byte{0x1e})
	if len(parts[0]) != 0 {
		t.Fatalf("%q before the first separator", parts[0])
	}
	var recs []map[string]any
	for _, p := range parts[1:] {
		recs = append(recs, decode(t, p)) // which wants the line feed, as section 2.4 does
	}
	return recs
}

// documents reads YAML.
func documents(t fataler, out []byte) []map[string]any {
	t.Helper()
	for _, r := range string(out) {
		if r < ' ' && r != '\n' || unsafeToShow(r) {
			t.Fatalf("%U is written as it is: %q", r, out)
		}
	}
	d := yaml.NewDecoder(bytes.NewReader(out))
	var recs []map[string]any
	for {
		var rec map[string]any
		if err := d.Decode(&rec); errors.Is(err, io.EOF) {
			return recs
		} else if err != nil {
			t.Fatalf("document %d: %v in %q", len(recs), err, out)
		}
		recs = append(recs, asJSON(t, rec).(map[string]any))
	}
}

// asJSON gives numbers the type that the JSON decoder of the tests gives them.
func asJSON(t fataler, v any) any {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = asJSON(t, v[k])
		}
	case []any:
		for i := range v {
			v[i] = asJSON(t, v[i])
		}
	case string, bool:
	case int:
		return json.Number(strconv.Itoa(v))
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case uint64:
		return json.Number(strconv.FormatUint(v, 10))
	default:
		t.Fatalf("a value of type %T", v)
	}
	return v
}

// checkFormats writes hostile records among others in every format and has an
// independent parser say how many there are and, where a format has the native
// fields, what they say.
func checkFormats(t fataler, all []sample, o Options) {
	t.Helper()
	var want []map[string]any
	for _, s := range all {
		want = append(want, decode(t, appendSample(&JSON{}, nil, s)))
	}
	for _, name := range Names() {
		e, err := New(name, o)
		if err != nil {
			t.Fatalf("%v", err)
		}
		var out []byte
		for _, s := range all {
			out = appendSample(e, out, s)
		}
		var got []map[string]any
		switch name {
		case "json":
			got = lines(t, out)
		case "json-seq":
			got = sequence(t, out)
		case "yaml":
			got = documents(t, out)
		case "ecs", "ocsf":
			if n := len(lines(t, out)); n != len(all) {
				t.Fatalf("%s: %d records became %d", name, len(all), n)
			}
			continue
		case "text":
			if n := bytes.Count(out, []byte("\n")); n != len(all) {
				t.Fatalf("text: %d records became %d lines: %q", len(all), n, out)
			}
			continue
		default:
			t.Fatalf("%s has no test", name)
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d records became %d: %q", name, len(want), len(got), out)
		}
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("%s: record %d is\n%v\nnot\n%v\n%q", name, i, got[i], want[i], out)
			}
		}
	}
}

func TestRecordsStayRecords(t *testing.T) {
	all := samples()
	checkFormats(t, all[:len(all)-1], Options{}) // the last is of another day: text writes a line about that
	rapid.Check(t, func(t *rapid.T) {
		var all []sample
		for range rapid.IntRange(1, 3).Draw(t, "records") {
			s := sample{exec: someExec().Draw(t, "exec"), loss: someLoss().Draw(t, "loss")}
			if rapid.Bool().Draw(t, "a loss") {
				s.exec, s.loss.Time = nil, 0
			} else {
				s.loss, s.exec.Time = nil, 0
			}
			all = append(all, s)
		}
		o := Options{Location: time.UTC, Host: someHost().Draw(t, "host"), Columns: rapid.IntRange(0, 200).Draw(t, "columns")}
		checkFormats(t, all, o)
	})
}

// checkSpread writes records over several lines and has a parser count them.
func checkSpread(t fataler, all []sample, o Options) {
	t.Helper()
	for _, name := range []string{"json", "ecs", "ocsf"} {
		e, err := New(name, o)
		if err != nil {
			t.Fatalf("%v", err)
		}
		e = Multiline(e)
		var out []byte
		for _, s := range all {
			out = appendSample(e, out, s)
		}
		if i := bytes.IndexFunc(out, func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
			t.Fatalf("%s: byte %#02x at %d of %q", name, out[i], i, out)
		}
		n := 0
		for d := json.NewDecoder(bytes.NewReader(out)); ; n++ {
			var v map[string]any
			if err := d.Decode(&v); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: record %d: %v in %q", name, n, err, out)
			}
		}
		if n != len(all) {
			t.Fatalf("%s: %d records became %d: %q", name, len(all), n, out)
		}
	}
}

// FuzzFormats puts strings wherever a process can have its own in a record, in
// every format.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{
		"", "a\nb", "\n{\"version\":8}\n", "\x1e{}\n", "\n---\nversion: 8\n...\n", "...\n---\n", "- x: y", "a: b", "#", "&a *a !!str |", "%YAML 1.1",
		"\"\n}", "\\", "\\\"", "\x85", "\u0085", "\u2028", "\ufeff", "\ufffe", "\xff\n", "{\x00[\x00", "\x1b[2J", "A=b\x00=\x00A", "\U0001fffe\U0010ffff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := strings.Split(s, "\x00")
		first, last := v[0], v[len(v)-1]
		image := func() *event.Image {
			return &event.Image{Path: first, HasStat: true, UName: last, Signature: &event.Signature{Ident: last, CertCN: first}}
		}
		past := image()
		past.ExecPid, past.ExecTime, past.Script = 7, 1, image()
		hostile := sample{exec: &event.ImageExec{
			Argv: v, Env: v, Cwd: first, Filename: last, Image: image(), Script: image(), Interpreters: []*event.Image{image(), nil, image()},
			Container: &event.Container{ID: first, Cgroup: last},
			Subject: event.Subject{Pid: 9, ForkTime: 2, ForkPid: 7, Dev: first, Image: past, Ancestors: []*event.Image{image(), nil},
				Creds: event.Creds{HasIDs: true, EUName: first, RGName: last}},
		}}
		about := []sample{
			{ops: &event.Ops{
				Op: event.OpReload, Error: first, ConfigID: last, Build: event.Build{Version: first, Revision: last}, System: event.System{Hostname: first, Kernel: last},
				Config: []event.Setting{{Key: "config_id", Value: last}}, Changed: []event.Setting{{Key: "config_id", Value: first}},
			}},
			{stat: &event.Stats{
				Gate: &event.GateStats{Level: first}, Queues: []event.QueueStats{{Name: last}}, Outputs: []event.OutputStats{{Name: first, Error: last}},
			}},
		}
		plain := sample{exec: &event.ImageExec{Argv: []string{"true"}}}
		o := Options{Host: Host{Name: first, ID: last, OS: "linux"}, Version: first}
		all := []sample{plain, hostile, {loss: &event.Loss{Source: s}}, about[0], about[1], plain}
		checkFormats(t, all, o)
		checkSpread(t, all, o)
		for _, s := range append(about, hostile) {
			checkLossless(t, s, o)
		}
	})
}

func TestNew(t *testing.T) {
	if _, err := New("xml", Options{}); err == nil || !strings.Contains(err.Error(), `"xml"`) || !strings.Contains(err.Error(), "json-seq") {
		t.Errorf("%v", err)
	}
	list := Names()
	list[0] = "changed"
	if !slices.Contains(Names(), "json") {
		t.Error("the list of names belongs to its caller")
	}
	e, err := New("text", Options{Columns: 10, Colour: true, Location: time.UTC})
	if text, ok := e.(*Text); !ok || err != nil || text.Columns != 10 || !text.Colour || text.Location != time.UTC {
		t.Errorf("%#v, %v", e, err)
	}
}

// TestFormatsGolden is for people to look at.
func TestFormatsGolden(t *testing.T) {
	o := Options{Host: Host{Name: "web-7", ID: "4c4c4544004b3510", OS: "linux", Arch: "amd64", Kernel: "6.18.0"}, Version: "1.0.0"}
	for name, file := range map[string]string{"yaml": "records.yaml", "ecs": "ecs.jsonl", "ocsf": "ocsf.jsonl"} {
		e, err := New(name, o)
		if err != nil {
			t.Fatal(err)
		}
		var out []byte
		for _, s := range samples() {
			switch s.name {
			case "setuid", "forged", "at start", "loss":
				if s.exec != nil {
					s.exec.Subject.Ancestors = s.exec.Subject.Ancestors[:1]
				}
				out = appendSample(e, out, s)
			}
		}
		golden(t, file, out)
	}
}
