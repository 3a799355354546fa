//go:build !linux && !darwin

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

var errNoSensor = errors.New("watching execs needs Linux; replay works here too")

func inner([]string) bool { return false }

func unsupported(use, short string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error { return errNoSensor },
	}
}

func newRun() *cobra.Command    { return unsupported("run", "Monitor the whole machine (Linux)") }
func newTrace() *cobra.Command  { return unsupported("trace", "Run a command and record it (Linux)") }
func newDoctor() *cobra.Command { return unsupported("doctor", "Say what this kernel allows (Linux)") }
