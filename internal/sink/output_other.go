//go:build !unix

package sink

import (
	"fmt"
	"os"
)

// file is an Output where there is no poll: a Write that waits for a reader
// cannot be interrupted.
type file struct{ f *os.File }

// NewDescriptor returns an Output that writes to fd; name is what errors call it.
func NewDescriptor(name string, fd int) (Output, error) {
	return file{os.NewFile(uintptr(fd), name)}, nil
}

// Open returns an Output that appends to the file at path, which is created if
// it is not there. The path - is standard output.
func Open(path string) (Output, error) {
	if path == "-" {
		return file{os.Stdout}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (f file) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	if err != nil {
		err = fmt.Errorf("write %s: %w", f.f.Name(), err)
	}
	return n, err
}

func (f file) Interrupt() {}

func (f file) Close() error { return f.f.Close() }
