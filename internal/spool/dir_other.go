//go:build !unix

package spool

import (
	"fmt"
	"os"
	"path/filepath"
)

func checkOwner(string) error { return nil }

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock spool: %w", err)
	}
	return f, nil
}
