//go:build !linux

package syslog

import (
	"errors"

	"xnumon/internal/sink/transport"
)

// DefaultPath is where the local syslog daemon listens.
const DefaultPath = "/dev/log"

// NewLocal fails: what a local socket does not confirm is only known on Linux.
func NewLocal(string, Header) (transport.Transport, error) {
	return nil, errors.New("the local syslog socket needs Linux: name a server, as in syslog+tcp://HOST:514")
}
