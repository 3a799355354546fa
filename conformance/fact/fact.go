// Package fact holds what a case expects of a monitor's log and what a monitor's
// log says, in one vocabulary, and compares the two. It knows no monitor and no
// case.
package fact

import (
	"fmt"
	"strings"
)

// The facts that are compared in a way of their own. Every other fact is right
// when its values are equal, one by one, to the expected values.
const (
	// Exists is the fact that there is a record at all. It is implied by every
	// expectation and is never written by a case.
	Exists = "record"
	// Time is expected as two moments, in nanoseconds since the epoch, and is
	// right when the record's single value lies between them (see TimeSlack).
	Time = "time"
	// Ancestors and AncestorScripts are expected as the newest part of a history:
	// the record's list must begin with the expected one.
	Ancestors       = "ancestors"
	AncestorScripts = "ancestors.script"
)

// Unknown is an element of a list that the log leaves out, where the others are
// there. No value holds a NUL: the kernel ends strings with it.
const Unknown = "\x00"

// TimeSlack is how far, in nanoseconds, a record's time may lie outside the
// expected window. Monitors may take their time from the kernel's coarse clock,
// which advances once a tick (4 ms at 250 Hz, 10 ms at 100 Hz).
const TimeSlack = 20_000_000

// Record is one exec as a monitor's log tells it.
type Record struct {
	// Pid is the process that called exec, in the initial pid namespace.
	Pid uint32
	// Facts are the values the log gives, by the name of the fact. A fact that
	// the log leaves out has no key; an empty list is a value.
	Facts map[string][]string
	// Absent gives, by fact, the reason that the log itself states for leaving
	// the fact out.
	Absent map[string]string
	// Raw is the record as the monitor wrote it, shortened, for a reader.
	Raw string
}

// Set notes the values of a fact.
func (r *Record) Set(name string, values ...string) {
	if r.Facts == nil {
		r.Facts = make(map[string][]string)
	}
	if values == nil {
		values = []string{}
	}
	r.Facts[name] = values
}

// Lack notes the reason that the log states for leaving out a fact.
func (r *Record) Lack(name, reason string) {
	if r.Absent == nil {
		r.Absent = make(map[string]string)
	}
	r.Absent[name] = reason
}

// Mentions says whether any value of the record contains s.
func (r *Record) Mentions(s string) bool {
	for _, values := range r.Facts {
		for _, v := range values {
			if strings.Contains(v, s) {
				return true
			}
		}
	}
	return false
}

// Kind is how a claim binds a record.
type Kind int

// The kinds of claim.
const (
	// Has: the record says this.
	Has Kind = iota
	// May: the record says this, or says why it does not.
	May
	// Lacks: there is no such thing; a record that names one is wrong.
	Lacks
)

// Claim is one fact that a truthful record holds.
type Claim struct {
	Fact   string
	Kind   Kind
	Values []string
}

// Expectation is one record that must be, or must not be, in the log.
type Expectation struct {
	// ID names the expectation within its case.
	ID string
	// Pid and Token find the record: the process that called exec, and a string
	// that stands in some value of this record and of no other.
	Pid   uint32
	Token string
	// Never is set when there must be no such record.
	Never  bool
	Claims []Claim
}

// Script is everything a case said while it ran.
type Script struct {
	// Expectations are in the order in which their first lines were written.
	Expectations []Expectation
	// Skip is why the case cannot be run on this machine, or empty.
	Skip string
	// Fail is why the case itself did not work, or empty.
	Fail string
	// Ended is set when the case ran to its end.
	Ended bool
}

// Verdict is what a record is worth in one fact.
type Verdict int

// The verdicts.
const (
	// Right: the log says what was the case.
	Right Verdict = iota
	// Missing: the log can say it, and here it does not.
	Missing
	// Wrong: the log says something that was not the case.
	Wrong
	// Silent: this monitor has no such field.
	Silent
)

var verdicts = [...]string{"right", "missing", "wrong", "does not say"}

// String is the verdict's word in reports.
func (v Verdict) String() string { return verdicts[v] }

// MarshalText writes the verdict's word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the verdict's word.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, word := range verdicts {
		if word == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("verdict %q", text)
}

// Finding is the verdict on one fact of one expectation.
type Finding struct {
	ID      string   `json:"id"`
	Fact    string   `json:"fact"`
	Verdict Verdict  `json:"verdict"`
	Want    []string `json:"want,omitempty"`
	Got     []string `json:"got,omitempty"`
	// Note is the reason that the log states for an absent value, or what is
	// wrong about the record as a whole.
	Note string `json:"note,omitempty"`
	// Raw is the record that was judged.
	Raw string `json:"raw,omitempty"`
}
