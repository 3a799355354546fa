package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newMan writes the manual page, from the definitions of the commands: what it
// says is what --help says.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "Write the manual page", Hidden: true, Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return writeMan(cmd.OutOrStdout(), cmd.Root())
		},
	}
}

func writeMan(to io.Writer, root *cobra.Command) error {
	w := bufio.NewWriter(to)
	m := &man{w}
	m.line(`.TH XNUMON 8 "" "xnumon" "System administration"`)
	m.section("NAME")
	m.text("xnumon - " + strings.ToLower(root.Short[:1]) + root.Short[1:])
	m.section("SYNOPSIS")
	for _, c := range shown(root) {
		m.synopsis(c)
	}
	m.section("DESCRIPTION")
	m.paragraphs(root.Long)
	m.section("COMMANDS")
	for _, c := range shown(root) {
		m.command(c)
	}
	for _, s := range manSections {
		m.section(s.title)
		m.paragraphs(s.body)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the manual page: %w", err)
	}
	return nil
}

// shown are the commands that a person is told of.
func shown(parent *cobra.Command) (all []*cobra.Command) {
	for _, c := range parent.Commands() {
		if !c.Hidden && c.Name() != "help" && c.Name() != "completion" {
			all = append(all, c)
		}
	}
	return all
}

// man writes the macros of man(7).
type man struct{ w *bufio.Writer }

func (m *man) line(s string) { fmt.Fprintln(m.w, s) }

func (m *man) section(title string) { m.line(".SH " + title) }

// text writes words that are set by the formatter.
func (m *man) text(s string) { m.line(roff(s)) }

func (m *man) paragraphs(s string) {
	for i, p := range strings.Split(strings.Trim(s, "\n"), "\n\n") {
		if i > 0 {
			m.line(".PP")
		}
		if strings.HasPrefix(p, "  ") {
			m.asItIs(p)
			continue
		}
		m.text(p)
	}
}

// synopsis is a line for a command, or for each of those below it.
func (m *man) synopsis(c *cobra.Command) {
	if below := shown(c); len(below) > 0 {
		for _, sub := range below {
			m.synopsis(sub)
		}
		return
	}
	m.line(".B " + roff(c.CommandPath()))
	if _, rest, more := strings.Cut(c.UseLine(), " "+c.Name()+" "); more {
		m.text(rest)
	}
	m.line(".br")
}

func (m *man) asItIs(s string) {
	m.line(".nf")
	m.text(strings.TrimRight(s, "\n"))
	m.line(".fi")
}

func (m *man) command(c *cobra.Command) {
	m.line(".SS " + roff(strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")))
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	m.paragraphs(text)
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		m.line(".TP")
		name := `\fB` + roff("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			name = `\fB` + roff("-"+f.Shorthand) + `\fR, ` + name
		}
		if kind != "" {
			name += ` \fI` + roff(kind) + `\fR`
		}
		m.line(name)
		if d := f.DefValue; d != "" && d != "false" && d != "[]" && !strings.Contains(usage, "default") {
			usage += " (default " + d + ")"
		}
		m.text(usage)
	})
	if c.Example != "" {
		m.line(".PP")
		m.asItIs(c.Example)
	}
	for _, sub := range shown(c) {
		m.command(sub)
	}
}

// roff keeps a text from meaning anything to the formatter.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

// manSections are what no single command's help can say.
var manSections = []struct{ title, body string }{
	{"PRIVILEGES", `It runs as root in the initial pid and user namespaces. Once it has begun it keeps CAP_SYS_ADMIN and CAP_BPF, CAP_SYS_PTRACE,
CAP_DAC_READ_SEARCH, CAP_LEASE, CAP_SYS_NICE and CAP_IPC_LOCK, gives up all others and the possibility to gain any, and leaves no core dump.

It does not start if its own program can be changed by others than root: whoever can do that would become root.`},
	{"CONFIGURATION", `The configuration is a YAML file. xnumon config default prints it with every key, what the key does, its values and
its default; xnumon config check tells all mistakes in one, with line and column. What a flag says goes before what the file says.

xnumon run reads the file again when it changes and on SIGHUP, without missing an event. If there is a mistake in it, or others than root
can change it, xnumon says so and stays with what it has. gate, hashes, rlimit_nofile and suppress_image_exec_at_start need a restart.`},
	{"FILES", `  /etc/xnumon/config.yaml  the configuration
  /var/log/xnumon/         the records of the service
  /run/xnumon.sock         where xnumon status asks`},
	{"SIGNALS", `SIGINT and SIGTERM end it: what is held is let go, and what was observed is written first. On SIGHUP, xnumon run reads its configuration again.`},
	{"ENVIRONMENT", `NO_COLOR, if it is not empty, keeps colours from text on a terminal. NOTIFY_SOCKET and WATCHDOG_USEC are set by systemd, see sd_notify(3).`},
	{"EXIT STATUS", `0 when it was asked to end, 1 when it could not do what it was asked, with one line on standard error that says why. trace exits with the status of its command, 126 or 127 if that could not be run.`},
	{"SEE ALSO", `systemd(1), systemd.service(5), fanotify(7), bpf(2), capabilities(7)`},
}
