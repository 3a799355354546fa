//go:build !darwin

package macos

import (
	"fmt"
	"runtime"

	"xnumon/internal/sensor"
)

// Live returns a sensor for this machine, which has to run macOS.
func Live(opts LiveOptions) (sensor.Sensor, error) {
	if opts.Level != sensor.LevelNone {
		return nil, fmt.Errorf("gate level %s: %w", opts.Level, ErrEntitlement)
	}
	return nil, fmt.Errorf("eslogger is a part of macOS, this is %s", runtime.GOOS)
}
