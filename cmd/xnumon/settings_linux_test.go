package main

import (
	"reflect"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"xnumon/internal/config"
	"xnumon/internal/record"
)

// parsed are the options of run for a command line.
func parsed(t *testing.T, args ...string) (*liveOptions, *pflag.FlagSet) {
	t.Helper()
	var o liveOptions
	cmd := newRun()
	cmd.ResetFlags()
	o.register(cmd)
	cmd.Flags().BoolVar(&o.atStart, "at-start", false, "")
	if err := cmd.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	return &o, cmd.Flags()
}

// Without flags and file, the options are those that the flags have by default.
func TestDefaultsAgree(t *testing.T) {
	given, flags := parsed(t)
	o := *given
	o.take(config.Default(), flags)
	o.config, o.toBy = nil, given.toBy
	if !reflect.DeepEqual(&o, given) {
		t.Errorf("%+v\nand the flags say\n%+v", o, *given)
	}
}

func TestFlagsGoBeforeTheFile(t *testing.T) {
	file := func() *config.Config {
		c := config.Default()
		c.Gate, c.Hashes, c.EnvLevel, c.Ancestors = "none", []string{"md5", "sha1"}, "full", 3
		c.LogFormat, c.LogDestination, c.LogMode = "ecs", []string{"/a", "/b"}, "multiline"
		c.SuppressAtStart, c.OmitMTime, c.ResolveUsersGroups, c.RlimitNofile = false, true, false, 999
		return c
	}
	o, flags := parsed(t)
	c := file()
	o.take(c, flags)
	if o.gate != "none" || o.hashes != "md5,sha1" || o.env != "full" || o.ancestors != "3" || o.format != "ecs" ||
		!slices.Equal(o.to, []string{"/a", "/b"}) || !o.multiline || !o.atStart || o.files() != 999 {
		t.Errorf("from the file: %+v", o)
	}
	if !reflect.DeepEqual(c, file()) {
		t.Error("the configuration was changed without flags")
	}
	var r record.Options
	r.Names = nameless{}
	o.adjust(&r)
	if !r.Omit.MTime || r.Omit.Size || r.Names != nil {
		t.Errorf("records: %+v", r)
	}

	o, flags = parsed(t, "--gate=open", "--hashes=none", "--env=none", "--ancestors=unlimited", "--format=text", "--output=-", "--output=/c", "--at-start=false")
	c = file()
	o.take(c, flags)
	if o.gate != "open" || o.hashes != "none" || o.env != "none" || o.ancestors != "unlimited" || o.format != "text" ||
		!slices.Equal(o.to, []string{"-", "/c"}) || o.atStart {
		t.Errorf("from the flags: %+v", o)
	}
	want := file()
	want.Gate, want.Hashes, want.EnvLevel, want.Ancestors = "open", nil, "none", config.Unlimited
	want.LogFormat, want.LogDestination, want.SuppressAtStart = "text", []string{"-", "/c"}, true
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the configuration in force is\n%+v\nwant\n%+v", c, want)
	}
}

type nameless struct{}

func (nameless) Refresh()            {}
func (nameless) User(uint32) string  { return "" }
func (nameless) Group(uint32) string { return "" }
