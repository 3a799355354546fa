package config

import (
	"bytes"
	"fmt"
	"strings"

	"xnumon/event"
)

// Commented is a configuration file with all keys, each with its default and
// what there is to know about it.
func Commented() []byte {
	var b bytes.Buffer
	b.WriteString(`# Configuration of xnumon. Every key has its default here; a key that is left out
# has it as well. Flags on the command line go before what stands in this file.
#
# xnumon config check FILE tells all mistakes in a file. A monitor that runs reads
# this file again when it changes and on SIGHUP, without missing an event; if there
# is a mistake in it, it says so and stays with what it has.
`)
	c, section := Default(), ""
	for i := range keys {
		k := &keys[i]
		if k.section != section {
			section = k.section
			fmt.Fprintf(&b, "\n\n# %s\n# %s\n", section, strings.Repeat("-", len(section)))
		}
		fmt.Fprintf(&b, "\n# %s\n", strings.ReplaceAll(k.about, "\n", "\n# "))
		fmt.Fprintf(&b, "# Values: %s. Default: %s.\n", k.values, k.value(c))
		if k.was != "" {
			fmt.Fprintf(&b, "# Old name: %s.\n", k.was)
		}
		switch k.takes {
		case withRestart:
			b.WriteString("# A change takes effect with a restart.\n")
		case never:
			fmt.Fprintf(&b, "# It has no effect: %s.\n", k.because)
		}
		if k.example != "" {
			fmt.Fprintf(&b, "# Example:\n#   %s:\n#     - %s\n", k.name, k.example)
		}
		if k.takes == never {
			b.WriteByte('#') // it would only make a warning
		}
		fmt.Fprintf(&b, "%s: %s\n", k.name, k.value(c))
	}
	return b.Bytes()
}

// Table is the table of the keys in the documentation, in Markdown.
func Table() string {
	var b strings.Builder
	b.WriteString("| key | values | default | a change takes effect |\n| --- | --- | --- | --- |\n")
	c := Default()
	for i := range keys {
		k := &keys[i]
		name := "`" + k.name + "`"
		if k.was != "" {
			name += ", once `" + k.was + "`"
		}
		when := "at once"
		switch k.takes {
		case withRestart:
			when = "with a restart"
		case never:
			when = "not: " + k.because
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", name, k.values, k.value(c), when)
	}
	return b.String()
}

// Settings are all keys with the values they have in c, as a file would have them.
func (c *Config) Settings() []event.Setting {
	all := make([]event.Setting, len(keys))
	for i := range keys {
		all[i] = event.Setting{Key: keys[i].name, Value: keys[i].value(c).String()}
	}
	return all
}

// Lines are the lines of a file that says the same as c.
func (c *Config) Lines() []string {
	all := make([]string, len(keys))
	for i, s := range c.Settings() {
		all[i] = s.Key + ": " + s.Value
	}
	return all
}
