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
)

type ocsfAttribute struct {
	kind     string
	list     bool
	required bool
	profile  string
	captions map[string]string
}

type ocsfObject struct {
	oneOf      []string
	attributes map[string]ocsfAttribute
}

func readOCSF(t *testing.T) map[string]*ocsfObject {
	t.Helper()
	text, err := os.ReadFile("testdata/ocsf-1.8.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]*ocsfObject{}
	var o *ocsfObject
	for line := range strings.Lines(string(text)) {
		word := strings.Fields(line)
		switch {
		case len(word) == 0 || word[0] == "#":
		case line[0] != ' ':
			o = &ocsfObject{attributes: map[string]ocsfAttribute{}}
			objects[word[1]] = o
			if len(word) > 3 {
				o.oneOf = word[3:]
			}
		default:
			a := ocsfAttribute{required: word[2] == "required"}
			a.kind, a.list = strings.CutPrefix(word[1], "[]")
			rest := word[3:]
			if len(rest) > 0 && rest[0][0] == '@' {
				a.profile, rest = rest[0][1:], rest[1:]
			}
			if len(rest) > 0 {
				a.captions = map[string]string{}
				for v := range strings.SplitSeq(strings.Join(rest, " "), "|") {
					n, caption, ok := strings.Cut(v, "=")
					if !ok {
						t.Fatalf("no caption in %q", line)
					}
					a.captions[n] = caption
				}
			}
			o.attributes[word[0]] = a
		}
	}
	return objects
}

// ocsfCheck holds one record against the schema.
type ocsfCheck struct {
	fataler
	objects  map[string]*ocsfObject
	profiles []string
	line     []byte
}

func checkOCSF(t fataler, objects map[string]*ocsfObject, line []byte) {
	t.Helper()
	rec := decode(t, line)
	c := ocsfCheck{fataler: t, objects: objects, line: line}
	for _, p := range list(get(rec, "metadata.profiles")) {
		c.profiles = append(c.profiles, p.(string))
	}
	classes := map[json.Number]string{"1007": "process_activity", "0": "base_event"}
	uid, _ := rec["class_uid"].(json.Number)
	class, ok := classes[uid]
	if !ok {
		t.Fatalf("class %v: %s", rec["class_uid"], line)
	}
	c.object(class, class, rec)
	number := func(k string) int64 { n, _ := rec[k].(json.Number).Int64(); return n }
	if got, want := number("type_uid"), number("class_uid")*100+number("activity_id"); got != want {
		t.Fatalf("type_uid is %d, not %d: %s", got, want, line)
	}
}

func (c *ocsfCheck) object(where, name string, m map[string]any) {
	c.Helper()
	o := c.objects[name]
	for k, v := range m {
		at := where + "." + k
		a, ok := o.attributes[k]
		if stamp, isDT := strings.CutSuffix(k, "_dt"); !ok && isDT && o.attributes[stamp].kind == "timestamp" {
			c.datetime(at, v, m[stamp])
			continue
		}
		switch {
		case !ok:
			c.Fatalf("the schema has no %s: %s", at, c.line)
		case a.profile != "" && !slices.Contains(c.profiles, a.profile):
			c.Fatalf("%s without the profile %s: %s", at, a.profile, c.line)
		}
		values := []any{v}
		if l, isList := v.([]any); isList != a.list {
			c.Fatalf("%s: a list: %v, in the schema: %v", at, isList, a.list)
		} else if isList {
			values = l
		}
		for _, v := range values {
			c.value(at, a, v)
		}
		c.caption(at, a, v, m[sibling(k)])
	}
	for k, a := range o.attributes {
		if _, ok := m[k]; a.required && !ok {
			c.Fatalf("%s.%s is required: %s", where, k, c.line)
		}
	}
	if o.oneOf != nil && !slices.ContainsFunc(o.oneOf, func(k string) bool { return m[k] != nil }) {
		c.Fatalf("%s has none of %v: %s", where, o.oneOf, c.line)
	}
}

func (c *ocsfCheck) value(at string, a ocsfAttribute, v any) {
	c.Helper()
	ok := false
	switch a.kind {
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "integer", "long", "timestamp":
		n, isNumber := v.(json.Number)
		_, err := strconv.ParseInt(n.String(), 10, 64)
		ok = isNumber && err == nil
	case "any":
		ok = true
	default:
		if c.objects[a.kind] == nil {
			c.Fatalf("%s: the rules have no object %s", at, a.kind)
		}
		var m map[string]any
		if m, ok = v.(map[string]any); ok {
			c.object(at, a.kind, m)
		}
	}
	if !ok {
		c.Fatalf("%s is %#v, not of type %s", at, v, a.kind)
	}
}

func (c *ocsfCheck) caption(at string, a ocsfAttribute, v, caption any) {
	c.Helper()
	if a.captions == nil {
		return
	}
	n := v.(json.Number).String()
	want, ok := a.captions[n]
	if !ok {
		c.Fatalf("%s must not be %s", at, n)
	}
	if caption != nil && caption != want && (want != "Other" || n != "99") {
		c.Fatalf("%s is %s, which is called %q and not %q", at, n, want, caption)
	}
}

// sibling is the attribute that has the caption of a number.
func sibling(k string) string {
	switch k {
	case "activity_id", "class_uid", "category_uid", "type_uid":
		return k[:strings.LastIndexByte(k, '_')] + "_name"
	}
	return strings.TrimSuffix(k, "_id")
}

// ocsfDatetime is the pattern that the schema has for datetime_t.
var ocsfDatetime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?([Zz]|[\+-]\d{2}:\d{2})?$`)

func (c *ocsfCheck) datetime(at string, v, stamp any) {
	c.Helper()
	s, _ := v.(string)
	when, err := time.Parse(time.RFC3339Nano, s)
	ms, _ := stamp.(json.Number)
	if !ocsfDatetime.MatchString(s) || err != nil || ms.String() != strconv.FormatInt(when.UnixMilli(), 10) {
		c.Fatalf("%s is %v, beside %v: %s", at, v, stamp, c.line)
	}
	if !slices.Contains(c.profiles, "datetime") {
		c.Fatalf("%s without the profile datetime: %s", at, c.line)
	}
}

func TestOCSFFollowsTheSchema(t *testing.T) {
	objects := readOCSF(t)
	check := func(t fataler, s sample, o Options) {
		t.Helper()
		e, err := New("ocsf", o)
		if err != nil {
			t.Fatalf("%v", err)
		}
		line := appendSample(e, nil, s)
		checkOCSF(t, objects, line)
		if v := get(decode(t, line), "metadata.version"); v != OCSFVersion || OCSFVersion != "1.8.0" {
			t.Fatalf("version %v, checked against 1.8.0", v)
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

func TestOCSFSchemaFindsMistakes(t *testing.T) {
	objects := readOCSF(t)
	good := string((&OCSF{}).AppendExec(nil, samples()[7].exec))
	checkOCSF(t, objects, []byte(good))
	for _, c := range [][2]string{
		{`"class_uid":1007`, `"class_uid":1008`}, {`"category_uid":1`, `"category_uid":2`}, {`"activity_id":1`, `"activity_id":2`},
		{`"type_uid":100701`, `"type_uid":100702`}, {`"launch_type":"Exec"`, `"launch_type":"exec"`}, {`"launch_type_id":3`, `"launch_type_id":7`},
		{`"severity_id":1,`, ``}, {`"time":1795`, `"time":1796`}, {`"time_dt":"2026`, `"time_dt":"26`}, {`"version":"1.8.0",`, ``},
		{`["container","datetime"]`, `["container"]`}, {`["container","datetime"]`, `["datetime"]`}, {`"hostname":"unknown"`, `"region":"unknown"`},
		{`"type_id":0,"type":"Unknown"`, `"type":"Unknown"`}, {`"process":{"pid":4194304`, `"process":{"pid":"4194304"`}, {`"process":{"pid":4194304,`, `"process":{`},
		{`"path":"/usr/sbin/nginx"`, `"paths":"/usr/sbin/nginx"`}, {`"algorithm_id":3`, `"algorithm_id":2`}, {`"hashes":[`, `"hashes":[[],`}, {`"actor":`, `"act":`},
	} {
		line := strings.Replace(good, c[0], c[1], 1)
		if line == good {
			t.Fatalf("no %s in %s", c[0], good)
		}
		if !fails(func(t fataler) { checkOCSF(t, objects, []byte(line)) }) {
			t.Errorf("passed with %s for %s", c[1], c[0])
		}
	}
}
