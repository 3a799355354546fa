package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// step is something on the way to a file: a folder, a symbolic link, or the file.
type step struct {
	path string
	info fs.FileInfo // nil if there is nothing
	last bool
}

// maxSteps bounds the links that are followed, like the kernel's own limit.
const maxSteps = 1000

// way lists what lies on the way to path, symbolic links followed. It ends
// where there is nothing.
func way(path string) (all []step, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	root := filepath.VolumeName(path) + string(filepath.Separator)
	at, rest := root, strings.TrimPrefix(path, root)
	for {
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return append(all, step{path: at}), nil
		} else if err != nil {
			return nil, err
		}
		link := info.Mode()&fs.ModeSymlink != 0
		all = append(all, step{path: at, info: info, last: rest == "" && !link})
		if len(all) > maxSteps {
			return nil, fmt.Errorf("%s has too many symbolic links on its way", path)
		}
		if link {
			target, err := os.Readlink(at)
			if err != nil {
				return nil, err
			}
			rest = filepath.Join(target, rest)
			if !filepath.IsAbs(target) {
				rest = filepath.Join(filepath.Dir(at), rest)
			}
			// Cleaning takes .. behind a link away, which this way leads elsewhere.
			// Nobody writes such links, and what is read is compared with what was found.
			at, rest = root, strings.TrimPrefix(rest, root)
			continue
		}
		if rest == "" {
			return all, nil
		}
		name, more, _ := strings.Cut(rest, string(filepath.Separator))
		at, rest = filepath.Join(at, name), more
	}
}

// Exposed says who but root and ourselves can change what is at path, by
// writing to it or by putting something else in its place, and what to do about
// it. It is nil if nobody can, or it cannot be told.
func Exposed(path string) error { return ExposedBut(path) }

// ExposedBut is Exposed where the trusted users may change it too.
func ExposedBut(path string, trusted ...int) error {
	steps, err := way(path)
	if err != nil {
		return nil
	}
	return exposed(steps, trusted...)
}
