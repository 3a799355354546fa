//go:build !linux

package journald

import (
	"errors"

	"xnumon/internal/sink/transport"
)

// New fails: there is no journal here.
func New(string) (transport.Transport, error) {
	return nil, errors.New("the journal is systemd's, and this is not Linux: name another destination")
}
