package main

import (
	"bytes"
	"errors"
	"testing"
)

func TestTell(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	for _, c := range []struct {
		err    error
		said   string
		status int
	}{
		{one, "xnumon: one\n", 1},
		{errors.Join(one, two), "xnumon: one\ntwo\n", 1},
		{exitStatus(3), "", 3},
		{errors.Join(exitStatus(3), one), "xnumon: one\n", 3},
		{errors.Join(one, errors.Join(two, exitStatus(4))), "xnumon: one\nxnumon: two\n", 4},
	} {
		var said bytes.Buffer
		if status := tell(&said, c.err); status != c.status || said.String() != c.said {
			t.Errorf("%v: status %d, said %q", c.err, status, &said)
		}
	}
}
