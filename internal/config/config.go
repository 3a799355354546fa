// Package config reads the configuration file: one YAML mapping of the keys in
// the table of this package. Everything that is wrong in a file is told at once,
// each with its line and column, and a file with a mistake is not used in part.
package config

import (
	"slices"
	"time"

	"xnumon/internal/suppress"
)

// DefaultPath is where the configuration is looked for.
const DefaultPath = "/etc/xnumon/config.yaml"

// Auto is the value of log_format that leaves it to where the records go.
const Auto = "auto"

// Unlimited is the number of ancestors that means all.
const Unlimited = -1

// Config is a configuration. Default returns the one that holds without a file;
// the zero value is none. What each field means is said in the table of keys.
type Config struct {
	ID             string
	LogFormat      string // one of Formats
	LogDestination []string
	LogMode        string // oneline or multiline
	Events         Events
	StatsInterval  time.Duration

	Gate               string   // none, open or hash
	Hashes             []string // any of sha256, sha1 and md5
	Codesign           bool
	EnvLevel           string // none, ld or full
	ResolveUsersGroups bool

	OmitMode, OmitSize, OmitMTime, OmitCTime, OmitBTime bool
	OmitSID, OmitGroups, OmitSystemHashes               bool
	Ancestors                                           int // Unlimited, or at most so many

	SuppressAtStart bool
	Suppress        suppress.Rules
	// Of events that no sensor observes yet.
	SuppressProcessAccess SubjectRules
	SuppressSocketOp      SubjectRules
	SuppressLocalhost     bool

	RlimitNofile uint64
	Debug        bool
}

// SubjectRules are what is not recorded of what these programs do.
type SubjectRules struct{ Idents, Paths []string }

// Formats are the values of log_format.
func Formats() []string {
	return []string{Auto, "json", "json-seq", "yaml", "ecs", "ocsf", "text"}
}

// Default is the configuration that holds without a file.
func Default() *Config {
	return &Config{
		ID:             "unset",
		LogFormat:      Auto,
		LogDestination: []string{"-"},
		LogMode:        "oneline",
		Events:         1<<EventOps | 1<<EventStats | 1<<EventImageExec,
		StatsInterval:  time.Hour,

		Gate:               "hash",
		Hashes:             []string{"sha256"},
		Codesign:           true,
		EnvLevel:           "ld",
		ResolveUsersGroups: true,
		Ancestors:          Unlimited,

		SuppressAtStart:   true,
		SuppressLocalhost: true,

		RlimitNofile: 1 << 17,
	}
}

// Clone returns a copy that shares nothing with c.
func (c *Config) Clone() *Config {
	d := *c
	for _, list := range []*[]string{
		&d.LogDestination, &d.Hashes,
		&d.Suppress.Idents, &d.Suppress.Paths, &d.Suppress.AncestorIdents, &d.Suppress.AncestorPaths,
		&d.SuppressProcessAccess.Idents, &d.SuppressProcessAccess.Paths,
		&d.SuppressSocketOp.Idents, &d.SuppressSocketOp.Paths,
	} {
		*list = slices.Clone(*list)
	}
	return &d
}

// Change is a key whose value is another in a new configuration.
type Change struct {
	Key      string
	Old, New string // as a file would have them
	// Live says that it can take effect without a restart.
	Live bool
}

// Changes lists the keys in which new differs from c.
func (c *Config) Changes(new *Config) (all []Change) {
	for i := range keys {
		k := &keys[i]
		was, is := k.value(c).String(), k.value(new).String()
		if was != is {
			all = append(all, Change{Key: k.name, Old: was, New: is, Live: k.takes == atOnce})
		}
	}
	return all
}

// Keep sets the keys of changes that need a restart back to what they are in from.
func (c *Config) Keep(from *Config) {
	was := from.Clone()
	for i := range keys {
		if k := &keys[i]; k.takes == withRestart {
			k.value(c).copy(k.value(was))
		}
	}
}
