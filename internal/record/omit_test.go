package record

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"xnumon/event"
	"xnumon/internal/encode"
	"xnumon/internal/sensor"
)

// leaves lists the paths of all values in v, without the places in lists.
func leaves(v any, at string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, sub := range v {
			leaves(sub, at+"/"+key, into)
		}
	case []any:
		for _, sub := range v {
			leaves(sub, at, into)
		}
	default:
		into[at] = true
	}
}

// omitted builds a record of everything with and without o and returns the last
// parts of what the second lacks. What it has more, or missing, is an error.
func omitted(t *testing.T, o Omit) string {
	t.Helper()
	script, unseen, system := file("/x.sh"), &sensor.File{Path: "/unseen"}, file("/bin/system")
	system.Signature = &event.Signature{Status: event.SignatureGood, Origin: event.OriginSystem}
	unseen.Resolve(sensor.Digest{Reason: event.ReasonGone})
	before := exec("/bin/sh")
	before.Interpreted, before.Interpreters = true, []*sensor.File{script}
	lost := exec("/bin/unseen")
	lost.Image = unseen
	kernel := exec("/bin/system")
	kernel.Image = system
	x := past(t, kernel, lost, before)

	build := func(o Omit, e *sensor.Exec) map[string]bool {
		r := builder(func(opts *Options) { opts.Omit = o }).Exec(e, &x)
		var v any
		if err := json.Unmarshal(new(encode.JSON).AppendExec(nil, r), &v); err != nil {
			t.Fatal(err)
		}
		all := make(map[string]bool)
		leaves(v, "", all)
		return all
	}
	e := exec("/bin/ls")
	e.Interpreted, e.Interpreters = true, []*sensor.File{script, file("/wrap")}
	e.After.EUID, e.After.EGID = 0, 0
	unknown := exec("/bin/ls")
	unknown.Before = nil

	lacks := make(map[string]bool)
	for _, e := range []*sensor.Exec{e, unknown} {
		whole, part := build(Omit{}, e), build(o, e)
		for key := range part {
			if !whole[key] {
				t.Errorf("%+v: %s is only there when something is left out", o, key)
			}
		}
		for key := range whole {
			if name := key[strings.LastIndexByte(key, '/')+1:]; !part[key] {
				lacks[name] = true
			} else if lacks[name] && name != "sha256" {
				t.Errorf("%+v: %s is still there", o, key)
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(lacks)), " ")
}

func TestOmit(t *testing.T) {
	for want, o := range map[string]Omit{
		"":                                  {},
		"mode":                              {Mode: true},
		"size":                              {Size: true},
		"mtime":                             {MTime: true},
		"ctime":                             {CTime: true},
		"btime":                             {BTime: true},
		"sid":                               {SID: true},
		"egid egname gid gname rgid rgname": {Groups: true},
		"btime ctime egid egname gid gname mode mtime rgid rgname sid size": {
			Mode: true, Size: true, MTime: true, CTime: true, BTime: true, SID: true, Groups: true,
		},
	} {
		if got := omitted(t, o); got != want {
			t.Errorf("%+v leaves out %q, want %q", o, got, want)
		}
	}
}

func TestOmitSystemHashes(t *testing.T) {
	signed := func(status, origin string) *sensor.File {
		f := file("/x")
		f.Signature = &event.Signature{Status: status, Origin: origin}
		return f
	}
	x := past(t, exec("/bin/sh"))
	for _, c := range []struct {
		file  *sensor.File
		there bool
	}{
		{signed(event.SignatureGood, event.OriginSystem), false},
		{signed(event.SignatureGood, event.OriginDevID), true},
		{signed(event.SignatureBad, event.OriginSystem), true},
		{file("/x"), true},
	} {
		e := exec("/x")
		e.Image = c.file
		r := builder(func(o *Options) { o.Omit.SystemHashes = true }).Exec(e, &x)
		if there := r.Image.SHA256 != ""; there != c.there || len(r.Image.Missing) > 0 {
			t.Errorf("%+v: hash %q, missing %v", c.file.Signature, r.Image.SHA256, r.Image.Missing)
		}
	}
}
