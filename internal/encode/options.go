package encode

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options are what formats need to know that does not stand in records. Each
// format takes what it has a use for. The zero value is good.
type Options struct {
	// Host is the machine that the records are from, for ecs and ocsf.
	Host Host
	// Version is the version of this program, for ecs and ocsf.
	Version string
	// Columns, Colour and Location are for text, see Text.
	Columns  int
	Colour   bool
	Location *time.Location
}

// Host describes a machine. What is empty is not known and left out.
type Host struct {
	// Name is the host name as the kernel has it.
	Name string
	// ID identifies the installation: the machine id, for example.
	ID string
	// OS and Arch are what Go calls the operating system and the architecture:
	// linux and amd64, for example.
	OS, Arch string
	// Kernel is the release of the kernel, as uname -r prints it.
	Kernel string
}

// names are the names of the formats, in the order in which people are told them.
var names = [...]string{"json", "json-seq", "yaml", "ecs", "ocsf", "text"}

// Names returns the names of all formats.
func Names() []string { return slices.Clone(names[:]) }

// New returns an encoder of the format with that name.
func New(name string, o Options) (Encoder, error) {
	switch name {
	case "json":
		return &JSON{}, nil
	case "json-seq":
		return &JSONSeq{}, nil
	case "yaml":
		return &YAML{}, nil
	case "ecs":
		return &ECS{Host: o.Host, Version: o.Version}, nil
	case "ocsf":
		return &OCSF{Host: o.Host, Version: o.Version}, nil
	case "text":
		return &Text{Columns: o.Columns, Colour: o.Colour, Location: o.Location}, nil
	}
	return nil, fmt.Errorf("format %q is none of %s", name, strings.Join(names[:], ", "))
}
