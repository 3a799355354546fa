package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// value is a field of a Config as its key has it.
type value interface {
	// set takes the value from n, or tells r why it cannot be.
	set(r *reading, n *yaml.Node)
	// String is the value as a file would have it.
	fmt.Stringer
	// copy takes the value of from, which is of the same type.
	copy(from value)
}

type textValue struct{ p *string }

func (v textValue) String() string  { return scalar(*v.p) }
func (v textValue) copy(from value) { *v.p = *from.(textValue).p }

func (v textValue) set(r *reading, n *yaml.Node) {
	s, ok := r.scalar(n)
	switch {
	case !ok:
	case s == "":
		r.mistake(n, "is empty: write some text, or remove the key")
	case len(s) > 256:
		r.mistake(n, "has %d bytes: write at most 256", len(s))
	case printable(s) != s:
		r.mistake(n, "%s has characters that cannot be printed: remove them", quote(s))
	default:
		*v.p = s
	}
}

// choiceValue is one of a few words. Old ones are still understood.
type choiceValue struct {
	p     *string
	among []string
	old   map[string]string
	// instead says what to do about a word that one could expect here.
	instead map[string]string
}

func (v choiceValue) String() string  { return scalar(*v.p) }
func (v choiceValue) copy(from value) { *v.p = *from.(choiceValue).p }

func (v choiceValue) set(r *reading, n *yaml.Node) {
	s, ok := r.scalar(n)
	if !ok {
		return
	}
	if now := v.old[s]; now != "" {
		r.warn(n, "%s is an old name: write %s", quote(s), now)
		s = now
	}
	if slices.Contains(v.among, s) {
		*v.p = s
		return
	}
	r.mistake(n, "%s is none of %s: %s", quote(s), oneOf(v.among), v.remedy(s))
}

func (v choiceValue) remedy(s string) string {
	if what := v.instead[s]; what != "" {
		return what
	}
	if near := nearest(s, v.among); near != "" {
		return "did you mean " + near + "?"
	}
	return "write one of them"
}

type boolValue struct{ p *bool }

func (v boolValue) String() string  { return strconv.FormatBool(*v.p) }
func (v boolValue) copy(from value) { *v.p = *from.(boolValue).p }

func (v boolValue) set(r *reading, n *yaml.Node) {
	s, ok := r.scalar(n)
	if !ok {
		return
	}
	switch {
	case s == "true":
		*v.p = true
	case s == "false":
		*v.p = false
	case slices.Contains([]string{"yes", "on", "1", "y", "enabled"}, strings.ToLower(s)), strings.EqualFold(s, "true"):
		r.mistake(n, "%s is neither true nor false: write true", quote(s))
	case slices.Contains([]string{"no", "off", "0", "n", "disabled"}, strings.ToLower(s)), strings.EqualFold(s, "false"):
		r.mistake(n, "%s is neither true nor false: write false", quote(s))
	default:
		r.mistake(n, "%s is neither true nor false: write one of them", quote(s))
	}
}

type numberValue struct {
	p           *uint64
	least, most uint64
}

func (v numberValue) String() string  { return strconv.FormatUint(*v.p, 10) }
func (v numberValue) copy(from value) { *v.p = *from.(numberValue).p }

func (v numberValue) set(r *reading, n *yaml.Node) {
	s, ok := r.scalar(n)
	if !ok {
		return
	}
	i, err := strconv.ParseUint(s, 10, 64)
	if err != nil || i < v.least || i > v.most {
		r.mistake(n, "%s is not a whole number from %d to %d: write one", quote(s), v.least, v.most)
		return
	}
	*v.p = i
}

// ancestorsValue is a number or unlimited.
type ancestorsValue struct{ p *int }

func (v ancestorsValue) copy(from value) { *v.p = *from.(ancestorsValue).p }

func (v ancestorsValue) String() string {
	if *v.p < 0 {
		return "unlimited"
	}
	return strconv.Itoa(*v.p)
}

func (v ancestorsValue) set(r *reading, n *yaml.Node) {
	s, ok := r.scalar(n)
	if !ok {
		return
	}
	if s == "unlimited" {
		*v.p = Unlimited
		return
	}
	i, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		r.mistake(n, "%s is neither a number from 0 up nor unlimited: write one of them", quote(s))
		return
	}
	*v.p = int(i)
}

// secondsValue is a time in whole seconds.
type secondsValue struct {
	p           *time.Duration
	least, most time.Duration
}

func (v secondsValue) String() string {
	return strconv.FormatInt(int64(*v.p/time.Second), 10)
}
func (v secondsValue) copy(from value) { *v.p = *from.(secondsValue).p }

func (v secondsValue) set(r *reading, n *yaml.Node) {
	s, ok := r.scalar(n)
	if !ok {
		return
	}
	d, err := time.ParseDuration(s)
	if i, failed := strconv.ParseInt(s, 10, 32); failed == nil {
		d, err = time.Duration(i)*time.Second, nil
	}
	if err != nil || d%time.Second != 0 {
		r.mistake(n, "%s is not a time in whole seconds: write a number of seconds, or one with a unit such as 90s, 5m or 1h", quote(s))
		return
	}
	if d < v.least || d > v.most {
		r.mistake(n, "%s is outside of %v to %v: write a time in between", quote(s), v.least, v.most)
		return
	}
	*v.p = d
}

// scalar writes text so that YAML reads it back as that text.
func scalar(s string) string {
	plain := s != ""
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '/' || c == '_'
		if !letter && (i == 0 || c != '.' && c != '-' && c != '@' && c != '+' && (c < '0' || c > '9')) {
			plain = false
		}
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	return yamlQuote(s)
}

// yamlQuote writes a string as YAML's double-quoted style and JSON have it.
func yamlQuote(s string) string {
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r >= 0x7f && r <= 0x9f || r == '\ufeff' || r == '\u2028' || r == '\u2029':
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = append(b, string(r)...)
		}
	}
	return string(append(b, '"'))
}
