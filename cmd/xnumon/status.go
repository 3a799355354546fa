package main

import (
	"github.com/spf13/cobra"

	"xnumon/internal/status"
)

func newStatus() *cobra.Command {
	var socket string
	var json, metrics bool
	cmd := &cobra.Command{
		Use:   "status [flags]",
		Short: "Say how the monitor of this machine is: as root",
		Long: `Ask the monitor that runs on this machine for how long it has run, what it holds,
how much it sees, what waits in its queues and was dropped, and for how long its
gate delays execs. Rates are those of the second after it was asked.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			question := "text"
			switch {
			case json:
				question = "json"
			case metrics:
				question = "metrics"
			}
			return status.Ask(socket, question, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&socket, "socket", status.DefaultSocket, "ask at `PATH`")
	f.BoolVar(&json, "json", false, "answer with a record of event code 1")
	f.BoolVar(&metrics, "metrics", false, "answer in the text format of Prometheus")
	cmd.MarkFlagsMutuallyExclusive("json", "metrics")
	return cmd
}
