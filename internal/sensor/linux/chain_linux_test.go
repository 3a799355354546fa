package linux

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNatureOf(t *testing.T) {
	long := strings.Repeat("x", 300)
	for head, want := range map[string]nature{
		"":                           {kind: foreign},
		"#":                          {kind: foreign},
		"\x7fELF\x02":                {kind: native},
		"MZ":                         {kind: foreign},
		"#!/bin/sh\n":                {kind: script, interpreter: "/bin/sh"},
		"#! /bin/sh\n":               {kind: script, interpreter: "/bin/sh"},
		"#!\t/bin/sh -e\n":           {kind: script, interpreter: "/bin/sh", argument: "-e", argued: true},
		"#!/usr/bin/env -S a  b \nx": {kind: script, interpreter: "/usr/bin/env", argument: "-S a  b", argued: true},
		"#!/bin/sh \t \n":            {kind: script, interpreter: "/bin/sh"},
		"#!/bin/sh\r\n":              {kind: script, interpreter: "/bin/sh\r"},
		"#!/bin/sh":                  {kind: script, interpreter: "/bin/sh"},
		"#!/bin/sh -e":               {kind: script, interpreter: "/bin/sh", argument: "-e", argued: true},
		// Behind the blank is the end of the buffer, which the kernel takes for an argument.
		"#!/bin/sh ":            {kind: script, interpreter: "/bin/sh", argued: true},
		"#!":                    {kind: script}, // and there is no file without a name
		"#!\n":                  {kind: foreign},
		"#!  \t\n":              {kind: foreign},
		"#!/" + long + "\n":     {kind: foreign},
		"#!/bin/sh " + long:     {kind: script, interpreter: "/bin/sh", argument: long[:headSize-1-len("#!/bin/sh ")], argued: true},
		"#!/bin/sh\x00 -e\n":    {kind: script, interpreter: "/bin/sh"},
		"#!/bin/sh -e\x00f g\n": {kind: script, interpreter: "/bin/sh", argument: "-e", argued: true},
	} {
		if got := natureOf([]byte(head)); got != want {
			t.Errorf("%q: %+v, want %+v", head, got, want)
		}
	}
}

func FuzzNatureOf(f *testing.F) {
	f.Add([]byte("#!/bin/sh -e\n"))
	f.Add([]byte("#! "))
	f.Fuzz(func(t *testing.T, head []byte) {
		n := natureOf(head)
		if n.kind != script && n != (nature{kind: n.kind}) || strings.ContainsAny(n.interpreter+n.argument, "\x00\n") {
			t.Errorf("%q: %+v", head, n)
		}
	})
}

// level is one file that the kernel goes through, in a model of it.
type level struct {
	nature   nature
	keeps    bool   // binfmt_misc, flag P
	next     string // the interpreter
	observed bool
}

// run is what the kernel makes of argv (fs/binfmt_script.c and fs/binfmt_misc.c).
func (l *level) run(argv []string, name string) []string {
	if !l.keeps {
		argv = argv[min(1, len(argv)):]
	}
	front := []string{l.next}
	if l.nature.argued {
		front = append(front, l.nature.argument)
	}
	return slices.Concat(front, []string{name}, argv)
}

// Whatever the chain, it is taken for whole when it is, and not when something is missing:
// as long as no two files in it are called by the same name.
func TestWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		argv := rapid.SliceOfN(rapid.StringMatching("/?[ab]{0,2}"), 1, 4).Draw(t, "argv")
		passed, filename := len(argv), "named"
		var chain []nature
		at, all := filename, true
		for i := range rapid.IntRange(1, mostInterpreters-1).Draw(t, "levels") {
			l := level{next: fmt.Sprintf("/interpreter-%d", i), observed: rapid.IntRange(0, 5).Draw(t, "observed") > 0}
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				l.nature = nature{kind: foreign}
				l.keeps = rapid.Bool().Draw(t, "keeps")
			case 1:
				l.nature = nature{kind: script, interpreter: l.next}
			case 2:
				l.nature = nature{kind: script, interpreter: l.next, argued: true, argument: rapid.StringMatching("-?[ab]{0,2}").Draw(t, "argument")}
			}
			argv = l.run(argv, at)
			at = l.next
			if l.observed || i == 0 && rapid.Bool().Draw(t, "first") {
				chain = append(chain, l.nature)
			} else {
				all = false
			}
		}
		if got := len(chain) > 0 && whole(chain, argv, filename, len(argv), passed); got != (all && len(chain) > 0) {
			t.Fatalf("%+v: taken for whole: %v, is: %v; %q", chain, got, all, argv)
		}
	})
}

// The numbers are those of 6.18 on amd64.
func TestPassed(t *testing.T) {
	const top = 1<<47 - 4096 - 8
	for _, c := range []struct {
		name       string
		floor      uint64
		limit      uint64
		argc, envc uint32
		want       int
		ok         bool
	}{
		{"usual", top - 2<<20 + 8*(2+30), 8 << 20, 2, 30, 2, true},
		{"interpreted", top - 2<<20 + 8*(2+30), 8 << 20, 4, 30, 2, true},
		{"no limit", top - 6<<20 + 8*(1+0), ^uint64(0), 1, 0, 1, true},
		{"small limit", top - 128<<10 + 8*(3+1), 1 << 16, 3, 1, 3, true},
		{"no argument", top - 2<<20 + 8*(1+0), 8 << 20, 0, 0, 1, true},
		{"another limit than that", top - 2<<20 + 8*(2+30), 16 << 20, 2, 30, 0, false},
		{"more than there are", top - 2<<20 + 8*(5+30), 8 << 20, 4, 30, 5, false},
		{"nothing", 0, 0, 0, 0, 0, false},
	} {
		if stackTopGap != 4096 {
			t.Skip("for amd64")
		}
		argc, ok := passed(&monitorExecRecord{ArgFloor: c.floor, StackLimit: c.limit, Argc: c.argc, Envc: c.envc})
		if ok != c.ok || ok && argc != c.want {
			t.Errorf("%s: %d, %v", c.name, argc, ok)
		}
	}
}
