// Command xnumon writes one truthful record for every program that is executed
// on a machine.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func main() {
	if inner(os.Args) {
		return
	}
	root := newRoot()
	if err := root.Execute(); err != nil {
		os.Exit(tell(os.Stderr, err))
	}
}

// tell says what went wrong and returns the status to end with: that of a command that was run,
// whatever else there is to say.
func tell(w io.Writer, err error) int {
	var status exitStatus
	if !errors.As(err, &status) {
		fmt.Fprintf(w, "xnumon: %v\n", err)
		return 1
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			tell(w, one)
		}
	}
	return int(status)
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
