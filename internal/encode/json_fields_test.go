package encode

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"xnumon/event"
)

// TestJSONHoldsEveryField fills each field of the records and compares the keys,
// and their order, with the tags of the types.
func TestJSONHoldsEveryField(t *testing.T) {
	exec := &event.ImageExec{}
	fill(reflect.ValueOf(exec).Elem(), 0)
	var e JSON
	line := e.AppendExec(nil, exec)
	got := keys(t, line)
	want := append([]string{"/version", "/time", "/eventcode"}, tags(reflect.TypeFor[event.ImageExec](), "", 0)[1:]...)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("keys differ\n got %v\nwant %v\n%s", got, want, line)
	}

	loss := &event.Loss{}
	fill(reflect.ValueOf(loss).Elem(), 0)
	got = keys(t, e.AppendLoss(nil, loss))
	want = []string{"/version", "/time", "/eventcode", "/loss"}
	want = append(want, tags(reflect.TypeFor[event.Loss](), "/loss", 0)[1:]...)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("keys differ\n got %v\nwant %v", got, want)
	}
}

// maxNested is how deep images in images go in the test of the fields.
const maxNested = 2

func fill(v reflect.Value, nested int) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[event.Image]() {
			nested++
		}
		for i := range v.NumField() {
			omit := strings.HasPrefix(v.Type().Field(i).Name, "Omit")
			if f := v.Field(i); f.CanSet() && !omit {
				fill(f, nested)
			}
		}
	case reflect.Pointer:
		if nested < maxNested || v.Type().Elem() != reflect.TypeFor[event.Image]() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), nested)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Pointer && nested >= maxNested {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), nested)
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	default:
		panic(v.Kind())
	}
}

// tags lists the keys that a value of type t has when all of it is filled.
func tags(t reflect.Type, prefix string, nested int) []string {
	var out []string
	if t == reflect.TypeFor[event.Image]() {
		nested++
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		ft := f.Type
		list := ft.Kind() == reflect.Slice && ft != reflect.TypeFor[[]event.Absence]()
		if list {
			ft = ft.Elem()
		}
		if ft.Kind() == reflect.Pointer {
			if nested >= maxNested && ft.Elem() == reflect.TypeFor[event.Image]() {
				continue
			}
			ft = ft.Elem()
		}
		switch {
		case ft == reflect.TypeFor[event.Signature]():
			out = append(out, tags(ft, prefix, nested)...)
		case name == "-":
		case f.Anonymous:
			out = append(out, tags(ft, prefix, nested)...)
		default:
			path := prefix + "/" + name
			out = append(out, path)
			switch {
			case f.Type == reflect.TypeFor[[]event.Absence]():
				out = append(out, path+"/x")
			case ft.Kind() == reflect.Struct && list:
				out = append(out, tags(ft, path+"/0", nested)...)
			case ft.Kind() == reflect.Struct:
				out = append(out, tags(ft, path, nested)...)
			}
		}
	}
	return out
}

// keys lists the JSON Pointers of all members of objects in a record, in order.
func keys(t fataler, line []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	var out []string
	var value func(path string)
	value = func(path string) {
		tok, err := d.Token()
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		switch tok {
		case json.Delim('{'):
			for d.More() {
				k, err := d.Token()
				if err != nil {
					t.Fatalf("%v in %s", err, line)
				}
				p := path + "/" + k.(string)
				out = append(out, p)
				value(p)
			}
			d.Token()
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				value(path + "/" + strconv.Itoa(i))
			}
			d.Token()
		}
	}
	value("")
	return out
}
