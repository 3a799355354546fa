//go:build !unix

package sink

import (
	"fmt"
	"os"
)

// stream is an Output where there is no poll: a Write that waits for a reader
// cannot be interrupted.
type stream struct{ f *os.File }

// NewDescriptor returns an Output that writes to fd; name is what errors call it.
func NewDescriptor(name string, fd int) (Output, error) {
	return stream{os.NewFile(uintptr(fd), name)}, nil
}

// Open returns an Output that appends to the file at path, which is created if
// it is not there. The path - is standard output.
func Open(path string) (Output, error) {
	if path == "-" {
		return stream{os.Stdout}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return stream{f}, nil
}

func (f stream) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	if err != nil {
		err = fmt.Errorf("write %s: %w", f.f.Name(), err)
	}
	return n, err
}

func (f stream) Interrupt() {}

func (f stream) Close() error { return f.f.Close() }

// openFile is Open: files are neither followed nor rotated here.
func openFile(path string, _ fileOptions) (Output, error) { return Open(path) }
