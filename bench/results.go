//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// Results are everything that one run has measured, as it is saved.
type Results struct {
	Machine  Machine    `json:"machine"`
	Monitors []Monitor  `json:"monitors"`
	Latency  *Latency   `json:"latency,omitempty"`
	Storms   []Storm    `json:"storms,omitempty"`
	Memory   *Memory    `json:"memory,omitempty"`
	Pipeline []GoResult `json:"pipeline,omitempty"`
	Hashing  *Hashing   `json:"hashing,omitempty"`
	// Seconds is how long all of it took.
	Seconds float64 `json:"seconds"`
	Quick   bool    `json:"quick,omitempty"` // a trial of the benchmark: the numbers mean nothing
}

// Monitor is one of the line-up.
type Monitor struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	// Unavailable says why it was not measured.
	Unavailable string `json:"unavailable,omitempty"`
}

// Latency holds the visits of all rounds. Before and after each visit to a monitor
// there is one to the bare machine.
type Latency struct {
	Kinds  []string `json:"kinds"` // what is spawned
	Sizes  []int64  `json:"sizes"` // in bytes
	Times  int      `json:"times"` // how often each is spawned in a visit
	Copies int      `json:"copies"`
	Rounds int      `json:"rounds"`
	// Idle is the share of the machine's processor time that was used while
	// nothing was measured.
	Idle   float64 `json:"idle"`
	Visits []Visit `json:"visits"` // in the order in which they were made
}

// Visit is what was measured under one monitor, started for it alone.
type Visit struct {
	Monitor string `json:"monitor"`
	Round   int    `json:"round"`
	// Warm and Cold are the medians, in nanoseconds, in the order of the kinds.
	// Cold are of files that are executed for the first time since the monitor
	// was started; they are only measured where that makes a difference.
	Warm []float64 `json:"warm"`
	Cold []float64 `json:"cold,omitempty"`
	// CPU and ColdCPU are processor time of the whole machine in seconds for
	// 1,000 execs, from the first spawn until the monitor has had the time to be done.
	CPU     float64 `json:"cpu"`
	ColdCPU float64 `json:"cold_cpu,omitempty"`
	// Resident is the resident size of all processes of the monitor, in bytes.
	Resident int64 `json:"resident,omitempty"`
}

// Storm is what happened while a program was executed as often as possible.
type Storm struct {
	Monitor  string  `json:"monitor"`
	Seconds  float64 `json:"seconds"`
	Execs    uint64  `json:"execs"`
	Recorded uint64  `json:"recorded"`
	// Losses are the records in which the monitor says that it lost something.
	Losses []string `json:"losses,omitempty"`
	// Behind is the most execs that were done and not recorded at one time, Caught
	// how many seconds after the last exec the last record was written.
	Behind uint64  `json:"behind"`
	Caught float64 `json:"caught"`
	// Ring is the most bytes that were seen waiting in the ring buffer between
	// kernel and xnumon, RingSize what it holds.
	Ring     uint64 `json:"ring,omitempty"`
	RingSize uint64 `json:"ring_size,omitempty"`
	// Resident is that of the monitor's processes before and after, and the most
	// that was seen; in bytes.
	Before   Resident `json:"before"`
	After    Resident `json:"after"`
	Greatest int64    `json:"greatest"`
}

// Lost is how many execs have no record.
func (s *Storm) Lost() int64 { return int64(s.Execs) - int64(s.Recorded) }

// Resident are resident sizes in bytes.
type Resident struct {
	Main  int64 `json:"main"`  // of the largest process
	All   int64 `json:"all"`   // of all processes of the monitor
	Heap  int64 `json:"heap"`  // the part of Main that belongs to no file (RssAnon)
	Procs int   `json:"procs"` // how many processes that are
}

// Memory is the resident size of xnumon at gate level hash.
type Memory struct {
	Idle  Resident `json:"idle"`
	Live  int      `json:"live"` // how many processes were alive besides
	Crowd Resident `json:"crowd"`
}

// GoResult is one line of a Go benchmark: all values of one name and unit.
type GoResult struct {
	Package string               `json:"package"`
	Name    string               `json:"name"`
	Values  map[string][]float64 `json:"values"` // by unit
}

// Hashing compares rounds; all are in bytes per second.
type Hashing struct {
	Size    int64     `json:"size"` // of the file, in bytes
	OpenSSL string    `json:"openssl_version"`
	Sum     string    `json:"sha256sum_version"`
	Xnumon  []float64 `json:"xnumon"`
	Speed   []float64 `json:"openssl_speed,omitempty"`
	File    []float64 `json:"sha256sum,omitempty"`
}

func (r *Results) save(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return fmt.Errorf("save the results: %w", err)
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func load(path string) (*Results, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Results)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
