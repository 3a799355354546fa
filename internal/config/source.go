package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Source is a configuration file of this machine. It belongs to one goroutine.
type Source struct {
	Path    string
	Decoder Decoder
	// Trusted has Read refuse a file that others than root can change.
	Trusted bool

	seen *content // what the file was when it was last looked at; nil before
}

// content is what a file holds, or why that cannot be read.
type content struct {
	data  []byte
	err   error
	steps []step
}

func (c *content) same(d *content) bool {
	if c.err != nil || d.err != nil {
		return c.err != nil && d.err != nil && c.err.Error() == d.err.Error()
	}
	return bytes.Equal(c.data, d.data)
}

// Read reads the file. The error is Mistakes if there are some in it.
func (s *Source) Read() (*Config, []Remark, error) {
	s.seen = s.load()
	return s.decode(s.seen)
}

func (s *Source) decode(c *content) (*Config, []Remark, error) {
	if c.err != nil {
		return nil, nil, c.err
	}
	return s.Decoder.Decode(s.Path, c.data)
}

func (s *Source) load() *content {
	c := new(content)
	c.steps, c.err = way(s.Path)
	if c.err != nil {
		c.err = fmt.Errorf("find the configuration: %w", c.err)
		return c
	}
	c.data, c.err = s.bytes(c.steps)
	if errors.Is(c.err, fs.ErrNotExist) {
		c.err = fmt.Errorf("read the configuration: %w: xnumon config default prints one to begin with", c.err)
	} else if c.err != nil {
		c.err = fmt.Errorf("read the configuration: %w", c.err)
	}
	return c
}

func (s *Source) bytes(steps []step) ([]byte, error) {
	// Opening a pipe would wait for its writer; a device can do anything.
	if last := steps[len(steps)-1]; last.info != nil && !last.info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", s.Path)
	}
	file, err := os.Open(s.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if s.Trusted {
		if last := steps[len(steps)-1]; last.info == nil || !os.SameFile(last.info, info) {
			return nil, fmt.Errorf("%s was replaced while it was read: try again", s.Path)
		}
		if err := exposed(steps); err != nil {
			return nil, fmt.Errorf("%s is not for root alone to change: %w", s.Path, err)
		}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Path, err)
	}
	return data, nil
}

// named are the paths at which something can come to lie that makes the file
// another: its own, and those of the links on the way to it.
func (c *content) named() []string {
	var all []string
	for _, s := range c.steps {
		if s.last || s.info == nil || s.info.Mode()&fs.ModeSymlink != 0 {
			all = append(all, s.path)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
