package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"xnumon/internal/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check a configuration file, or print one to begin with",
		Example: `  xnumon config default > /etc/xnumon/config.yaml
  xnumon config check /etc/xnumon/config.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.New("config: say check or default (xnumon config --help explains them)")
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Say everything that is wrong in a configuration; exit 1 if something is",
		Long: `check writes a line for each mistake in FILE, with line and column, and for what can
be used but has no effect or is not safe. FILE can be - for standard input. It
needs no privileges, and exits 1 if the file could not be used.`,
		Args: oneArgument("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkConfig(cmd.InOrStdin(), cmd.OutOrStdout(), args[0])
		},
	}, &cobra.Command{
		Use:   "default",
		Short: "Print a configuration with every key, what it does and its default",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.Commented())
			return err
		},
	})
	return cmd
}

// checkConfig writes all there is to say about a configuration to out.
func checkConfig(in io.Reader, out io.Writer, name string) error {
	data, err := readConfig(in, name)
	if err != nil {
		return err
	}
	d := config.Decoder{Exposed: config.Exposed}
	_, remarks, err := d.Decode(name, data)
	var mistakes config.Mistakes
	if err != nil && !errors.As(err, &mistakes) {
		return err
	}
	for _, r := range append(mistakes, remarks...) {
		if _, err := fmt.Fprintln(out, r); err != nil {
			return err
		}
	}
	if len(mistakes) > 0 {
		return exitStatus(1)
	}
	return nil
}

func readConfig(in io.Reader, name string) ([]byte, error) {
	if name != "-" {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the configuration: %w", err)
		}
		return data, nil
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read the configuration from standard input: %w", err)
	}
	return data, nil
}
