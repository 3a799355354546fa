package encode

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"xnumon/event"
)

// A record must not depend on what was written before it.
func TestRecentChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := rapid.SliceOfN(someImage(true), 1, 4).Draw(t, "images")
		again := rapid.Custom(func(t *rapid.T) *event.Image {
			i := rapid.SampledFrom(pool).Draw(t, "again")
			if i == nil {
				return nil
			}
			// The same in another place, or another with the same place in the cache.
			i = new(*i)
			if i.Script != nil {
				i.Script = new(*i.Script)
			}
			switch rapid.IntRange(0, 9).Draw(t, "change") {
			case 0:
				i.ExecPid++
			case 1:
				i.Missing = append([]event.Absence{{Field: "sha1", Reason: event.ReasonGone}}, i.Missing...)
			case 2:
				if i.Script != nil {
					i.Script.Path += "x"
				}
			case 3:
				i.Signature = &event.Signature{Status: event.SignatureGood}
			}
			return i
		})
		var e JSON
		for range 5 {
			r := someExec().Draw(t, "record")
			r.Subject.Image = again.Draw(t, "image")
			r.Subject.Ancestors = rapid.SliceOfN(again, 0, 4).Draw(t, "ancestors")
			got, want := e.AppendExec(nil, r), new(JSON).AppendExec(nil, r)
			if !bytes.Equal(got, want) {
				t.Fatalf("%s\nwithout what was before:\n%s", got, want)
			}
		}
	})
}

// Whatever field two images differ in, they are not the same.
func TestSameImage(t *testing.T) {
	signature := reflect.TypeFor[event.Signature]()
	for k := range signature.NumField() {
		if !signature.Field(k).Type.Comparable() {
			t.Errorf("signatures cannot be compared by %s", signature.Field(k).Name)
		}
	}
	full := func() *event.Image {
		return &event.Image{Signature: &event.Signature{Ident: "i"}, Script: &event.Image{Path: "p"}, Missing: []event.Absence{{Field: "f"}}}
	}
	if !sameImage(full(), full()) {
		t.Error("an image is not the same as its like")
	}
	for k := range reflect.TypeFor[event.Image]().NumField() {
		other := full()
		v := reflect.ValueOf(other).Elem().Field(k)
		switch v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int64:
			v.SetInt(1)
		case reflect.Uint32, reflect.Uint64:
			v.SetUint(1)
		default: // what it points to
			v.SetZero()
		}
		name := reflect.TypeFor[event.Image]().Field(k).Name
		if sameImage(full(), other) || sameImage(other, full()) {
			t.Errorf("%s is not compared", name)
		}
	}
	for name, change := range map[string]func(*event.Image){
		"signature": func(i *event.Image) { i.Signature.Ident = "x" },
		"script":    func(i *event.Image) { i.Script.Path = "x" },
		"absences":  func(i *event.Image) { i.Missing[0].Reason = "x" },
	} {
		other := full()
		change(other)
		if sameImage(full(), other) {
			t.Errorf("what is in the %s is not compared", name)
		}
	}
}
