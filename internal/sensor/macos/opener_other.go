//go:build !unix

package macos

import (
	"errors"

	"xnumon/internal/sensor"
)

// Open implements sensor.Opener.
func (o *opener) Open() (int, error) { return -1, errors.ErrUnsupported }

// Identity implements sensor.Opener.
func (o *opener) Identity(int) (sensor.Identity, uint32, error) {
	return sensor.Identity{}, 0, errors.ErrUnsupported
}
