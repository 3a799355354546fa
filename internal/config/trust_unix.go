//go:build unix

package config

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

func exposed(steps []step, trusted ...int) error {
	shared := "" // the folder before, if anybody can put files into it
	for _, s := range steps {
		if s.info == nil {
			if shared != "" {
				return fmt.Errorf("everybody can make %s: make it first, or use a folder that is only root's", s.path)
			}
			return nil
		}
		stat, ok := s.info.Sys().(*syscall.Stat_t)
		if !ok {
			return nil
		}
		mode := s.info.Mode()
		if stat.Uid != 0 && int(stat.Uid) != os.Geteuid() && !slices.Contains(trusted, int(stat.Uid)) {
			return fmt.Errorf("%s belongs to user %d: chown root %s", s.path, stat.Uid, s.path)
		}
		if mode&fs.ModeSymlink != 0 {
			continue // its mode means nothing
		}
		others := mode.Perm()&0o002 != 0
		group := mode.Perm()&0o020 != 0 && stat.Gid != 0
		shared = ""
		if mode.IsDir() && mode&fs.ModeSticky != 0 {
			// What is there is safe from all but its owner (unlink(2), rename(2)).
			if others || group {
				shared = s.path
			}
			if !s.last {
				continue
			}
		}
		switch {
		case shared != "":
			return fmt.Errorf("everybody can put files into %s: use a folder that is only root's", s.path)
		case others:
			return fmt.Errorf("everybody can write to %s (mode %04o): chmod o-w %s", s.path, mode.Perm(), s.path)
		case group:
			return fmt.Errorf("group %d can write to %s (mode %04o): chmod g-w %s", stat.Gid, s.path, mode.Perm(), s.path)
		}
	}
	return nil
}
