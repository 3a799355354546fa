//go:build !unix

package macos

import (
	"errors"

	"xnumon/internal/sensor"
)

// Open implements sensor.Opener.
func (o *opener) Open() (int, error) { return -1, errors.ErrUnsupported }

// State implements sensor.Opener.
func (o *opener) State(int) (sensor.State, uint32, error) {
	return sensor.State{}, 0, errors.ErrUnsupported
}
