//go:build linux

package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// node is a value in a JSON document; the zero node is a value that is not there.
type node struct{ v any }

// decode reads a JSON document, numbers as they are written.
func decode(text []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return node{}, err
	}
	return node{v}, nil
}

// at is a member of an object.
func (n node) at(name string) node {
	m, _ := n.v.(map[string]any)
	return node{m[name]}
}

// there says whether there is a value.
func (n node) there() bool { return n.v != nil }

// text is a string's or a number's text.
func (n node) text() string {
	switch v := n.v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// list are an array's elements; nil if this is no array.
func (n node) list() []node {
	a, ok := n.v.([]any)
	if !ok {
		return nil
	}
	out := make([]node, len(a))
	for i, v := range a {
		out[i] = node{v}
	}
	return out
}

// texts are the texts of an array's elements.
func (n node) texts() []string {
	list := n.list()
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.text()
	}
	return out
}

// names are the names of an object's members.
func (n node) names() []string {
	m, _ := n.v.(map[string]any)
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	return out
}

// replace changes the string that a JSON Pointer (RFC 6901) leads to.
func (n node) replace(pointer string, change func(string) (string, error)) error {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return fmt.Errorf("pointer %q", pointer)
	}
	steps := strings.Split(rest, "/")
	for i, s := range steps {
		steps[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
	}
	at := n.v
	for i, s := range steps {
		last := i == len(steps)-1
		var next any
		var set func(any)
		switch v := at.(type) {
		case map[string]any:
			next = v[s]
			set = func(x any) { v[s] = x }
		case []any:
			k, err := strconv.Atoi(s)
			if err != nil || k < 0 || k >= len(v) {
				return fmt.Errorf("pointer %q", pointer)
			}
			next = v[k]
			set = func(x any) { v[k] = x }
		default:
			return fmt.Errorf("pointer %q", pointer)
		}
		if !last {
			at = next
			continue
		}
		old, ok := next.(string)
		if !ok {
			return fmt.Errorf("pointer %q leads to no string", pointer)
		}
		changed, err := change(old)
		if err != nil {
			return err
		}
		set(changed)
	}
	return nil
}
