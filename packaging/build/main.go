// Command build makes the packages that nfpm.yaml describes. It is a module of
// its own so that what it needs is not among what xnumon needs.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

func main() {
	config := flag.String("config", "packaging/nfpm.yaml", "what is in the packages")
	version := flag.String("version", "", "their version")
	arch := flag.String("arch", "", "their architecture, as Go calls it")
	at := flag.Int64("time", 0, "the time of everything in them, in seconds since 1970")
	out := flag.String("out", "build", "the directory they go to")
	formats := flag.String("formats", "deb,rpm", "which ones")
	flag.Parse()
	for _, format := range strings.Split(*formats, ",") {
		name, err := build(*config, format, *out, *version, *arch, time.Unix(*at, 0).UTC())
		if err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n", format, err)
			os.Exit(1)
		}
		fmt.Println(name)
	}
}

func build(from, format, out, version, arch string, at time.Time) (string, error) {
	config, err := nfpm.ParseFileWithEnvMapping(from, func(name string) string {
		return map[string]string{"VERSION": version, "ARCH": arch}[name]
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	info, err := config.Get(format)
	if err != nil {
		return "", fmt.Errorf("%s: %w", from, err)
	}
	info.MTime = at
	info = nfpm.WithDefaults(info)
	packager, err := nfpm.Get(format)
	if err != nil {
		return "", err
	}
	name := filepath.Join(out, packager.ConventionalFileName(info))
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	if err := packager.Package(info, file); err != nil {
		file.Close()
		os.Remove(name)
		return "", err
	}
	return name, file.Close()
}
