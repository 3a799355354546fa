package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// series is a line of kernels and the package that stands for the newest of it.
type series struct {
	name string // as in a release: 6.1
	meta string // package that depends on the newest image of the series
}

// Both come from the oldest supported Debian release that has them, whatever
// release this machine runs: for 6.1 it is the release's own kernel, 6.12 comes
// with its security updates.
var all = []series{
	{name: "6.1", meta: "linux-image-cloud-amd64"},
	{name: "6.12", meta: "linux-image-6.12-cloud-amd64"},
}

const sources = `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security bookworm-security main
`

func find(name string) (series, error) {
	for _, s := range all {
		if s.name == name {
			return s, nil
		}
	}
	return series{}, fmt.Errorf("no such series")
}

// kernel is an unpacked kernel package.
type kernel struct {
	series  string // 6.1
	release string // 6.1.0-56-cloud-amd64
	dir     string // the package's root
}

func (k kernel) image() string { return filepath.Join(k.dir, "boot", "vmlinuz-"+k.release) }

// modules is the folder below which the modules are. Debian has moved it under
// /usr with the merge of the two.
func (k kernel) modules() (string, error) {
	for _, base := range []string{"lib/modules", "usr/lib/modules"} {
		dir := filepath.Join(k.dir, base, k.release, "kernel")
		if _, err := os.Stat(dir); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s holds no modules", k.dir)
}

// fetch returns the newest kernel of a series, unpacked, from the cache where it
// is there. Without a network the newest in the cache will do.
func fetch(ctx context.Context, s series, cache string) (kernel, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return kernel{}, err
	}
	a, err := newArchive(cache)
	if err != nil {
		return kernel{}, err
	}
	name, err := a.newest(ctx, s)
	if err != nil {
		k, ok := cached(s, cache)
		if !ok {
			return kernel{}, err
		}
		fmt.Fprintf(os.Stderr, "kernels: %v; using %s from the cache\n", err, k.release)
		return k, nil
	}
	k := kernel{series: s.name, release: strings.TrimPrefix(name, "linux-image-")}
	k.dir = filepath.Join(cache, k.release)
	if _, err := os.Stat(k.dir); err == nil {
		return k, nil
	}
	return k, a.unpack(ctx, name, k.dir)
}

// cached returns the kernel of a series that was fetched last.
func cached(s series, cache string) (k kernel, ok bool) {
	dirs, err := filepath.Glob(filepath.Join(cache, s.name+".*-cloud-amd64"))
	if err != nil {
		return k, false
	}
	var newest os.FileInfo
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || newest != nil && info.ModTime().Before(newest.ModTime()) {
			continue
		}
		newest = info
		k, ok = kernel{series: s.name, release: filepath.Base(dir), dir: dir}, true
	}
	return k, ok
}

// archive is a package index of our own, so that what is fetched depends neither
// on the release this machine runs nor on how it is set up, and needs no root.
type archive struct {
	dir     string
	options []string
}

func newArchive(cache string) (*archive, error) {
	a := &archive{dir: filepath.Join(cache, "apt")}
	for _, d := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	list := filepath.Join(a.dir, "sources.list")
	if err := os.WriteFile(list, []byte(sources), 0o644); err != nil {
		return nil, err
	}
	for _, o := range []string{
		"Dir::Etc::SourceList=" + list,
		"Dir::Etc::SourceParts=/dev/null",
		"Dir::Etc::Preferences=/dev/null",
		"Dir::Etc::PreferencesParts=/dev/null",
		"Dir::State::Lists=" + filepath.Join(a.dir, "lists"),
		"Dir::State::Status=/dev/null",
		"Dir::Cache=" + a.dir,
		"APT::Architecture=amd64",
		"APT::Architectures=amd64",
		"APT::Sandbox::User=", // the cache may be where only its owner gets
		"Acquire::Languages=none",
		"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
		"Acquire::Retries=3",
	} {
		a.options = append(a.options, "-o", o)
	}
	return a, nil
}

// newest asks the archive for the name of the image's package.
func (a *archive) newest(ctx context.Context, s series) (string, error) {
	if _, err := a.run(ctx, "apt-get", "update", "-qq", "--error-on=any"); err != nil {
		return "", err
	}
	text, err := a.run(ctx, "apt-cache", "show", "--no-all-versions", s.meta)
	if err != nil {
		return "", err
	}
	prefix := "linux-image-" + s.name + "."
	for _, line := range strings.Split(text, "\n") {
		list, ok := strings.CutPrefix(line, "Depends: ")
		if !ok {
			continue
		}
		for _, d := range strings.Split(list, ", ") {
			if name, _, _ := strings.Cut(d, " "); strings.HasPrefix(name, prefix) {
				return name, nil
			}
		}
	}
	return "", fmt.Errorf("package %s depends on no %s*", s.meta, prefix)
}

// unpack downloads a package and unpacks it into dir, which appears when it is complete.
func (a *archive) unpack(ctx context.Context, name, dir string) error {
	work, err := os.MkdirTemp(filepath.Dir(dir), "unpack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	fmt.Printf("fetching %s\n", name)
	if _, err := a.runIn(ctx, work, "apt-get", "download", "-qq", name); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("download %s: %d packages came", name, len(debs))
	}
	root := filepath.Join(work, "root")
	if _, err := output(ctx, work, "dpkg-deb", "-x", debs[0], root); err != nil {
		return err
	}
	return os.Rename(root, dir)
}

func (a *archive) run(ctx context.Context, name, verb string, args ...string) (string, error) {
	return a.runIn(ctx, a.dir, name, verb, args...)
}

func (a *archive) runIn(ctx context.Context, dir, name, verb string, args ...string) (string, error) {
	return output(ctx, dir, name, append(append(a.options[:len(a.options):len(a.options)], verb), args...)...)
}

// output runs a program and returns what it writes to standard output.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(said.Bytes()))
	}
	return out.String(), nil
}
