//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Once an audit daemon has run, the kernel prepares every new process for auditing
// until the next boot, whether or not anything audits, and the bare machine is no
// longer bare. The rule that no process is to be audited takes that away again
// (audit_alloc in kernel/auditsc.c).
const neverAudit = "never,task"

// bareAudit sets or removes that rule. Where there is no auditctl, nothing has been
// audited.
func bareAudit(ctx context.Context, set bool) error {
	if _, err := exec.LookPath("auditctl"); err != nil {
		return nil
	}
	option := "-d"
	if set {
		option = "-a"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, "auditctl", option, neverAudit).CombinedOutput()
	// It may be there, or gone, already.
	if err != nil && !strings.Contains(string(text), "Rule exists") && !strings.Contains(string(text), "No such file") {
		return fmt.Errorf("auditctl %s %s: %w: %s", option, neverAudit, err, text)
	}
	return nil
}
