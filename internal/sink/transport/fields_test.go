package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"
)

// flatten is Fields by way of encoding/json.
func flatten(path string, v any, out []string) []string {
	join := func(k string) string {
		if path == "" {
			return k
		}
		return path + "." + k
	}
	switch v := v.(type) {
	case map[string]any:
		for k, v := range v {
			out = flatten(join(k), v, out)
		}
	case []any:
		for _, v := range v {
			out = flatten(path, v, out)
		}
	case string:
		out = append(out, fmt.Sprintf("%s 0 %s", path, v))
	case json.Number:
		out = append(out, fmt.Sprintf("%s 1 %s", path, v))
	case bool:
		out = append(out, fmt.Sprintf("%s 2 %v", path, v))
	}
	return out
}

func fields(rec []byte) (out []string, ok bool) {
	ok = Fields(rec, func(path []byte, kind Kind, value []byte) {
		out = append(out, fmt.Sprintf("%s %d %s", path, kind, value))
	})
	return out, ok
}

const record = `{"version":8,"time":"2026-11-22T21:49:01.123456789Z","eventcode":2,"argv":["/bin/sh","","a\"\\\n\u00e9\ud83d\ude00"],
"image":{"path":"/usr/bin/dash","size":125640,"missing":{"sha1":"gone"}},"reconstructed":true,"nothing":null,
"subject":{"pid":4242,"ancestors":[{"path":"/a"},{},{"path":"/b","script":{"path":"/c"}}]}}` + "\n"

func TestFields(t *testing.T) {
	got, ok := fields([]byte(record))
	want := []string{
		"version 1 8", "time 0 2026-11-22T21:49:01.123456789Z", "eventcode 1 2",
		"argv 0 /bin/sh", "argv 0 ", "argv 0 a\"\\\né😀", "image.path 0 /usr/bin/dash", "image.size 1 125640",
		"image.missing.sha1 0 gone", "reconstructed 2 true", "subject.pid 1 4242",
		"subject.ancestors.path 0 /a", "subject.ancestors.path 0 /b", "subject.ancestors.script.path 0 /c",
	}
	if !ok || !slices.Equal(got, want) {
		t.Errorf("%v %q", ok, got)
	}
	for _, rec := range []string{"", "plain", "[1]", `{"a":1`, `{"a":1}}`, `"x"`} {
		if Fields([]byte(rec), func([]byte, Kind, []byte) {}) {
			t.Errorf("%q is an object?", rec)
		}
	}
}

func TestReadHead(t *testing.T) {
	for rec, want := range map[string]Head{
		record: {Time: 1795384141123456789, Code: 2, HasCode: true},
		`{"@timestamp":"2026-11-22T21:49:01Z","event":{"code":"2"}}`: {Time: 1795384141e9},
		`{"time":1795384141123,"class_uid":1007}`:                    {Time: 1795384141123e6},
		`{"image":{"time":"2026-11-22T21:49:01Z"},"eventcode":2}`:    {},
		"not JSON": {},
		"":         {},
		`{"time":"2026-11-22T21:49:01Z","eventcode`: {Time: 1795384141e9},
	} {
		if got := ReadHead([]byte(rec)); got != want {
			t.Errorf("%q: %+v", rec, got)
		}
	}
	if name := ReadHead([]byte(record)).Name(); name != "image-exec" {
		t.Error(name)
	}
	if name := ReadHead([]byte(`{"time":"2026-11-22T21:49:01Z","eventcode":99}`)).Name(); name != "" {
		t.Error(name)
	}
}

func TestTrim(t *testing.T) {
	for in, want := range map[string]string{"{}\n": "{}", "\x1e{}\n": "{}", "": "", "a\n\n": "a\n"} {
		if got := Trim([]byte(in)); string(got) != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func FuzzFields(f *testing.F) {
	f.Add([]byte(record))
	f.Add([]byte(`{"a":[[1,2.5e3],[]],"b":{"c":"\ud800\u0041"}}`))
	f.Fuzz(func(t *testing.T, rec []byte) {
		ReadHead(rec)
		if !utf8.Valid(rec) {
			fields(rec)
			return // replacements differ
		}
		got, ok := fields(rec)
		d := json.NewDecoder(bytes.NewReader(rec))
		d.UseNumber()
		var v any
		err := d.Decode(&v)
		if _, object := v.(map[string]any); err != nil || !object || !json.Valid(rec) || !ok {
			if ok && json.Valid(rec) && !object {
				t.Fatalf("%q is no object", rec)
			}
			return
		}
		// A key that stands there twice is seen twice here and once there.
		seen := map[string]bool{}
		for _, g := range got {
			seen[g] = true
		}
		for _, w := range flatten("", v, nil) {
			if !seen[w] {
				t.Fatalf("%q: no %q in %q", rec, w, got)
			}
		}
	})
}
