package encode

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"xnumon/event"
)

func TestJSONGolden(t *testing.T) {
	var e JSON
	var out []byte
	for _, s := range samples() {
		before := len(out)
		out = appendSample(&e, out, s)
		parse(t, out[before:])
	}
	golden(t, "records.jsonl", out)
}

// parse returns a record as decode does, with its strings taken back.
func parse(t fataler, line []byte) map[string]any {
	t.Helper()
	rec := decode(t, line)
	takeBack(t, rec, rec["escaped"])
	return rec
}

// decode checks that a record is one line of strict JSON without a null and that
// nothing in it can move a cursor.
func decode(t fataler, line []byte) map[string]any {
	t.Helper()
	if !utf8.Valid(line) {
		t.Fatalf("not UTF-8: %q", line)
	}
	if n := bytes.IndexByte(line, '\n'); n != len(line)-1 {
		t.Fatalf("line feed at %d of %d: %q", n, len(line), line)
	}
	for _, r := range string(line[:len(line)-1]) {
		if r < ' ' || unsafeToShow(r) {
			t.Fatalf("%U is written as it is: %q", r, line)
		}
	}
	var rec map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&rec); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	noNull(t, rec)
	return rec
}

// takeBack unescapes the strings of a record that a list says are escaped.
func takeBack(t fataler, rec map[string]any, list any) {
	t.Helper()
	if list == nil {
		return
	}
	escaped := list.([]any)
	if len(escaped) == 0 {
		t.Fatalf("empty list of escaped strings: %v", rec)
	}
	for _, p := range escaped {
		unescapeAt(t, rec, p.(string))
	}
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func noNull(t fataler, v any) {
	switch v := v.(type) {
	case nil:
		t.Fatalf("null in a record")
	case map[string]any:
		for _, e := range v {
			noNull(t, e)
		}
	case []any:
		for _, e := range v {
			noNull(t, e)
		}
	}
}

// unescapeAt replaces the string at a JSON Pointer by what Unescape makes of it.
func unescapeAt(t fataler, v any, pointer string) {
	t.Helper()
	var set func(string)
	var old any
	for _, tok := range strings.Split(pointer, "/")[1:] {
		tok = strings.ReplaceAll(strings.ReplaceAll(tok, "~1", "/"), "~0", "~")
		switch c := v.(type) {
		case map[string]any:
			v = c[tok]
			set = func(s string) { c[tok] = s }
		case []any:
			i, err := strconv.Atoi(tok)
			if err != nil || i >= len(c) {
				t.Fatalf("pointer %q: no element %q", pointer, tok)
			}
			v = c[i]
			set = func(s string) { c[i] = s }
		default:
			t.Fatalf("pointer %q: nothing at %q", pointer, tok)
		}
		old = v
	}
	s, ok := old.(string)
	if !ok {
		t.Fatalf("pointer %q: %T, not a string", pointer, old)
	}
	back, err := Unescape(s)
	if err != nil {
		t.Fatalf("pointer %q: %v", pointer, err)
	}
	if utf8.ValidString(back) {
		t.Fatalf("pointer %q: %q was UTF-8 and need not have been escaped", pointer, back)
	}
	set(back)
}

// checkStrings encodes a record that has the given strings everywhere and
// compares what comes back.
func checkStrings(t fataler, list []string) {
	t.Helper()
	pick := func(i int) string {
		if len(list) == 0 {
			return ""
		}
		return list[i%len(list)]
	}
	image := func(i int) *event.Image {
		return &event.Image{Path: pick(i), HasStat: true, UName: pick(i + 1), Script: &event.Image{Path: pick(i + 2)},
			Missing: []event.Absence{{Field: "a/b~", Reason: event.Reason(pick(i + 3))}, {Field: pick(i), Reason: "lost"}}}
	}
	r := &event.ImageExec{
		Argv: list, Env: list, Cwd: pick(3), Image: image(0), Interpreters: []*event.Image{image(4), image(5)},
		Subject: event.Subject{Dev: pick(6), Image: image(1), Ancestors: []*event.Image{image(2), image(3)}},
	}
	var e JSON
	dst := []byte("kept")
	line := e.AppendExec(dst, r)
	if string(line[:4]) != "kept" {
		t.Fatalf("the bytes before the record changed")
	}
	rec := parse(t, line[4:])

	// same compares a string of the record, or its absence for an empty one.
	same := func(what string, got any, want string) {
		if s, _ := got.(string); s != want || want == "" && got != nil {
			t.Fatalf("%s: %q became %#v in %q", what, want, got, line)
		}
	}
	object := func(v any, key ...string) map[string]any {
		for _, k := range key {
			if i, err := strconv.Atoi(k); err == nil {
				v = v.([]any)[i]
			} else {
				v = v.(map[string]any)[k]
			}
		}
		return v.(map[string]any)
	}
	sameImage := func(what string, m map[string]any, i int) {
		same(what, m["path"], pick(i))
		same(what, m["uname"], pick(i+1))
		same(what, object(m, "script")["path"], pick(i+2))
		if got := object(m, "missing")["a/b~"]; got != pick(i+3) {
			t.Fatalf("%s: reason %q became %#v", what, pick(i+3), got)
		}
	}
	for _, k := range []string{"argv", "env"} {
		if list == nil {
			if _, ok := rec[k]; ok {
				t.Fatalf("unknown %s is there: %q", k, line)
			}
			continue
		}
		got := rec[k].([]any)
		if len(got) != len(list) {
			t.Fatalf("%s has %d elements, not %d", k, len(got), len(list))
		}
		for i := range list {
			if got[i] != list[i] {
				t.Fatalf("%s[%d]: %q became %q", k, i, list[i], got[i])
			}
		}
	}
	same("cwd", rec["cwd"], pick(3))
	same("dev", object(rec, "subject")["dev"], pick(6))
	sameImage("image", object(rec, "image"), 0)
	sameImage("interpreters 0", object(rec, "interpreters", "0"), 4)
	sameImage("interpreters 1", object(rec, "interpreters", "1"), 5)
	sameImage("subject", object(rec, "subject", "image"), 1)
	sameImage("ancestor 0", object(rec, "subject", "ancestors", "0"), 2)
	sameImage("ancestor 1", object(rec, "subject", "ancestors", "1"), 3)
}

// kernelString draws strings such as nobody should put into a file name.
func kernelString() *rapid.Generator[string] {
	nasty := rapid.SampledFrom([]string{
		"\\", "\\x41", "\\\\", "\"", "'", "\n", "\r\n", "\x1b[2J", "\x7f", "\u009b", "\u2028", "\u2029", "\u202e", "\ufeff",
		"\xff", "\xed\xa0\x80", "\xc0\xaf", "\xe2\x82", "\ufffd", "\U0010ffff", "日本", "e\u0301\u0301\u0301\u0301\u0301", "\u200d", "\u3164",
		"\x00", "</script>", "{", "}", "[", "]", ",", "…", " ", "~",
	})
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(nasty, rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })), 0, 4).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

