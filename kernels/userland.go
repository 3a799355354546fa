package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Busybox is all of the userland but for these, which come from this machine with
// the libraries they load: a dynamic program is executed in more steps than a
// static one, and a copy of a busybox under another name does not work.
var programs = []string{"sh", "env", "true", "false", "cat", "ls", "cp", "sleep", "mke2fs"}

// folders of the root directory; links are as in a distribution with a merged /usr.
var (
	folders = []string{"usr/bin", "usr/lib", "usr/lib64", "etc", "proc", "sys", "dev", "run", "root", "home", "var/tmp", "tmp"}
	links   = map[string]string{"bin": "usr/bin", "sbin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "usr/sbin": "bin"}
	files   = map[string]string{
		"etc/passwd":   "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\nsomebody:x:1000:1000::/home:/bin/sh\n",
		"etc/group":    "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\nsomebody:x:1000:\n",
		"etc/hosts":    "127.0.0.1 localhost\n",
		"etc/hostname": "kernels\n",
	}
)

// layOut makes a root directory that a kernel can run in.
func layOut(ctx context.Context, root string) error {
	for _, f := range folders {
		if err := os.MkdirAll(filepath.Join(root, f), 0o755); err != nil {
			return err
		}
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{"tmp", "var/tmp"} {
		if err := os.Chmod(filepath.Join(root, name), 0o777|os.ModeSticky); err != nil {
			return err
		}
	}
	for _, name := range programs {
		if err := bring(ctx, root, name); err != nil {
			return fmt.Errorf("program %s: %w", name, err)
		}
	}
	return bringBusybox(ctx, filepath.Join(root, "usr/bin"))
}

// bring copies one of this machine's programs and the libraries it loads.
func bring(ctx context.Context, root, name string) error {
	found, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	file, err := filepath.EvalSymlinks(found)
	if err != nil {
		return err
	}
	if err := copyFile(file, filepath.Join(root, file), 0o755); err != nil {
		return err
	}
	// sh may be a link to dash.
	at := filepath.Join(root, "usr/bin", name)
	if _, err := os.Lstat(at); err != nil {
		if err := os.Symlink(file, at); err != nil {
			return err
		}
	}
	text, err := output(ctx, "", "ldd", file)
	if err != nil {
		return err
	}
	for _, path := range libraries(text) {
		if err := copyFile(path, filepath.Join(root, path), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// libraries reads what ldd says: lines of "name => path (address)" and, for the loader,
// "path (address)".
func libraries(text string) []string {
	var paths []string
	for _, line := range strings.Split(text, "\n") {
		for _, word := range strings.Fields(line) {
			if filepath.IsAbs(word) {
				paths = append(paths, word)
				break
			}
		}
	}
	return paths
}

func bringBusybox(ctx context.Context, bin string) error {
	box, err := busybox()
	if err != nil {
		return err
	}
	if err := copyFile(box, filepath.Join(bin, "busybox"), 0o755); err != nil {
		return err
	}
	text, err := output(ctx, "", box, "--list")
	if err != nil {
		return err
	}
	for _, applet := range strings.Fields(text) {
		at := filepath.Join(bin, applet)
		if _, err := os.Lstat(at); err == nil {
			continue
		}
		if err := os.Symlink("busybox", at); err != nil {
			return err
		}
	}
	return nil
}

func busybox() (string, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// copyFile copies a file's bytes, through links.
func copyFile(from, to string, mode os.FileMode) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(to, text, mode); err != nil {
		return err
	}
	// The file may have been there, or the mask in the way.
	return os.Chmod(to, mode)
}
