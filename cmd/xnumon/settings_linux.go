package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"xnumon/internal/config"
	"xnumon/internal/record"
)

// settings are the configuration of run, and the flags that go before it.
type settings struct {
	flags  *pflag.FlagSet
	source *config.Source // nil when there is to be none
	// given are the options as the flags alone have them.
	given liveOptions
}

// configure reads the configuration and puts what the flags do not say into o.
func (o *liveOptions) configure(flags *pflag.FlagSet, say func(string)) (*settings, error) {
	s := &settings{flags: flags, given: *o}
	if o.configPath == "" {
		o.take(config.Default(), flags)
		return s, nil
	}
	s.source = &config.Source{Path: o.configPath, Trusted: true, Decoder: config.Decoder{Exposed: config.Exposed}}
	c, remarks, err := s.source.Read()
	if errors.Is(err, fs.ErrNotExist) && !flags.Changed("config") {
		c, err = config.Default(), nil // it may come later
	}
	for _, r := range remarks {
		say(r.String())
	}
	var mistakes config.Mistakes
	if errors.As(err, &mistakes) {
		return nil, fmt.Errorf("%s\n%w", mistaken(o.configPath, mistakes), err)
	} else if err != nil {
		return nil, err
	}
	o.take(c, flags)
	return s, nil
}

// mistaken introduces mistakes.
func mistaken(path string, m config.Mistakes) string {
	if len(m) == 1 {
		return "there is a mistake in " + path + ":"
	}
	return fmt.Sprintf("there are %d mistakes in %s:", len(m), path)
}

// with returns the options as c and the flags have them.
func (s *settings) with(c *config.Config) *liveOptions {
	o := s.given
	o.take(c.Clone(), s.flags)
	return &o
}

// take makes o and c say the same: what the flags say, and else what c says.
func (o *liveOptions) take(c *config.Config, flags *pflag.FlagSet) {
	merge := func(flag string, toConfig, toOptions func()) {
		if flags.Changed(flag) {
			toConfig()
		} else {
			toOptions()
		}
	}
	merge("gate", func() { c.Gate = o.gate }, func() { o.gate = c.Gate })
	merge("hashes", func() {
		if c.Hashes = strings.Split(o.hashes, ","); o.hashes == "none" {
			c.Hashes = nil
		}
	}, func() {
		if o.hashes = strings.Join(c.Hashes, ","); o.hashes == "" {
			o.hashes = "none"
		}
	})
	merge("env", func() { c.EnvLevel = o.env }, func() { o.env = c.EnvLevel })
	merge("ancestors", func() {
		c.Ancestors = config.Unlimited
		if n, err := strconv.Atoi(o.ancestors); err == nil {
			c.Ancestors = n
		}
	}, func() {
		if o.ancestors = strconv.Itoa(c.Ancestors); c.Ancestors < 0 {
			o.ancestors = "unlimited"
		}
	})
	merge("format", func() { c.LogFormat = o.format }, func() {
		if o.format = c.LogFormat; o.format == config.Auto {
			o.format = ""
		}
	})
	o.toBy = "--output"
	merge("output", func() { c.LogDestination = o.to }, func() { o.to, o.toBy = c.LogDestination, "log_destination" })
	merge("at-start", func() { c.SuppressAtStart = !o.atStart }, func() { o.atStart = !c.SuppressAtStart })
	o.multiline = c.LogMode == "multiline"
	o.config = c
}

// adjust puts into r what only a configuration says.
func (o *liveOptions) adjust(r *record.Options) {
	c := o.config
	if c == nil {
		return
	}
	r.Omit = record.Omit{
		Mode: c.OmitMode, Size: c.OmitSize, MTime: c.OmitMTime, CTime: c.OmitCTime, BTime: c.OmitBTime,
		SID: c.OmitSID, Groups: c.OmitGroups, SystemHashes: c.OmitSystemHashes,
	}
	if !c.ResolveUsersGroups {
		r.Names = nil
	}
}

// files is how many files the monitor may have open.
func (o *liveOptions) files() uint64 {
	if o.config == nil {
		return config.Default().RlimitNofile
	}
	return o.config.RlimitNofile
}

// debug says on standard error what is in force.
func (o *liveOptions) debug(say func(string)) {
	if o.config == nil || !o.config.Debug {
		return
	}
	for _, line := range o.config.Lines() {
		say("debug: " + line)
	}
}
