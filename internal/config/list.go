package config

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"xnumon/internal/sink"
	"xnumon/internal/suppress"
)

// listValue is a list of strings.
type listValue struct {
	p *[]string
	// check says what is wrong with the item at n, completing a sentence that begins with it.
	check func(r *reading, n *yaml.Node, s string) error
	// one says that a single value need not be a list.
	one bool
	// same says whether two items mean the same; nil where only equal ones do.
	same func(a, b string) bool
	// show is an item without what nobody should read; nil where there is no such thing.
	show func(string) string
}

func (v listValue) copy(from value) { *v.p = *from.(listValue).p }

func (v listValue) String() string {
	if v.one && len(*v.p) == 1 {
		return scalar((*v.p)[0])
	}
	return flow(*v.p)
}

func flow(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = scalar(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func (v listValue) set(r *reading, n *yaml.Node) {
	items, ok := r.items(n, v.one)
	if !ok {
		return
	}
	all := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := r.scalar(item)
		if !ok {
			continue
		}
		if err := v.check(r, item, s); err != nil {
			if v.show != nil {
				s = v.show(s)
			}
			r.mistake(item, "%s %v", quote(s), err)
			continue
		}
		i := slices.IndexFunc(all, func(other string) bool { return other == s || v.same != nil && v.same(other, s) })
		switch {
		case i < 0:
			all = append(all, s)
		case all[i] == s:
			r.mistake(item, "%s is in the list already: remove it here", quote(s))
		default:
			r.mistake(item, "%s goes where %s goes: remove one of them", quote(s), quote(all[i]))
		}
	}
	if v.one && len(items) == 0 {
		r.mistake(n, "is an empty list: write at least one value, or remove the key")
		return
	}
	if len(all) == 0 {
		all = nil
	}
	*v.p = all
}

func checkPath(r *reading, n *yaml.Node, s string) error {
	rule, err := suppress.ParsePath(s)
	if err == nil && r.exposed != nil {
		if err := r.exposed(rule.Fixed()); err != nil {
			r.warn(n, "%s lets others hide what they run: %v", quote(s), err)
		}
	}
	return err
}

func checkIdent(_ *reading, _ *yaml.Node, s string) error {
	_, err := suppress.ParseIdent(s)
	return err
}

// checkDestination takes what sink does, but no path that depends on where the
// monitor was started.
func checkDestination(_ *reading, _ *yaml.Node, s string) error {
	d, err := sink.Parse(s)
	if err != nil {
		return errors.Unwrap(err) // which does not name it again
	}
	if path, ok := d.File(); ok && (!strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/")) {
		return fmt.Errorf("is neither -, the absolute path of a file, nor a URL: write one of %s", strings.Join(sink.Schemes(), ", "))
	}
	return nil
}

// sameDestination says that every record would go to one place twice.
func sameDestination(a, b string) bool {
	c, err := sink.Parse(a)
	if err != nil {
		return false
	}
	d, err := sink.Parse(b)
	return err == nil && c.Identity() == d.Identity()
}

// hashesValue is a list of digests, or none; with commas between, as the 2018
// configuration had it, or a YAML list.
type hashesValue struct{ p *[]string }

var hashNames = []string{"sha256", "sha1", "md5"}

func (v hashesValue) copy(from value) { *v.p = *from.(hashesValue).p }

func (v hashesValue) String() string {
	if len(*v.p) == 0 {
		return "none"
	}
	return strings.Join(*v.p, ",")
}

func (v hashesValue) set(r *reading, n *yaml.Node) {
	words, ok := r.words(n)
	if !ok {
		return
	}
	var all []string
	none := false
	for _, w := range words {
		switch {
		case w.text == "none":
			none = true
		case slices.Contains(all, w.text):
			r.mistake(w.at, "%s is in the list already: remove it here", quote(w.text))
		case slices.Contains(hashNames, w.text):
			all = append(all, w.text)
		default:
			remedy := "write any of them with commas between, or none"
			if near := nearest(strings.ReplaceAll(w.text, "-", ""), hashNames); near != "" {
				remedy = "did you mean " + near + "?"
			}
			r.mistake(w.at, "%s is none of %s: %s", quote(w.text), oneOf(hashNames), remedy)
		}
	}
	if none && len(words) > 1 {
		r.mistake(n, "has none beside others: write one or the other")
	}
	// In one order, whatever that of the file.
	slices.SortFunc(all, func(a, b string) int { return slices.Index(hashNames, a) - slices.Index(hashNames, b) })
	*v.p = all
}

// Event is an event code.
type Event int

// The events. They are those of the 2018 configuration.
const (
	EventOps Event = iota
	EventStats
	EventImageExec
	EventProcessAccess
	EventLaunchdAdd
	EventSocketListen
	EventSocketAccept
	EventSocketConnect
	events
)

var eventNames = [events]string{
	"xnumon-ops", "xnumon-stats", "image-exec", "process-access",
	"launchd-add", "socket-listen", "socket-accept", "socket-connect",
}

// Events is a set of events.
type Events uint

// Has says whether e is in the set.
func (s Events) Has(e Event) bool { return s>>e&1 != 0 }

func (s Events) String() string {
	var codes []string
	for e := range events {
		if s.Has(e) {
			codes = append(codes, strconv.Itoa(int(e)))
		}
	}
	return strings.Join(codes, ",")
}

// eventsValue is a set of events, by code or name, written like hashes.
type eventsValue struct{ p *Events }

func (v eventsValue) copy(from value) { *v.p = *from.(eventsValue).p }

func (v eventsValue) String() string {
	if bits.OnesCount(uint(*v.p)) == 1 {
		return v.p.String()
	}
	return scalar(v.p.String())
}

func (v eventsValue) set(r *reading, n *yaml.Node) {
	words, ok := r.words(n)
	if !ok {
		return
	}
	var all Events
	for _, w := range words {
		e := Event(slices.Index(eventNames[:], w.text))
		if i, err := strconv.ParseUint(w.text, 10, 8); err == nil && i < uint64(events) {
			e = Event(i)
		}
		switch {
		case e < 0:
			remedy := "write any of them with commas between"
			if near := nearest(w.text, eventNames[:]); near != "" {
				remedy = "did you mean " + near + "?"
			}
			r.mistake(w.at, "%s is neither an event code from 0 to %d nor one of %s: %s", quote(w.text), events-1, oneOf(eventNames[:]), remedy)
			continue
		case all.Has(e):
			r.mistake(w.at, "%s is in the list already: remove it here", quote(w.text))
		case e > EventImageExec:
			r.warn(w.at, "%s (%s) has no effect: no such events are observed yet", quote(w.text), eventNames[e])
		}
		all |= 1 << e
	}
	*v.p = all
}
