package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"xnumon/internal/encode"
	"xnumon/internal/record"
)

// outputOptions say what records look like and where they go.
type outputOptions struct {
	to        []string // where records go, at least one
	toBy      string   // who says so, for errors
	format    string
	multiline bool
	ancestors string
	env       string
}

func (o *outputOptions) register(cmd *cobra.Command) {
	f := cmd.Flags()
	o.toBy = "--output"
	f.StringArrayVar(&o.to, "output", []string{"-"}, "where records go: `DESTINATION` is a file, - for the terminal or pipe, or a URL; repeatable")
	f.StringVar(&o.format, "format", "", "`FORMAT` of records: "+strings.Join(encode.Names(), ", ")+" (default text on a terminal, else json)")
	f.StringVar(&o.ancestors, "ancestors", "unlimited", "how many ancestors a record lists: `N` or unlimited")
	f.StringVar(&o.env, "env", "ld", "environment in records, by `LEVEL`: none, ld (what steers the dynamic linker) or full")
	words(cmd, "format", encode.Names()...)
	words(cmd, "ancestors", "unlimited")
	words(cmd, "env", "none", "ld", "full")
}

var envLevels = map[string]record.Env{"none": record.EnvNone, "ld": record.EnvLinker, "full": record.EnvFull}

// records are the options for building records.
func (o *outputOptions) records(hashes record.Hashes, names record.Names) (record.Options, error) {
	env, ok := envLevels[o.env]
	if !ok {
		return record.Options{}, fmt.Errorf("--env: %q is none of none, ld and full", o.env)
	}
	r := record.Options{
		Env: env, Ancestors: record.Unlimited, Hashes: hashes,
		Names: names,
	}
	if o.ancestors != "unlimited" {
		n, err := strconv.Atoi(o.ancestors)
		if err != nil || n < 0 {
			return r, fmt.Errorf("--ancestors: %q is neither a number from 0 up nor unlimited", o.ancestors)
		}
		r.Ancestors = n
	}
	return r, nil
}

// encoder picks the format; out is where records go with --output -, and
// from is the machine that they are about.
func (o *outputOptions) encoder(out *os.File, from encode.Host) (encode.Encoder, error) {
	terminal := len(o.to) == 1 && o.to[0] == "-" && term.IsTerminal(int(out.Fd()))
	format := o.format
	if format == "" {
		format = "json"
		if terminal {
			format = "text"
		}
	}
	opts := encode.Options{
		Host:    from,
		Version: release(),
		Colour:  terminal && os.Getenv("NO_COLOR") == "",
	}
	if terminal {
		if width, _, err := term.GetSize(int(out.Fd())); err == nil {
			opts.Columns = width
		}
	}
	e, err := encode.New(format, opts)
	if err != nil {
		return nil, fmt.Errorf("--format: %w", err)
	}
	if o.multiline {
		e = encode.Multiline(e)
	}
	return e, nil
}

// release is the version without what else version says.
func release() string {
	v, _, _ := strings.Cut(version(), " ")
	return v
}

// thisMachine is what records say of the machine, in formats that have a place for it.
func thisMachine() encode.Host {
	name, err := os.Hostname()
	if err != nil {
		name = "" // records do without
	}
	return encode.Host{Name: name, OS: runtime.GOOS, Arch: runtime.GOARCH}
}

// warn writes one line about something that goes on without.
func warn(w io.Writer) func(string) {
	return func(line string) { fmt.Fprintf(w, "xnumon: %s\n", line) }
}
