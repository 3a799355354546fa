package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxSize bounds a configuration, in bytes.
const maxSize = 1 << 20

// Decoder reads configurations. The zero value is ready to use.
type Decoder struct {
	// Exposed says who but root can put something at a path of this machine, and what
	// to do about it, nil if nobody can. Where it is set, the paths of what is not
	// recorded are looked at, for warnings.
	Exposed func(path string) error
}

// Decode reads a configuration; file is what it is called in remarks. Keys that
// are not there have their defaults. The error is Mistakes, all of them; the
// remarks are warnings about what can be used nevertheless.
func (d *Decoder) Decode(file string, data []byte) (*Config, []Remark, error) {
	r := &reading{file: file, exposed: d.Exposed, seen: make(map[string]int)}
	c := Default()
	r.document(c, data)
	byPlace := func(a, b Remark) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	}
	slices.SortStableFunc(r.mistakes, byPlace)
	slices.SortStableFunc(r.warnings, byPlace)
	if len(r.mistakes) > 0 {
		return nil, r.warnings, r.mistakes
	}
	return c, r.warnings, nil
}

// reading is a file that is being read.
type reading struct {
	file     string
	exposed  func(string) error
	mistakes Mistakes
	warnings []Remark

	key  string         // the one whose value is being read
	line int            // how many lines there are before what is being parsed
	seen map[string]int // the lines of the keys that were read
}

func (r *reading) remark(n *yaml.Node, format string, args ...any) Remark {
	return Remark{
		File: r.file, Line: max(n.Line, 1) + r.line, Column: max(n.Column, 1), Key: r.key,
		Text: fmt.Sprintf(format, args...),
	}
}

func (r *reading) mistake(n *yaml.Node, format string, args ...any) {
	r.mistakes = append(r.mistakes, r.remark(n, format, args...))
}

func (r *reading) warn(n *yaml.Node, format string, args ...any) {
	w := r.remark(n, format, args...)
	w.Warning = true
	r.warnings = append(r.warnings, w)
}

// document reads a whole file. Where it is not YAML, the keys before and behind
// the place are read nevertheless, so that all mistakes are told.
func (r *reading) document(c *Config, data []byte) {
	if len(data) > maxSize {
		r.mistake(&yaml.Node{}, "has %d bytes, and at most %d are read: this cannot be the right file", len(data), maxSize)
		return
	}
	if r.characters(data) {
		return
	}
	if r.parse(c, data, false) {
		return
	}
	for _, b := range blocks(data) {
		r.line = b.line
		r.parse(c, b.text, true)
	}
	r.line = 0
}

// characters tells of the first that has no place in a file.
func (r *reading) characters(data []byte) bool {
	line, column := 1, 1
	for rest := data; len(rest) > 0; {
		c, n := utf8.DecodeRune(rest)
		place := &yaml.Node{Line: line, Column: column}
		switch {
		case c == utf8.RuneError && n == 1:
			r.mistake(place, "byte %#02x is not UTF-8: write the file in UTF-8", rest[0])
			return true
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0x7f && c < 0xa0:
			r.mistake(place, "control character %U: remove it", c)
			return true
		case c == '\r' && !bytes.HasPrefix(rest[1:], []byte("\n")), c == '\u2028', c == '\u2029':
			// To YAML these end a line, to nobody who looks at the file.
			r.mistake(place, "line separator %U: end lines with a line feed", c)
			return true
		case c == '\n':
			line, column = line+1, 0
		}
		rest = rest[n:]
		column++
	}
	return false
}

// parse reads YAML and says whether it is. What is wrong with it is only told
// if tell is set.
func (r *reading) parse(c *Config, data []byte, tell bool) bool {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		r.mistake(&yaml.Node{}, "%v", err)
		return true
	}
	var documents []*yaml.Node
	for {
		n := new(yaml.Node)
		if err = loader.Load(n); err != nil {
			break
		}
		documents = append(documents, n)
	}
	if !errors.Is(err, io.EOF) {
		if tell {
			r.syntax(err, data)
		}
		return false
	}
	for i, n := range documents {
		switch {
		case i > 0:
			r.mistake(n, "a second document: remove the --- before it, or what follows")
		case len(n.Content) > 0:
			r.mapping(c, n.Content[0])
		}
	}
	return true
}

// syntax tells of what is not YAML in text.
func (r *reading) syntax(err error, text []byte) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		r.mistake(&yaml.Node{}, "cannot be read as YAML: %v", err)
		return
	}
	at, what := e.Mark, e.Message
	if e.ContextMsg != "" {
		what += " " + e.ContextMsg
	}
	if e.ContextMark.Line > 0 && e.ContextMark.Line != at.Line {
		if strings.Contains(what, "end of stream") {
			at = e.ContextMark // it is the beginning that has no end
		} else {
			what += fmt.Sprintf(" that begins in line %d", e.ContextMark.Line+r.line)
		}
	}
	remedy := `check the indentation and the quotes; a value that begins with one of * & ! % @ [ ] { } needs some`
	if strings.Contains(what, "tab character") || hasTab(text, at.Line) {
		remedy = "indent with spaces and not with tabs"
	}
	r.mistake(&yaml.Node{Line: at.Line, Column: at.Column}, "not YAML: %s: %s", what, remedy)
}

