package main

import (
	"slices"
	"testing"
)

func TestServiceChecks(t *testing.T) {
	right, failed := serviceChecks("ok   one (1.0 s)\nFAIL two (2.0 s)\nok is not a check\n  ok   nor this\nok   three (3.0 s)\n")
	if right != 2 || !slices.Equal(failed, []string{"FAIL two (2.0 s)"}) {
		t.Errorf("%d right, %q failed", right, failed)
	}
}
