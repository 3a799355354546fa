package linux

import (
	"testing"

	"xnumon/internal/sensor"
)

func TestChainIn(t *testing.T) {
	file := func(ino uint64, head string) *notice {
		return &notice{id: monitorFileIdentity{Ino: ino}, nature: natureOf([]byte(head))}
	}
	plain, argued := file(1, "#!/bin/sh\n"), file(2, "#!/bin/sh -e\n")
	inner, outer := file(3, "#!/bin/sh\n"), file(4, "#!/inner -x\n")
	twin, data := file(5, "#!/bin/sh\n"), file(6, "MZ")
	for _, c := range []struct {
		name     string
		all      []*notice
		argv     []string
		filename string
		passed   int
		from, to int
	}{
		{"a script", []*notice{plain}, []string{"/bin/sh", "/s", "a"}, "/s", 2, 0, 1},
		{"with an argument", []*notice{argued}, []string{"/bin/sh", "-e", "/s"}, "/s", 1, 0, 1},
		{"nested", []*notice{outer, inner}, []string{"/bin/sh", "/inner", "-x", "/o"}, "/o", 1, 0, 2},
		{"binfmt_misc", []*notice{data}, []string{"/wine", "/d"}, "/d", 1, 0, 1},
		{"none", nil, []string{"/bin/sh", "/s"}, "/s", 1, 0, 0},
		{"only the inner one", []*notice{inner}, []string{"/bin/sh", "/inner", "-x", "/o"}, "/o", 1, 0, 0},
		{"only the outer one", []*notice{outer}, []string{"/bin/sh", "/inner", "-x", "/o"}, "/o", 1, 0, 0},
		{"in the wrong order", []*notice{inner, outer}, []string{"/bin/sh", "/inner", "-x", "/o"}, "/o", 1, 0, 0},
		{"under another name", []*notice{plain}, []string{"/bin/sh", "/s", "a"}, "/t", 2, 0, 0},
		{"with another interpreter", []*notice{argued}, []string{"/bin/zsh", "-e", "/s"}, "/s", 1, 0, 0},
		{"behind one of a call that failed", []*notice{argued, plain}, []string{"/bin/sh", "/s"}, "/s", 1, 1, 2},
		{"before one of the next call", []*notice{plain, argued}, []string{"/bin/sh", "/s"}, "/s", 1, 0, 1},
		{"two that could be it", []*notice{plain, twin}, []string{"/bin/sh", "/s"}, "/s", 1, 0, 0},
		{"the same one twice", []*notice{plain, plain}, []string{"/bin/sh", "/s"}, "/s", 1, 0, 1},
	} {
		from, to := chainIn(c.all, c.argv, c.filename, len(c.argv), c.passed)
		if from != c.from || to != c.to {
			t.Errorf("%s: %d to %d, want %d to %d", c.name, from, to, c.from, c.to)
		}
	}
}

func TestAbsolute(t *testing.T) {
	for _, c := range [][3]string{
		{"/bin/x", "/home", "/bin/x"},
		{"x", "/home", "/home/x"},
		{"./x", "/home", "/home/x"},
		{"./x", "/", "/x"},
		{"a/b", "/home", "/home/a/b"},
		{"../x", "/home", ""},
		{"/bin/../x", "/home", ""},
		{"/bin//x", "/home", ""},
		{"/bin/./x", "/home", ""},
		{"/bin/x/", "/home", ""},
		{"", "/home", ""},
		{"x", "", ""},
		{"x", "(unreachable)/home", ""},
	} {
		if got := absolute(c[0], &sensor.Exec{Cwd: c[1]}); got != c[2] {
			t.Errorf("%q in %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