// hasTab says whether a line is indented with a tab.
func hasTab(text []byte, line int) bool {
	lines := bytes.SplitN(text, []byte("\n"), line+1)
	if line < 1 || line > len(lines) {
		return false
	}
	l := lines[line-1]
	return bytes.IndexByte(l[:len(l)-len(bytes.TrimLeft(l, " \t"))], '\t') >= 0
}

// block is the lines of one key.
type block struct {
	line int // how many are before it
	text []byte
}

// blocks cuts a file where something begins in the first column. What belongs
// to a key is indented, except for the items of a list and comments.
func blocks(data []byte) (all []block) {
	for i, line := range bytes.SplitAfter(data, []byte("\n")) {
		first := bytes.TrimLeft(line, "\r\n")
		continues := len(first) == 0 || bytes.IndexByte([]byte(" \t#]}"), first[0]) >= 0 ||
			bytes.HasPrefix(first, []byte("- ")) || bytes.HasPrefix(first, []byte("-\n"))
		if len(all) == 0 || !continues {
			all = append(all, block{line: i})
		}
		last := &all[len(all)-1]
		last.text = append(last.text, line...)
	}
	return all
}

// mapping reads the keys.
func (r *reading) mapping(c *Config, n *yaml.Node) {
	r.key = ""
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.mistake(n, "is %s and no mapping: write lines such as gate: hash", describe(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		r.entry(c, n.Content[i], n.Content[i+1])
	}
	r.key = ""
}

func (r *reading) entry(c *Config, name, n *yaml.Node) {
	r.key = name.Value
	if name.Kind != yaml.ScalarNode {
		r.key = ""
		r.mistake(name, "has %s in place of a key: write lines such as gate: hash", describe(name))
		return
	}
	k := find(name.Value)
	if k == nil {
		remedy := "xnumon config default lists the keys"
		if near := nearest(strings.ReplaceAll(name.Value, "-", "_"), names()); near != "" {
			remedy = "did you mean " + near + "?"
		}
		r.mistake(name, "is no key of this file: %s", remedy)
		return
	}
	if line := r.seen[k.name]; line > 0 {
		what := "is here a second time, after"
		if name.Value == k.was || r.seen[k.was] == line {
			what = fmt.Sprintf("(%s as of 2018 is %s) is here a second time, after", k.was, k.name)
		}
		r.mistake(name, "%s line %d: remove one of them", what, line)
		return
	}
	r.seen[k.name] = name.Line + r.line
	if name.Value == k.was {
		r.seen[k.was] = name.Line + r.line
		r.warn(name, "is the old name of %s: write that", k.name)
	}
	if k.takes == never {
		r.warn(name, "has no effect: %s", k.because)
	}
	k.value(c).set(r, n)
}

// describe says what kind of thing a node is.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return "a single value"
}

// scalar returns the text of a single value.
func (r *reading) scalar(n *yaml.Node) (string, bool) {
	switch {
	case n.Kind == yaml.AliasNode:
		r.mistake(n, "is an alias: write the value itself")
	case n.Kind != yaml.ScalarNode:
		r.mistake(n, "is %s: write a single value, in quotes if it begins with [ or {", describe(n))
	case n.Tag == "!!null" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0:
		r.mistake(n, "has no value: write one, or remove it")
	case n.Style&yaml.TaggedStyle != 0:
		r.mistake(n, "has the tag %s: remove it", quote(n.Tag))
	default:
		return n.Value, true
	}
	return "", false
}

// items returns the items of a list. No value at all is an empty list: that is
// what is left when every item has become a comment.
func (r *reading) items(n *yaml.Node, one bool) ([]*yaml.Node, bool) {
	switch {
	case n.Kind == yaml.SequenceNode && n.Style&yaml.TaggedStyle == 0:
		return n.Content, true
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil, true
	case one:
		return []*yaml.Node{n}, true
	case n.Kind == yaml.ScalarNode:
		r.mistake(n, "%s is a single value: write it as an item of a list, in a line of its own after a dash", quote(n.Value))
	default:
		r.mistake(n, "is %s: write a list, each item in a line of its own after a dash", describe(n))
	}
	return nil, false
}

// word is one of several in a value.
type word struct {
	text string
	at   *yaml.Node
}

// words returns the items of a list that may also be written with commas between.
func (r *reading) words(n *yaml.Node) ([]word, bool) {
	if n.Kind != yaml.SequenceNode {
		s, ok := r.scalar(n)
		if !ok {
			return nil, false
		}
		var all []word
		for _, w := range strings.Split(s, ",") {
			all = append(all, word{strings.TrimSpace(w), n})
		}
		return all, true
	}
	var all []word
	for _, item := range n.Content {
		if s, ok := r.scalar(item); ok {
			all = append(all, word{s, item})
		}
	}
	if len(n.Content) == 0 {
		r.mistake(n, "is an empty list: write at least one value, or remove the key")
	}
	return all, len(all) > 0
}