func TestJSONStringsSurvive(t *testing.T) {
	checkStrings(t, nil)
	checkStrings(t, []string{})
	rapid.Check(t, func(t *rapid.T) {
		checkStrings(t, rapid.SliceOfN(kernelString(), 0, 5).Draw(t, "strings"))
	})
}

func FuzzJSONStrings(f *testing.F) {
	for _, s := range []string{"", "a\nb", "\x1b[2J", "\xff\\", `\x41`, "\u2028\u009b", "\"},{\"", "\xed\xa0\x80\x00next"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkStrings(t, strings.Split(s, "\x00")) })
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", `\\`: `\`, `\xff`: "\xff", `\\x41\x41`: `\x41A`, "日\\x80": "日\x80",
	} {
		if got, err := Unescape(in); err != nil || got != want {
			t.Errorf("Unescape(%q) is %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{`\`, `a\`, `\x`, `\x4`, `\xg0`, `\x0g`, `\n`, `\\\`, `\xFF`} {
		if got, err := Unescape(in); err == nil {
			t.Errorf("Unescape(%q) is %q, want an error", in, got)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	f.Add(`\xff\\`)
	f.Fuzz(func(t *testing.T, s string) {
		back, err := Unescape(s)
		if err != nil || utf8.ValidString(back) || !utf8.ValidString(s) {
			return
		}
		// Not every such text is one that we write, but what we write for the
		// bytes means the same bytes.
		line, verbatim := appendString(nil, back)
		var text string
		if err := json.Unmarshal(line, &text); err != nil || verbatim {
			t.Fatalf("%q: %v, verbatim %v", line, err, verbatim)
		}
		if again, err := Unescape(text); err != nil || again != back {
			t.Fatalf("%q became %q, %v", back, again, err)
		}
	})
}

func TestClock(t *testing.T) {
	var c clock
	check := func(t fataler, ns int64) {
		want := time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000000000Z")
		if got := string(c.append(nil, event.Time(ns))); got != want {
			t.Fatalf("%d is %s, want %s", ns, got, want)
		}
	}
	const dayNS = day * int64(time.Second)
	for _, ns := range []int64{0, 1, -1, dayNS - 1, dayNS, -dayNS, -dayNS - 1, 1<<63 - 1, -1 << 63} {
		check(t, ns)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.Int64().Draw(t, "ns")) })
}
