// Command xnumon writes one truthful record for every program that is executed
// on a machine.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func main() {
	if inner(os.Args) {
		return
	}
	root := newRoot()
	err := root.Execute()
	var status exitStatus
	switch {
	case err == nil:
	case errors.As(err, &status):
		os.Exit(int(status))
	default:
		fmt.Fprintf(os.Stderr, "xnumon: %v\n", err)
		os.Exit(1)
	}
}

// exitStatus ends the program with a status and no message: it was said already,
// or is not ours to say.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "xnumon",
		Short: "Write one truthful record for every program executed on this machine",
		Long: `xnumon writes one record for every program executed: the image that was really
activated, the script it was started through, who started it and from what
history of images, and the hash of the bytes as they were at that exec.

A value is never wrong, missing only with a reason, and marked when reconstructed.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (%s --help lists the flags)", err, cmd.CommandPath())
	})
	root.AddCommand(newRun(), newTrace(), newDoctor(), newReplay(), newStatus(), newVersion(), newConfig(), newMan())
	return root
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "xnumon", version())
			return err
		},
	}
}

// packageVersion is the version of the package that this is part of, given to the linker.
var packageVersion string

// version is that of the package, and what the Go toolchain recorded of the source this
// was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v, revision, modified := info.Main.Version, "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				modified = " with local changes"
			}
		}
	}
	switch {
	case packageVersion != "":
		v = packageVersion
	case v == "" || v == "(devel)":
		v = "development"
	}
	if len(revision) > 12 {
		v += " (" + revision[:12] + modified + ")"
	}
	return v + " " + info.GoVersion
}
