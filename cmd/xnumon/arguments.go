package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// noArguments is for commands that take flags alone.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %q is not expected here: remove it (%[1]s --help lists the flags)", cmd.CommandPath(), args[0])
}

// oneArgument is for commands that need one thing, called what.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return fmt.Errorf("%s: %s is missing: write %s", cmd.CommandPath(), what, cmd.UseLine())
		case len(args) > 1:
			return fmt.Errorf("%s: %q is one %s too many: remove it", cmd.CommandPath(), args[1], what)
		}
		return nil
	}
}

// someArguments is for commands that need at least one thing, called what.
func someArguments(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return oneArgument(what)(cmd, args)
		}
		return nil
	}
}

// words has a shell complete the value of a flag with one of these words. There
// must be such a flag.
func words(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // of the author alone
	}
}
